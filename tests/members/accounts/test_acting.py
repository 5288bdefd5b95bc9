"""One person, several organisations: visibly acting as one, and never for another by mistake."""

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.db import db
from fund.kernel.forms import opened_for
from members.accounts.models import PersonSession
from members.contributions.models import Pledge
from members.rules import Sector
from tests.visitor import Visitor
from tests.world import appoint, found_society, member, person


def _both(visitor: Visitor) -> tuple[int, int]:
    """Signed in as somebody who certifies for Alder and for Birch, acting for Alder."""
    found_society()
    alder, birch = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
    somebody = person("Dee Double")
    for organisation in (alder, birch):
        appoint(somebody, organisation, Role.CERTIFIER)
    visitor.sign_in(somebody, alder.id)
    return alder.id, birch.id


@pytest.mark.parametrize("path", ["/", "/tasks", "/members", "/account", "/money"])
def test_the_switch_is_on_every_page_and_leads_to_the_new_organisations_tasks(
    app: Flask, visitor: Visitor, path: str
) -> None:
    _, birch_id = _both(visitor)
    page = visitor.get(path)
    landed = page.send("Act for Birch")
    assert landed.path == "/tasks"
    assert "You now act for Birch." in landed.text
    header = "".join(landed.tree.find(".//header").itertext())  # type: ignore[union-attr]
    assert "for Birch" in header
    assert "Act for Alder" in header
    assert db.session.scalars(select(PersonSession.acting_for_id)).one() == birch_id


def test_somebody_of_one_organisation_is_offered_no_switch(app: Flask, visitor: Visitor) -> None:
    found_society()
    somebody = person("Sol Single")
    appoint(somebody, member("Alder", Sector.PRIVATE), Role.CERTIFIER, Role.FINANCE)
    page = visitor.sign_in(somebody).get("/tasks")
    assert "Act for another" not in page.response.get_data(as_text=True)


def test_a_form_opened_for_one_organisation_is_not_sent_for_another(app: Flask, visitor: Visitor) -> None:
    _both(visitor)
    opened = visitor.get("/pledges/new")
    visitor.get("/tasks").send("Act for Birch")
    refused = opened.send("Pledge", amount="50")
    assert refused.status == 409
    assert "You opened this form for Alder, and act for Birch now. Nothing was done." in refused.text
    assert db.session.scalars(select(Pledge)).all() == []
    refused.send("Act for Alder")
    assert opened.send("Pledge", amount="50").status == 200
    assert len(db.session.scalars(select(Pledge)).all()) == 1


def test_a_form_that_names_an_organisation_of_others_tells_nothing_of_it(app: Flask, visitor: Visitor) -> None:
    _both(visitor)
    secret = member("Cedar Secret", Sector.PUBLIC)
    page = visitor.get("/pledges/new")
    for field in page.tree.iter("input"):
        if field.get("name") == "form_id":
            field.set("value", f"made-up~{secret.id}")
    refused = page.send("Pledge", amount="50")
    assert refused.status == 409
    assert "Cedar" not in refused.text


def test_switching_from_a_page_that_was_left_open_works(app: Flask, visitor: Visitor) -> None:
    """The switch itself is the person's own, so a stale one is no trap."""
    _, birch_id = _both(visitor)
    first, second = visitor.get("/tasks"), visitor.get("/tasks")
    assert first.send("Act for Birch").status == 200
    assert second.send("Act for Birch").status == 200
    assert db.session.scalars(select(PersonSession.acting_for_id)).one() == birch_id


@pytest.mark.parametrize(
    ("form_id", "organisation_id"),
    [("abc", None), ("abc~", None), ("abc~12", 12), ("abc~0", None), ("abc~x", None), ("a~1~2", None),
     ("abc~" + "9" * 30, None), ("abc~٣", None), ("", None)],
)  # fmt: skip
def test_whom_a_form_was_opened_for(form_id: str, organisation_id: int | None) -> None:
    assert opened_for(form_id) == organisation_id

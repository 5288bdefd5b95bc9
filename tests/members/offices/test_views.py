"""The pages of the fund's people, through a browser that checks them."""

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.db import transaction
from members.accounts.models import FundAppointment
from members.rules import Sector
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official


def _office(app: Flask) -> dict[str, Visitor]:
    found_society()
    return {
        name: Visitor(app).sign_in(official(f"The {name}", role)[0])
        for name, role in (
            ("secretary", Role.SECRETARY),
            ("board member", Role.BOARD),
            ("steward", Role.STEWARD),
            ("auditor", Role.AUDITOR),
        )
    }


def test_a_role_is_proposed_confirmed_and_offered(app: Flask) -> None:
    office = _office(app)
    page = office["secretary"].get("/tasks").follow("People of the fund").follow("Ask somebody to work for the fund")
    done = page.send("Propose", name="Nia New", email="nia@example.org", role="steward", reasons="Chosen.")
    assert "It waits for a second person" in done.text
    assert "Give: Nia New, steward, proposed by The secretary" in done.text
    mine = done.follow("Give: Nia New, steward")
    assert "another person must confirm it" in mine.text
    task = office["board member"].get("/tasks").follow("Confirm or decline: Nia New, steward")
    assert "Confirmed by The board member" in task.send("Confirm").text
    listed = office["auditor"].get("/people")
    assert "Nia New: steward" in listed.text
    assert office["secretary"].get("/people").send("Withdraw: Nia New, steward").status == 200
    assert "Nia New: steward" not in office["auditor"].get("/people").text


def test_a_role_ends_by_two(app: Flask) -> None:
    office = _office(app)
    page = office["secretary"].get("/people").follow("End: The steward, steward")
    assert "takes two people" in page.text
    page.send("Propose", reasons="Term over.")
    page = office["board member"].get("/people").follow("End: The steward, steward")
    assert page.send("Propose", reasons="Again.").status in (409, 422)
    task = office["board member"].get("/tasks").follow("Confirm or decline: The steward, steward")
    task.send("Confirm")
    assert "The steward, steward, from" in office["auditor"].get("/people").text


def test_who_took_a_role_kept_apart_meanwhile_is_not_confirmed(app: Flask) -> None:
    office = _office(app)
    nia, _ = official("Nia New", Role.ASSESSOR)
    office["secretary"].get("/people/give").send(
        "Propose", name="Nia New", email=nia.email, role="board", reasons="Chosen."
    )
    task = office["board member"].get("/tasks").follow("Confirm or decline: Nia New, board member")
    with transaction() as session:
        held = session.scalars(select(FundAppointment).where(FundAppointment.person_id == nia.id)).one()
        held.role = Role.AUDITOR
    answer = task.send("Confirm")
    assert answer.status == 422
    assert "takes no part in it" in answer.text
    assert "Give: Nia New, board member" in office["auditor"].get("/people").text, "it still waits"


def test_a_change_is_taken_back_or_declined_with_reasons(app: Flask) -> None:
    office = _office(app)
    office["secretary"].get("/people/give").send(
        "Propose", name="Nia New", email="nia@example.org", role="board", reasons="Chosen."
    )
    page = office["secretary"].get("/people").follow("Give: Nia New, board member")
    refused = page.send("Take it back")
    assert (refused.status, refused.errors()) == (422, ["Say why. The people concerned read this."])
    assert "A slip" in refused.send("Take it back", **{"decline-reasons": "A slip"}).text


def test_every_fault_of_giving_is_told_at_once(app: Flask) -> None:
    page = _office(app)["secretary"].get("/people/give").send("Propose", name="Nia New")
    assert page.status == 422
    assert len(page.errors()) == 3
    assert 'value="Nia New"' in page.response.get_data(as_text=True)
    page = page.send("Propose", email="not an address", role="steward", reasons="x" * 2001)
    assert len(page.errors()) == 2


def test_roles_kept_apart_are_told_beside_the_field(app: Flask) -> None:
    office = _office(app)
    email = official("Ada Assessor", Role.ASSESSOR)[0].email
    page = (
        office["secretary"]
        .get("/people/give")
        .send("Propose", name="Ada", email=email, role="steward", reasons="Chosen.")
    )
    assert page.status == 422
    assert "those who score it must be other people" in page.errors()[0]


def test_a_steward_and_a_board_member_give_an_organisation_a_new_certifier(app: Flask) -> None:
    office = _office(app)
    alder = member("Alder", Sector.VCSE)
    officer(alder, name="Gus Gone")
    reference = alder.reference
    page = office["steward"].get(f"/members/{reference}").follow("Give it a new certifier")
    assert "Gus Gone" in page.text
    assert len(page.send("Propose").errors()) == 4
    page = page.send(
        "Propose", name="Nia New", email="nia@alder.example", reasons="Gus has died.", evidence="Letter seen."
    )
    assert "It waits for a second person" in page.text
    office["board member"].get("/tasks").follow("Confirm or decline: Nia New, certifier").send("Confirm")
    assert "Alder" in office["auditor"].get("/people").text


@pytest.mark.parametrize("path", ["/people/changes/1", "/people/held/999/end", "/people/certifier/GM-0"])
def test_what_is_not_there_is_not_found(app: Flask, path: str) -> None:
    office = _office(app)
    who = "steward" if "certifier" in path else "secretary"
    office[who].get(path, status=404)
    office["board member"].get(path, status=404)


def test_the_auditor_reads_and_changes_nothing(app: Flask) -> None:
    office = _office(app)
    assert "Ask somebody" not in office["auditor"].get("/people").text
    office["auditor"].get("/people/give", status=403)

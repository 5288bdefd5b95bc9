"""Pages of the rulebook: anybody reads them, officers write, and every fault stands beside its field."""

from datetime import timedelta

import pytest
from flask import Flask

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.settings.catalogue import SPECS
from fund.kernel.settings.shape import Tier
from members.accounts.models import Person
from tests.visitor import Page, Visitor
from tests.world import found_society, official

BASE = "/rules-and-policies"
DAYS = f"{BASE}/settings/ballot_open_days"
QUORUM = f"{BASE}/settings/quorum_percent"


class Office:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.people: dict[Role, Person] = {
            role: official(f"A {role}", role)[0] for role in (Role.STEWARD, Role.SECRETARY, Role.BOARD, Role.AUDITOR)
        }

    def browser(self, role: Role) -> Visitor:
        return Visitor(self.app).sign_in(self.people[role])


@pytest.fixture
def office(app: Flask) -> Office:
    found_society()
    return Office(app)


def proposed(office: Office, value: str = "14", day: str = "2026-07-01") -> Page:
    page = office.browser(Role.SECRETARY).get(f"{DAYS}/change")
    return page.send(
        "Enter the change", value=value, effective_on=day, reason="More time on holidays.", resolution="Meeting, item 3"
    )


def test_anybody_reads_what_holds(office: Office, visitor: Visitor) -> None:
    page = visitor.get(BASE)
    assert page.heading == "Rules and policies"
    assert all(spec.title in page.text for spec in SPECS.values())
    assert "Money never buys votes" in page.text
    for key in SPECS:
        assert visitor.get(f"{BASE}/settings/{key}").heading == SPECS[key].title
    assert "0 of 16" in visitor.get(f"{BASE}/checklist").text
    assert "plan is made" in visitor.get(f"{BASE}/texts/coproduction_principles_version/1.0").text


def test_what_is_not_there_is_not_found(office: Office, visitor: Visitor) -> None:
    for path in (
        "settings/none_such",
        "changes/RC-2026-999",
        "texts/rules_version/9",
        "texts/quorum_min/1.0",
        "texts/coproduction_principles_version/9.9",
    ):
        visitor.get(f"{BASE}/{path}", status=404)
    secretary = office.browser(Role.SECRETARY)
    secretary.get(f"{BASE}/settings/none_such/change", status=404)
    reference = proposed(office).path.rpartition("/")[2]
    data = {"csrf_token": _token(secretary)}
    for path in ("RC-2026-999/confirm", "RC-2026-999/withdraw", f"{reference}/withdrawn", f"{reference}/confirmed"):
        secretary.post(f"{BASE}/changes/{path}", data, status=404)


def _token(visitor: Visitor) -> str:
    form = next(
        one for one in visitor.get(f"{DAYS}/change").tree.iter("input") if one.get("name", "").endswith("csrf_token")
    )
    return form.get("value", "")


def test_a_day_in_the_address(office: Office, visitor: Visitor, clock: MovableClock) -> None:
    page = proposed(office)
    office.browser(Role.BOARD).get(page.path).send("Confirm the change")
    assert "From 1 July 2026: 14 days" in visitor.get(BASE).text
    assert "what will hold at the end of 1 July 2026" in visitor.get(BASE, query_string={"on": "2026-07-01"}).text
    clock.move(timedelta(days=40))
    assert "14 days" in visitor.get(BASE).text
    before = visitor.get(BASE, query_string={"on": "2026-06-30"})
    assert "what held at the end of 30 June 2026" in before.text
    assert "10 days" in before.text
    for wrong in ("yesterday", "9999-12-31", "0001-01-01"):
        visitor.get(BASE, query_string={"on": wrong})
    assert "year-month-day" in visitor.get(BASE, query_string={"on": "yesterday"}).text


def test_a_change_is_entered_and_confirmed_by_two(office: Office, visitor: Visitor) -> None:
    page = proposed(office)
    assert "Waits for a second person" in page.text
    assert "Another officer takes the next step" in page.text
    reader = visitor.get(page.path)
    assert "A secretary" not in reader.text
    assert "A secretary" in office.browser(Role.AUDITOR).get(page.path).text
    waiting = office.browser(Role.BOARD).get("/tasks").follow("Confirm the change of “A ballot stays open at least”")
    done = waiting.send("Confirm the change")
    assert "Confirmed" in done.text
    assert "To come" in visitor.get(DAYS).text


def test_faults_stand_beside_their_fields_and_keep_what_was_typed(office: Office) -> None:
    page = office.browser(Role.SECRETARY).get(f"{DAYS}/change")
    faulty = page.send("Enter the change", value="99", effective_on="2026-05-01", resolution_link="x", reason="Because")
    assert faulty.status == 422
    assert len(faulty.errors()) == 4
    inputs = {one.get("name"): one.get("value") for one in faulty.tree.iter("input")}
    assert inputs["value"] == "99"
    assert inputs["effective_on"] == "2026-05-01"
    assert "Because" in faulty.text
    empty = page.send("Enter the change", value="", effective_on="nonsense")
    assert empty.status == 422
    assert len(empty.errors()) == 2


def test_a_stale_page_is_refused(office: Office) -> None:
    stale = office.browser(Role.SECRETARY).get(f"{DAYS}/change")
    office.browser(Role.BOARD).get(proposed(office).path).send("Confirm the change")
    late = stale.send("Enter the change", value="12", effective_on="2026-07-01", reason="Why", resolution="Item 4")
    assert late.status == 409
    assert "since you opened the page" in late.text


def test_who_decides_something_else_is_turned_away(office: Office, visitor: Visitor) -> None:
    for role in (Role.STEWARD, Role.BOARD):
        office.browser(role).get(f"{DAYS}/change", status=403)
    office.browser(Role.AUDITOR).get(f"{DAYS}/change", status=403)
    for key, spec in SPECS.items():
        if spec.tier is Tier.FIXED:
            office.browser(Role.SECRETARY).get(f"{BASE}/settings/{key}/change", status=403)
    path = proposed(office).path
    secretary = office.browser(Role.SECRETARY)
    refused = secretary.post(f"{path}/confirm", {"confirm-csrf_token": _token(secretary), "confirm-form_id": "one"})
    assert refused.status == 422
    assert "another officer" in refused.text


@pytest.mark.parametrize("key", [spec.key for spec in SPECS.values() if spec.tier is not Tier.FIXED])
def test_every_setting_has_a_form_that_shows_its_range(office: Office, key: str) -> None:
    role = {
        Tier.RULES: Role.SECRETARY,
        Tier.POLICY: Role.SECRETARY,
        Tier.BOARD: Role.BOARD,
        Tier.STEWARD: Role.STEWARD,
    }[SPECS[key].tier]
    page = office.browser(role).get(f"{BASE}/settings/{key}/change")
    assert "What it may be" in page.text
    assert ("effective_on" in {one.get("name") for one in page.tree.iter("input")}) is (
        SPECS[key].tier is not Tier.RULES
    )


def test_a_rule_goes_to_the_registrar_and_back(office: Office, visitor: Visitor) -> None:
    secretary = office.browser(Role.SECRETARY)
    page = secretary.get(f"{QUORUM}/change").send("Enter the change", value="25", reason="More voices.")
    assert "Drafted" in page.text
    faulty = page.send("Record it", **{"step-happened_on": "2026-07-01", "step-evidence": "Passed"})
    assert faulty.errors() == ["This day is still to come. Record the step once it is done."]
    assert page.send("Record it").status == 422
    passed = page.send("Record it", **{"step-happened_on": "2026-06-01", "step-evidence": "Meeting, 15 to 2"})
    assert "Meeting, 15 to 2" in passed.text
    assert passed.send("Take it back").status == 422
    sent = passed.send("Record it", **{"step-happened_on": "2026-06-01", "step-evidence": "By post"})
    assert "Another officer takes the next step" in sent.text
    back = sent.send("Take it back", **{"back-reason": "The registrar asks for a clause."})
    again = back.send("Record it", **{"step-happened_on": "2026-06-01", "step-evidence": "By e-mail"})
    assert "Now20%" in visitor.get(QUORUM).text
    steward = office.browser(Role.STEWARD)
    steward.get(again.path).send("Record it", **{"step-happened_on": "2026-06-01", "step-evidence": "Letter 12"})
    assert "Now25%" in visitor.get(QUORUM).text


def test_a_change_is_withdrawn_with_a_reason(office: Office, visitor: Visitor) -> None:
    page = proposed(office)
    assert page.send("Withdraw the change").status == 422
    assert (
        "Members thought again."
        in page.send("Withdraw the change", **{"withdraw-reason": "Members thought again."}).text
    )
    assert "Withdrawn" in visitor.get(DAYS).text


def test_a_text_is_kept_word_for_word(office: Office, visitor: Visitor) -> None:
    page = office.browser(Role.SECRETARY).get(f"{BASE}/settings/standing_orders_version/change")
    body = "1. We begin on time.\n\n2. <b>Nobody</b> speaks twice before all have spoken."
    page.send("Enter the change", value="1.0", body=body, effective_on="2026-06-01", reason="Ours", resolution="Item 1")
    read = visitor.get(f"{BASE}/texts/standing_orders_version/1.0")
    assert "2. <b>Nobody</b> speaks twice" in read.text


def test_the_clauses_of_the_rules_are_named(office: Office, visitor: Visitor) -> None:
    page = office.browser(Role.SECRETARY).get(f"{BASE}/checklist/change")
    assert page.send("Save the clauses", name="x" * 101).status == 422
    done = page.send("Save the clauses", name="Clause 1", seal="Clause 40")
    assert "2 of 16" in done.text
    assert "Clause 40" in visitor.get(f"{BASE}/checklist").text

"""Due diligence that is reused and expires, and the dated steps of a subsidy route."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from fund.grants.awards import queries as awards
from fund.grants.awards.rules import Line, PayBasis
from fund.grants.checks import queries, service
from fund.grants.checks.rules import Answer, Assistance, Band, CheckResult, Outcome, Route
from fund.grants.models import DueDiligence, SubsidyRecord
from fund.grants.payments import queries as payments
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from members.models import ConnectedGroup, Organisation
from tests import world
from tests.fund.grants import awarding
from tests.fund.grants.awarding import NOTHING_HELD, START_ON, Grant


def _record(grant: Grant, organisation: Organisation, name: str = "steward", **changes: object) -> DueDiligence:
    values: dict[str, object] = {
        "reference": grant.reference,
        "organisation_id": organisation.id,
        "results": NOTHING_HELD,
        "outcome": Outcome.CLEAR,
        "conditions": "",
        "reasons": "",
        "actor": grant.actors[name],
        "now": grant.now,
    }
    with transaction():
        return service.record_due_diligence(**(values | changes))  # type: ignore[arg-type]


def _review(grant: Grant, found: DueDiligence, name: str, *, agrees: bool = True) -> None:
    with transaction():
        service.review_due_diligence(
            due_diligence_id=found.id, agrees=agrees, note="Read it.", actor=grant.actors[name], now=grant.now
        )


def _fault(grant: Grant, organisation: Organisation) -> str | None:
    award = awards.award_by_reference(grant.reference)
    return next(payee.fault for payee in queries.payees(award, grant.now) if payee.organisation.id == organisation.id)


# --- due diligence


def test_the_band_goes_by_what_the_payee_is_paid(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=20_000_00)
    grant.offer()
    assert _record(grant, grant.lead).band is Band.STANDARD  # £12,000
    assert _record(grant, grant.firm).band is Band.LIGHT  # £8,000


def test_through_the_lead_its_band_goes_by_the_whole_award(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=60_000_00)
    grant.offer(grant.terms(basis=PayBasis.THROUGH_LEAD, lines=(Line(grant.lead.id, 60_000_00, START_ON),)))
    assert _record(grant, grant.lead).band is Band.ENHANCED


def test_above_the_standard_band_another_person_must_agree(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=100_000_00)
    grant.offer()
    found = _record(grant, grant.lead)
    assert found.outcome is Outcome.WAITING
    assert _fault(grant, grant.lead) == "due diligence waits for the second reviewer"
    with pytest.raises(NotAllowed, match="You made these checks yourself"):
        _review(grant, found, "steward")
    with pytest.raises(NotAllowed):
        _review(grant, found, "board")
    _review(grant, found, "second steward")
    assert _fault(grant, grant.lead) is None
    with pytest.raises(Conflict):
        _review(grant, found, "second steward")


def test_a_second_reviewer_can_send_it_back(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=100_000_00)
    grant.offer()
    _review(grant, _record(grant, grant.lead), "second steward", agrees=False)
    assert _fault(grant, grant.lead) == "the second reviewer sent due diligence back"
    assert _record(grant, grant.lead).outcome is Outcome.WAITING


def test_nobody_checks_an_organisation_they_serve(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=100_000_00)
    grant.offer()
    found = _record(grant, grant.lead)
    world.appoint(grant.people["second steward"], grant.lead, Role.EDITOR)
    with pytest.raises(NotAllowed, match="act for"):
        _record(grant, grant.lead, "second steward")
    with pytest.raises(NotAllowed, match="act for"):
        _review(grant, found, "second steward")


def test_it_is_used_again_by_the_next_award_until_it_expires(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    _record(grant, grant.lead)
    clock.move(timedelta(days=365))
    assert _fault(grant, grant.lead) is None
    clock.move(timedelta(days=1))
    assert "ran out on 1 June 2027" in (_fault(grant, grant.lead) or "")


def test_the_newest_counts(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    _record(grant, grant.lead)
    _record(grant, grant.lead, outcome=Outcome.NOT_CLEAR, reasons="Officers disqualified.")
    assert _fault(grant, grant.lead) == "due diligence is not clear"


def test_an_incomplete_record_is_refused_with_every_gap(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    with pytest.raises(RuleBroken) as refused:
        _record(grant, grant.lead, results={"identity": (CheckResult.MET, "")})
    assert len(refused.value.findings) == 9
    with pytest.raises(RuleBroken, match="Choose clear"):
        _record(grant, grant.lead, outcome=Outcome.WAITING)


def test_only_payees_of_the_award_are_checked(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    with pytest.raises(NotFound):
        _record(grant, grant.council)
    for unknown in (0, 2**63, 10**30):
        with pytest.raises(NotFound):
            queries.due_diligence(unknown)


# --- subsidy


def _answer(grant: Grant, answer: Answer, *prior: Assistance, name: str = "firm", note: str = "") -> SubsidyRecord:
    with transaction():
        return service.answer_notification(
            reference=grant.reference,
            organisation_id=grant.firm.id,
            answer=answer,
            prior=prior,
            note=note,
            actor=grant.actors[name],
            now=grant.now,
        )


def _standing(grant: Grant) -> queries.SubsidyStanding:
    award = awards.award_by_reference(grant.reference)
    return next(one for one in queries.subsidies(award) if one.organisation.id == grant.firm.id)


def _mfa(clock: MovableClock, pence: int = 10_000_00) -> Grant:
    grant = awarding.lay(clock, pence=pence)
    grant.offer()
    grant.accept()
    grant.clear()
    grant.route(grant.lead)
    grant.route(grant.firm, Route.MFA)
    grant.measure()
    grant.sign()
    return grant


def test_mfa_goes_notification_confirmation_giving_letter(clock: MovableClock) -> None:
    grant = _mfa(clock)
    notified = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key.like("subsidy:%:notification:%"))).one()
    assert notified.recipient == grant.people["firm"].email
    assert "£4,000" in notified.what
    with pytest.raises(RuleBroken, match="not been given"):
        _letter(grant)
    _answer(grant, Answer.CONFIRMED, Assistance(date(2025, 4, 1), 1_00, "Council"))
    assert _standing(grant).give_fault is None
    grant.go_live()
    standing = _standing(grant)
    assert standing.record is not None
    assert standing.record.given_on == date(2026, 6, 1)
    assert standing.pay_fault == "the letter that confirms the grant as MFA has not been sent"
    _letter(grant)
    assert _standing(grant).pay_fault is None
    with pytest.raises(Conflict):
        _letter(grant)


def _letter(grant: Grant) -> None:
    with transaction():
        service.send_mfa_confirmation(
            reference=grant.reference,
            organisation_id=grant.firm.id,
            actor=grant.actors["second steward"],
            now=grant.now,
        )


@pytest.mark.parametrize(("prior_pence", "allowed"), [(311_000_00, True), (311_000_01, False)])
def test_confirming_over_the_limit_is_refused_with_the_figures(
    clock: MovableClock, prior_pence: int, allowed: bool
) -> None:
    grant = _mfa(clock)  # the firm's share is £4,000
    prior = Assistance(date(2024, 4, 1), prior_pence, "Council")
    if allowed:
        _answer(grant, Answer.CONFIRMED, prior)
    else:
        with pytest.raises(RuleBroken, match=r"£0\.01 over the limit of £315,000"):
            _answer(grant, Answer.CONFIRMED, prior)


def test_assistance_from_before_the_window_does_not_count(clock: MovableClock) -> None:
    grant = _mfa(clock)
    _answer(grant, Answer.CONFIRMED, Assistance(date(2024, 3, 31), 315_000_00, "Council"))


def test_what_this_fund_gave_to_the_group_counts_again_at_giving(clock: MovableClock) -> None:
    grant = _mfa(clock)
    _answer(grant, Answer.CONFIRMED, Assistance(date(2026, 5, 1), 300_000_00, "Council"))
    sister = world.member("Bee Scooters", grant.firm.proposed_sector)
    award = awards.award_by_reference(grant.reference)
    with transaction() as session:
        group = ConnectedGroup(name="Bees")
        session.add(group)
        session.flush()
        for organisation in (sister, grant.firm):
            session.get_one(Organisation, organisation.id).group_id = group.id
        session.add(
            SubsidyRecord(
                award_id=award.id,
                organisation_id=sister.id,
                pence=11_000_01,
                route=Route.MFA,
                reasons="r",
                recorded_by_id=grant.actors["steward"].person_id,
                recorded_by_name="s",
                recorded_at=clock.now(),
                given_on=date(2026, 6, 1),
            )
        )
    with pytest.raises(RuleBroken, match=r"Bee Bikes: .*over the limit"):
        grant.go_live()
    assert grant.balances()[1] == 0


def test_only_the_recipients_certifier_answers_once(clock: MovableClock) -> None:
    grant = _mfa(clock)
    for name, error in (("lead", NotFound), ("steward", NotAllowed)):
        with pytest.raises(error):
            _answer(grant, Answer.CONFIRMED, name=name)
    with pytest.raises(RuleBroken, match="Say why"):
        _answer(grant, Answer.DECLINED)
    _answer(grant, Answer.DECLINED, note="Too much.")
    with pytest.raises(Conflict):
        _answer(grant, Answer.CONFIRMED)


def test_declining_holds_its_own_payments_only_and_another_route_frees_them(clock: MovableClock) -> None:
    grant = _mfa(clock)
    _answer(grant, Answer.DECLINED, note="Too much.")
    grant.go_live()
    grant.bank_details(grant.lead, "lead")
    grant.bank_details(grant.firm, "firm", "87654321")
    clock.move_to(datetime(2026, 7, 1, 9, tzinfo=UTC))
    assert _unmet(grant) == {1: [], 2: ["subsidy"]}
    grant.route(grant.firm, Route.OTHER_EXEMPT)
    assert _unmet(grant) == {1: [], 2: []}


def test_through_the_lead_an_open_route_of_any_partner_holds_the_payment(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer(grant.terms(basis=PayBasis.THROUGH_LEAD, lines=(Line(grant.lead.id, 10_000_00, START_ON),)))
    grant.accept()
    grant.clear()
    grant.route(grant.lead)
    grant.route(grant.firm, Route.MFA)
    grant.measure()
    grant.sign()
    _answer(grant, Answer.DECLINED, note="Too much.")
    grant.go_live()
    grant.bank_details(grant.lead, "lead")
    clock.move_to(datetime(2026, 7, 1, 9, tzinfo=UTC))
    assert _unmet(grant) == {1: ["subsidy"]}


def _unmet(grant: Grant) -> dict[int, list[str]]:
    award = awards.award_by_reference(grant.reference)
    return {
        one.instalment.number: [condition.code for condition in one.unmet]
        for one in payments.of_award(award, grant.now)
    }


def test_a_late_confirmation_gives_on_its_own_day(clock: MovableClock) -> None:
    grant = _mfa(clock)
    _answer(grant, Answer.DECLINED, note="Too much.")
    grant.go_live()
    clock.move(timedelta(days=3))
    grant.route(grant.firm, Route.MFA)
    record = _answer(grant, Answer.CONFIRMED)
    assert record.given_on == date(2026, 6, 4)


def test_a_route_that_was_given_can_not_be_changed_and_earlier_ones_are_kept(clock: MovableClock) -> None:
    grant = _mfa(clock)
    grant.route(grant.firm, Route.SPEI)
    grant.route(grant.firm, Route.MFA)
    _answer(grant, Answer.CONFIRMED)
    grant.go_live()
    with pytest.raises(Conflict, match="can't be undone"):
        grant.route(grant.firm, Route.SPEI)
    assert (
        len(db.session.scalars(select(SubsidyRecord).where(SubsidyRecord.organisation_id == grant.firm.id)).all()) == 3
    )


def test_a_route_is_only_for_paid_partners_and_decided_by_others(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    with pytest.raises(NotFound):
        grant.route(grant.council)
    world.appoint(grant.people["steward"], grant.firm, Role.EDITOR)
    with pytest.raises(NotAllowed):
        grant.route(grant.firm)

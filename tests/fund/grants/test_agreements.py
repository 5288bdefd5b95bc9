"""Signing, changing before all have signed, and going live."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from fund.grants.agreements import queries, service
from fund.grants.agreements.rules import AgreementState, read_text
from fund.grants.awards import queries as awards
from fund.grants.awards import service as award_service
from fund.grants.awards.rules import Line, PayBasis
from fund.grants.checks.rules import Route
from fund.grants.models import Agreement
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from fund.reporting.models import Report
from tests.fund.grants import awarding
from tests.fund.grants.awarding import END_ON, START_ON, Grant


def _current(grant: Grant) -> Agreement:
    found = queries.current(awards.award_by_reference(grant.reference).id)
    assert found is not None
    return found


def _revise(grant: Grant, **changes: object) -> None:
    with transaction():
        award_service.revise(
            reference=grant.reference, terms=grant.terms(**changes), actor=grant.actors["steward"], now=grant.now
        )


def test_accepting_draws_up_the_text_and_asks_every_paid_partner_to_sign(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    grant.accept()
    found = _current(grant)
    words = found.text
    assert "Kitchens on wheels" in words
    assert "Warm food where people are." in words
    assert "£6,000" in words
    assert read_text(words).reference == grant.reference
    asked = set(db.session.scalars(select(OutboxMessage.recipient).where(OutboxMessage.key.like("agreement:%:sign:%"))))
    assert asked == {grant.people["lead"].email, grant.people["firm"].email}


def test_a_signature_keeps_name_time_and_hash(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    grant.accept()
    grant.sign("lead")
    found = _current(grant)
    [signature] = queries.signatures(found.id)
    assert (signature.person_name, signature.signed_at, signature.sha256) == ("lead officer", clock.now(), found.sha256)
    assert found.state is AgreementState.DRAFT
    grant.sign("firm")
    assert _current(grant).state is AgreementState.SIGNED


def test_only_parties_sign_each_once_and_only_by_a_certifier(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    grant.accept()
    with pytest.raises(NotFound):
        grant.sign("council")
    with pytest.raises(NotFound):
        grant.sign("steward")
    with pytest.raises(NotAllowed):
        grant.sign("lead editor")
    grant.sign("lead")
    with pytest.raises(Conflict, match="has signed for Irwell Kitchens already"):
        grant.sign("lead")


def test_a_change_before_all_have_signed_makes_a_new_text_and_voids_signatures(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    grant.accept()
    grant.sign("lead")
    old = _current(grant)
    _revise(grant, special_conditions="Insure the van.")
    new = _current(grant)
    assert (new.number, new.sha256 == old.sha256, db.session.get_one(Agreement, old.id).state) == (
        2,
        False,
        AgreementState.REPLACED,
    )
    assert queries.signatures(new.id) == []
    with pytest.raises(Conflict, match="text was changed"), transaction():
        service.sign(reference=grant.reference, sha256=old.sha256, actor=grant.actors["firm"], now=clock.now())
    grant.sign("lead", "firm")
    assert _current(grant).state is AgreementState.SIGNED


def test_terms_are_fixed_once_all_have_signed(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.ready_to_live()
    with pytest.raises(Conflict, match="Every party has signed"):
        _revise(grant, special_conditions="Insure the van.")


def test_terms_of_an_open_offer_can_change_and_the_lead_is_told(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    lines = (Line(grant.lead.id, 10_000_00, START_ON),)
    _revise(grant, basis=PayBasis.THROUGH_LEAD, lines=lines)
    award = awards.award_by_reference(grant.reference)
    assert [row.pence for row in awards.instalments(award.id)] == [10_000_00]
    told = db.session.scalars(select(OutboxMessage.subject).where(OutboxMessage.key.like("award:%"))).all()
    assert f"Changed terms: {grant.reference}" in told


def test_signatures_are_never_changed_nor_deleted(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    grant.accept()
    grant.sign("lead")
    for statement in ("UPDATE signature SET person_name = 'x'", "DELETE FROM signature"):
        with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
            session.execute(text(statement))


# --- going live


def _without(grant: Grant, missing: str) -> None:
    """Everything that going live needs, but one thing."""
    grant.offer()
    grant.accept()
    grant.sign("lead")
    if missing != "signed":
        grant.sign("firm")
    if missing != "due diligence":
        grant.clear(grant.firm)
    grant.clear(grant.lead)
    if missing != "subsidy":
        grant.route(grant.firm)
    grant.route(grant.lead)
    if missing != "measures":
        grant.measure()


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("signed", "Not yet signed by Bee Bikes"),
        ("due diligence", "Bee Bikes: due diligence has not been done"),
        ("subsidy", "Bee Bikes: no subsidy route has been recorded"),
        ("measures", "not yet chosen the measures"),
    ],
)
def test_each_missing_thing_keeps_the_grant_from_going_live(clock: MovableClock, missing: str, words: str) -> None:
    grant = awarding.lay(clock)
    _without(grant, missing)
    with pytest.raises(RuleBroken, match=words) as refused:
        grant.go_live()
    assert len(refused.value.findings) == 1
    assert grant.balances() == (1_000_000_00, 0, 0, 0)


def test_everything_missing_is_named_at_once(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    grant.accept()
    with pytest.raises(RuleBroken) as refused:
        grant.go_live()
    assert len(refused.value.findings) == 4


def test_going_live_reserves_the_pot_schedules_reports_and_tells_everybody(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=20_000_00)
    grant.ready_to_live()
    grant.go_live()
    assert grant.balances() == (980_000_00, 20_000_00, 0, 0)
    due = db.session.scalars(select(Report.due_on).order_by(Report.number)).all()
    assert due == [START_ON + (END_ON - START_ON) / 2, END_ON]
    told = db.session.scalars(select(OutboxMessage.recipient).where(OutboxMessage.key.like("%:live:%"))).all()
    assert len(told) == 2
    live = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "agreement.live")).one()
    assert (live.subject, live.actor_id) == (grant.reference, grant.actors["steward"].person_id)


def test_a_grant_goes_live_once(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.ready_to_live()
    grant.go_live()
    with pytest.raises(Conflict, match="live already"):
        grant.go_live()
    assert grant.balances()[1] == 10_000_00


def test_nothing_goes_live_before_the_lead_accepts(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    with pytest.raises(Conflict, match="no agreement yet"):
        grant.go_live()


def test_a_partner_that_declines_mfa_does_not_keep_the_others_from_their_grant(clock: MovableClock) -> None:
    from fund.grants.checks import service as checks
    from fund.grants.checks.rules import Answer

    grant = awarding.lay(clock)
    _without(grant, "subsidy")
    grant.route(grant.firm, Route.MFA)
    with pytest.raises(RuleBroken, match="not yet answered"):
        grant.go_live()
    with transaction():
        checks.answer_notification(
            reference=grant.reference,
            organisation_id=grant.firm.id,
            answer=Answer.DECLINED,
            prior=[],
            note="Our parent had too much.",
            actor=grant.actors["firm"],
            now=clock.now(),
        )
    grant.go_live()
    assert grant.balances()[1] == 10_000_00

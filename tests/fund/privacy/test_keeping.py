"""What is kept for a time is forgotten when it is over, not before, and nothing else is touched."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

import ledger.service
from fund.documents.queries import altered
from fund.grants.awards import service as awards
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import Base, db, transaction
from fund.kernel.once import FormSubmission
from fund.kernel.outbox import OutboxMessage
from fund.kernel.policy import Policy, Setting
from fund.privacy import keeping, registry, service
from fund.privacy.keeping import TERMS
from fund.privacy.models import PrivacyRequest, Wish
from fund.privacy.registry import HOLDING_OF, HOLDINGS
from members.accounts.factors.models import AuthenticatorApp, Passkey, RecoveryCode
from members.accounts.models import EmailChange, PassphraseReset, PersonSession
from members.profile.models import Accreditation
from members.prospects.models import ProspectContact
from members.prospects.rules import Way
from members.rules import Sector
from proposals.brokerage.models import PartnerReply, PartnerRequest
from proposals.brokerage.rules import ReplyState
from proposals.evidence.models import Attestation, AttestationCode, CodeBatch, SafeguardingConcern
from proposals.evidence.words import Changed, Decisions, Offered, TookPart, Verdict, WhoAnswers
from proposals.models import Proposal, Round
from proposals.rules import ProposalState
from tests.conftest import START
from tests.fund.grants import awarding
from tests.proposals import scene as proposing
from tests.world import found_society, member, person

THEN = datetime(2026, 6, 1, 9, tzinfo=UTC)


def sweep(now: datetime) -> int:
    with transaction():
        return service.sweep(now)


def years_after(years: int, *, days: int) -> datetime:
    return THEN.replace(year=THEN.year + years) + timedelta(days=days)


def session(who: int) -> Base:
    return PersonSession(token_hash="x", person_id=who, created_at=THEN, expires_at=THEN)


def reset(who: int) -> Base:
    return PassphraseReset(token_hash="x", person_id=who, created_at=THEN, expires_at=THEN)


def change(who: int) -> Base:
    return EmailChange(
        person_id=who, old_email="a@x.example", new_email="b@x.example", confirm_hash="x", undo_hash="y", asked_at=THEN
    )


def app_ended(who: int) -> Base:
    return AuthenticatorApp(person_id=who, sealed_secret="x", created_at=THEN, ended_at=THEN)


def passkey_ended(who: int) -> Base:
    return Passkey(
        person_id=who, credential_id="x", public_key="x", sign_count=0, name="Key", created_at=THEN, ended_at=THEN
    )


def code_used(who: int) -> Base:
    return RecoveryCode(person_id=who, number=1, code_hash="x", created_at=THEN, used_at=THEN)


def form(who: int) -> Base:
    return FormSubmission(form_id="x", person_id=who, at=THEN, message="Done.", path="/")


def letter(who: int) -> Base:
    return OutboxMessage(
        key="x", recipient="a@x.example", subject="s", what="w", why="w", by_when="b", path="/", holds_secret=False,
        created_at=THEN, next_attempt_at=THEN, sent_at=THEN,
    )  # fmt: skip


def request(who: int) -> Base:
    return PrivacyRequest(person_id=who, wish=Wish.COPY, words="w", asked_at=THEN, asked_by_id=who, done_at=THEN)


def talk(who: int) -> Base:
    key = member("Alder", Sector.VCSE).id
    return ProspectContact(
        organisation_id=key, way=Way.CALL, happened_on=THEN.date(), recorded_at=THEN, by_id=who, note="Ada said no"
    )


def seal_removed(who: int) -> Base:
    key = member("Alder", Sector.VCSE).id
    return Accreditation(
        organisation_id=key, name="n", issued_by="i", number="1", link="", evidence="", revision=1, recorded_at=THEN,
        recorded_by_id=who, removed_at=THEN,
    )  # fmt: skip


SIMPLE: tuple[tuple[Callable[[int], Base], str], ...] = (
    (session, "keep_access_logs_years"),
    (reset, "keep_access_logs_years"),
    (change, "keep_access_logs_years"),
    (app_ended, "keep_access_logs_years"),
    (passkey_ended, "keep_access_logs_years"),
    (code_used, "keep_access_logs_years"),
    (form, "keep_access_logs_years"),
    (letter, "keep_messages_years"),
    (request, "keep_requests_years"),
    (talk, "keep_board_decisions_years"),
    (seal_removed, "keep_board_decisions_years"),
)


@pytest.mark.parametrize(("lay", "setting"), SIMPLE, ids=lambda given: getattr(given, "__name__", ""))
def test_kept_for_its_years_and_no_longer(
    app: Flask, clock: MovableClock, lay: Callable[[int], Base], setting: str
) -> None:
    found_society()
    who = person("Wilma Quill").id
    row = lay(who)
    with transaction() as opened:
        opened.add(row)
        kind: Any = type(row)
    years = int(getattr(Policy(), setting))
    clock.move_to(years_after(years, days=0))
    assert sweep(clock.now()) == 0
    assert db.session.scalar(select(func.count()).select_from(kind)) == 1
    clock.move(timedelta(days=1))
    assert sweep(clock.now()) == 1
    assert db.session.scalar(select(func.count()).select_from(kind)) == 0
    assert sweep(clock.now()) == 0


@pytest.mark.parametrize("column", ["ended_at", "used_at", "done_at", "removed_at"])
def test_what_is_in_use_has_no_end(app: Flask, column: str) -> None:
    found_society()
    who = person("Wilma Quill").id
    rows = (app_ended(who), passkey_ended(who), code_used(who), request(who), seal_removed(who))
    with transaction() as opened:
        for row in rows:
            if hasattr(row, column):
                setattr(row, column, None)
                opened.add(row)
    assert sweep(THEN + timedelta(days=365 * 90)) == 0


def test_every_kind_that_goes_by_a_day_is_tried_here() -> None:
    told_apart = {SafeguardingConcern, PartnerReply, Attestation}
    assert {term.table.__tablename__ for term in TERMS} == {
        *(kind.__tablename__ for kind in told_apart),
        "person_session", "passphrase_reset", "email_change", "authenticator_app", "passkey", "recovery_code",
        "form_submission", "outbox_message", "privacy_request", "prospect_contact", "accreditation",
    }  # fmt: skip


def test_the_fund_sets_how_long(app: Flask) -> None:
    found_society()
    with transaction() as opened:
        opened.add(letter(1))
        opened.add(Setting(key="keep_messages_years", value="9", effective_from=THEN, set_at=THEN))
    assert sweep(years_after(8, days=30)) == 0
    assert sweep(years_after(9, days=1)) == 1
    acts = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "records.forgotten")).all()
    assert [(act.actor_id, act.after) for act in acts] == [(None, {"outbox_message": 1})]


def test_what_is_left_over_goes_the_next_day(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    found_society()
    monkeypatch.setattr(keeping, "MOST_AT_ONCE", 2)
    with transaction() as opened:
        letters = [letter(1) for _ in range(3)]
        for number, one in enumerate(letters):
            one.key = str(number)  # type: ignore[attr-defined]
            opened.add(one)
            opened.flush()
        for one in letters[:2]:
            one.gathered_into_id = letters[2].id  # type: ignore[attr-defined]
    day = years_after(7, days=1)
    assert [sweep(day), sweep(day), sweep(day)] == [2, 1, 0]


def test_a_closed_concern_goes_an_open_one_stays(app: Flask) -> None:
    draft = proposing.started(proposing.make_scene())
    with transaction() as opened:
        for closed in (None, THEN):
            opened.add(
                SafeguardingConcern(
                    proposal_id=draft.id,
                    told="t",
                    reach_me="r",
                    raised_at=START - timedelta(days=900),
                    closed_at=closed,
                )
            )
    assert sweep(years_after(10, days=0)) == 0
    assert sweep(years_after(10, days=1)) == 1
    assert db.session.scalars(select(SafeguardingConcern.closed_at)).all() == [None]


def test_what_was_written_about_a_partner_goes_with_time(app: Flask) -> None:
    scene = proposing.make_scene()
    draft = proposing.started(scene)
    with transaction() as opened:
        for number, closed in enumerate((None, THEN)):
            asked = PartnerRequest(
                reference=f"PR-{number}", proposal_id=draft.id, sector=list(Sector)[number], title="t", need="n",
                posted_at=THEN, posted_by_id=scene.lead.person_id, closed_at=closed,
            )  # fmt: skip
            opened.add(asked)
            opened.flush()
            opened.add(
                PartnerReply(
                    request_id=asked.id,
                    organisation_id=scene.firm.id,
                    message="m",
                    contact="Fay, 0161 496 0001",
                    state=ReplyState.DECLINED,
                    replied_at=THEN,
                    replied_by_id=scene.firm_certifier.person_id,
                    lead_contact="Lena",
                    answer_note="no",
                )
            )
    words = select(PartnerReply.message, PartnerReply.contact, PartnerReply.lead_contact, PartnerReply.answer_note)
    written = ("m", "Fay, 0161 496 0001", "Lena", "no")
    assert sweep(years_after(7, days=0)) == 0
    assert sweep(years_after(7, days=1)) == 1
    assert [tuple(row) for row in db.session.execute(words.order_by(PartnerReply.id))] == [written, ("", "", None, "")]


class TestWordsOfCoProducers:
    """Their words go a year after the proposal ended without a grant; what is counted stays."""

    def gone(self, now: datetime) -> int:
        """How many lose their words: other kinds of record may be over as well."""
        said = select(func.count()).select_from(Attestation).where(Attestation.told != "")
        before = db.session.scalar(said) or 0
        assert before
        sweep(now)
        return before - (db.session.scalar(said) or 0)

    def laid(self, **ended: object) -> Proposal:
        draft = proposing.complete(proposing.make_scene())
        with transaction() as opened:
            opened.execute(update(Attestation).values(told="They listened."))
            opened.execute(update(Proposal).values(**{"title": "Warm rooms", **ended}))
        return draft

    @pytest.mark.parametrize(
        "ended",
        [
            {"state": ProposalState.DECLINED, "decided_at": THEN},
            {"state": ProposalState.INELIGIBLE, "eligibility_at": THEN},
        ],
        ids=["declined", "not eligible"],
    )
    def test_after_a_year(self, app: Flask, ended: dict[str, object]) -> None:
        self.laid(**ended)
        answers = db.session.scalar(select(func.count()).select_from(Attestation))
        assert self.gone(years_after(1, days=0)) == 0
        assert self.gone(years_after(1, days=1)) == answers
        assert db.session.scalar(select(func.count()).select_from(Attestation)) == answers

    def test_a_draft_that_was_never_sent(self, app: Flask) -> None:
        self.laid()
        assert self.gone(years_after(20, days=1)) == 0
        with transaction() as opened:
            opened.execute(update(Round).values(closed_at=THEN))
        assert self.gone(years_after(1, days=0)) == 0
        assert self.gone(years_after(1, days=1)) > 0

    @pytest.mark.parametrize(
        "state", [ProposalState.SUBMITTED, ProposalState.ELIGIBLE, ProposalState.ON_BALLOT, ProposalState.RESERVE]
    )
    def test_not_while_it_may_still_be_funded(self, app: Flask, state: ProposalState) -> None:
        self.laid(state=state, decided_at=THEN, eligibility_at=THEN)
        with transaction() as opened:
            opened.execute(update(Round).values(closed_at=THEN))
        assert self.gone(years_after(30, days=1)) == 0

    def test_not_while_a_grant_runs(self, app: Flask, clock: MovableClock) -> None:
        grant = awarding.lay(clock)
        with transaction() as opened:
            batch = CodeBatch(
                proposal_id=opened.scalars(select(Proposal.id)).one(), cards=1, help_phone="0161 496 0000",
                issued_at=THEN, issued_by_id=grant.actors["steward"].person_id,
            )  # fmt: skip
            code = AttestationCode(batch=batch, digest="x")
            opened.add(code)
            opened.flush()
            opened.add(
                Attestation(
                    code_id=code.id,
                    proposal_id=batch.proposal_id,
                    who=WhoAnswers.MYSELF,
                    took_part=TookPart.MEETINGS,
                    changed=Changed.YES,
                    decisions=Decisions.SEE,
                    offered=Offered.EXPENSES,
                    verdict=Verdict.AGREE,
                    told="They listened.",
                    revision=1,
                    answered_at=THEN,
                )
            )
        answers = db.session.scalar(select(func.count()).select_from(Attestation))
        assert self.gone(years_after(30, days=1)) == 0
        grant.offer()
        assert self.gone(years_after(30, days=1)) == 0
        with transaction():
            awards.decline(reference=grant.reference, reason="No staff", actor=grant.actors["lead"], now=clock.now())
        gone = clock.now().replace(year=clock.now().year + 1)
        assert self.gone(gone) == 0
        assert self.gone(gone + timedelta(days=1)) == answers


def whole() -> dict[str, list[tuple[object, ...]]]:
    db.session.rollback()
    return {
        table.name: sorted((tuple(row) for row in db.session.execute(select(table))), key=repr)
        for table in Base.metadata.sorted_tables
    }


def test_the_laws_registers_and_the_books_are_never_touched(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    grant.prepare()
    before = whole()
    clock.move_to(datetime(2126, 1, 1, tzinfo=UTC))
    assert sweep(clock.now()) > 0
    after = whole()
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {term.table.__tablename__ for term in TERMS} | {"audit_entry"}
    assert "outbox_message" in changed
    assert [row for row in before["audit_entry"] if row not in after["audit_entry"]] == []
    assert ledger.service.check() == []
    assert list(altered()) == []


def test_only_what_the_registry_keeps_for_a_time_is_forgotten() -> None:
    never = {registry.REGISTERS, registry.BOOKS, registry.TRAIL, registry.DECISIONS, registry.ACCOUNT, registry.AWARDS}
    for term in TERMS:
        ground = HOLDING_OF[term.table.__tablename__].ground
        assert ground not in never
        assert ground.setting == term.setting, term.table.__tablename__
    swept = {term.table.__tablename__ for term in TERMS} | {
        "known_device", "held_form", "passkey_challenge",  # within days, by members.accounts
        "partner_request", "prospect_import",  # hold what members wrote of organisations
    }  # fmt: skip
    for holding in HOLDINGS:
        if holding.ground.setting and not holding.ground.how_long.startswith("At least"):
            assert holding.table in swept, f"{holding.table}: says how long, and nothing forgets it"


def test_how_long_is_told_by_the_settings() -> None:
    assert registry.MAIL.lasts(Policy()) == "7 years."
    assert registry.SIGN_IN.lasts(Policy()).startswith("1 year after")
    assert registry.REQUESTS.lasts(Policy(keep_requests_years=3)) == "3 years after our answer."

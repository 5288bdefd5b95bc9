"""What people do about due diligence and subsidy routes. The software shows facts; a person decides and says why."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from fund.grants.agreements.queries import current
from fund.grants.agreements.rules import AgreementState
from fund.grants.awards import queries as awards
from fund.grants.awards.rules import AwardState, award_path
from fund.grants.checks import queries
from fund.grants.checks.rules import (
    JUDGEMENTS,
    Answer,
    Assistance,
    CheckResult,
    Outcome,
    Route,
    checks_of,
    expires_on,
    mfa_faults,
    mfa_window_start,
    needs_second,
    outcome_faults,
)
from fund.grants.models import Award, DueDiligence, DueDiligenceItem, PriorAssistance, SubsidyRecord
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.policy import policy_at
from fund.kernel.topics import Topic
from ledger.money import format_pence
from members.models import Organisation

STANDING_AWARDS = (AwardState.OFFERED, AwardState.ACCEPTED)
MOST_PRIOR = 200

# --- due diligence


def record_due_diligence(
    *,
    reference: str,
    organisation_id: int,
    results: Mapping[str, tuple[CheckResult | None, str]],
    outcome: Outcome,
    conditions: str,
    reasons: str,
    actor: Actor,
    now: datetime,
) -> DueDiligence:
    """Write down the checks on a payee of an award, in the band that its amount asks for.

    Above the standard band the outcome waits until a second reviewer agrees. Every award of the organisation uses the
    newest one until it expires.

    Args:
        results: check code → what was found and a note.
        outcome: clear, clear with conditions, or not clear.
    """
    payee, award = _payee(reference, organisation_id, actor, now)
    if outcome not in JUDGEMENTS:
        raise RuleBroken([Finding("Choose clear, clear with conditions, or not clear.", "outcome")])
    require(outcome_faults(payee.band, dict(results), outcome, conditions, reasons))
    found = DueDiligence(
        organisation_id=organisation_id,
        band=payee.band,
        outcome=Outcome.WAITING if needs_second(payee.band) and outcome is not Outcome.NOT_CLEAR else outcome,
        proposed_outcome=outcome,
        conditions=conditions,
        reasons=reasons,
        checked_by_id=actor.person_id,
        checked_by_name=actor.name,
        checked_at=now,
        expires_on=expires_on(london_day(now)),
        items=[
            DueDiligenceItem(code=check.code, result=result, note=note)
            for check in checks_of(payee.band)
            for result, note in [results[check.code]]
            if result is not None
        ],
    )
    db.session.add(found)
    db.session.flush()
    audit.record(
        actor,
        "due_diligence.recorded",
        payee.organisation.reference,
        at=now,
        after={
            "award": award.reference,
            "band": payee.band.value,
            "outcome": found.outcome.value,
            "proposed": outcome.value,
        },
    )
    return found


def review_due_diligence(
    *, due_diligence_id: int, agrees: bool, note: str, actor: Actor, now: datetime
) -> DueDiligence:
    """A second reviewer agrees with the outcome, or sends the checks back with a note."""
    actor.require(Permission.PREPARE_GRANTS)
    found = (
        db.session.scalar(select(DueDiligence).where(DueDiligence.id == due_diligence_id).with_for_update())
        if 0 < due_diligence_id <= queries.LARGEST_KEY
        else None
    )
    if found is None:
        raise NotFound
    if found.outcome is not Outcome.WAITING:
        raise Conflict(
            f"{found.second_by_name or 'Somebody'} has reviewed this already. Open the award to see the outcome."
        )
    if found.checked_by_id == actor.person_id:
        raise NotAllowed("You made these checks yourself, so another steward must be the second reviewer.")
    if awards.is_officer(actor.person_id, [found.organisation_id]):
        raise NotAllowed("You act for this organisation, so another steward must be the second reviewer.")
    found.outcome = found.proposed_outcome if agrees else Outcome.RETURNED
    found.second_by_id = actor.person_id
    found.second_by_name = actor.name
    found.second_at = now
    found.second_note = note
    audit.record(
        actor,
        "due_diligence.reviewed",
        found.organisation.reference,
        at=now,
        before={"outcome": "waiting"},
        after={"outcome": found.outcome.value, "note": note},
    )
    return found


def _payee(reference: str, organisation_id: int, actor: Actor, now: datetime) -> tuple[queries.Payee, Award]:
    actor.require(Permission.PREPARE_GRANTS)
    award = awards.award_by_reference(reference)
    payee = next((one for one in queries.payees(award, now) if one.organisation.id == organisation_id), None)
    if payee is None:
        raise NotFound
    if awards.is_officer(actor.person_id, [organisation_id]):
        raise NotAllowed(f"You act for {payee.organisation.name}, so another steward must make these checks.")
    return payee, award


# --- subsidy


def record_route(
    *, reference: str, organisation_id: int, route: Route, reasons: str, actor: Actor, now: datetime
) -> SubsidyRecord:
    """A person decides the subsidy route of a paid partner and says why. MFA sends the notification at once.

    A new decision replaces the one before, which is kept.

    Raises:
        Conflict: when the grant has been given to this partner as MFA already.
    """
    actor.require(Permission.PREPARE_GRANTS)
    award = awards.lock_award(reference)
    share = next((share for share in award.shares if share.organisation_id == organisation_id), None)
    if share is None:
        raise NotFound
    if awards.is_officer(actor.person_id, [organisation_id]):
        raise NotAllowed(f"You act for {share.organisation.name}, so another steward must decide its route.")
    if award.state not in STANDING_AWARDS:
        raise Conflict(f"Award {reference} was {award.state} in the meantime, so it needs no subsidy route.")
    before = queries.subsidy_record(award.id, organisation_id)
    if before is not None and before.given_on is not None:
        raise Conflict(
            f"The grant was given to {share.organisation.name} as MFA on {in_words(before.given_on)}. That can't "
            "be undone here."
        )
    if before is not None:
        before.replaced_at = now
        db.session.flush()
    record = SubsidyRecord(
        award_id=award.id,
        organisation_id=organisation_id,
        pence=share.pence,
        route=route,
        reasons=reasons,
        recorded_by_id=actor.person_id,
        recorded_by_name=actor.name,
        recorded_at=now,
        notified_at=now if route is Route.MFA else None,
    )
    db.session.add(record)
    db.session.flush()
    audit.record(
        actor,
        "subsidy.route_recorded",
        reference,
        at=now,
        before={"route": before.route.value if before else None},
        after={"organisation": share.organisation.reference, "route": route.value, "reasons": reasons},
    )
    if route is Route.MFA:
        _mail_notification(award, share.organisation, record, now)
    return record


def answer_notification(
    *,
    reference: str,
    organisation_id: int,
    answer: Answer,
    prior: Sequence[Assistance],
    note: str,
    actor: Actor,
    now: datetime,
) -> SubsidyRecord:
    """The recipient's certifier confirms in writing that the MFA limit will not be passed, with the list of what its
    group had before; or says that it can't, which holds its own payments only.

    Raises:
        RuleBroken: when it confirms although its own list passes the limit.
    """
    actor.require(Permission.BIND_ORGANISATION)
    if actor.organisation_id != organisation_id:
        raise NotFound
    award = awards.lock_award(reference)
    record = queries.subsidy_record(award.id, organisation_id)
    if record is None or record.notified_at is None:
        raise NotFound
    if record.recorded_by_id == actor.person_id:
        raise NotAllowed("You chose this route for the fund, so somebody else of the organisation must answer.")
    if record.answer is not None:
        raise Conflict(f"{record.answered_by_name} has answered already. Open the award to see what was written.")
    if len(prior) > MOST_PRIOR:
        raise RuleBroken([Finding(f"List at most {MOST_PRIOR} lines; add smaller ones together by year.", "prior")])
    if answer is Answer.CONFIRMED:
        require(_over_limit(record, prior, now))
    elif not note:
        raise RuleBroken(
            [Finding("Say why you can't confirm, so that the steward can look for another route.", "note")]
        )
    record.answer = answer
    record.answered_at = now
    record.answered_by_id = actor.person_id
    record.answered_by_name = actor.name
    record.answer_note = note
    record.prior.extend(PriorAssistance(given_on=item.given_on, pence=item.pence, giver=item.giver) for item in prior)
    db.session.flush()
    audit.record(
        actor,
        f"subsidy.mfa_{answer.value}",
        reference,
        at=now,
        after={
            "organisation": record.organisation.reference,
            "prior_pence": sum(item.pence for item in prior),
            "note": note,
        },
    )
    if answer is Answer.CONFIRMED and _is_live(award):
        _give(record, award, actor, now)
    return record


def mark_given(*, award: Award, actor: Actor, now: datetime) -> None:
    """The agreement is live, so the right to the grant arises: MFA is given, for the whole share, on this day.

    The limit is judged once more, for another award of the group may have been given since the answer.

    Raises:
        RuleBroken: when a partner would pass the limit now.
    """
    for standing in queries.subsidies(award):
        record = standing.record
        if record is not None and record.route is Route.MFA and record.answer is Answer.CONFIRMED:
            _give(record, award, actor, now)


def send_mfa_confirmation(*, reference: str, organisation_id: int, actor: Actor, now: datetime) -> SubsidyRecord:
    """The last step of MFA: tell the recipient in writing that it was MFA, the date and the amount."""
    actor.require(Permission.PREPARE_GRANTS)
    award = awards.lock_award(reference)
    record = queries.subsidy_record(award.id, organisation_id)
    if record is None or record.route is not Route.MFA:
        raise NotFound
    if record.given_on is None:
        raise RuleBroken("The grant has not been given yet. It is given when the agreement goes live.")
    if record.confirmed_at is not None:
        raise Conflict("The MFA confirmation was sent already. Nothing more is needed.")
    record.confirmed_at = now
    record.confirmed_by_id = actor.person_id
    audit.record(
        actor, "subsidy.mfa_confirmation_sent", reference, at=now, after={"organisation": record.organisation.reference}
    )
    for contact in awards.certifiers(record.organisation):
        mail(
            key=f"subsidy:{record.id}:confirmation:{contact.email}",
            to=contact.email,
            subject=f"Confirmation of minimal financial assistance: {reference}",
            what=(
                f"On {in_words(record.given_on)} the fund gave {record.organisation.name} "
                f"{format_pence(record.pence)} as "
                "minimal financial assistance under section 36 of the Subsidy Control Act 2022. Keep this for at least "
                "3 years."
            ),
            why=f"You certify for {record.organisation.name}, which is paid under grant {reference}.",
            path=award_path(reference),
            now=now,
            topic=Topic.NOTICE,
        )
    return record


def _is_live(award: Award) -> bool:
    agreement = current(award.id)
    return agreement is not None and agreement.state is AgreementState.LIVE


def _over_limit(record: SubsidyRecord, prior: Sequence[Assistance], now: datetime) -> list[Finding]:
    today = london_day(now)
    return mfa_faults(
        [*prior, *queries.given_by_this_fund(record.organisation, today)], today, record.pence, policy_at(now)
    )


def _give(record: SubsidyRecord, award: Award, actor: Actor, now: datetime) -> None:
    if faults := _over_limit(record, queries.declared(record), now):
        raise RuleBroken(
            [Finding(f"{record.organisation.name}: {fault.message} Record its route anew.") for fault in faults]
        )
    record.given_on = london_day(now)
    audit.record(
        actor,
        "subsidy.mfa_given",
        award.reference,
        at=now,
        after={"organisation": record.organisation.reference, "pence": record.pence},
    )


def _mail_notification(award: Award, organisation: Organisation, record: SubsidyRecord, now: datetime) -> None:
    limit = format_pence(policy_at(now).mfa_limit_pence)
    since = in_words(mfa_window_start(london_day(now)))
    for contact in awards.certifiers(organisation):
        mail(
            key=f"subsidy:{record.id}:notification:{contact.email}",
            to=contact.email,
            subject=f"Notification of minimal financial assistance: {award.reference}",
            what=(
                f"The fund proposes to give {organisation.name} {format_pence(record.pence)} (gross) as minimal "
                "financial assistance under section 36 of the Subsidy Control Act 2022. Before we may give it, "
                f"confirm in writing that your whole group stays within {limit} since {since}, this grant included, "
                "and list what you had."
            ),
            why=f"You certify for {organisation.name}, which is paid under this award.",
            by_when=f"Answer before {in_words(award.start_on)}, when the work starts.",
            path=f"{award_path(award.reference)}/mfa/{organisation.reference}",
            now=now,
            topic=Topic.ANSWER,
        )

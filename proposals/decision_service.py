"""What the fund decides about a proposal: eligible or not, on and off a ballot, and what the ballot decided."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words
from fund.kernel.db import db
from fund.kernel.errors import Finding, NotAllowed, RuleBroken
from fund.kernel.outbox import mail
from fund.kernel.topics import Topic
from proposals import drafts, queries, rules
from proposals.assessment import queries as assessment
from proposals.models import Proposal, Round
from proposals.rules import Decision, ProposalState, RoundState, in_england

_STILL_GOING = (
    ProposalState.SUBMITTED,
    ProposalState.RETURNED,
    ProposalState.ELIGIBLE,
    ProposalState.ON_BALLOT,
)


def mark_eligible(*, proposal_id: int, reasons: str, actor: Actor, now: datetime) -> Proposal:
    """A steward finds that a proposal may go on to assessment."""
    subject = _looked_at(proposal_id, ProposalState.ELIGIBLE, reasons, actor, now)
    _tell_lead(
        subject,
        "eligible",
        f"{subject.reference} goes on to assessment",
        f"A steward looked at “{subject.title}” and it goes on to assessment. {reasons}",
        f"Nothing is needed of you. It will be decided by {in_words(subject.round.decide_by)}.",
        now,
    )
    return subject


def mark_ineligible(*, proposal_id: int, reasons: str, actor: Actor, now: datetime) -> Proposal:
    """A steward finds that a proposal can't go on, with reasons that the lead is told."""
    subject = _looked_at(proposal_id, ProposalState.INELIGIBLE, reasons, actor, now)
    _tell_lead(
        subject,
        "ineligible",
        f"{subject.reference} can't go on in this round",
        f"A steward looked at “{subject.title}” and it can't go on. The reasons: {reasons}",
        "Nothing is needed by a date. Ask a steward if you want to talk it through.",
        now,
    )
    return subject


def return_for_fixes(*, proposal_id: int, reasons: str, fix_by: datetime, actor: Actor, now: datetime) -> Proposal:
    """A steward gives a proposal back to be fixed, once. Sending it again makes its next version.

    Raises:
        RuleBroken: when it was returned before, or the time given lies in the past.
    """
    subject = drafts.locked(proposal_id)
    if subject.returned_at is not None and subject.state is ProposalState.SUBMITTED:
        raise RuleBroken("This proposal was returned once already. Find it eligible or not eligible, with reasons.")
    if fix_by <= now:
        raise RuleBroken([Finding("Give a day from tomorrow on, so that there is time to fix it.", "fix_by")])
    subject = _looked_at(proposal_id, ProposalState.RETURNED, reasons, actor, now)
    subject.returned_at, subject.fix_by = now, fix_by
    db.session.flush()
    _tell_lead(
        subject,
        "returned",
        f"Fix {subject.reference} and send it again",
        f"A steward looked at “{subject.title}” and gives it back once, so that you can fix it. What to fix: {reasons}",
        f"Send it again before {in_england(fix_by)}.",
        now,
    )
    return subject


def _looked_at(proposal_id: int, outcome: ProposalState, reasons: str, actor: Actor, now: datetime) -> Proposal:
    actor.require(Permission.RUN_ROUNDS)
    subject = drafts.locked(proposal_id)
    if assessment.conflict(subject.id, actor.person_id):
        raise NotAllowed("You hold a role in a partner of this proposal, so another steward must look at it.")
    rules.check_proposal_move(subject.reference, subject.state, outcome)
    if not reasons:
        raise RuleBroken([Finding("Give your reasons; the lead is told them.", "reasons")])
    before = subject.state
    subject.state, subject.eligibility_reasons = outcome, reasons
    subject.eligibility_by_id, subject.eligibility_at = actor.person_id, now
    db.session.flush()
    audit.record(
        actor,
        f"proposal.{outcome.value}",
        subject.reference,
        at=now,
        before={"state": before.value},
        after={"state": outcome.value, "reasons": reasons},
    )
    return subject


def put_on_ballot(*, proposal_ids: Sequence[int], actor: Actor | None, now: datetime) -> None:
    """Called when notice of a ballot is given: its proposals can be read by every member from now on."""
    for subject in _in_order(proposal_ids):
        rules.check_proposal_move(subject.reference, subject.state, ProposalState.ON_BALLOT)
        subject.state = ProposalState.ON_BALLOT
        if subject.round.state is not RoundState.DECIDING:
            _move_round(subject.round, RoundState.DECIDING, actor, now)
        audit.record(actor, "proposal.on_ballot", subject.reference, at=now)
    db.session.flush()


def take_off_ballot(*, proposal_ids: Sequence[int], reason: str, actor: Actor | None, now: datetime) -> None:
    """Called when a ballot lapsed or is void, declared or not: its proposals are ready for another."""
    for subject in _in_order(proposal_ids):
        rules.check_proposal_move(subject.reference, subject.state, ProposalState.ELIGIBLE)
        subject.state = ProposalState.ELIGIBLE
        subject.decision_reasons, subject.decided_at = None, None
        db.session.flush()
        audit.record(actor, "proposal.off_ballot", subject.reference, at=now, after={"reason": reason})
        ended = subject.round.state in (RoundState.DECIDING, RoundState.DECIDED)
        if ended and not _count(subject.round_id, (ProposalState.ON_BALLOT,)):
            subject.round.decided_at = None
            _move_round(subject.round, RoundState.CLOSED, actor, now)


def decide(*, proposal_id: int, decision: Decision | str, reasons: str, actor: Actor | None, now: datetime) -> Proposal:
    """Called with what a declared ballot decided; the lead and its partners are told the reasons.

    The round is decided when nothing in it waits any more.
    """
    subject = drafts.locked(proposal_id)
    outcome = ProposalState(Decision(decision).value)
    rules.check_proposal_move(subject.reference, subject.state, outcome)
    before = subject.state
    subject.state, subject.decision_reasons, subject.decided_at = outcome, reasons, now
    db.session.flush()
    audit.record(
        actor,
        "proposal.decided",
        subject.reference,
        at=now,
        before={"state": before.value},
        after={"state": outcome.value, "reasons": reasons},
    )
    if subject.round.state is RoundState.DECIDING and not _count(subject.round_id, _STILL_GOING):
        _move_round(subject.round, RoundState.DECIDED, actor, now)
        subject.round.decided_at = now
    _tell_decision(subject, outcome, reasons, now)
    return subject


def _in_order(proposal_ids: Sequence[int]) -> list[Proposal]:
    return [drafts.locked(proposal_id) for proposal_id in sorted(set(proposal_ids))]


def _move_round(subject: Round, state: RoundState, actor: Actor | None, now: datetime) -> None:
    rules.check_round_move(subject.reference, subject.state, state)
    subject.state = state
    audit.record(actor, f"round.{state.value}", subject.reference, at=now)


def _count(round_id: int, states: Sequence[ProposalState]) -> int:
    counted = select(func.count()).where(Proposal.round_id == round_id, Proposal.state.in_(states))
    return int(db.session.execute(counted).scalar_one())


def _tell_lead(subject: Proposal, about: str, title: str, what: str, by_when: str, now: datetime) -> None:
    for address in queries.addresses(subject.lead_id, Permission.WRITE_PROPOSAL):
        mail(
            key=f"proposal:{subject.reference}:{about}:{now.isoformat()}:{address}",
            to=address,
            subject=title,
            what=what,
            why=f"You write proposals for {subject.lead.name}.",
            path=f"/proposals/{subject.reference}",
            by_when=by_when,
            now=now,
            topic=Topic.NOTICE,
        )


_OUTCOMES = {
    ProposalState.APPROVED: "Members approved it",
    ProposalState.RESERVE: "Members approved it, and it waits on the reserve list for money",
    ProposalState.DECLINED: "Members did not approve it",
}


def _tell_decision(subject: Proposal, outcome: ProposalState, reasons: str, now: datetime) -> None:
    told: set[str] = set()
    for partner in queries.partners(subject.id):
        for address in queries.addresses(partner.organisation_id, Permission.WRITE_PROPOSAL):
            if address in told:
                continue
            told.add(address)
            mail(
                key=f"proposal:{subject.reference}:{outcome.value}:{now.isoformat()}:{address}",
                to=address,
                subject=f"{_OUTCOMES[outcome]}: {subject.title}",
                what=f"{_OUTCOMES[outcome]}: “{subject.title}” ({subject.reference}). {reasons}",
                why=f"{partner.organisation.name} is a partner in this proposal.",
                path=f"/proposals/{subject.reference}",
                now=now,
                topic=Topic.NOTICE,
            )

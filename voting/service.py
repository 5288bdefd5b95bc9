"""What people and the scheduler do with ballots, from draft to declared or void.

This module is the folder's one door for others: drafting and casting have files of their own.
"""

from datetime import datetime

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotAllowed
from proposals import service as proposal_service
from voting import counting, letters, queries
from voting.casting import check_holds_vote, declare_conflicts, vote
from voting.counting import check
from voting.drafting import draft_ballot, give_notice
from voting.models import Ballot, BallotVoid
from voting.rules import BallotState
from voting.states import expect, locked, open_now

__all__ = [
    "ask_to_void",
    "check",
    "check_holds_vote",
    "close",
    "count",
    "declare",
    "declare_conflicts",
    "draft_ballot",
    "give_notice",
    "sweep",
    "void",
    "vote",
]

_NOTICED = frozenset(BallotState) - {BallotState.DRAFT, BallotState.VOID}


def close(*, reference: str, now: datetime) -> Ballot:
    """Close a ballot whose time has come; again changes nothing."""
    ballot = locked(reference)
    if ballot.state is BallotState.OPEN and ballot.closes_at is not None and now >= ballot.closes_at:
        ballot.state, ballot.closed_at = BallotState.CLOSED, now
        db.session.flush()
        audit.record(None, "ballot.closed", ballot.reference, at=now)
    return ballot


def count(*, reference: str, now: datetime) -> Ballot:
    """Count a closed ballot and keep the result, which nobody can change after; again changes nothing."""
    ballot = locked(reference)
    if ballot.state is BallotState.CLOSED:
        counting.store(ballot, now)
        ballot.state, ballot.counted_at = BallotState.COUNTED, now
        db.session.flush()
        audit.record(None, "ballot.counted", ballot.reference, at=now)
    return ballot


def declare(*, reference: str, actor: Actor, now: datetime) -> Ballot:
    """Declare the counted result, and tell each proposal what was decided.

    A proposal whose vote lapsed for want of quorum is not refused: it is ready for a ballot again.

    Raises:
        Conflict: when the ballot is not counted, or was declared already.
    """
    actor.require(Permission.RUN_BALLOTS)
    ballot = locked(reference)
    expect(ballot, BallotState.COUNTED, way_on="Only a counted ballot can be declared. Open it to see how it stands.")
    ballot.state, ballot.declared_at, ballot.declared_by_id = BallotState.DECLARED, now, actor.person_id
    db.session.flush()
    lapsed = []
    for result in queries.results(ballot.id):
        decision = counting.decision_of(result)
        if decision is None:
            lapsed.append(result.item.proposal_id)
            continue
        proposal_service.decide(
            proposal_id=result.item.proposal_id, decision=decision, reasons=result.explanation, actor=actor, now=now
        )
    if lapsed:
        proposal_service.take_off_ballot(
            proposal_ids=lapsed, reason="Too few members took part, so the vote lapsed.", actor=actor, now=now
        )
    letters.declared(ballot, queries.roll(ballot.id, limit=queries.WHOLE_ROLL), now)
    audit.record(actor, "ballot.declared", ballot.reference, at=now, after={"lapsed": len(lapsed)})
    return ballot


def ask_to_void(*, reference: str, reasons: str, actor: Actor, now: datetime) -> BallotVoid:
    """The secretary asks to void a ballot that members had notice of; a member of the board must agree.

    Raises:
        Conflict: when it is a draft or void already, or somebody asked before.
    """
    actor.require(Permission.RUN_BALLOTS)
    ballot = locked(reference)
    expect(ballot, *_NOTICED, way_on="It can't be voided any more.")
    if queries.void_request(ballot.id) is not None:
        raise Conflict(
            f"Somebody has already asked to void ballot {ballot.reference}. A member of the board decides now."
        )
    request = BallotVoid(ballot_id=ballot.id, reasons=reasons, asked_by_id=actor.person_id, asked_at=now)
    db.session.add(request)
    db.session.flush()
    audit.record(actor, "ballot.void_asked", ballot.reference, at=now, after={"reasons": reasons})
    return request


def void(*, reference: str, actor: Actor, now: datetime) -> Ballot:
    """A member of the board agrees that a ballot is void. Its proposals are ready for another.

    Awards that were made from it are not ended by this: people decide that (handbook §14), and stewards are told.

    Raises:
        NotAllowed: when the same person asked for it.
        Conflict: when nobody asked, or the ballot is over.
    """
    actor.require(Permission.VOID_BALLOTS)
    ballot = locked(reference)
    request = queries.void_request(ballot.id)
    if request is None:
        raise Conflict(
            f"Nobody has asked to void ballot {ballot.reference}. The secretary must ask first, with reasons."
        )
    expect(ballot, *_NOTICED, way_on="It can't be voided any more.")
    if request.asked_by_id == actor.person_id:
        raise NotAllowed("You asked for this yourself. Another person, who sits on the board, must agree.")
    undone = _decided_here(ballot)
    ballot.state = BallotState.VOID
    request.seconded_by_id, request.seconded_at = actor.person_id, now
    db.session.flush()
    proposal_service.take_off_ballot(proposal_ids=undone, reason=request.reasons, actor=actor, now=now)
    letters.voided(ballot, queries.roll(ballot.id, limit=queries.WHOLE_ROLL), request.reasons, now)
    letters.voided_to_stewards(ballot, now)
    db.session.flush()
    audit.record(actor, "ballot.voided", ballot.reference, at=now, after={"reasons": request.reasons})
    return ballot


def _decided_here(ballot: Ballot) -> list[int]:
    """Proposals whose fate hangs on the ballot. Those whose vote lapsed in it may be on another ballot by now."""
    if ballot.declared_at is None:
        return [item.proposal_id for item in ballot.items]
    return [r.item.proposal_id for r in queries.results(ballot.id) if counting.decision_of(r) is not None]


def sweep(now: datetime) -> int:
    """Open, close and count what is due; gives how many ballots moved. Again, at once, moves none."""
    moved = 0
    for ballot_id in queries.due(now):
        ballot = locked(db.session.get_one(Ballot, ballot_id).reference)
        before = ballot.state
        if ballot.state is BallotState.NOTICE_GIVEN and ballot.opens_at is not None and ballot.opens_at <= now:
            open_now(ballot, now)
        close(reference=ballot.reference, now=now)
        count(reference=ballot.reference, now=now)
        moved += ballot.state is not before
    return moved

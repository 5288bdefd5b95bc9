"""What a member's representative and deputies do: answer about conflicts of interest, and vote.

Voting takes a shared lock on the ballot's row and closing an exclusive one: votes don't wait for each other, and a
close waits for the votes that are being saved and lets no later one in.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken
from members import queries as members
from voting import queries, records
from voting.methods.resolution import Choice
from voting.models import (
    Ballot,
    BallotItem,
    ConflictDeclaration,
    DeclaredConflict,
    RollEntry,
    Vote,
    VoteChange,
)
from voting.rules import BallotState, conflict_reason
from voting.states import locked, open_now


def declare_conflicts(
    *, reference: str, item_ids: Sequence[int], note: str, actor: Actor, now: datetime
) -> ConflictDeclaration:
    """Record a voter's answer about conflicts of interest; no items means "none", which is an answer too.

    A person may answer again until the close; the latest answer counts.

    Raises:
        NotAllowed: when the organisation holds no vote, or the person already acts for another one in this ballot.
        Conflict: when the ballot is not open.
    """
    actor.require(Permission.VOTE)
    ballot = _open_ballot(reference, now)
    entry = _own_entry(ballot, actor, now)
    _check_one_member_a_person(ballot, entry, actor)
    if not set(item_ids) <= {item.id for item in ballot.items}:
        raise NotFound
    declaration = ConflictDeclaration(
        ballot_id=ballot.id, roll_entry_id=entry.id, person_id=actor.person_id, declared_at=now, note=note
    )
    declaration.conflicts = [DeclaredConflict(item_id=item_id) for item_id in sorted(set(item_ids))]
    db.session.add(declaration)
    db.session.flush()
    audit.record(
        actor,
        "ballot.conflicts_declared",
        ballot.reference,
        at=now,
        after={"organisation": entry.reference, "items": ",".join(map(str, sorted(set(item_ids)))) or "none"},
    )
    return declaration


def vote(
    *, reference: str, item_id: int, choice: Choice, reason: str, actor: Actor, now: datetime
) -> records.SavedVote:
    """Save an organisation's vote on an item: saved is counted. The last one before the close counts.

    Args:
        now: the instant by the database's clock, read inside the writing transaction.

    Returns:
        The saved vote with its receipt. The same choice again changes nothing and gives the same receipt.

    Raises:
        NotAllowed: when the organisation holds no vote, or has a conflict of interest in the item.
        RuleBroken: when the person hasn't said yet whether there is a conflict of interest.
        Conflict: when the ballot is not open.
    """
    actor.require(Permission.VOTE)
    ballot = _open_ballot(reference, now)
    item = queries.item(ballot.id, item_id)
    entry = _own_entry(ballot, actor, now)
    _check_one_member_a_person(ballot, entry, actor)
    if records.declaration_of(entry, actor.person_id) is None:
        question = "Say first whether you or your organisation have a conflict of interest in any of these decisions."
        raise RuleBroken([Finding(question, fix=f"/ballots/{ballot.reference}/conflicts")])
    if (kind := records.conflicts_of(entry).get(item.id)) is not None:
        raise NotAllowed(conflict_reason(kind, entry.name))
    present = db.session.get(Vote, (item.id, entry.id), populate_existing=True)
    if present is None or (present.choice, present.reason) != (choice, reason):
        present = _save(item, entry, present, choice, reason, actor, now)
    return records.SavedVote(present, actor.name)


def _save(
    item: BallotItem, entry: RollEntry, present: Vote | None, choice: Choice, reason: str, actor: Actor, now: datetime
) -> Vote:
    if present is None:
        present = Vote(item_id=item.id, roll_entry_id=entry.id, sequence=0)
        db.session.add(present)
    present.choice, present.reason = choice, reason
    present.cast_by_id, present.cast_at = actor.person_id, now
    present.sequence += 1
    db.session.add(
        VoteChange(
            item_id=item.id,
            roll_entry_id=entry.id,
            sequence=present.sequence,
            choice=choice,
            reason=reason,
            cast_by_id=actor.person_id,
            cast_at=now,
        )
    )
    db.session.flush()
    # Not what was said: the audit log is open to the office, and there are no running totals before the close.
    audit.record(
        actor,
        "vote.saved",
        item.ballot.reference,
        at=now,
        after={"item": item.number, "organisation": entry.reference, "sequence": present.sequence},
    )
    return present


def _open_ballot(reference: str, now: datetime) -> Ballot:
    """The ballot, locked against closing, if it is open at `now`. One that is due is opened on the way."""
    noticed = select(Ballot.id).where(Ballot.reference == reference[:40], Ballot.state == BallotState.NOTICE_GIVEN)
    # A shared lock that two voters hold can't be made an exclusive one: they would wait for each other.
    ballot = locked(reference, shared=db.session.scalar(noticed) is None)
    opens_at, closes_at = ballot.opens_at, ballot.closes_at
    if opens_at is None or closes_at is None:
        raise NotFound
    if ballot.state is BallotState.NOTICE_GIVEN:
        if now < opens_at:
            raise Conflict("Voting hasn't started yet. The ballot's page says when it opens.")
        if now < closes_at:
            open_now(ballot, now)
    if ballot.state is not BallotState.OPEN or now >= closes_at:
        raise Conflict("This ballot is closed, so nothing was saved. What you saved before the close was counted.")
    return ballot


def _own_entry(ballot: Ballot, actor: Actor, now: datetime) -> RollEntry:
    """The roll entry of the organisation acted for, locked: one saving of its votes at a time."""
    entry = db.session.scalar(
        select(RollEntry)
        .where(RollEntry.ballot_id == ballot.id, RollEntry.organisation_id == actor.organisation_id)
        .with_for_update()
    )
    entry = check_holds_vote(entry, actor)
    if not members.takes_part(actor.organisation_id, now):
        raise NotAllowed(
            f"{entry.name} has left the fund or is suspended, so nothing was saved. What it saved before counts. "
            "If this is wrong, write to the secretary."
        )
    return entry


def check_holds_vote(entry: RollEntry | None, actor: Actor) -> RollEntry:
    """The entry, if the organisation acted for votes with it.

    Raises:
        NotAllowed: when it is not on the roll, or another member of its group holds the vote.
    """
    if entry is None:
        raise NotAllowed(
            f"{actor.organisation_name or 'Your organisation'} is not on the roll of this ballot. "
            "The roll was fixed when notice was given; you will be on the next one."
        )
    if entry.votes_through is not None:
        raise NotAllowed(
            f"{entry.name} belongs to a group of connected organisations that has one vote between them. "
            f"Member {entry.votes_through} holds it: agree with them how it is used."
        )
    return entry


def _check_one_member_a_person(ballot: Ballot, entry: RollEntry, actor: Actor) -> None:
    other = records.acted_for(ballot.id, actor.person_id)
    if other is not None and other.id != entry.id:
        raise NotAllowed(
            f"You act for {other.name} in this ballot, and a person may act for only one member in a ballot. "
            f"Ask a deputy of {entry.name} to vote for it."
        )

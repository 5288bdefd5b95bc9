"""Reads of what was recorded in a ballot: conflicts, declarations, votes, and how organisations voted."""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Select, func, select
from sqlalchemy.orm import selectinload

from fund.kernel.db import db
from members.accounts.models import Person
from members.rules import Sector
from voting.methods.resolution import Choice
from voting.models import (
    AutomaticConflict,
    BallotItem,
    ConflictDeclaration,
    DeclaredConflict,
    RollEntry,
    Vote,
)
from voting.rules import ConflictKind

LONGEST_LIST = 200


@dataclass(frozen=True)
class Recorded:
    """What a count needs: who holds a vote, who is out of which item, and the last choice on each.

    Members are named by reference.
    """

    sectors: dict[str, Sector] = field(default_factory=dict)
    recused: dict[int, set[str]] = field(default_factory=dict)
    votes: dict[int, dict[str, Choice]] = field(default_factory=dict)


def recorded(ballot_id: int) -> Recorded:
    """Everything recorded for a ballot's count."""
    holders = db.session.execute(
        select(RollEntry.id, RollEntry.reference, RollEntry.sector)
        .where(RollEntry.ballot_id == ballot_id, RollEntry.votes_through.is_(None))
        .order_by(RollEntry.reference)
    ).all()
    names = {entry_id: reference for entry_id, reference, _ in holders}
    found = Recorded(sectors={reference: sector for _, reference, sector in holders})
    for statement in (_automatic(ballot_id), _declared(ballot_id)):
        for item_id, entry_id in db.session.execute(statement):
            if entry_id in names:
                found.recused.setdefault(item_id, set()).add(names[entry_id])
    votes = db.session.execute(
        select(Vote.item_id, Vote.roll_entry_id, Vote.choice)
        .join(BallotItem, Vote.item_id == BallotItem.id)
        .where(BallotItem.ballot_id == ballot_id)
    )
    for item_id, entry_id, choice in votes:
        found.votes.setdefault(item_id, {})[names[entry_id]] = choice
    return found


def _automatic(ballot_id: int) -> Select[int, int]:
    return (
        select(AutomaticConflict.item_id, AutomaticConflict.roll_entry_id)
        .join(BallotItem, AutomaticConflict.item_id == BallotItem.id)
        .where(BallotItem.ballot_id == ballot_id)
    )


def _declared(ballot_id: int) -> Select[int, int]:
    """Items that the latest declaration of any of an organisation's people names."""
    latest = (
        select(func.max(ConflictDeclaration.id))
        .where(ConflictDeclaration.ballot_id == ballot_id)
        .group_by(ConflictDeclaration.roll_entry_id, ConflictDeclaration.person_id)
    )
    return (
        select(DeclaredConflict.item_id, ConflictDeclaration.roll_entry_id)
        .join(ConflictDeclaration, DeclaredConflict.declaration_id == ConflictDeclaration.id)
        .where(ConflictDeclaration.id.in_(latest))
    )


def out_of_items(entry_ids: Collection[int]) -> set[tuple[int, int]]:
    """(item, roll entry) of these entries that a conflict of interest takes out, in whichever ballot."""
    latest = (
        select(func.max(ConflictDeclaration.id))
        .where(ConflictDeclaration.roll_entry_id.in_(entry_ids))
        .group_by(ConflictDeclaration.roll_entry_id, ConflictDeclaration.person_id)
    )
    declared = (
        select(DeclaredConflict.item_id, ConflictDeclaration.roll_entry_id)
        .join(ConflictDeclaration, DeclaredConflict.declaration_id == ConflictDeclaration.id)
        .where(ConflictDeclaration.id.in_(latest))
    )
    automatic = select(AutomaticConflict.item_id, AutomaticConflict.roll_entry_id).where(
        AutomaticConflict.roll_entry_id.in_(entry_ids)
    )
    return {
        (item_id, entry_id)
        for statement in (automatic, declared)
        for item_id, entry_id in db.session.execute(statement)
    }


def automatic_conflicts_of(entry: RollEntry) -> dict[int, ConflictKind]:
    """Item → how the organisation is tied to a partner in it."""
    rows = db.session.execute(
        select(AutomaticConflict.item_id, AutomaticConflict.kind).where(AutomaticConflict.roll_entry_id == entry.id)
    )
    return dict(rows.all())


def conflicts_of(entry: RollEntry) -> dict[int, ConflictKind]:
    """Item → why the organisation takes no part in it."""
    declared = db.session.execute(_declared(entry.ballot_id).where(ConflictDeclaration.roll_entry_id == entry.id))
    return {item_id: ConflictKind.DECLARED for item_id, _ in declared} | automatic_conflicts_of(entry)


def declaration_of(entry: RollEntry, person_id: int) -> ConflictDeclaration | None:
    """The person's latest answer about conflicts of interest."""
    return db.session.scalar(
        select(ConflictDeclaration)
        .options(selectinload(ConflictDeclaration.conflicts))
        .where(ConflictDeclaration.roll_entry_id == entry.id, ConflictDeclaration.person_id == person_id)
        .order_by(ConflictDeclaration.id.desc())
        .limit(1)
    )


def acted_for(ballot_id: int, person_id: int) -> RollEntry | None:
    """The organisation that a person has begun to act for in this ballot, if any."""
    return db.session.scalar(
        select(RollEntry)
        .join(ConflictDeclaration, ConflictDeclaration.roll_entry_id == RollEntry.id)
        .where(ConflictDeclaration.ballot_id == ballot_id, ConflictDeclaration.person_id == person_id)
        .order_by(ConflictDeclaration.id)
        .limit(1)
    )


@dataclass(frozen=True)
class Declared:
    """A conflict of interest as a person declared it."""

    organisation: str
    person: str
    proposal: str
    note: str


def declared_conflicts(ballot_id: int) -> list[Declared]:
    """Every conflict of interest declared in a ballot, taken back since or not; for the secretary."""
    rows = db.session.execute(
        select(RollEntry.name, Person.name, BallotItem.proposal_reference, ConflictDeclaration.note)
        .join(DeclaredConflict, DeclaredConflict.declaration_id == ConflictDeclaration.id)
        .join(BallotItem, DeclaredConflict.item_id == BallotItem.id)
        .join(RollEntry, ConflictDeclaration.roll_entry_id == RollEntry.id)
        .join(Person, ConflictDeclaration.person_id == Person.id)
        .where(ConflictDeclaration.ballot_id == ballot_id)
        .order_by(ConflictDeclaration.id, BallotItem.number)
        .limit(LONGEST_LIST)
    )
    return [Declared(organisation, person, proposal, note) for organisation, person, proposal, note in rows]


@dataclass(frozen=True)
class SavedVote:
    """An organisation's present vote on an item, with the name of who saved it."""

    vote: Vote
    saved_by: str

    @property
    def receipt(self) -> str:
        """The number people can quote: item, organisation on the roll, and how many times it was saved."""
        return f"{self.vote.item_id}-{self.vote.roll_entry_id}-{self.vote.sequence}"


def votes_of(entry: RollEntry) -> dict[int, SavedVote]:
    """Item → what the organisation has saved."""
    rows = db.session.execute(
        select(Vote, Person.name)
        .join(Person, Vote.cast_by_id == Person.id)
        .where(Vote.roll_entry_id == entry.id)
        .order_by(Vote.item_id)
    )
    return {vote.item_id: SavedVote(vote, name) for vote, name in rows}


@dataclass(frozen=True)
class Exclusion:
    """An organisation that took no part in an item."""

    item_id: int
    name: str
    sector: Sector


def exclusions(ballot_id: int) -> list[Exclusion]:
    """Who was out of which item because of a conflict of interest; only those that held a vote."""
    out = {
        (item_id, entry_id)
        for statement in (_automatic(ballot_id), _declared(ballot_id))
        for item_id, entry_id in db.session.execute(statement)
    }
    entries = db.session.scalars(
        select(RollEntry)
        .where(RollEntry.id.in_({entry_id for _, entry_id in out}), RollEntry.votes_through.is_(None))
        .order_by(RollEntry.reference)
    )
    return [
        Exclusion(item_id, entry.name, entry.sector)
        for entry in entries
        for item_id in sorted(item_id for item_id, entry_id in out if entry_id == entry.id)
    ]


@dataclass(frozen=True)
class HowVoted:
    """One organisation's line in the record of an item."""

    reference: str
    name: str
    sector: Sector
    choice: Choice | None
    reason: str


def how_voted(item_id: int, ballot_id: int, *, after: str = "", limit: int = LONGEST_LIST) -> list[HowVoted]:
    """How the organisations that hold a vote voted on an item, in order of reference."""
    rows = db.session.execute(
        select(RollEntry.reference, RollEntry.name, RollEntry.sector, Vote.choice, Vote.reason)
        .outerjoin(Vote, (Vote.roll_entry_id == RollEntry.id) & (Vote.item_id == item_id))
        .where(RollEntry.ballot_id == ballot_id, RollEntry.votes_through.is_(None), RollEntry.reference > after)
        .order_by(RollEntry.reference)
        .limit(limit)
    )
    return [HowVoted(reference, name, sector, choice, reason or "") for reference, name, sector, choice, reason in rows]

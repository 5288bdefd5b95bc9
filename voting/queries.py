"""Reads of ballots: decisions list, one ballot, what was recorded, awards to make, what waits for a person."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import selectinload

from fund.kernel.access import Actor, Permission, Role
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from members import queries as members
from members.accounts.models import FundAppointment, Person
from members.models import Appointment, ConnectedGroup, Organisation
from members.rules import MembershipStatus, Sector
from proposals import queries as proposals
from proposals.models import Round
from proposals.rules import RoundState
from voting import records
from voting.methods.resolution import Choice
from voting.models import (
    Ballot,
    BallotItem,
    BallotVoid,
    ItemResult,
    RollEntry,
    Vote,
)
from voting.rules import BallotState

LONGEST_LIST = 200
WHOLE_ROLL = 100_000
"""More members than any roll has."""
_LARGEST_ID = 2**63 - 1
_OFFICE = frozenset({Role.STEWARD, Role.SECRETARY, Role.BOARD, Role.AUDITOR})
_VOTERS = (Role.REPRESENTATIVE, Role.DEPUTY)
_PUBLISHED = (BallotState.NOTICE_GIVEN, BallotState.OPEN, BallotState.CLOSED, BallotState.COUNTED, BallotState.DECLARED)


# --- ballots


def ballot(reference: str, actor: Actor | None) -> Ballot:
    """A ballot by its reference; a draft is only there for the secretary.

    Raises:
        NotFound: when there is none for this person.
    """
    found = db.session.scalar(
        select(Ballot).options(selectinload(Ballot.items)).where(Ballot.reference == reference[:40])
    )
    if found is None or (found.notice_at is None and not (actor and actor.may(Permission.RUN_BALLOTS))):
        raise NotFound
    return found


def ballots(actor: Actor | None) -> list[Ballot]:
    """The newest ballots; drafts (and drafts that were voided) only for the secretary."""
    statement = select(Ballot).options(selectinload(Ballot.items)).order_by(Ballot.id.desc()).limit(LONGEST_LIST)
    if not (actor and actor.may(Permission.RUN_BALLOTS)):
        statement = statement.where(Ballot.notice_at.is_not(None))
    return list(db.session.scalars(statement))


def live_ballot_of_round(round_id: int) -> Ballot | None:
    """The round's ballot that is not over yet."""
    return db.session.scalar(
        select(Ballot).where(Ballot.round_id == round_id, Ballot.state.not_in((BallotState.DECLARED, BallotState.VOID)))
    )


def rounds_to_ballot() -> list[Round]:
    """Closed rounds that have proposals ready for a ballot and no ballot yet, oldest first."""
    live = exists().where(Ballot.round_id == Round.id, Ballot.state.not_in((BallotState.DECLARED, BallotState.VOID)))
    closed = db.session.scalars(
        select(Round)
        .where(Round.state.in_((RoundState.CLOSED, RoundState.DECIDING)), ~live)
        .order_by(Round.closes_at, Round.id)
        .limit(20)
    )
    return [candidate for candidate in closed if proposals.ready_for_ballot(candidate.id)]


def item(ballot_id: int, item_id: int) -> BallotItem:
    """An item of a ballot. Raises NotFound where it is not on it."""
    found = None
    if 0 < item_id <= _LARGEST_ID:
        found = db.session.scalar(select(BallotItem).where(BallotItem.ballot_id == ballot_id, BallotItem.id == item_id))
    if found is None:
        raise NotFound
    return found


def void_request(ballot_id: int) -> BallotVoid | None:
    """The secretary's request to void the ballot, if there is one."""
    return db.session.get(BallotVoid, ballot_id)


# --- the roll


def roll(ballot_id: int, *, after: str = "", limit: int = LONGEST_LIST) -> list[RollEntry]:
    """Members on the roll in order of reference, `limit` at a time, after a reference."""
    return list(
        db.session.scalars(
            select(RollEntry)
            .where(RollEntry.ballot_id == ballot_id, RollEntry.reference > after)
            .order_by(RollEntry.reference)
            .limit(limit)
        )
    )


def votes_by_sector(ballot_id: int) -> dict[Sector, int]:
    """How many votes each sector has on the roll."""
    rows = db.session.execute(
        select(RollEntry.sector, func.count())
        .where(RollEntry.ballot_id == ballot_id, RollEntry.votes_through.is_(None))
        .group_by(RollEntry.sector)
    )
    found = dict(rows.all())
    return {sector: found.get(sector, 0) for sector in Sector}


def roll_entry_of(ballot_id: int, organisation_id: int | None) -> RollEntry | None:
    """An organisation's place on the roll."""
    if organisation_id is None:
        return None
    return db.session.scalar(
        select(RollEntry).where(RollEntry.ballot_id == ballot_id, RollEntry.organisation_id == organisation_id)
    )


@dataclass(frozen=True)
class Addressee:
    """Somebody who gets a ballot's mail for an organisation. Without a person, the organisation's own contact."""

    organisation_id: int
    person_id: int | None
    email: str


def addressees(ballot_id: int) -> list[Addressee]:
    """Representatives and deputies of every organisation on the roll; where one has neither, its contact."""
    on_roll = select(RollEntry.organisation_id).where(RollEntry.ballot_id == ballot_id)
    rows = db.session.execute(
        select(Appointment.organisation_id, Person.id, Person.email)
        .join(Person, Appointment.person_id == Person.id)
        .where(
            Appointment.organisation_id.in_(on_roll),
            Appointment.role.in_(_VOTERS),
            Appointment.ended_at.is_(None),
            Person.disabled_at.is_(None),
        )
        .distinct()
        .order_by(Appointment.organisation_id, Person.id)
    )
    found = [Addressee(organisation_id, person_id, email) for organisation_id, person_id, email in rows]
    reached = {addressee.organisation_id for addressee in found}
    contacts = db.session.execute(
        select(Organisation.id, Organisation.contact_email)
        .where(Organisation.id.in_(on_roll))
        .order_by(Organisation.id)
    )
    return found + [Addressee(member_id, None, email) for member_id, email in contacts if member_id not in reached]


def members_for_roll(now: datetime) -> list[Organisation]:
    """Every organisation that is a member on the day of `now` and not suspended, in order of reference."""
    return list(
        db.session.scalars(
            select(Organisation).where(*members.taking_part_on(london_day(now))).order_by(Organisation.reference)
        )
    )


def groups_of(organisation_ids: Collection[int]) -> set[int]:
    """The connected groups that these organisations belong to."""
    return set(
        db.session.scalars(
            select(ConnectedGroup.id)
            .join(Organisation, Organisation.group_id == ConnectedGroup.id)
            .where(Organisation.id.in_(organisation_ids))
        )
    )


def stewards() -> list[str]:
    """E-mail addresses of the stewards."""
    return list(
        db.session.scalars(
            select(Person.email)
            .join(FundAppointment, FundAppointment.person_id == Person.id)
            .where(
                FundAppointment.role == Role.STEWARD, FundAppointment.ended_at.is_(None), Person.disabled_at.is_(None)
            )
            .order_by(Person.id)
            .limit(LONGEST_LIST)
        )
    )


# --- results


def results(ballot_id: int) -> list[ItemResult]:
    """The results of a ballot's items: passed ones in funding order, then the others in order of the paper."""
    return list(
        db.session.scalars(
            select(ItemResult)
            .join(BallotItem, ItemResult.item_id == BallotItem.id)
            .options(selectinload(ItemResult.item))
            .where(BallotItem.ballot_id == ballot_id)
            .order_by(ItemResult.place.is_(None), ItemResult.place, BallotItem.number)
        )
    )


def may_see_votes(actor: Actor | None) -> bool:
    """Members see how organisations voted, once declared (handbook §5.4); the fund's own officers too."""
    if actor is None:
        return False
    if actor.roles & _OFFICE:
        return True
    if actor.organisation_id is None:
        return False
    organisation = db.session.get(Organisation, actor.organisation_id)
    return organisation is not None and organisation.status is MembershipStatus.MEMBER


@dataclass(frozen=True)
class CastVote:
    """What an organisation said on one item of a declared ballot. `choice` is empty where it said nothing."""

    ballot_reference: str
    declared_at: datetime
    proposal_reference: str
    title: str
    choice: Choice | None
    reason: str
    took_part: bool
    votes_through: str | None


def declared_votes_of(organisation_id: int, *, limit: int, offset: int = 0) -> list[CastVote]:
    """How an organisation voted in ballots that were declared and stand, the latest first. For members.

    Every ballot here spends common money or binds all members; elections of people are secret (handbook §5.4) and are
    no ballots of this kind.
    """
    rows = db.session.execute(
        select(RollEntry, Ballot, BallotItem, Vote)
        .join(Ballot, RollEntry.ballot_id == Ballot.id)
        .join(BallotItem, BallotItem.ballot_id == Ballot.id)
        .outerjoin(Vote, (Vote.item_id == BallotItem.id) & (Vote.roll_entry_id == RollEntry.id))
        .where(RollEntry.organisation_id == organisation_id, Ballot.state == BallotState.DECLARED)
        .order_by(Ballot.declared_at.desc(), Ballot.id.desc(), BallotItem.number)
        .limit(limit)
        .offset(offset)
    ).all()
    out = records.out_of_items({entry.id for entry, _, _, _ in rows})
    return [
        CastVote(
            ballot.reference,
            ballot.declared_at or ballot.drafted_at,
            item.proposal_reference,
            item.title,
            vote.choice if vote is not None and (item.id, entry.id) not in out else None,
            vote.reason if vote is not None and (item.id, entry.id) not in out else "",
            (item.id, entry.id) not in out,
            entry.votes_through,
        )
        for entry, ballot, item, vote in rows
    ]


@dataclass(frozen=True)
class FundedItem:
    """A proposal that a declared ballot funds."""

    proposal_id: int
    proposal_reference: str
    ballot_reference: str
    item_id: int
    requested_pence: int
    declared_at: datetime


def standing_ballots(references: Collection[str]) -> set[str]:
    """Those of these ballots whose declared result stands: it was not voided since."""
    return set(
        db.session.scalars(
            select(Ballot.reference).where(Ballot.reference.in_(references), Ballot.state == BallotState.DECLARED)
        )
    )


def funded_items() -> list[FundedItem]:
    """What declared ballots fund, newest declaration first."""
    rows = db.session.execute(
        select(BallotItem, Ballot)
        .join(Ballot, BallotItem.ballot_id == Ballot.id)
        .join(ItemResult, ItemResult.item_id == BallotItem.id)
        .where(Ballot.state == BallotState.DECLARED, ItemResult.funded)
        .order_by(Ballot.declared_at.desc(), ItemResult.place)
        .limit(1000)
    )
    return [
        FundedItem(
            found.proposal_id,
            found.proposal_reference,
            its.reference,
            found.id,
            found.requested_pence,
            its.declared_at or its.drafted_at,
        )
        for found, its in rows
    ]


def funded_pence_of_round(round_id: int) -> int:
    """Money that declared ballots of a round have already given."""
    return (
        db.session.scalar(
            select(func.coalesce(func.sum(BallotItem.requested_pence), 0))
            .join(Ballot, BallotItem.ballot_id == Ballot.id)
            .join(ItemResult, ItemResult.item_id == BallotItem.id)
            .where(Ballot.round_id == round_id, Ballot.state == BallotState.DECLARED, ItemResult.funded)
        )
        or 0
    )


def due(now: datetime) -> Sequence[int]:
    """Ballots that should open, close or be counted by now, in order of id."""
    return db.session.scalars(
        select(Ballot.id)
        .where(
            ((Ballot.state == BallotState.NOTICE_GIVEN) & (Ballot.opens_at <= now))
            | ((Ballot.state == BallotState.OPEN) & (Ballot.closes_at <= now))
            | (Ballot.state == BallotState.CLOSED)
        )
        .order_by(Ballot.id)
        .limit(LONGEST_LIST)
    ).all()


# --- what waits for a person


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """What waits for the person here: to vote, to give notice, to declare, to agree to a void."""
    found: list[Task] = []
    if actor.may(Permission.VOTE):
        found += _to_vote(actor, now)
    if actor.may(Permission.RUN_BALLOTS):
        found += _to_run(now)
    if actor.may(Permission.VOID_BALLOTS):
        found += _to_second(actor)
    return found


def _to_vote(actor: Actor, now: datetime) -> list[Task]:
    rows = db.session.execute(
        select(Ballot, RollEntry)
        .join(RollEntry, RollEntry.ballot_id == Ballot.id)
        .where(
            RollEntry.organisation_id == actor.organisation_id,
            RollEntry.votes_through.is_(None),
            Ballot.state.in_((BallotState.NOTICE_GIVEN, BallotState.OPEN)),
            Ballot.opens_at <= now,
            Ballot.closes_at > now,
        )
        .options(selectinload(Ballot.items))
        .order_by(Ballot.id)
        .limit(20)
    ).all()
    found = []
    for its, entry in rows:
        done = records.conflicts_of(entry).keys() | records.votes_of(entry).keys()
        waiting = [item for item in its.items if item.id not in done]
        if waiting:
            number = f"{len(waiting)} decision{'' if len(waiting) == 1 else 's'}"
            found.append(
                Task(
                    f"Vote in ballot {its.reference}",
                    f"{number} in “{its.round_title}” still to make for {entry.name}.",
                    f"/ballots/{its.reference}/vote",
                    its.closes_at,
                )
            )
    return found


def _to_run(now: datetime) -> list[Task]:
    found = [
        Task(
            f"Draft the ballot of round {candidate.reference}",
            f"“{candidate.title}” is closed and has proposals that are ready for the members to decide.",
            "/ballots",
        )
        for candidate in rounds_to_ballot()
    ]
    waiting = db.session.scalars(
        select(Ballot)
        .where(Ballot.state.in_((BallotState.DRAFT, BallotState.COUNTED)))
        .order_by(Ballot.id)
        .limit(LONGEST_LIST)
    )
    for its in waiting:
        if its.state is BallotState.DRAFT:
            why = f"The ballot of “{its.round_title}” is drafted. Members need notice before it can open."
            found.append(Task(f"Give notice of ballot {its.reference}", why, f"/ballots/{its.reference}/notice"))
        else:
            why = f"The ballot of “{its.round_title}” is counted. Nobody sees the result until you declare it."
            found.append(
                Task(f"Declare the result of ballot {its.reference}", why, f"/ballots/{its.reference}", its.closes_at)
            )
    return found


def _to_second(actor: Actor) -> list[Task]:
    rows = db.session.execute(
        select(Ballot.reference, Ballot.round_title)
        .join(BallotVoid, BallotVoid.ballot_id == Ballot.id)
        .where(BallotVoid.seconded_at.is_(None), BallotVoid.asked_by_id != actor.person_id)
        .order_by(Ballot.id)
        .limit(20)
    )
    return [
        Task(
            f"Decide whether ballot {reference} is void",
            f"The secretary asks to void the ballot of “{title}”. A member of the board must agree first.",
            f"/ballots/{reference}",
        )
        for reference, title in rows
    ]

"""Reads of rounds, and how the year's money stands towards opening one."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select

from fund.kernel.access import Actor
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Finding, NotFound
from fund.kernel.society import society
from members.contributions import queries as contributions
from members.models import Organisation
from proposals import rules
from proposals.addresses import is_office, known_reference
from proposals.models import Proposal, Round
from proposals.rules import FundYear, ProposalState, RoundState


def round_by_reference(reference: str, actor: Actor | None = None) -> Round:
    """A round; one in draft only for the office. Raises NotFound."""
    found = db.session.scalar(select(Round).where(Round.reference == known_reference(reference)))
    if found is None or (found.state is RoundState.DRAFT and not is_office(actor)):
        raise NotFound
    return found


def public_rounds(limit: int = 50) -> Sequence[Round]:
    """Published rounds, the latest to open first."""
    return db.session.scalars(
        select(Round)
        .where(Round.state != RoundState.DRAFT)
        .order_by(Round.opens_at.desc(), Round.id.desc())
        .limit(limit)
    ).all()


def draft_rounds(limit: int = 50) -> Sequence[Round]:
    """Rounds that stewards still write."""
    return db.session.scalars(
        select(Round).where(Round.state == RoundState.DRAFT).order_by(Round.id.desc()).limit(limit)
    ).all()


def waiting_to_open(now: datetime, limit: int = 20) -> Sequence[Round]:
    """Published rounds whose opening time has come."""
    return db.session.scalars(
        select(Round)
        .where(Round.state == RoundState.PUBLISHED, Round.opens_at <= now)
        .order_by(Round.opens_at, Round.id)
        .limit(limit)
    ).all()


def fund_year_at(now: datetime) -> FundYear:
    """The fund year that holds the day of `now` in England."""
    found = society()
    month, day = (found.year_end_month, found.year_end_day) if found else (3, 31)
    return rules.fund_year(london_day(now), month, day)


def in_the_way_of_opening(subject: Round, now: datetime) -> list[Finding]:
    """Why the round can't open for want of money (R03). Empty when it can."""
    year = fund_year_at(now)
    return rules.sectors_without_money(contributions.cleared_by_sector(year.first, year.last), subject.policy)


def opening_warnings(subject: Round, now: datetime) -> list[Finding]:
    """What a steward should know about the year's money when opening; never a reason to refuse."""
    year = fund_year_at(now)
    cleared = contributions.cleared_by_sector(year.first, year.last)
    return rules.lopsided_pot(cleared, _largest_contributor(year.first, year.last), subject.policy)


def _largest_contributor(since: date, until: date) -> tuple[str, int] | None:
    given = contributions.cleared_by_organisation(since, until)
    if not given:
        return None
    organisation_id, pence = max(given.items(), key=lambda item: (item[1], -item[0]))
    return db.session.get_one(Organisation, organisation_id).name, pence


def count_by_state(round_id: int) -> dict[ProposalState, int]:
    """How many proposals of a round are in each state."""
    rows = db.session.execute(
        select(Proposal.state, func.count()).where(Proposal.round_id == round_id).group_by(Proposal.state)
    )
    return {row[0]: row[1] for row in rows}

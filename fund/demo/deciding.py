"""Members vote, and the secretary declares what they decided."""

from collections.abc import Mapping

from sqlalchemy import select

from fund.demo.cast import ORGANISATIONS, Cast
from fund.demo.teller import SECRETARY, Teller
from fund.kernel.db import db
from fund.kernel.errors import FundError
from members.rules import Sector
from voting import queries, service
from voting.methods.resolution import Choice
from voting.models import Ballot, BallotItem


def notice(teller: Teller, round_id: int, day: int, opens: int, closes: int) -> str:
    """The secretary drafts a ballot of a round and gives notice; its reference."""
    actor = teller.official(SECRETARY)
    reference = teller.do(lambda: service.draft_ballot(round_id=round_id, actor=actor, now=teller.at(day, 9)).reference)
    teller.do(
        lambda: service.give_notice(
            reference=reference,
            opens_at=teller.plan_at(opens, 9),
            closes_at=teller.plan_at(closes, 17),
            actor=actor,
            now=teller.at(day, 10),
        )
    )
    return reference


def open_ballot(teller: Teller, day: int) -> None:
    """The hour of opening passes."""
    teller.do(lambda: service.sweep(teller.at(day, 9, 1)))


def vote(
    teller: Teller, reference: str, day: int, against: Mapping[int, tuple[Sector, ...]], *, silent: tuple[str, ...] = ()
) -> None:
    """Representatives declare their links and vote, a few each day, but for those who stay silent.

    Args:
        against: a proposal's id → the sectors whose members vote against it (every third of them abstains).
    """
    ballot = db.session.scalars(select(Ballot).where(Ballot.reference == reference)).one()
    items = list(
        db.session.scalars(select(BallotItem).where(BallotItem.ballot_id == ballot.id).order_by(BallotItem.id))
    )
    holders = {entry.organisation_id for entry in queries.roll(ballot.id) if entry.votes_through is None}
    for number, cast in enumerate(ORGANISATIONS):
        if cast.name in silent or teller.organisations[cast.name] not in holders:
            continue
        actor = teller.representative(cast.name)
        when = teller.at(day + number % 6, 9 + number % 9)
        teller.do(
            lambda actor=actor, when=when: service.declare_conflicts(  # type: ignore[misc]
                reference=reference, item_ids=[], note="", actor=actor, now=when
            )
        )
        for item in items:
            choice = _choice(cast, number, against.get(item.proposal_id, ()))
            try:
                teller.do(
                    lambda item=item, choice=choice, actor=actor, when=when: service.vote(  # type: ignore[misc]
                        reference=reference, item_id=item.id, choice=choice, reason="", actor=actor, now=when
                    )
                )
            except FundError:
                continue  # a partner in it has no vote on it


def _choice(cast: Cast, number: int, against: tuple[Sector, ...]) -> Choice:
    if cast.sector in against:
        return Choice.ABSTAIN if number % 3 == 0 else Choice.AGAINST
    return Choice.AGAINST if number % 7 == 3 else Choice.FOR


def declare(teller: Teller, reference: str, day: int) -> None:
    """The closing hour passes, the votes are counted, and the secretary declares."""
    teller.do(lambda: service.sweep(teller.at(day, 17)))
    teller.do(lambda: service.declare(reference=reference, actor=teller.official(SECRETARY), now=teller.at(day + 1, 9)))

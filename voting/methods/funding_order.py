"""Which passed proposals a round's money reaches (handbook §5.4).

The order is: number of supporting sectors, then share of votes for, then assessment score, then earlier submission. The
money goes down that list while the next one fits in full. The first that doesn't fit ends the funding: it and all after
it go on the reserve list, so that no proposal overtakes one that the members put before it. Nobody is funded in part.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction


@dataclass(frozen=True)
class Passed:
    """A proposal that passed.

    Attributes:
        key: its reference; the last resort where all else is equal, so that every recount gives the same list.
        requested_pence: what it asks for.
        supporting_sectors: sectors with more votes for than against.
        votes_for: votes for, over all sectors.
        against: votes against, over all sectors.
        assessment: mean score of the assessors; None counts as lowest.
        submitted_at: when the version that was voted on was submitted.
    """

    key: str
    requested_pence: int
    supporting_sectors: int
    votes_for: int
    against: int
    assessment: Fraction | None
    submitted_at: datetime

    @property
    def share_for(self) -> Fraction:
        """Votes for as an exact share of votes for and against."""
        cast = self.votes_for + self.against
        return Fraction(self.votes_for, cast) if cast else Fraction(0)


@dataclass(frozen=True)
class Placed:
    """A proposal's place in the order, from 1; whether it is funded; and the money left before it."""

    key: str
    place: int
    funded: bool
    left_before_pence: int


def in_order(passed: Iterable[Passed]) -> list[Passed]:
    """The passed proposals, first to be funded first."""
    return sorted(
        passed,
        key=lambda item: (
            -item.supporting_sectors,
            -item.share_for,
            -(item.assessment if item.assessment is not None else Fraction(-1)),
            item.submitted_at,
            item.key,
        ),
    )


def fund(passed: Iterable[Passed], budget_pence: int) -> list[Placed]:
    """Place every passed proposal and fund down the list while the next fits.

    Args:
        passed: proposals that passed, in any order.
        budget_pence: the round's money that is not given to others yet.
    """
    placed = []
    left, reached_end = budget_pence, False
    for place, item in enumerate(in_order(passed), start=1):
        reached_end = reached_end or item.requested_pence > left
        placed.append(Placed(item.key, place, not reached_end, left))
        if not reached_end:
            left -= item.requested_pence
    return placed

"""What a statement can be sifted by, and the sums beside it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from fund.kernel.errors import Finding


@dataclass(frozen=True)
class Sieve:
    """What to show of an account; None leaves open.

    Attributes:
        first: the first day on which it happened.
        last: the last such day.
        kind: the sort of act, as `ledger.models.Transfer` has it.
        least_pence: the smallest amount, whichever way it went.
        most_pence: the largest amount.
        text: stands somewhere in the description or the key, in capitals or not.
    """

    first: date | None = None
    last: date | None = None
    kind: str | None = None
    least_pence: int | None = None
    most_pence: int | None = None
    text: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return self == Sieve()

    @property
    def is_period(self) -> bool:
        """Whether only days are asked for, so that opening and closing balances make sense."""
        return not self.is_open and self == Sieve(self.first, self.last)


@dataclass(frozen=True)
class Sums:
    """What passes the sieve, in signed pence; and what the account held before and after the days asked for."""

    count: int
    in_pence: int
    out_pence: int
    opening_pence: int
    closing_pence: int


def sieve_faults(sieve: Sieve) -> Iterator[Finding]:
    """Why nothing could ever pass."""
    if sieve.first and sieve.last and sieve.last < sieve.first:
        yield Finding("The last day is before the first. Change one of them.", "last")
    if sieve.least_pence is not None and sieve.most_pence is not None and sieve.most_pence < sieve.least_pence:
        yield Finding("The most is less than the least. Change one of them.", "most")

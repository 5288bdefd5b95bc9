"""What a payment run is, where it stands, and which days and sums it may have (handbook §6). Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum

from fund.grants.payments.rules import approvals_needed
from fund.kernel.calendar import in_words, is_working_day
from fund.kernel.errors import Finding
from fund.kernel.policy import Policy

MOST_PAYMENTS = 200
"""As many as a person can compare in one sitting."""
LONGEST_WAIT = timedelta(days=30)
"""How far ahead the bank may be asked to pay: later, too much has changed."""


class RunState(StrEnum):
    """Where a payment run stands. Whether it went to the bank and was confirmed, its orders say."""

    OPEN = "open"
    APPROVED = "approved"
    SENT_BACK = "sent_back"
    CANCELLED = "cancelled"


STANDING = (RunState.OPEN, RunState.APPROVED)
"""The states in which its payments are in it and in no other."""

RUN_WORDS = {
    RunState.OPEN: ("Being approved", "wait"),
    RunState.APPROVED: ("Approved", "good"),
    RunState.SENT_BACK: ("Sent back", "stop"),
    RunState.CANCELLED: ("Cancelled", "plain"),
}
"""Words and tone of each state."""


def approvals_of_run(payments: Iterable[tuple[int, int]], policy: Policy) -> int:
    """How many different people must approve a run.

    The limit is by what one payee gets of it, so that no sum becomes small by being cut into instalments.

    Args:
        payments: who is paid, and pence.
    """
    sums: defaultdict[int, int] = defaultdict(int)
    for payee, pence in payments:
        sums[payee] += pence
    return approvals_needed(max(sums.values(), default=0), policy)


def day_faults(day: date, earliest: date) -> Iterator[Finding]:
    """What is wrong with the day on which the bank is to pay. `earliest` is the first that its cut-off leaves."""
    if day < earliest:
        yield Finding(f"The bank can pay on {in_words(earliest)} at the earliest. Choose that day or later.", "day")
    elif day > earliest + LONGEST_WAIT:
        yield Finding(f"Choose a day up to {in_words(earliest + LONGEST_WAIT)}.", "day")
    elif not is_working_day(day):
        yield Finding(f"Banks don't work on {in_words(day)}. Choose a working day.", "day")

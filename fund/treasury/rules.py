"""The forecast of the next twelve months, what needs doing, and where the bars of the drawing go. Pure.

The forecast is of cash: what is at the bank and at Stripe, less payments on their way and less share capital, which is
never spent (handbook §6). Pledges are expected and never counted as money anywhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fund.kernel.calendar import add_months, in_words
from ledger.money import format_pence

MONTHS = 12


@dataclass(frozen=True)
class Month:
    """A month of the forecast; the first one has only the days that are left of it.

    Attributes:
        first: its first day.
        in_pence: pledges expected.
        out_pence: instalments planned, as a positive sum.
        closing_pence: what is left at its end.
    """

    first: date
    in_pence: int
    out_pence: int
    closing_pence: int


@dataclass(frozen=True)
class Forecast:
    """Twelve months, and what is known of the time after them."""

    opening_pence: int
    months: tuple[Month, ...]
    later_in_pence: int
    later_out_pence: int

    @property
    def below(self) -> Month | None:
        """The first month that ends below nought."""
        return next((month for month in self.months if month.closing_pence < 0), None)

    @property
    def lowest(self) -> Month:
        """The month that ends with least; the first of several."""
        return min(self.months, key=lambda month: month.closing_pence)


def month_starts(today: date) -> list[date]:
    """The first days of this month, the eleven after it, and the one where the forecast ends."""
    return [add_months(today.replace(day=1), number) for number in range(MONTHS + 1)]


def forecast(today: date, opening_pence: int, coming_in: Mapping[int, int], going_out: Mapping[int, int]) -> Forecast:
    """What cash there will be at the end of each month.

    Args:
        today: the forecast begins with its month.
        opening_pence: cash now.
        coming_in: pence by month: 0 for this month and whatever is late, 11 for the last, 12 for all after it.
        going_out: the same of payments.
    """
    months, left = [], opening_pence
    for number, first in enumerate(month_starts(today)[:MONTHS]):
        came, went = coming_in.get(number, 0), going_out.get(number, 0)
        left += came - went
        months.append(Month(first, came, went, left))
    return Forecast(opening_pence, tuple(months), coming_in.get(MONTHS, 0), going_out.get(MONTHS, 0))


# --- the drawing

WIDTH, TOP, PLOT, COLUMN, BAR = 360, 30, 150, 29, 19
LEFT = (WIDTH - MONTHS * COLUMN) // 2


@dataclass(frozen=True)
class Bar:
    """One month's closing balance, in whole units of the drawing. `value_y` is where its figure stands, if it has one:
    only the first, the lowest and the last do, so that a phone can show them."""

    month: Month
    x: int
    y: int
    height: int
    value_y: int | None

    @property
    def is_below(self) -> bool:
        """Whether it ends below nought."""
        return self.month.closing_pence < 0


@dataclass(frozen=True)
class Drawing:
    """The bars and the line at nought."""

    bars: tuple[Bar, ...]
    nought_y: int


def drawing(found: Forecast) -> Drawing:
    """Bars up from nought, and down from it for what is below. No balance but nought is invisible."""
    highest = max(0, *(month.closing_pence for month in found.months))
    deepest = min(0, *(month.closing_pence for month in found.months))
    span = max(highest - deepest, 1)
    nought = TOP + PLOT * highest // span
    named = {0, found.months.index(found.lowest), MONTHS - 1}
    bars = []
    for number, month in enumerate(found.months):
        height = PLOT * abs(month.closing_pence) // span
        if month.closing_pence:
            height = max(1, height)
        y = nought if month.closing_pence < 0 else nought - height
        value_y = y + height + 13 if month.closing_pence < 0 else y - 5
        bars.append(
            Bar(month, LEFT + number * COLUMN + (COLUMN - BAR) // 2, y, height, value_y if number in named else None)
        )
    return Drawing(tuple(bars), nought)


def short_pence(pence: int) -> str:
    """A sum in few characters, for a drawing: £950, £12k, £1.2m."""
    pounds, sign = abs(pence) // 100, "−" if pence < 0 else ""
    if pounds < 1_000:
        return f"{sign}£{pounds}"
    if pounds < 999_500:
        return f"{sign}£{(pounds + 500) // 1_000}k"
    tenths = (pounds + 50_000) // 100_000
    return f"{sign}£{tenths // 10}.{tenths % 10}m"


# --- what needs doing


@dataclass(frozen=True)
class Waiting:
    """Things of one sort that wait: how many, how much in pence, and since when."""

    count: int = 0
    pence: int = 0
    since: date | None = None


@dataclass(frozen=True)
class Need:
    """Something that the money needs of somebody. `tone` is that of a status: stop before wait."""

    what: str
    detail: str
    endpoint: str
    tone: str


@dataclass(frozen=True)
class Standing:
    """What needs are judged by.

    Attributes:
        unmatched_in: lines of the bank with money in that nobody has matched; `unmatched_out` the same of money out.
        to_approve: payments whose day has come and that two people have not approved yet.
        to_send: approved payments that are in no file.
        unconfirmed: payments in a file that the bank has not confirmed.
        to_verify: bank details that wait for a call-back.
        short_pence: what money taken back has left short, as a positive sum.
        statement_to: the last day that a bank statement covers; None without any.
        unsigned_month: the first month that is over and whose reconciliation nobody has signed.
        is_prepared: whether that month waits for a signature.
    """

    unmatched_in: Waiting = Waiting()
    unmatched_out: Waiting = Waiting()
    to_approve: Waiting = Waiting()
    to_send: Waiting = Waiting()
    unconfirmed: Waiting = Waiting()
    to_verify: Waiting = Waiting()
    short_pence: int = 0
    statement_to: date | None = None
    unsigned_month: date | None = None
    is_prepared: bool = False


def needs(standing: Standing, found: Forecast, today: date) -> list[Need]:
    """What the money needs, the gravest first."""
    listed = []
    if standing.short_pence:
        listed.append(
            Need(
                f"{format_pence(standing.short_pence)} short",
                "A contributor's bank took money back after it was awarded. The next money in makes it good first; "
                "until then nothing is free to award.",
                "ledger.accounts",
                "stop",
            )
        )
    if found.below is not None:
        listed.append(
            Need(
                f"Cash runs out in {found.below.first:%B %Y}",
                f"By then {format_pence(-found.below.closing_pence)} is missing, if everybody pays as expected. "
                "Ask for pledges early, or agree later dates for instalments.",
                "treasury.desk",
                "stop",
            )
        )
    ended = today.replace(day=1) - timedelta(days=1)
    if standing.statement_to is None or standing.statement_to < ended:
        since = f"The last one ends on {in_words(standing.statement_to)}. " if standing.statement_to else ""
        listed.append(
            Need(
                f"Bring in the bank's statement for {ended:%B %Y}",
                f"{since}The books follow the bank, and each month is compared with its statement.",
                "bank.statements",
                "wait",
            )
        )
    month = standing.unsigned_month
    if month is not None and standing.statement_to is not None and month <= standing.statement_to:
        act = "Sign the bank's reconciliation" if standing.is_prepared else "Reconcile the bank"
        listed.append(
            Need(
                f"{act} for {month:%B %Y}",
                "Each month is compared with the bank's statements and signed by somebody who had no hand in it.",
                "reconciliation.months",
                "wait",
            )
        )
    rows = (
        (
            standing.unmatched_in,
            "payment in",
            "to match",
            "Nobody has been thanked for it yet.",
            "contributions.money_in",
        ),
        (
            standing.unmatched_out,
            "payment out",
            "to match",
            "The bank shows it and no order does.",
            "bank.payments_out",
        ),
        (standing.to_approve, "payment", "to approve", "Their day has come. Two people approve each.", "grants.awards"),
        (standing.to_send, "payment", "to send", "Approved, and in no file for the bank yet.", "bank.payments_out"),
        (standing.unconfirmed, "payment", "to confirm", "Sent; no statement shows it yet.", "bank.payments_out"),
        (standing.to_verify, "set of bank details", "to verify", "A second person calls back.", "bank.payees"),
    )
    for waiting, thing, act, why, endpoint in rows:
        if waiting.count:
            listed.append(
                Need(f"{_count(waiting.count, thing)} {act}", f"{_sum_and_age(waiting, today)}{why}", endpoint, "wait")
            )
    return listed


def _count(number: int, thing: str) -> str:
    head, _, rest = thing.partition(" ")
    return f"{number:,} {head}{'' if number == 1 else 's'}{' ' if rest else ''}{rest}"


def _sum_and_age(waiting: Waiting, today: date) -> str:
    parts = [format_pence(abs(waiting.pence))] if waiting.pence else []
    if waiting.since is not None:
        days = max(0, (today - waiting.since).days)
        parts.append(f"the oldest for {days} day{'' if days == 1 else 's'}" if days else "since today")
    return f"{', '.join(parts)}. ".capitalize() if parts else ""


# --- where the money is


@dataclass(frozen=True)
class Held:
    """What one restricted fund holds, or the unrestricted money (`restriction` None), in pence."""

    restriction: str | None
    paid_in_pence: int
    free_pence: int
    committed_pence: int
    paid_out_pence: int
    short_pence: int


def in_order(held: Sequence[Held]) -> list[Held]:
    """Unrestricted money first, then the restricted funds by reference."""
    return sorted(held, key=lambda one: (one.restriction is not None, one.restriction or ""))

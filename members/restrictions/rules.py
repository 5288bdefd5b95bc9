"""Which award a restricted fund may pay for, and which pounds pay first (handbook §6). Pure.

Places and days are compared here. Whether an award serves a purpose or a priority is for people to say (handbook §14):
a steward writes it down with a reason, and until then it does not count.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fund.kernel.calendar import in_words
from fund.kernel.errors import Finding
from fund.kernel.places import DISTRICT_NAMES


class FundState(StrEnum):
    """Money is kept apart from the day a contributor wishes so; it may be used once a second person has accepted the
    terms that a steward wrote down."""

    WISHED = "wished"
    OFFERED = "offered"
    OPEN = "open"


STATE_NAMES = {
    FundState.WISHED: "A steward writes down its terms next",
    FundState.OFFERED: "Waiting for a second person",
    FundState.OPEN: "Open",
}


@dataclass(frozen=True)
class Terms:
    """What money was given for. Empty parts restrict nothing.

    Attributes:
        purpose: in the contributor's words; a person says whether an award serves it.
        priority: one of the fund's priorities; a person says so too.
        districts: codes of handbook §11; every district of an award must be among them.
        from_on: the first day on which it may be committed or paid.
        spend_by: the last.
    """

    purpose: str = ""
    priority: str = ""
    districts: frozenset[str] = frozenset()
    from_on: date | None = None
    spend_by: date | None = None

    @property
    def needs_judgement(self) -> bool:
        """Whether a person must say that an award serves it."""
        return bool(self.purpose or self.priority)

    @property
    def narrowness(self) -> int:
        """How many awards it shuts out, roughly: more parts and fewer districts are narrower."""
        places = 20 - len(self.districts) if self.districts else 0
        return 100 * (bool(self.purpose) + bool(self.priority)) + places


@dataclass(frozen=True)
class Held:
    """A restricted fund as an award meets it: its terms, and what it holds that is not promised yet.

    `judged` is what a person said of this award: True that it serves purpose and priority, False that not, None
    that nobody said.
    """

    reference: str
    terms: Terms
    free_pence: int
    judged: bool | None = None
    is_open: bool = True


@dataclass(frozen=True)
class Line:
    """One source of money for an award: what is free there, why it doesn't fit (if it doesn't), what would be used.

    `reference` is None for the unrestricted money.
    """

    reference: str | None
    free_pence: int
    reasons: tuple[str, ...]
    use_pence: int

    @property
    def fits(self) -> bool:
        """Whether the award may use it."""
        return not self.reasons


def terms_faults(terms: Terms) -> Iterator[Finding]:
    """Why these terms can't be kept."""
    if terms == Terms():
        yield Finding("Say what the money is for: a purpose, a priority, places or a time.", "purpose")
    if unknown := terms.districts - set(DISTRICT_NAMES):
        yield Finding(f"We don't know the district {min(unknown)}. Choose from the list.", "districts")
    if terms.from_on and terms.spend_by and terms.spend_by < terms.from_on:
        yield Finding("The last day must not be before the first. Choose a later day.", "spend_by")


def mismatches(terms: Terms, *, districts: frozenset[str], judged: bool | None, day: date) -> tuple[str, ...]:
    """Every reason why money under these terms may not go to an award on `day`; none where it may."""
    return tuple(_mismatches(terms, districts, judged, day))


def _mismatches(terms: Terms, districts: frozenset[str], judged: bool | None, day: date) -> Iterator[str]:
    if terms.districts:
        allowed = _names(terms.districts)
        if not districts:
            yield f"It is for {allowed}, and the proposal names no district."
        elif outside := districts - terms.districts:
            yield f"It is for {allowed}; the work is also in {_names(outside)}."
    if terms.from_on and day < terms.from_on:
        yield f"It may be used from {in_words(terms.from_on)}."
    if terms.spend_by and day > terms.spend_by:
        yield f"It had to be used by {in_words(terms.spend_by)}. Ask the contributor what becomes of it."
    if terms.needs_judgement and judged is None:
        yield "Nobody has said yet whether the proposal serves what it was given for. A steward can."
    if terms.needs_judgement and judged is False:
        yield "A steward found that the proposal does not serve what it was given for."


def _names(codes: Iterable[str]) -> str:
    return ", ".join(sorted(DISTRICT_NAMES.get(code, code) for code in codes))


def sources(
    pence: int, unrestricted_pence: int, funds: Sequence[Held], *, districts: frozenset[str], day: date
) -> tuple[Line, ...]:
    """Line by line, which money would pay for an award of `pence`.

    Restricted money that fits goes first, the soonest to end and then the narrowest first; unrestricted money last.
    What is used sums to `pence`, or to less where all that fits is too little (`short_pence`).
    """
    left, lines = pence, []
    for fund in sorted(funds, key=_turn):
        reasons = mismatches(fund.terms, districts=districts, judged=fund.judged, day=day)
        if not fund.is_open:
            reasons = ("Its terms are not accepted yet.", *reasons)
        use = 0 if reasons else min(left, max(0, fund.free_pence))
        left -= use
        lines.append(Line(fund.reference, fund.free_pence, reasons, use))
    lines.append(Line(None, unrestricted_pence, (), min(left, max(0, unrestricted_pence))))
    return tuple(lines)


def _turn(fund: Held) -> tuple[date, int, str]:
    return fund.terms.spend_by or date.max, -fund.terms.narrowness, fund.reference


def parts(lines: Sequence[Line]) -> dict[str | None, int]:
    """What is used, by restricted fund, as `ledger.service.commit` takes it."""
    return {line.reference: line.use_pence for line in lines if line.use_pence}


def short_pence(pence: int, lines: Sequence[Line]) -> int:
    """How much of `pence` no line pays for."""
    return pence - sum(line.use_pence for line in lines)

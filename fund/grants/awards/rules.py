"""Terms of an award: how the money is shared, when it is paid, when reports are due (handbook §7, §7.4). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from fund.kernel.calendar import add_months, in_words, london_day, start_of_day
from fund.kernel.errors import Finding
from fund.kernel.policy import Policy
from ledger.money import format_pence, split

MOST_LINES = 24
"""Payments in one schedule: eight parts to three partners, or a month's payment for two years."""
LONGEST_YEARS = 10


class AwardState(StrEnum):
    """Where an offer stands (handbook §7)."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"


class PayBasis(StrEnum):
    """To whom instalments go. Through the lead, the lead passes on each partner's share."""

    EACH_PARTNER = "each_partner"
    THROUGH_LEAD = "through_lead"


PAY_BASIS_NAMES = {
    PayBasis.EACH_PARTNER: "To each partner, its own share",
    PayBasis.THROUGH_LEAD: "All to the lead, who passes the shares on",
}


class InstalmentState(StrEnum):
    """What grants decides of a payment; whether it was sent and confirmed is the bank order's to say."""

    SCHEDULED = "scheduled"
    DUE = "due"
    ORDERED = "ordered"


@dataclass(frozen=True)
class PartnerFact:
    """A partner as the frozen version names it. `share_pence` is nought for one that is not paid."""

    organisation_id: int
    name: str
    role: str
    contribution: str
    share_pence: int
    is_lead: bool


@dataclass(frozen=True)
class Share:
    """A paid partner and its part of the award, in pence."""

    organisation_id: int
    name: str
    pence: int


@dataclass(frozen=True)
class Line:
    """One payment of a schedule. `after_report` is the number of the report that must be accepted first."""

    organisation_id: int
    pence: int
    due_on: date
    after_report: int | None = None


@dataclass(frozen=True)
class Terms:
    """What the steward puts into an offer."""

    start_on: date
    end_on: date
    basis: PayBasis
    lines: tuple[Line, ...]
    special_conditions: str = ""


def award_path(reference: str) -> str:
    """The page of an award, for mails and tasks that are written outside a request."""
    return f"/grants/{reference}"


def lapses_at(offered_at: datetime, policy: Policy) -> datetime:
    """The first instant at which the offer can't be accepted: midnight after the last whole day (handbook §7)."""
    return start_of_day(london_day(offered_at) + timedelta(days=policy.offer_lapse_days + 1))


def report_dates(pence: int, start_on: date, end_on: date, policy: Policy) -> tuple[date, ...]:
    """Days on which reports are due, by the size of the award (handbook §7.4).

    Up to the first band one report at the end; up to the second one half way and one at the end; above, every six
    months and at the end. A six-monthly report that would fall in the last month is left to the one at the end.
    """
    if pence <= policy.report_one_to_pence:
        return (end_on,)
    if pence <= policy.report_two_to_pence:
        return (start_on + (end_on - start_on) / 2, end_on)
    dates: list[date] = []
    while (due := add_months(start_on, 6 * (len(dates) + 1))) < add_months(end_on, -1):
        dates.append(due)
    return (*dates, end_on)


def default_lines(
    shares: Sequence[Share], lead_id: int, basis: PayBasis, parts: int, start_on: date, reports: Sequence[date]
) -> tuple[Line, ...]:
    """Equal parts in advance: the first at the start, each later one when the report before it is due and accepted.

    Raises:
        ValueError: when there are more parts than reports plus one, or none.
    """
    if not 1 <= parts <= len(reports) + 1:
        raise ValueError("parts must be between one and one more than there are reports")
    if basis is PayBasis.THROUGH_LEAD:
        payees = [(lead_id, sum(share.pence for share in shares))]
    else:
        payees = [(share.organisation_id, share.pence) for share in shares]
    slices = {payee: split(pence, [1] * parts) for payee, pence in payees}
    return tuple(
        Line(payee, slices[payee][part], reports[part - 1] if part else start_on, part or None)
        for part in range(parts)
        for payee, _ in payees
        if slices[payee][part] > 0
    )


def default_parts(reports: Sequence[date]) -> int:
    """As many payments as reports: money always runs ahead of the work it pays for, never of two reports."""
    return len(reports)


def faults(terms: Terms, shares: Sequence[Share], lead_id: int, policy: Policy) -> list[Finding]:
    """Everything that keeps `terms` from being offered, each with its way on."""
    return [*_date_faults(terms), *_sum_faults(terms, shares, lead_id), *_line_faults(terms, shares, policy)]


def _date_faults(terms: Terms) -> list[Finding]:
    if terms.end_on <= terms.start_on:
        return [Finding("The work must end after it starts. Choose a later last day.", "end_on")]
    if terms.end_on > add_months(terms.start_on, 12 * LONGEST_YEARS):
        return [Finding(f"The work may run for at most {LONGEST_YEARS} years. Choose an earlier last day.", "end_on")]
    return []


def _sum_faults(terms: Terms, shares: Sequence[Share], lead_id: int) -> list[Finding]:
    award = sum(share.pence for share in shares)
    total = sum(line.pence for line in terms.lines)
    found = []
    if total != award:
        found.append(
            Finding(
                f"The payments add up to {format_pence(total)} and the award is {format_pence(award)}. "
                f"{'Take away' if total > award else 'Add'} {format_pence(abs(award - total))}."
            )
        )
    if terms.basis is PayBasis.THROUGH_LEAD:
        if any(line.organisation_id != lead_id for line in terms.lines):
            found.append(
                Finding("All payments go to the lead here. Choose the lead in every line, or pay each partner.")
            )
        return found
    for share in shares:
        paid = sum(line.pence for line in terms.lines if line.organisation_id == share.organisation_id)
        if paid != share.pence:
            found.append(
                Finding(
                    f"The payments to {share.name} add up to {format_pence(paid)}; its share that members voted for is "
                    f"{format_pence(share.pence)}. Change its lines until they agree."
                )
            )
    if {line.organisation_id for line in terms.lines} - {share.organisation_id for share in shares}:
        found.append(Finding("A line pays an organisation that has no share of this award. Choose another payee."))
    return found


def _line_faults(terms: Terms, shares: Sequence[Share], policy: Policy) -> list[Finding]:
    found = []
    if len(terms.lines) > MOST_LINES:
        found.append(Finding(f"A schedule has at most {MOST_LINES} payments. Join some of them."))
    reports: tuple[date, ...] = ()
    if terms.end_on > terms.start_on:
        reports = report_dates(sum(share.pence for share in shares), terms.start_on, terms.end_on, policy)
    for number, line in enumerate(terms.lines, start=1):
        if line.pence <= 0:
            found.append(Finding(f"Payment {number} needs an amount above nought.", f"line{number}_amount"))
        if line.due_on < terms.start_on:
            found.append(
                Finding(f"Payment {number} is due before the work starts. Choose a later day.", f"line{number}_due")
            )
        if line.after_report is None:
            continue
        if not 1 <= line.after_report <= len(reports):
            found.append(
                Finding(
                    f"Payment {number} waits for report {line.after_report}, but there will be {len(reports)}. "
                    "Choose another report.",
                    f"line{number}_after",
                )
            )
        elif line.due_on < reports[line.after_report - 1]:
            found.append(
                Finding(
                    f"Payment {number} is due before the report that it waits for. Choose a day on or after "
                    f"{in_words(reports[line.after_report - 1])}.",
                    f"line{number}_due",
                )
            )
    return found

"""Due diligence by band (handbook §7.1) and the subsidy route with the MFA window (handbook §9). Pure.

The software shows the facts and asks a person for reasons; it never decides whether something is a subsidy and never
clears anybody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fund.kernel.calendar import add_months, in_words, year_start
from fund.kernel.errors import Finding
from fund.kernel.policy import Policy
from ledger.money import format_pence

# --- due diligence

EXPIRY_MONTHS = 12


class Band(StrEnum):
    """How deep the checks go, by the amount an organisation is paid."""

    LIGHT = "light"
    STANDARD = "standard"
    ENHANCED = "enhanced"


_DEPTH = {Band.LIGHT: 1, Band.STANDARD: 2, Band.ENHANCED: 3}


class CheckResult(StrEnum):
    """What one check found."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_NEEDED = "not_needed"


class Outcome(StrEnum):
    """Where a due diligence stands. WAITING is for the second reviewer; RETURNED was sent back by one."""

    WAITING = "waiting"
    CLEAR = "clear"
    CLEAR_WITH_CONDITIONS = "clear_with_conditions"
    NOT_CLEAR = "not_clear"
    RETURNED = "returned"


PASSING = frozenset({Outcome.CLEAR, Outcome.CLEAR_WITH_CONDITIONS})
JUDGEMENTS = (Outcome.CLEAR, Outcome.CLEAR_WITH_CONDITIONS, Outcome.NOT_CLEAR)


@dataclass(frozen=True)
class Check:
    """One thing to look into. `band` is the lightest band that asks for it."""

    code: str
    label: str
    hint: str
    band: Band = Band.LIGHT


CHECKS = (
    Check("identity", "Who it is", "Name, number and status found on its register, or a constitution for a group."),
    Check("governing_document", "Governing document", "Seen, in force, and its aims allow this work."),
    Check("officers", "Officers", "Names compared with the sanctions list and the register of disqualified directors."),
    Check("bank_account", "Bank account", "Held in the organisation's own name, or its host's."),
    Check("safeguarding", "Safeguarding policy", "In date, where the work is with people at risk; else not needed."),
    Check("conflicts", "Conflicts of interest", "Interests of its officers in the fund's decision, and what was done."),
    Check("fraud_risk", "Fraud risk", "What could go wrong with this payment, and what guards against it."),
    Check("connected_bodies", "Connected bodies", "Parents, groups and shared directors, as the register shows them."),
    Check("prior_awards", "Earlier awards", "How earlier grants went; double funding of the same costs."),
    Check("subsidy_position", "Subsidy position", "What it says it has had from public authorities."),
    Check("accounts_or_budget", "Accounts or budget", "Latest accounts, or a budget for a new body.", Band.STANDARD),
    Check(
        "latest_accounts", "Accounts examined", "Signed accounts read in full; reserves and debts noted.", Band.ENHANCED
    ),
    Check("cash_flow", "Cash flow", "A forecast to the end of the work that stays above nought.", Band.ENHANCED),
)


def band_of(pence: int, policy: Policy) -> Band:
    """The band for an organisation that is paid `pence` under one award."""
    if pence <= policy.due_diligence_light_to_pence:
        return Band.LIGHT
    if pence <= policy.due_diligence_standard_to_pence:
        return Band.STANDARD
    return Band.ENHANCED


def checks_of(band: Band) -> tuple[Check, ...]:
    """The checks that a band asks for."""
    return tuple(check for check in CHECKS if _DEPTH[check.band] <= _DEPTH[band])


def needs_second(band: Band) -> bool:
    """Whether another person than the first must agree (above the standard band)."""
    return band is Band.ENHANCED


def expires_on(checked_on: date) -> date:
    """The last day on which a due diligence of `checked_on` counts."""
    return add_months(checked_on, EXPIRY_MONTHS)


def outcome_faults(
    band: Band, results: dict[str, tuple[CheckResult | None, str]], outcome: Outcome, conditions: str, reasons: str
) -> list[Finding]:
    """What keeps an outcome from being recorded: every check answered, and an outcome that agrees with the answers."""
    found = []
    for check in checks_of(band):
        result, note = results.get(check.code, (None, ""))
        if result is None:
            found.append(Finding(f"{check.label}: say what you found.", f"{check.code}_result"))
        elif result is not CheckResult.MET and not note:
            found.append(
                Finding(f"{check.label}: write a note on why it is not met or not needed.", f"{check.code}_note")
            )
        elif result is CheckResult.NOT_MET and outcome is Outcome.CLEAR:
            found.append(
                Finding(
                    f"{check.label} is not met. Choose clear with conditions, or not clear.", f"{check.code}_result"
                )
            )
    if outcome is Outcome.CLEAR_WITH_CONDITIONS and not conditions:
        found.append(Finding("Write the conditions under which it is clear.", "conditions"))
    if outcome is Outcome.NOT_CLEAR and not reasons:
        found.append(Finding("Write the reasons why it is not clear; the organisation may ask for them.", "reasons"))
    return found


@dataclass(frozen=True)
class Diligence:
    """A finished or waiting due diligence, as the rules see it."""

    band: Band
    outcome: Outcome
    expires_on: date


def diligence_fault(found: Diligence | None, needed: Band, today: date) -> str | None:
    """Why the latest due diligence of an organisation doesn't carry a payment in band `needed`; None when it does."""
    if found is None:
        return "due diligence has not been done"
    if found.outcome is Outcome.WAITING:
        return "due diligence waits for the second reviewer"
    if found.outcome is Outcome.RETURNED:
        return "the second reviewer sent due diligence back"
    if found.outcome not in PASSING:
        return "due diligence is not clear"
    if _DEPTH[found.band] < _DEPTH[needed]:
        return f"due diligence was {found.band}, and this amount needs {needed}"
    if found.expires_on < today:
        return f"due diligence ran out on {in_words(found.expires_on)}"
    return None


# --- subsidy


class Route(StrEnum):
    """The six routes of handbook §9."""

    NOT_A_SUBSIDY = "not_a_subsidy"
    MFA = "mfa"
    SPEI = "spei"
    UNDER_SCHEME = "under_scheme"
    OTHER_EXEMPT = "other_exempt"
    FULL_ASSESSMENT = "full_assessment"


ROUTE_NAMES = {
    Route.NOT_A_SUBSIDY: "Not a subsidy",
    Route.MFA: "Minimal financial assistance (MFA)",
    Route.SPEI: "Services of public economic interest (SPEI)",
    Route.UNDER_SCHEME: "Under a published scheme",
    Route.OTHER_EXEMPT: "Another exemption",
    Route.FULL_ASSESSMENT: "Full assessment against the subsidy principles",
}

FINANCIAL_YEAR_START = (4, 1)
"""Month and day on which the financial year of the MFA window starts (Subsidy Control Act 2022 s.36)."""


@dataclass(frozen=True)
class Assistance:
    """Earlier minimal financial assistance (or SPEI, or an older equivalent): the day it was given, and pence."""

    given_on: date
    pence: int
    giver: str


def mfa_window_start(given_on: date) -> date:
    """The first day that counts: 1 April of the financial year two before the one that holds `given_on`.

    Not a rolling three years: the elapsed part of the current financial year and the two before (handbook §9).
    """
    start = year_start(given_on, *FINANCIAL_YEAR_START)
    return date(start.year - 2, start.month, start.day)


def counted(prior: Iterable[Assistance], given_on: date) -> tuple[Assistance, ...]:
    """The earlier assistance that falls inside the window of a grant given on `given_on`."""
    start = mfa_window_start(given_on)
    return tuple(item for item in prior if start <= item.given_on <= given_on)


def mfa_total_pence(prior: Iterable[Assistance], given_on: date, new_pence: int) -> int:
    """What the enterprise would have had in the window, this grant included, in pence."""
    return new_pence + sum(item.pence for item in counted(prior, given_on))


def mfa_faults(prior: Sequence[Assistance], given_on: date, new_pence: int, policy: Policy) -> list[Finding]:
    """Why the grant can't be given as MFA; empty when it stays within the limit."""
    total = mfa_total_pence(prior, given_on, new_pence)
    if total <= policy.mfa_limit_pence:
        return []
    return [
        Finding(
            f"Since {in_words(mfa_window_start(given_on))} this adds up to {format_pence(total)}, which is "
            f"{format_pence(total - policy.mfa_limit_pence)} over the limit of {format_pence(policy.mfa_limit_pence)}. "
            "Check the list. If it is right, say that you can't confirm, and the steward will look at another route.",
            "prior",
        )
    ]


class Answer(StrEnum):
    """What a recipient wrote back to an MFA notification."""

    CONFIRMED = "confirmed"
    DECLINED = "declined"


@dataclass(frozen=True)
class Subsidy:
    """A paid partner's subsidy record under one award, as the rules see it."""

    route: Route
    notified: bool = False
    answer: Answer | None = None
    given: bool = False
    confirmed_as_mfa: bool = False


def give_fault(found: Subsidy | None) -> str | None:
    """Why the grant can't yet be given to a partner (before the agreement goes live); None when it can."""
    if found is None:
        return "no subsidy route has been recorded"
    if found.route is not Route.MFA:
        return None
    if not found.notified:
        return "the MFA notification has not been sent"
    if found.answer is None:
        return "it has not yet answered the MFA notification"
    if found.answer is Answer.DECLINED:
        return "it could not confirm that it stays within the MFA limit"
    return None


def is_blocked(found: Subsidy | None) -> bool:
    """Whether the partner said that it can't confirm. Its payments hold; the other partners go on (handbook §9)."""
    return found is not None and found.route is Route.MFA and found.answer is Answer.DECLINED


def pay_fault(found: Subsidy | None) -> str | None:
    """Why a partner can't be paid yet; None when its route is closed."""
    if (fault := give_fault(found)) is not None:
        return fault
    assert found is not None
    if found.route is Route.MFA and not found.given:
        return "the grant has not yet been given as MFA"
    if found.route is Route.MFA and not found.confirmed_as_mfa:
        return "the letter that confirms the grant as MFA has not been sent"
    return None

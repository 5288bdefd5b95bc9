"""When an instalment may be paid and by whose hands (handbook §6, §7). Pure.

Each condition is a function from the case to its result, so that a page shows all of them at once and an approval
enforces the very same ones. They are judged again at every step; nothing remembers that they were once true.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fund.grants.agreements.rules import AgreementState
from fund.kernel.calendar import add_working_days, in_words
from fund.kernel.policy import Policy


class PayeeStanding(StrEnum):
    """Whether an organisation's bank details can be paid to."""

    NONE = "none"
    UNVERIFIED = "unverified"
    NAME_OPEN = "name_open"
    PAUSED = "paused"
    USABLE = "usable"


@dataclass(frozen=True)
class PaymentCase:
    """The facts of one instalment at one moment.

    Attributes:
        payee: name of the organisation that is paid.
        decision_stands: whether the ballot that made the award was not voided since.
        after_report: number of the report that must be accepted first, if any.
        report_state: its state, for the sentence; `report_accepted` is what counts.
        subsidy_faults: sentences about each partner whose money is in this payment and whose route is not closed.
        diligence_faults: the same for due diligence.
        money_faults: why restricted money that was promised may not pay for this any more.
    """

    today: date
    payee: str
    due_on: date
    decision_stands: bool
    agreement: AgreementState | None
    after_report: int | None
    report_accepted: bool
    payee_standing: PayeeStanding
    subsidy_faults: tuple[str, ...]
    diligence_faults: tuple[str, ...]
    money_faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition:
    """One condition of payment and how it stands: why it holds the payment, and who can cure it."""

    code: str
    label: str
    met: bool
    why: str = ""
    cured_by: str = ""


def decision_stands(case: PaymentCase) -> Condition:
    label = "The members' decision stands"
    if case.decision_stands:
        return Condition("decision", label, True)
    why = "The ballot that made this award was voided."
    return Condition("decision", label, False, why, "The board, which decides what becomes of the award")


def agreement_is_live(case: PaymentCase) -> Condition:
    label = "The agreement is live"
    if case.agreement is AgreementState.LIVE:
        return Condition("agreement", label, True)
    return Condition("agreement", label, False, "The agreement is not live.", "The partners who sign, then a steward")


def day_has_come(case: PaymentCase) -> Condition:
    label = "The day has come"
    if case.due_on <= case.today:
        return Condition("day", label, True)
    return Condition("day", label, False, f"It is due on {in_words(case.due_on)}.", "Nobody: it only needs time")


def report_is_accepted(case: PaymentCase) -> Condition:
    if case.after_report is None:
        return Condition("report", "No report is needed first", True)
    label = f"Report {case.after_report} is accepted"
    if case.report_accepted:
        return Condition("report", label, True)
    why = f"Report {case.after_report} has not been accepted."
    return Condition("report", label, False, why, "The lead sends the report; a steward accepts it")


_PAYEE_WHY = {
    PayeeStanding.NONE: ("{} has given no bank details.", "The payee's certifier or finance officer"),
    PayeeStanding.UNVERIFIED: ("The bank details of {} have not been checked by a call back.", "A steward"),
    PayeeStanding.NAME_OPEN: (
        "The bank's name check for {} is not recorded, or two people have not agreed on it.",
        "A steward who did not give these details",
    ),
    PayeeStanding.PAUSED: (
        "The bank details of {} were checked only now; new details rest some days before they are used.",
        "Nobody: it only needs time",
    ),
}


def bank_details_are_usable(case: PaymentCase) -> Condition:
    label = "The payee's bank details are checked"
    if case.payee_standing is PayeeStanding.USABLE:
        return Condition("bank_details", label, True)
    why, cured_by = _PAYEE_WHY[case.payee_standing]
    return Condition("bank_details", label, False, why.format(case.payee), cured_by)


def subsidy_is_closed(case: PaymentCase) -> Condition:
    label = "The subsidy route is closed"
    if not case.subsidy_faults:
        return Condition("subsidy", label, True)
    return Condition("subsidy", label, False, " ".join(case.subsidy_faults), "A steward, with the partner named")


def diligence_is_in_date(case: PaymentCase) -> Condition:
    label = "Due diligence is clear and in date"
    if not case.diligence_faults:
        return Condition("due_diligence", label, True)
    return Condition("due_diligence", label, False, " ".join(case.diligence_faults), "A steward")


def promised_money_may_pay(case: PaymentCase) -> Condition:
    label = "The money promised may pay for this"
    if not case.money_faults:
        return Condition("money", label, True)
    return Condition("money", label, False, " ".join(case.money_faults), "A steward, with the contributor")


CONDITIONS: tuple[Callable[[PaymentCase], Condition], ...] = (
    decision_stands,
    agreement_is_live,
    day_has_come,
    report_is_accepted,
    bank_details_are_usable,
    subsidy_is_closed,
    diligence_is_in_date,
    promised_money_may_pay,
)


def conditions(case: PaymentCase) -> tuple[Condition, ...]:
    """How every condition of payment stands."""
    return tuple(condition(case) for condition in CONDITIONS)


# --- hands


@dataclass(frozen=True)
class Hands:
    """What a person has to do with one payment."""

    officer_of_payee: bool = False
    gave_bank_details: bool = False
    checked_bank_details: bool = False
    prepared: bool = False
    approved: bool = False


def prepare_fault(hands: Hands) -> str | None:
    """Why this person may not prepare or send the payment; None when they may (handbook §6)."""
    if hands.officer_of_payee:
        return "You act for an organisation that this payment goes to, so somebody else must handle it."
    if hands.gave_bank_details:
        return "You gave the bank details that this payment goes to, so somebody else must handle it."
    return None


def approve_fault(hands: Hands) -> str | None:
    """Why this person may not approve the payment; None when they may.

    Preparer ≠ approver 1 ≠ approver 2; no officer of the payee; not who gave its bank details; and whoever checked the
    details may not also pay (handbook §6).
    """
    if (fault := prepare_fault(hands)) is not None:
        return fault
    if hands.checked_bank_details:
        return "You checked these bank details, so somebody else must approve what is paid to them."
    if hands.prepared:
        return "You prepared this payment, so two other people must approve it."
    if hands.approved:
        return "You have approved this payment already. Another person must be the next."
    return None


def approvals_needed(pence: int, policy: Policy) -> int:
    """How many different people must approve a payment of `pence`."""
    return policy.approvals_per_payment + (1 if pence > policy.extra_approval_over_pence else 0)


# --- where a payment stands


class Stage(StrEnum):
    """Where an instalment stands, as pages show it (handbook §7)."""

    SCHEDULED = "scheduled"
    HELD = "held"
    READY = "ready"
    BEING_APPROVED = "being_approved"
    APPROVED = "approved"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"


STAGE_WORDS = {
    Stage.SCHEDULED: ("Scheduled", "plain"),
    Stage.HELD: ("Held", "stop"),
    Stage.READY: ("Ready to prepare", "wait"),
    Stage.BEING_APPROVED: ("Being approved", "wait"),
    Stage.APPROVED: ("Approved", "good"),
    Stage.SENT: ("Sent to the bank", "good"),
    Stage.CONFIRMED: ("Paid", "good"),
    Stage.FAILED: ("Failed at the bank", "stop"),
}
"""Words and tone of each stage."""

_BY_ORDER = {
    "ready": Stage.APPROVED,
    "sent": Stage.SENT,
    "confirmed": Stage.CONFIRMED,
    "failed": Stage.FAILED,
}


def stage(found: tuple[Condition, ...], *, is_prepared: bool, order_state: str | None) -> Stage:
    """Where an instalment stands.

    Args:
        found: its conditions, judged now.
        is_prepared: whether somebody prepared it and the payment is still the one they prepared.
        order_state: state of its present order at the bank, if it has one.
    """
    if order_state is not None:
        return _BY_ORDER[order_state]
    unmet = [condition for condition in found if not condition.met]
    if any(condition.code == "day" for condition in unmet):
        return Stage.SCHEDULED
    if unmet:
        return Stage.HELD
    return Stage.BEING_APPROVED if is_prepared else Stage.READY


def is_owed(found: tuple[Condition, ...], order_state: str | None) -> bool:
    """Whether an instalment is a liability: nothing but payment remains, and it has not left.

    An account to pay to is no condition of the grant, so missing bank details delay the payment and not the debt
    (Charities SORP (FRS 102), recognition of grants payable).
    """
    unmet = {condition.code for condition in found if not condition.met}
    return unmet <= {"bank_details"} and order_state not in ("sent", "confirmed")


def pay_by(became_payable_on: date, policy: Policy) -> date:
    """The last day for paying something that fell due (handbook §6: within 30 days)."""
    return became_payable_on + timedelta(days=policy.pay_within_days)


def target_day(became_payable_on: date, policy: Policy) -> date:
    """The day that the fund aims at for something that fell due (handbook §6: 10 working days)."""
    return add_working_days(became_payable_on, policy.pay_target_working_days)

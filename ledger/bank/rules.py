"""What the bank asks for: how account numbers are written, which lines are new, how payments are worded. Pure."""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from fund.kernel.calendar import add_working_days, is_working_day, london_day
from fund.kernel.clock import LONDON
from fund.kernel.errors import Finding


class OrderState(StrEnum):
    """Where a payment stands."""

    READY = "ready"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class NameCheck(StrEnum):
    """What the bank's Confirmation of Payee said of the name on an account (Pay.UK).

    `PAID_BEFORE` stands for details that a bank had paid before this was asked.
    """

    MATCH = "match"
    CLOSE_MATCH = "close_match"
    NO_MATCH = "no_match"
    UNAVAILABLE = "unavailable"
    PAID_BEFORE = "paid_before"


NAME_CHECKS = {
    NameCheck.MATCH: "The name matches",
    NameCheck.CLOSE_MATCH: "The name is close: the bank showed another spelling",
    NameCheck.NO_MATCH: "The name does not match",
    NameCheck.UNAVAILABLE: "The bank could not check the name",
}
"""What a person may record."""

LONGEST_REFERENCE = 18
"""Characters that Faster Payments and Bacs carry to the payee."""
LONGEST_PAYEE_NAME = 140
WRITE_SORT_CODE = "Write the sort code as six digits, such as 12-34-56."
WRITE_ACCOUNT_NUMBER = "Write the account number as eight digits; some banks give six or seven."

_SORT_CODE = re.compile(r"([0-9]{2})[-  ]?([0-9]{2})[-  ]?([0-9]{2})", re.ASCII)
_GB_IBAN = re.compile(r"GB[0-9]{2}[A-Z]{4}([0-9]{6})([0-9]{8})", re.ASCII)
_BANK_TEXT = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]", re.ASCII)


def sort_code_digits(text: str) -> str | None:
    """Six digits of a sort code written "00-99-01", "00 99 01" or "009901"; None where it is none."""
    match = _SORT_CODE.fullmatch(text.strip())
    return "".join(match.groups()) if match else None


def account_digits(text: str) -> str | None:
    """Eight digits of an account number, spaces allowed; None where it is none.

    Banks that give out six or seven put noughts before them when they pay.
    """
    digits = text.replace(" ", "")
    return digits.zfill(8) if re.fullmatch(r"[0-9]{6,8}", digits, re.ASCII) else None


def bank_detail_faults(account_name: str, sort_code: str, account_number: str) -> Iterator[Finding]:
    """What is wrong with the form of bank details. Whether the account exists only the bank can say."""
    if not account_name.strip():
        yield Finding("Write the name that the account is held in, as the bank has it.", "account_name")
    elif len(account_name.strip()) > LONGEST_PAYEE_NAME:
        yield Finding(f"A bank takes {LONGEST_PAYEE_NAME} characters of a name. Shorten it.", "account_name")
    elif not re.search(r"[A-Za-z0-9]", bank_text(account_name, LONGEST_PAYEE_NAME)):
        yield Finding(
            "UK banks take Latin letters and digits only. Write the name as your statement has it.", "account_name"
        )
    if sort_code_digits(sort_code) is None:
        yield Finding(WRITE_SORT_CODE, "sort_code")
    if account_digits(account_number) is None:
        yield Finding(WRITE_ACCOUNT_NUMBER, "account_number")


@dataclass(frozen=True)
class Identification:
    """How a statement names its account: as much as it tells, in digits (sort code and number, or their end).

    `digits` is empty where the statement doesn't say; masked statements give only the last few.
    """

    digits: str

    def fits(self, other: "Identification") -> bool:
        """Whether both can be one account: the shorter is the end of the longer. Silence fits anything."""
        shorter, longer = sorted((self.digits, other.digits), key=len)
        return longer.endswith(shorter)

    @property
    def is_full(self) -> bool:
        """Whether it has both sort code and account number."""
        return len(self.digits) == 14

    @property
    def shown(self) -> str:
        """ "00-99-01 10203040", or what there is of it."""
        if self.is_full:
            return f"{self.digits[:2]}-{self.digits[2:4]}-{self.digits[4:6]} {self.digits[6:]}"
        return f"an account ending {self.digits}" if self.digits else "an account it doesn't name"


def identify(text: str) -> Identification:
    """Sort code and number out of a GB IBAN, "00990110203040", "009901-10203040" or a masked number."""
    packed = re.sub(r"[\s\-/]", "", text).upper()
    if match := _GB_IBAN.fullmatch(packed):
        return Identification("".join(match.groups()))
    if re.fullmatch(r"[X*]*[0-9]{3,14}", packed, re.ASCII):
        return Identification(packed.lstrip("X*"))
    return Identification("")


@dataclass(frozen=True)
class SeenLine:
    """What tells one line of the bank from another."""

    booked_on: date
    amount_pence: int
    bank_reference: str
    text: str
    form: str


def new_lines(known: Collection[SeenLine], offered: Sequence[SeenLine]) -> list[int]:
    """Which of the offered lines are not known yet, as positions in `offered`.

    A known line answers for one offered line of the same day and amount: where both carry the bank's own reference, it
    must be the same, unless only one is of a CSV, whose ids are others than a statement's; where one does not, and both
    come from the same form of file, their text must be the same; across forms, which word things differently, day and
    amount decide. Each known line answers once, so two equal payments on one day stay two.
    """
    left: defaultdict[tuple[date, int], list[SeenLine]] = defaultdict(list)
    for line in known:
        left[line.booked_on, line.amount_pence].append(line)
    unplaced: list[int] = []
    for position, line in enumerate(offered):  # exact matches first, so that a loose one can't take their place
        if not (line.bank_reference and _take(left[line.booked_on, line.amount_pence], line, _same_reference)):
            unplaced.append(position)
    return [
        position
        for position in unplaced
        if not _take(left[offered[position].booked_on, offered[position].amount_pence], offered[position], _may_be_same)
    ]


def _take(left: list[SeenLine], line: SeenLine, same: Callable[[SeenLine, SeenLine], bool]) -> bool:
    """Take the first known line that is the same out of `left`; whether there was one."""
    for place, seen in enumerate(left):
        if same(seen, line):
            del left[place]
            return True
    return False


def _same_reference(seen: SeenLine, line: SeenLine) -> bool:
    return seen.bank_reference == line.bank_reference


def _may_be_same(seen: SeenLine, line: SeenLine) -> bool:
    of_one_kind = seen.form.startswith("csv") == line.form.startswith("csv")
    if seen.bank_reference and line.bank_reference and of_one_kind:
        return False
    return seen.form != line.form or seen.text == line.text


def verify_faults(*, given_by_id: int | None, verifier_id: int) -> Iterator[Finding]:
    """A second person calls back (handbook §6)."""
    if given_by_id == verifier_id:
        yield Finding("You gave these details yourself. Somebody else must check them by calling the payee back.")


def name_check_faults(outcome: NameCheck | None, returned: str, reason: str) -> Iterator[Finding]:
    """A name that doesn't just match needs the name that the bank showed, where it did, and a reason to go on."""
    if outcome not in NAME_CHECKS:
        yield Finding("Choose what the bank's name check said.", "name_check")
        return
    if outcome is NameCheck.CLOSE_MATCH and not returned.strip():
        yield Finding("Write the name that the bank showed.", "name_returned")
    if outcome is not NameCheck.MATCH and not reason.strip():
        yield Finding("Write why this is the right account all the same.", "name_reason")


def agree_faults(*, given_by_id: int | None, recorded_by_id: int | None, agreed_by_id: int) -> Iterator[Finding]:
    """A name that doesn't just match takes a person more: neither who gave the details nor who recorded the check."""
    if agreed_by_id == given_by_id:
        yield Finding("You gave these details yourself. Somebody else must agree to pay to another name.")
    elif agreed_by_id == recorded_by_id:
        yield Finding("You recorded the name check yourself. Somebody else must agree to pay to another name.")


def pay_faults(
    *, given_by_id: int | None, checked_by: Collection[int | None], payer_id: int, name: str
) -> Iterator[Finding]:
    """Whoever gave or verified bank details may not be the one who pays (handbook §6)."""
    if payer_id in checked_by:
        yield Finding(
            f"You verified the bank details of {name}. Ask another steward to make the file for this payment."
        )
    elif payer_id == given_by_id:
        yield Finding(f"You gave the bank details of {name}. Ask another steward to make the file for this payment.")


def fail_faults(*, made_file_by_id: int | None, reporter_id: int) -> Iterator[Finding]:
    """Saying that a payment on its way never arrived lets it be paid again, so the maker of its file may not say so."""
    if reporter_id == made_file_by_id:
        yield Finding(
            "You made the file that this payment is in. Ask another steward to see at the bank that it did not leave, "
            "and to mark it: it could be paid twice."
        )


def usable_from(verified_at: datetime, pause_days: int) -> datetime:
    """When verified details may be used: so many times 24 hours after the call-back (handbook §6)."""
    return verified_at + timedelta(days=pause_days)


@dataclass(frozen=True)
class Counted:
    """What of one payment the fingerprint of a run is made of: which payment, to which account, how much."""

    key: str
    payee_id: int
    account_name: str
    sort_code: str
    account_number: str
    pence: int


def totals_sha256(run: str, payments: Iterable[Counted]) -> str:
    """SHA-256 of exactly what is approved in a run and asked of the bank: its name and each payment's facts.

    `payee_id` is among them, so that the same account given again is another giving; the run's name is among them, so
    that no approval of one run counts for another.
    """
    facts = [
        [one.key, one.payee_id, one.account_name, one.sort_code, one.account_number, one.pence]
        for one in sorted(payments, key=lambda one: one.key)
    ]
    return sha256(json.dumps([run, facts], separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def begin_of(fingerprint: str) -> str:
    """The first characters of a fingerprint as people read them to one another: "3F2A 91C0"."""
    return f"{fingerprint[:4]} {fingerprint[4:8]}".upper()


def execution_day(now: datetime, cut_off_hour: int) -> date:
    """The working day on which a file made at `now` asks to be executed: today, if the bank works today and takes files
    until later; else the next day on which it works.

    Args:
        cut_off_hour: the hour in London from which the bank leaves files to its next working day.
    """
    today = london_day(now)
    late = is_working_day(today) and now.astimezone(LONDON).hour >= cut_off_hour
    return add_working_days(today, 1 if late else 0)


def bank_text(text: str, longest: int) -> str:
    """Text in the letters that every UK bank takes: accents dropped, other signs as spaces, cut to `longest`."""
    plain = unicodedata.normalize("NFKD", text.replace("&", "+").replace("’", "'"))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(_BANK_TEXT.sub(" ", plain).split())[:longest].strip()


def reference_faults(reference: str) -> Iterator[Finding]:
    """What is wrong with a payment's reference."""
    if not reference or bank_text(reference, LONGEST_REFERENCE) != reference:
        yield Finding(
            f"A payment's reference has 1 to {LONGEST_REFERENCE} plain letters, digits and hyphens. Shorten it.",
            "reference",
        )

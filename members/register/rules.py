"""How membership begins, pauses and ends, and which organisations may be connected (handbook §4.1 to §4.3). Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from fund.kernel.calendar import add_months, earliest_after_clear_days, in_words, london_day, start_of_day
from fund.kernel.errors import Finding
from members.rules import Register, name_key

APPEAL_DAYS = 28
"""How long a refused applicant has to appeal to a general meeting."""

EXPULSION_NOTICE_DAYS = 21
"""Clear days between the notice of an expulsion and the meeting that decides on it (handbook §4.2)."""

LONGEST_SUSPENSION_MONTHS = 6
"""A suspension pauses membership until something is settled; what lasts longer is an expulsion, with its safeguards."""

LONGEST_RESIGNATION_MONTHS = 12

ELECTRONIC_PURPOSES = "Notices of meetings and ballots, and letters about membership"
"""What a member's electronic address is for: the register must say it (2014 Act s.30(1)(a))."""


class EventKind(StrEnum):
    """What can happen to an organisation's membership. Every one is written down with its day and never altered."""

    PUT_TO_BOARD = "put_to_board"
    SENT_BACK = "sent_back"
    ADMITTED = "admitted"
    REFUSED = "refused"
    APPEALED = "appealed"
    APPEAL_DISMISSED = "appeal_dismissed"
    SUSPENDED = "suspended"
    SUSPENSION_LIFTED = "suspension_lifted"
    EXPULSION_NOTICED = "expulsion_noticed"
    HEARD = "heard"
    EXPULSION_DROPPED = "expulsion_dropped"
    EXPELLED = "expelled"
    RESIGNED = "resigned"
    DISSOLVED = "dissolved"
    LOST_ELIGIBILITY = "lost_eligibility"


EVENT_NAMES: dict[EventKind, str] = {
    EventKind.PUT_TO_BOARD: "Checked and put to the board",
    EventKind.SENT_BACK: "Sent back to the steward",
    EventKind.ADMITTED: "Admitted",
    EventKind.REFUSED: "Refused",
    EventKind.APPEALED: "Appealed to a general meeting",
    EventKind.APPEAL_DISMISSED: "Appeal dismissed",
    EventKind.SUSPENDED: "Suspended",
    EventKind.SUSPENSION_LIFTED: "Suspension lifted",
    EventKind.EXPULSION_NOTICED: "Notice of expulsion sent",
    EventKind.HEARD: "Heard",
    EventKind.EXPULSION_DROPPED: "Expulsion dropped",
    EventKind.EXPELLED: "Expelled",
    EventKind.RESIGNED: "Left",
    EventKind.DISSOLVED: "Dissolved",
    EventKind.LOST_ELIGIBILITY: "No longer able to be a member",
}

ENDINGS_BY_BOARD = (EventKind.DISSOLVED, EventKind.LOST_ELIGIBILITY)
"""How the board, not the member or a general meeting, may find that a membership has ended."""


# --- who takes part on a day


@dataclass(frozen=True)
class Pause:
    """A suspension: both days are included. A lifted one no longer counts from the day of lifting."""

    from_on: date
    until_on: date
    lifted_on: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.from_on <= day <= self.until_on and (self.lifted_on is None or day < self.lifted_on)


def takes_part(day: date, *, joined_on: date | None, left_on: date | None, pauses: Collection[Pause] = ()) -> bool:
    """Whether an organisation is a member that may vote and propose on `day`.

    It counts from the day it joined up to, and without, the day it left.
    """
    if joined_on is None or day < joined_on or (left_on is not None and day >= left_on):
        return False
    return not any(pause.holds_on(day) for pause in pauses)


# --- appeals


def appeal_ends_at(refused_at: datetime) -> datetime:
    """Until when a refused applicant may appeal: the end of the 28th day after."""
    return start_of_day(london_day(refused_at) + timedelta(days=APPEAL_DAYS + 1))


def appeal_faults(*, made_at: datetime | None, expires_at: datetime, now: datetime) -> Iterator[Finding]:
    """Why an appeal can't be made: there is one, within a stated time (handbook §4.2)."""
    if made_at is not None:
        yield Finding(
            f"You appealed on {in_words(london_day(made_at))}, and there is one appeal. "
            "The secretary writes to you when the meeting has decided."
        )
    elif now >= expires_at:
        last = in_words(london_day(expires_at) - timedelta(days=1))
        yield Finding(f"The time to appeal ended on {last}. You may ask to join again at any time.")


# --- leaving, suspension, expulsion


def resignation_faults(effective_on: date, today: date) -> Iterator[Finding]:
    """Why a member can't leave on that day: the past can't be changed, and a plan holds for a year at most."""
    if effective_on < today:
        yield Finding(f"Choose today, {in_words(today)}, or a later day.", "effective_on")
    elif effective_on > add_months(today, LONGEST_RESIGNATION_MONTHS):
        latest = add_months(today, LONGEST_RESIGNATION_MONTHS)
        yield Finding(f"Choose a day up to {in_words(latest)}. You can leave later at any time.", "effective_on")


def suspension_faults(from_on: date, until_on: date, *, today: date, others: Sequence[Pause]) -> Iterator[Finding]:
    """Why a member can't be suspended for those days: never backwards, never without end, never twice at once."""
    if from_on < today:
        yield Finding(f"A suspension can't begin before today, {in_words(today)}.", "from_on")
    if until_on < from_on:
        yield Finding("The last day must not be before the first.", "until_on")
    latest = add_months(from_on, LONGEST_SUSPENSION_MONTHS)
    if until_on > latest:
        yield Finding(
            f"A suspension lasts up to {LONGEST_SUSPENSION_MONTHS} months, here until {in_words(latest)}. "
            "To end a membership for good, give notice of an expulsion.",
            "until_on",
        )
    for other in others:
        end = other.until_on if other.lifted_on is None else min(other.until_on, other.lifted_on - timedelta(days=1))
        if from_on <= end and until_on >= other.from_on:
            yield Finding(
                f"It is suspended already from {in_words(other.from_on)} to {in_words(end)}. Choose later days, "
                "or lift that suspension first.",
                "from_on",
            )


def earliest_expulsion(noticed_at: datetime) -> date:
    """The first day on which a meeting may expel: neither the day of the notice nor that of the meeting counts."""
    return earliest_after_clear_days(london_day(noticed_at), EXPULSION_NOTICE_DAYS)


def expulsion_faults(*, noticed_at: datetime, heard: bool, decided_on: date, today: date) -> Iterator[Finding]:
    """Why an expulsion can't be entered: the time of notice, the right to be heard, and a meeting that has met."""
    earliest = earliest_expulsion(noticed_at)
    if decided_on < earliest:
        yield Finding(
            f"The member must have {EXPULSION_NOTICE_DAYS} clear days' notice. "
            f"The earliest day on which a meeting may decide is {in_words(earliest)}.",
            "decided_on",
        )
    elif decided_on > today:
        yield Finding("Enter the resolution once the meeting has passed it.", "decided_on")
    if not heard:
        yield Finding(
            "The member has the right to be heard. Write down first what it said, or that it chose not to speak."
        )


# --- connected bodies

_PUBLIC_PROVIDERS = frozenset(
    {
        "aol.com", "btinternet.com", "fastmail.com", "gmail.com", "gmx.com", "gmx.co.uk", "googlemail.com",
        "hotmail.co.uk", "hotmail.com", "icloud.com", "live.co.uk", "live.com", "mac.com", "mail.com", "me.com",
        "msn.com", "ntlworld.com", "outlook.com", "proton.me", "protonmail.com", "sky.com", "talktalk.net",
        "tiscali.co.uk", "virginmedia.com", "yahoo.co.uk", "yahoo.com", "ymail.com", "zoho.com",
    }
)  # fmt: skip
"""Providers where anybody may have an address: sharing one says nothing."""

_POSTCODE = re.compile(r"\b([A-Z]{1,2}[0-9][0-9A-Z]?) ?([0-9][A-Z]{2})\b")


@dataclass(frozen=True)
class Body:
    """What is known of an organisation that may tell of a connection. `people`: the addresses of who acts for it."""

    name: str
    address: str
    people: frozenset[str] = field(default_factory=frozenset)
    register: str | None = None
    number: str | None = None


def address_key(address: str) -> str:
    """A postal address for comparing: small letters and digits alone."""
    folded = unicodedata.normalize("NFKD", address).casefold()
    return "".join(c for c in folded if c.isalnum())


def postcode(address: str) -> str | None:
    """The last postcode in an address, as "M1 1AA"."""
    found = _POSTCODE.findall(" ".join(address.upper().split()))
    return " ".join(found[-1]) if found else None


def own_domains(people: Collection[str]) -> frozenset[str]:
    """The domains of addresses, but for providers where anybody may have one."""
    domains = {address.rpartition("@")[2].strip().casefold() for address in people}
    return frozenset(domains - _PUBLIC_PROVIDERS - {""})


def connection_reasons(one: Body, other: Body) -> Iterator[str]:
    """Why two organisations may be under common control, in sentences; whether they are is for a person to say."""
    first, second = (address_key(body.address) for body in (one, other))
    if first and first == second:
        yield "They have the same postal address."
    shared = sorted(own_domains(one.people) & own_domains(other.people))
    if shared:
        yield f"Their people's e-mail addresses are at the same place: {', '.join(shared)}."
    same = one.people & other.people
    if same:
        yield f"{len(same)} {'person acts' if len(same) == 1 else 'people act'} for both."
    if _name_within(one.name, other.name):
        yield "The name of one is part of the other's."
    if one.number and one.number == other.number and one.register != other.register and _on_register(one, other):
        yield f"They have the same number, {one.number}, on two registers."


def _on_register(one: Body, other: Body) -> bool:
    return Register.NONE not in (one.register, other.register)


def _name_within(one: str, other: str) -> bool:
    """Whether the words of the shorter name stand together in the longer. One short word alone tells too little."""
    short, long = sorted((name_key(one), name_key(other)), key=lambda key: (len(key), key))
    if short == long or (" " not in short and len(short) < 6):
        return False
    return f" {short} " in f" {long} "

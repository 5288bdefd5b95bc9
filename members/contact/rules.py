"""Which way a message goes, and when the daily mail leaves. Pure."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from hashlib import sha256

from fund.kernel.calendar import london_day
from fund.kernel.clock import LONDON
from fund.kernel.topics import CHOICES, KINDS, Mode, Topic
from members.accounts.rules import email_key

MODE_NAMES = {Mode.AT_ONCE: "At once", Mode.DIGEST: "In one daily mail", Mode.OFF: "Not at all"}
MODE_BUTTONS = {
    Mode.AT_ONCE: "Send these at once",
    Mode.DIGEST: "Put these in one daily mail",
    Mode.OFF: "Stop these mails",
}


def address_hash(email: str) -> str:
    """What is kept of the address of somebody without an account who chose: enough to know it again."""
    return sha256(f"contact:{email_key(email)}".encode()).hexdigest()


def mode_of(topic: Topic, chosen: Mapping[Topic, Mode], *, holds_secret: bool = False) -> Mode:
    """How a message leaves.

    A link that lets its reader in never waits in a daily mail, whatever was chosen; and a choice that its kind doesn't
    (or no longer) offer counts for nothing.
    """
    kind = KINDS[topic]
    mode = chosen.get(topic, kind.usual)
    if holds_secret or mode not in kind.modes:
        return Mode.AT_ONCE
    return mode


def modes_now(chosen: Mapping[Topic, Mode]) -> dict[Topic, Mode]:
    """How somebody has each kind, chosen or as usual."""
    return {topic: mode_of(topic, chosen) for topic in CHOICES}


def at_hour(day: date, hour: int) -> datetime:
    """`hour` o'clock of `day` in England."""
    return datetime.combine(day, time(hour), tzinfo=LONDON)


def digest_due(written_at: datetime, now: datetime, hour: int) -> datetime:
    """When the daily mail that takes a message written at `written_at` leaves: never before the hour of a day.

    After an outage, days missed are not made up one by one: what waited goes with the first daily mail that leaves.
    """
    day = london_day(written_at)
    due = at_hour(day, hour)
    if due < written_at:
        due = at_hour(day + timedelta(days=1), hour)
    return max(due, at_hour(london_day(now), hour))


def next_digest(now: datetime, hour: int) -> datetime:
    """The hour of the daily mail of the day after `now`'s."""
    return at_hour(london_day(now) + timedelta(days=1), hour)

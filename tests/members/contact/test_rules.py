"""Which way a message goes, and when the daily mail leaves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.kernel.calendar import london_day
from fund.kernel.clock import LONDON
from fund.kernel.topics import CHOICES, KINDS, Mode, Topic, topic_of
from members.contact.rules import address_hash, digest_due, mode_of, modes_now, next_digest

MOMENTS = st.integers(0, 730 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@pytest.mark.parametrize("topic", list(Topic))
def test_every_kind_is_described_and_says_why_it_is_fixed(topic: Topic) -> None:
    kind = KINDS[topic]
    assert kind.name
    assert kind.meaning.endswith(".")
    assert Mode.AT_ONCE in kind.modes
    assert kind.usual in kind.modes
    if topic in CHOICES:
        assert kind.may_be_off != bool(kind.fixed_because)


@pytest.mark.parametrize("topic", list(Topic))
@pytest.mark.parametrize("mode", list(Mode))
def test_no_choice_holds_back_what_may_not_wait(topic: Topic, mode: Mode) -> None:
    got = mode_of(topic, {topic: mode})
    assert got is (mode if mode in KINDS[topic].modes else Mode.AT_ONCE)
    if KINDS[topic].is_urgent:
        assert got is Mode.AT_ONCE


@pytest.mark.parametrize("topic", list(Topic))
def test_a_link_that_lets_in_never_waits(topic: Topic) -> None:
    assert mode_of(topic, {topic: Mode.DIGEST}, holds_secret=True) is Mode.AT_ONCE
    assert mode_of(topic, {topic: Mode.OFF}, holds_secret=True) is Mode.AT_ONCE


def test_ballots_and_invitations_are_never_a_choice() -> None:
    for topic in (Topic.NOTICE, Topic.ACCOUNT, Topic.ANSWER, Topic.SAFETY):
        assert KINDS[topic].is_urgent
    assert not KINDS[Topic.MONEY].may_be_off


def test_an_unknown_kind_is_read_as_one_that_always_leaves() -> None:
    assert topic_of(None) is Topic.NOTICE
    assert topic_of("given-up") is Topic.NOTICE
    assert topic_of("reminder") is Topic.REMINDER


def test_modes_now_names_each_kind_that_people_see() -> None:
    assert set(modes_now({})) == set(Topic) - {Topic.DIGEST}
    assert modes_now({})[Topic.PROGRESS] is Mode.DIGEST
    assert modes_now({Topic.PROGRESS: Mode.OFF})[Topic.PROGRESS] is Mode.OFF


@pytest.mark.parametrize(
    ("written", "now", "due"),
    [
        ("2026-06-01 06:59", "2026-06-01 07:00", "2026-06-01 08:00"),
        ("2026-06-01 08:00", "2026-06-01 08:00", "2026-06-01 08:00"),
        ("2026-06-01 08:01", "2026-06-01 08:02", "2026-06-02 08:00"),
        ("2026-06-01 08:01", "2026-06-08 15:00", "2026-06-08 08:00"),  # after a week's outage: the hour of that day
        ("2026-06-01 08:01", "2026-06-08 07:00", "2026-06-08 08:00"),
        ("2026-10-24 22:00", "2026-10-25 07:30", "2026-10-25 08:00"),  # the clocks went back in the night
    ],
)
def test_the_daily_mail_leaves_at_the_hour_in_england(written: str, now: str, due: str) -> None:
    at = [datetime.fromisoformat(text).replace(tzinfo=LONDON) for text in (written, now, due)]
    assert digest_due(at[0], at[1], 8) == at[2]


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=30)), st.integers(0, 23))
def test_it_is_never_early_and_never_a_day_late(written: datetime, later: timedelta, hour: int) -> None:
    now = written + later
    due = digest_due(written, now, hour)
    assert due.hour == hour
    assert due.astimezone(UTC) >= written
    assert london_day(due) <= london_day(now) + timedelta(days=1)
    assert london_day(next_digest(now, hour)) == london_day(now) + timedelta(days=1)


def test_an_address_is_known_again_however_it_is_typed() -> None:
    assert address_hash("Sam@Example.org ") == address_hash("sam@example.org")
    assert "sam" not in address_hash("sam@example.org")

"""Rules of membership: who takes part on a day, appeals, leaving, suspension, expulsion, who may be connected."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from fund.kernel.calendar import in_words
from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from members import queries
from members.models import Organisation
from members.register.models import Suspension
from members.register.rules import (
    EVENT_NAMES,
    Body,
    EventKind,
    Pause,
    appeal_ends_at,
    appeal_faults,
    connection_reasons,
    earliest_expulsion,
    expulsion_faults,
    postcode,
    resignation_faults,
    suspension_faults,
    takes_part,
)
from members.rules import LegalForm, MembershipStatus, Register, Sector, register_meant
from tests.world import member, official

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = date(2026, 6, 1)
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
pauses = st.builds(
    lambda first, length, lifted: Pause(
        first, first + timedelta(days=length), None if lifted is None else first + timedelta(days=lifted)
    ),
    days,
    st.integers(0, 90),
    st.none() | st.integers(0, 90),
)


@given(days, days, st.none() | days, st.lists(pauses, max_size=3))
def test_a_member_takes_part_from_joining_up_to_leaving_but_while_suspended(
    day: date, joined: date, left: date | None, held: list[Pause]
) -> None:
    expected = joined <= day and (left is None or day < left)
    for pause in held:
        last = pause.until_on if pause.lifted_on is None else min(pause.until_on, pause.lifted_on - timedelta(days=1))
        expected = expected and not pause.from_on <= day <= last
    assert takes_part(day, joined_on=joined, left_on=left, pauses=held) is expected
    assert not takes_part(day, joined_on=None, left_on=left, pauses=held)


def test_the_database_says_the_same_as_the_rule(app: Flask, clock: MovableClock) -> None:
    """For every day of six weeks and each way of standing."""
    board = official("Bo Board")[1]
    joined = date(2026, 6, 5)
    ways: list[tuple[date | None, tuple[Pause, ...]]] = [
        (None, ()),
        (date(2026, 6, 20), ()),
        (None, (Pause(date(2026, 6, 10), date(2026, 6, 12)), Pause(date(2026, 6, 14), date(2026, 6, 14)))),
        (date(2026, 6, 11), (Pause(date(2026, 6, 10), date(2026, 6, 30)),)),
        (None, (Pause(date(2026, 6, 10), date(2026, 6, 20), date(2026, 6, 15)),)),
        (None, (Pause(date(2026, 6, 10), date(2026, 6, 20), date(2026, 6, 8)),)),
    ]
    found = {}
    for number, (left, held) in enumerate(ways):
        own_id = member(f"Way {number}", Sector.VCSE).id
        found[own_id] = (left, held)
        with transaction() as session:
            own = session.get_one(Organisation, own_id)
            own.joined_on, own.left_on = joined, left
            own.status = MembershipStatus.LEFT if left else MembershipStatus.MEMBER
            session.add_all(
                Suspension(
                    organisation_id=own_id, from_on=one.from_on, until_on=one.until_on, reasons="r",
                    decided_by_id=board.person_id, decided_at=clock.now(), lifted_on=one.lifted_on,
                )
                for one in held
            )  # fmt: skip
    for ahead in range(42):
        at = NOON + timedelta(days=ahead)
        rule = {
            key for key, (left, held) in found.items()
            if takes_part(at.date(), joined_on=joined, left_on=left, pauses=held)
        }  # fmt: skip
        assert {one.id for one in queries.members_at(at)} == rule, at
        assert {key for key in found if queries.takes_part(key, at)} == rule, at


def test_an_appeal_ends_with_the_28th_day() -> None:
    ends = appeal_ends_at(NOON)
    assert ends == datetime(2026, 6, 29, 23, tzinfo=UTC), "midnight in England, in summer"
    assert list(appeal_faults(made_at=None, expires_at=ends, now=ends - timedelta(seconds=1))) == []
    assert "29 June 2026" in next(appeal_faults(made_at=None, expires_at=ends, now=ends)).message
    assert "one appeal" in next(appeal_faults(made_at=NOON, expires_at=ends, now=NOON)).message


@pytest.mark.parametrize(
    ("effective_on", "fine"),
    [(date(2026, 5, 31), False), (DAY, True), (date(2027, 6, 1), True), (date(2027, 6, 2), False)],
)
def test_leaving_is_today_or_within_a_year(effective_on: date, fine: bool) -> None:
    assert (list(resignation_faults(effective_on, DAY)) == []) is fine


@pytest.mark.parametrize(
    ("first", "last", "fields"),
    [
        (DAY, DAY, []),
        (date(2026, 5, 31), DAY, ["from_on"]),
        (date(2026, 6, 3), date(2026, 6, 2), ["until_on"]),
        (DAY, date(2026, 12, 1), ["from_on"]),
        (DAY, date(2026, 12, 2), ["until_on", "from_on"]),
        (DAY, date(2026, 7, 9), []),
        (DAY, date(2026, 7, 10), ["from_on"]),
        (date(2026, 7, 20), date(2026, 7, 30), []),
    ],
)
def test_a_suspension_is_never_backwards_endless_or_doubled(first: date, last: date, fields: list[str]) -> None:
    other = Pause(date(2026, 7, 10), date(2026, 8, 1), lifted_on=date(2026, 7, 20))
    assert [fault.field for fault in suspension_faults(first, last, today=DAY, others=[other])] == fields


@given(days.map(lambda day: datetime.combine(day, time(23, 30), UTC)), st.integers(-5, 40))
def test_an_expulsion_waits_21_clear_days_and_says_the_earliest(noticed_at: datetime, after: int) -> None:
    earliest = earliest_expulsion(noticed_at)
    decided = earliest + timedelta(days=after)
    found = list(expulsion_faults(noticed_at=noticed_at, heard=True, decided_on=decided, today=date(2028, 1, 1)))
    assert (found == []) is (after >= 0)
    assert all(in_words(earliest) in fault.message for fault in found)
    unheard = expulsion_faults(noticed_at=noticed_at, heard=False, decided_on=earliest, today=date(2028, 1, 1))
    assert [("right to be heard" in fault.message) for fault in unheard] == [True]


def test_an_expulsion_on_1_june_is_decided_from_23_june() -> None:
    assert earliest_expulsion(NOON) == date(2026, 6, 23)
    ahead = expulsion_faults(noticed_at=NOON, heard=True, decided_on=date(2026, 6, 24), today=date(2026, 6, 23))
    assert [fault.field for fault in ahead] == ["decided_on"]


def body(name: str = "Alder", address: str = "1 Lane", people: tuple[str, ...] = (), **more: str) -> Body:
    return Body(name, address, frozenset(people), **more)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (body(), body("Birch", "2 Lane"), None),
        (body(address="1, Mill Lane\nBolton"), body("Birch", "1 mill lane, BOLTON"), "same postal address"),
        (body(address=""), body("Birch", ""), None),
        (body(people=("a@x.example",)), body("Birch", "2", ("b@X.example",)), "at the same place: x.example"),
        (body(people=("a@gmail.com",)), body("Birch", "2", ("b@gmail.com",)), None),
        (body(people=("a@gmail.com",)), body("Birch", "2", ("a@gmail.com",)), "1 person acts for both"),
        (body("Rook FC Ltd"), body("Rook FC Foundation", "2"), "part of the other's"),
        (body("Alder"), body("Alder Tree Club", "2"), None),
        (body("Alderman"), body("Alderman Trust", "2"), "part of the other's"),
        (body("Brook FC"), body("Rook FC", "2"), None),
        (body(register="GB-COH", number="1"), body("B", "2", register="GB-CHC", number="1"), "on two registers"),
        (body(register="GB-COH", number="1"), body("B", "2", register="GB-COH", number="1"), None),
        (body(register="GB-COH", number="1"), body("B", "2", register="none", number="1"), None),
    ],
    ids=str,
)
def test_why_two_may_be_connected(one: Body, other: Body, expected: str | None) -> None:
    for first, second in ((one, other), (other, one)):
        reasons = list(connection_reasons(first, second))
        assert (reasons == []) is (expected is None), reasons
        assert expected is None or expected in reasons[0]


def test_the_last_postcode_of_an_address() -> None:
    assert [postcode(text) for text in ("1 Lane, bl11aa", "M1 1AA, then M2  2BB", "nowhere")] == [
        "BL1 1AA",
        "M2 2BB",
        None,
    ]


def test_every_event_has_a_name() -> None:
    assert set(EVENT_NAMES) == set(EventKind)


def test_a_number_without_a_register_belongs_to_the_usual_one() -> None:
    assert register_meant(LegalForm.CHARITY, " ") is Register.NONE
    assert register_meant(LegalForm.CHARITY, "1") is Register.CHARITY_COMMISSION
    assert register_meant(LegalForm.UNINCORPORATED_GROUP, "1") is Register.NONE

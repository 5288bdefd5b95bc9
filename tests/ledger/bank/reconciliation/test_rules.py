"""What lies between statements and books, to the penny; who may sign; which months come first."""

from collections.abc import Collection
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.bank.reconciliation import rules
from ledger.bank.reconciliation.rules import Figures, Hand, Item, Sort, Told

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
LAST = date(2026, 5, 31)
DAYS = st.dates(date(2026, 4, 1), date(2026, 7, 31))
PENCE = st.integers(-1_000_000, 1_000_000)
MOVED = st.lists(st.tuples(DAYS, PENCE), max_size=30)


def told(number: int, first: int, last: int, opening: int | None, closing: int | None) -> Told:
    return Told(number, date(2026, 5, first), date(2026, 5, last), opening, closing)


@st.composite
def statements(draw: st.DrawFn) -> list[Told]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        first, last = sorted((draw(DAYS), draw(DAYS)))
        found.append(Told(number + 1, first, last, draw(st.none() | PENCE), draw(st.none() | PENCE)))
    return found


@given(statements(), MOVED, DAYS)
def test_the_closing_balance_is_every_line_and_every_gap_to_the_penny(
    given_told: list[Told], moved: list[tuple[date, int]], last: date
) -> None:
    closing, items = rules.by_statements(given_told, moved, last)
    assert closing == sum(pence for day, pence in moved if day <= last) + sum(item.pence for item in items)
    assert len({item.key for item in items}) == len(items)


@given(MOVED, st.sets(st.integers(0, 120), min_size=1, max_size=6))
def test_statements_that_are_true_leave_nothing_to_explain(moved: list[tuple[date, int]], cuts: set[int]) -> None:
    ends = [date(2026, 4, 1) + timedelta(days=cut) for cut in sorted(cuts)]
    first, found = date(2026, 4, 1), []
    for number, end in enumerate(ends, 1):
        opening = sum(pence for day, pence in moved if day < first)
        found.append(Told(number, first, end, opening, sum(pence for day, pence in moved if day <= end)))
        first = end + timedelta(days=1)
    closing, items = rules.by_statements(found, moved, LAST)
    assert items == []
    assert closing == sum(pence for day, pence in moved if day <= LAST)


def test_a_gap_is_told_with_its_statement_and_its_sum() -> None:
    found = [told(1, 1, 10, 0, 100), told(2, 15, 31, 130, 200)]
    closing, items = rules.by_statements(found, [(date(2026, 5, 3), 100), (date(2026, 5, 20), 70)], LAST)
    assert closing == 200
    assert [(item.sort, item.key, item.pence) for item in items] == [(Sort.GAP, "opens:2", 30)]
    assert "Statement 2 opens with £1.30, and what is known before it makes £1" in items[0].what


def test_money_from_before_the_first_statement_is_told() -> None:
    closing, items = rules.by_statements([told(1, 1, 31, 500, 600)], [(date(2026, 5, 3), 100)], LAST)
    assert (closing, [(item.sort, item.pence) for item in items]) == (600, [(Sort.OPENING, 500)])


def test_statements_that_meet_in_the_middle_of_a_day_join() -> None:
    moved = [(date(2026, 5, 10), 100), (date(2026, 5, 10), 50), (date(2026, 5, 20), 7)]
    found = [told(1, 1, 10, 0, 100), told(2, 10, 31, 100, 157)]
    assert rules.by_statements(found, moved, LAST) == (157, [])


def test_without_any_balance_somebody_must_look_at_the_bank() -> None:
    closing, items = rules.by_statements([told(1, 1, 31, None, None)], [(date(2026, 5, 3), 100)], LAST)
    assert (closing, [item.sort for item in items]) == (100, [Sort.NOT_TOLD])
    assert items[0].needs_reason


@pytest.mark.parametrize(("statement_to", "told_of"), [(None, 1), (date(2026, 5, 30), 1), (LAST, 0), (JUNE, 0)])
def test_a_month_whose_end_no_statement_reaches_needs_a_reason(statement_to: date | None, told_of: int) -> None:
    items = list(rules.covered_items(statement_to, LAST))
    assert len(items) == told_of
    assert all(item.needs_reason for item in items)


def test_what_no_item_explains_is_an_item() -> None:
    item = Item(Sort.UNMATCHED, "waits:1", -5, "A line")
    assert list(rules.rest(Sort.OTHER_UNMATCHED, "Other", -5, [item])) == []
    assert [one.pence for one in rules.rest(Sort.OTHER_UNMATCHED, "Other", -7, [item])] == [-2]


def test_each_sort_is_of_one_figure_and_only_what_explains_itself_needs_no_reason() -> None:
    assert set(Sort) == rules.BETWEEN | rules.ON_THEIR_WAY | rules.WAITING
    assert {sort for sort in Sort if not Item(sort, "x", 1, "x").needs_reason} == {
        Sort.BOOKED_LATER,
        Sort.ON_ITS_WAY,
        Sort.UNMATCHED,
    }


EVERY_HAND = [
    (Hand.IMPORTED, "You brought in a statement of this month"),
    (Hand.POSTED, "You booked money of this month"),
    (Hand.MATCHED, "You matched a line of this month"),
    (Hand.PREPARED, "You prepared this reconciliation"),
]


@pytest.mark.parametrize(("hand", "sentence"), EVERY_HAND)
def test_whoever_had_a_hand_in_the_month_cannot_sign(hand: Hand, sentence: str) -> None:
    found = list(rules.signing_faults(7, {one: {7} if one is hand else {8} for one in Hand}))
    assert [one.message.startswith(sentence) for one in found] == [True]
    assert list(rules.signing_faults(9, {one: {8} for one in Hand})) == []


def test_every_hand_is_tried() -> None:
    assert {hand for hand, _ in EVERY_HAND} == set(Hand)
    both = next(iter(rules.signing_faults(7, {one: {7} for one in Hand}))).message
    assert "this month, booked money of this month, matched a line of this month and prepared" in both


GAP = Item(Sort.GAP, "opens:2", 30, "A gap")


@pytest.mark.parametrize(
    ("today", "first", "items", "reasons", "again", "why", "faults"),
    [
        (JUNE, MAY, [], {}, False, "", []),
        (LAST, MAY, [], {}, False, "", ["This month is not over"]),
        (JUNE, None, [], {}, False, "", ["The bank has told nothing"]),
        (JUNE, JUNE, [], {}, False, "", ["The bank has told nothing"]),
        (JUNE, MAY, [GAP], {}, False, "", ["Say why: A gap"]),
        (JUNE, MAY, [GAP], {"opens:2": "  "}, False, "", ["Say why: A gap"]),
        (JUNE, MAY, [GAP], {"opens:2": "Lost in the post"}, False, "", []),
        (JUNE, MAY, [], {}, True, " ", ["This month was signed before"]),
        (JUNE, MAY, [], {}, True, "A late line", []),
    ],
)
def test_when_a_month_may_be_prepared(
    today: date,
    first: date | None,
    items: Collection[Item],
    reasons: dict[str, str],
    again: bool,
    why: str,
    faults: list[str],
) -> None:
    found = [one.message for one in rules.preparing_faults(MAY, today, first, items, reasons, again=again, why=why)]
    assert len(found) == len(faults)
    assert all(one.startswith(begins) for one, begins in zip(found, faults, strict=True))


def test_months_are_signed_in_order() -> None:
    assert list(rules.order_faults(MAY, [])) == []
    assert list(rules.order_faults(MAY, [MAY])) == []
    assert "April 2026 comes first" in next(iter(rules.order_faults(MAY, [date(2026, 4, 1)]))).message


def test_closing_names_the_first_unsigned_month_or_the_one_that_changed() -> None:
    assert list(rules.closing_faults([], None)) == []
    assert "of May 2026 is not" in next(iter(rules.closing_faults([MAY], None))).message
    assert "of May 2026 and 1 more is not" in next(iter(rules.closing_faults([MAY, JUNE], None))).message
    assert "May 2026 have changed" in next(iter(rules.closing_faults([], MAY))).message


def test_a_month_is_due_so_many_working_days_after_its_end() -> None:
    assert rules.due_on(MAY, 10) == date(2026, 6, 12)
    assert rules.due_on(date(2026, 3, 1), 4) == date(2026, 4, 8)  # Good Friday and Easter Monday don't count


@given(DAYS, DAYS)
def test_months_between_are_whole_and_without_gaps(one: date, other: date) -> None:
    first, last = sorted((rules.month_of(one), rules.month_of(other)))
    found = rules.months_between(first, last)
    assert (found[0], found[-1]) == (first, last)
    assert all(rules.last_day(a) + timedelta(days=1) == b for a, b in pairwise(found))


def test_what_was_matched_later_changes_nothing_that_lasts_and_anything_else_does() -> None:
    waits = Item(Sort.UNMATCHED, "waits:1", -5, "A line")
    signed = Figures(MAY, 100, 100, 0, -5, (waits,))
    assert Figures(MAY, 100, 100, 0, 0, ()).lasting == signed.lasting
    for other in (
        Figures(MAY, 101, 100, 0, -5, (waits,)),
        Figures(MAY, 100, 101, 0, -5, (waits,)),
        Figures(MAY, 100, 100, -1, -5, (waits,)),
        Figures(MAY, 100, 100, 0, -5, (waits, GAP)),
        Figures(JUNE, 100, 100, 0, -5, (waits,)),
    ):
        assert other.lasting != signed.lasting

"""The forecast month by month, its drawing, and what is said to need doing."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.treasury.rules import (
    MONTHS,
    PLOT,
    TOP,
    WIDTH,
    Forecast,
    Held,
    Standing,
    Waiting,
    drawing,
    forecast,
    in_order,
    month_starts,
    needs,
    short_pence,
)

TODAY = date(2026, 11, 23)
SOUND = Standing(statement_to=date(2026, 10, 31))


def closings(found: Forecast) -> list[int]:
    return [month.closing_pence for month in found.months]


@pytest.mark.parametrize(
    ("opening", "coming_in", "going_out", "closing", "below", "lowest"),
    [
        (100, {}, {}, [100] * 12, None, 0),
        (100, {0: 5}, {}, [105] * 12, None, 0),
        (100, {}, {11: 30}, [100] * 11 + [70], None, 11),
        (100, {2: 50}, {1: 100}, [100, 0, *[50] * 10], None, 1),
        (100, {2: 50}, {1: 101}, [100, -1, *[49] * 10], 1, 1),
        (0, {}, {0: 1, 1: 1}, [-1, *[-2] * 11], 0, 1),
        (10, {12: 99}, {12: 98}, [10] * 12, None, 0),
        (-7, {3: 7}, {}, [-7, -7, -7, *[0] * 9], 0, 0),
    ],
)
def test_the_forecast_month_by_month(
    opening: int,
    coming_in: dict[int, int],
    going_out: dict[int, int],
    closing: list[int],
    below: int | None,
    lowest: int,
) -> None:
    found = forecast(TODAY, opening, coming_in, going_out)
    assert closings(found) == closing
    assert found.below == (None if below is None else found.months[below])
    assert found.lowest == found.months[lowest]
    assert (found.later_in_pence, found.later_out_pence) == (coming_in.get(12, 0), going_out.get(12, 0))


def test_the_months_go_over_the_turn_of_the_year() -> None:
    starts = month_starts(date(2026, 1, 31))
    assert starts == [*(date(2026, month, 1) for month in range(1, 13)), date(2027, 1, 1)]
    assert [month.first for month in forecast(TODAY, 0, {}, {}).months][:3] == [
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
    ]


SUMS = st.dictionaries(st.integers(0, MONTHS), st.integers(0, 10**12))


@given(st.integers(-(10**12), 10**12), SUMS, SUMS)
def test_no_penny_is_lost_and_every_bar_lies_in_the_drawing(
    opening: int, coming_in: dict[int, int], going_out: dict[int, int]
) -> None:
    found = forecast(TODAY, opening, coming_in, going_out)
    came = sum(pence for month, pence in coming_in.items() if month < MONTHS)
    went = sum(pence for month, pence in going_out.items() if month < MONTHS)
    assert closings(found)[-1] == opening + came - went
    drawn = drawing(found)
    for bar, pence in zip(drawn.bars, closings(found), strict=True):
        assert 0 <= bar.x <= WIDTH
        assert bar.y >= TOP - 1
        assert bar.y + bar.height <= TOP + PLOT + 1
        assert (bar.height > 0) is (pence != 0)
        assert bar.is_below is (pence < 0)
        assert (bar.y if bar.is_below else bar.y + bar.height) == drawn.nought_y
        assert bar.value_y is None or 10 <= bar.value_y <= 200
    assert drawn.bars[0].value_y
    assert drawn.bars[-1].value_y


@pytest.mark.parametrize(
    ("pence", "said"),
    [
        (0, "£0"),
        (999_99, "£999"),
        (1_000_00, "£1k"),
        (12_499_99, "£12k"),
        (-12_500_00, "−£13k"),
        (999_499_99, "£999k"),
        (999_500_00, "£1.0m"),
        (12_340_000_00, "£12.3m"),
    ],
)
def test_a_sum_in_few_characters(pence: int, said: str) -> None:
    assert short_pence(pence) == said


WELL = forecast(TODAY, 1_00, {}, {})
SINCE = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("standing", "found", "what", "detail"),
    [
        (SOUND, forecast(TODAY, 1_00, {}, {2: 5_00}), "Cash runs out in January 2027", "By then £4 is missing"),
        (Standing(), WELL, "Bring in the bank's statement for October 2026", "The books follow the bank"),
        (
            Standing(statement_to=date(2026, 10, 30)),
            WELL,
            "Bring in the bank's statement for October 2026",
            "The last one ends on 30 October 2026. ",
        ),
        (
            Standing(statement_to=SOUND.statement_to, unmatched_in=Waiting(2, 500_00, SINCE)),
            WELL,
            "2 payments in to match",
            "£500, the oldest for 3 days. ",
        ),
        (
            Standing(statement_to=SOUND.statement_to, unmatched_out=Waiting(1, -5_00, TODAY)),
            WELL,
            "1 payment out to match",
            "£5, since today. ",
        ),
        (
            Standing(statement_to=SOUND.statement_to, to_approve=Waiting(1, 5_00, date(2026, 11, 22))),
            WELL,
            "1 payment to approve",
            "£5, the oldest for 1 day. ",
        ),
        (Standing(statement_to=SOUND.statement_to, to_send=Waiting(3, 5_00)), WELL, "3 payments to send", "£5. "),
        (Standing(statement_to=SOUND.statement_to, unconfirmed=Waiting(1, 5_00)), WELL, "1 payment to confirm", "£5. "),
        (
            Standing(statement_to=SOUND.statement_to, to_verify=Waiting(2, 0, SINCE)),
            WELL,
            "2 sets of bank details to verify",
            "The oldest for 3 days. ",
        ),
        (
            Standing(statement_to=SOUND.statement_to, unsigned_month=date(2026, 10, 1)),
            WELL,
            "Reconcile the bank for October 2026",
            "Each month is compared",
        ),
        (
            Standing(statement_to=SOUND.statement_to, unsigned_month=date(2026, 9, 1), is_prepared=True),
            WELL,
            "Sign the bank's reconciliation for September 2026",
            "Each month is compared",
        ),
        (
            Standing(statement_to=date(2026, 9, 30), unsigned_month=date(2026, 10, 1)),
            WELL,
            "Bring in the bank's statement for October 2026",
            "The last one ends on 30 September 2026",
        ),
        (Standing(statement_to=SOUND.statement_to, short_pence=7_00), WELL, "£7 short", "A contributor's bank took"),
    ],
)
def test_each_need_is_said(standing: Standing, found: Forecast, what: str, detail: str) -> None:
    (need,) = needs(standing, found, TODAY)
    assert need.what == what
    assert need.detail.startswith(detail)


def test_nothing_is_said_when_nothing_waits_and_the_gravest_comes_first() -> None:
    assert needs(SOUND, WELL, TODAY) == []
    listed = needs(Standing(short_pence=1, to_send=Waiting(1, 1)), forecast(TODAY, -1, {}, {}), TODAY)
    assert [need.tone for need in listed] == ["stop", "stop", "wait", "wait"]


def test_unrestricted_money_stands_first() -> None:
    held = [Held(name, 0, 0, 0, 0, 0) for name in ("RF-002", None, "RF-001")]
    assert [one.restriction for one in in_order(held)] == [None, "RF-001", "RF-002"]

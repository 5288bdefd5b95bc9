"""How accounts, texts and periods are written."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.export import plain_text
from ledger.export.rules import (
    PLACES,
    AccountInPeriod,
    Booked,
    Journal,
    cell,
    extent,
    one_line,
    period_faults,
    pounds,
)
from ledger.rules import AccountKind, account_code
from tests.ledger.export import tools

K = AccountKind
DAY, NOW = date(2026, 6, 1), datetime(2026, 6, 1, 9, tzinfo=UTC)


def account(
    kind: AccountKind, owner: str | None = None, restriction: str | None = None, **more: int
) -> AccountInPeriod:
    held = {"id": 1, "opening_pence": 0, "closing_pence": 0} | more
    return AccountInPeriod(
        id=held["id"],
        code=account_code(kind, owner, restriction),
        name="An account",
        kind=kind,
        owner=owner,
        restriction=restriction,
        opening_pence=held["opening_pence"],
        closing_pence=held["closing_pence"],
    )


def test_every_kind_of_account_has_a_place_of_its_own() -> None:
    assert set(PLACES) == set(AccountKind)
    assert len(set(PLACES.values())) == len(PLACES)


@pytest.mark.parametrize(
    ("kind", "owner", "restriction", "name"),
    [
        (K.BANK, None, None, "Assets:Bank:Unrestricted"),
        (K.AVAILABLE, None, "RF-001", "Equity:Budget:Available:RF-001"),
        (K.CONTRIBUTIONS, "org:GM-0012", None, "Income:Contributions:Org:GM-0012:Unrestricted"),
        (K.COMMITTED, "grant:G-2026-003", "RF-001", "Equity:Budget:Committed:Grant:G-2026-003:RF-001"),
    ],
)
def test_names_in_plain_text_accounting(
    kind: AccountKind, owner: str | None, restriction: str | None, name: str
) -> None:
    assert account(kind, owner, restriction).plain_name == name


REFERENCES = st.text(min_size=1, max_size=12) | st.from_regex(r"[A-Za-z0-9 .:@-]{1,8}", fullmatch=True)


@given(REFERENCES, REFERENCES)
def test_two_accounts_never_share_a_name_and_every_name_is_legal(one: str, other: str) -> None:
    names = {account(K.CONTRIBUTIONS, f"org:{reference}").plain_name for reference in (one, other)}
    assert len(names) == len({one, other})
    for name in names:
        assert re.fullmatch(r"[A-Z][a-z]+(:[A-Z0-9][A-Za-z0-9-]*)+", name), name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('=HYPERLINK("x")', '\'=HYPERLINK("x")'),
        ("+44 161", "'+44 161"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", "'=1+1"),
        ("\ufeff=1", "'=1"),
        ("a\nb\x00c\u2028d", "a b c d"),
        ("Rochdale – 😀", "Rochdale – 😀"),
        (None, ""),
    ],
)
def test_no_cell_is_a_formula(text: str | None, shown: str) -> None:
    assert cell(text) == shown


@given(st.text())
def test_a_text_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    one_line(text).encode()


@pytest.mark.parametrize(("pence", "written"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-1_234_56, "-1234.56")])
def test_amounts_for_programs(pence: int, written: str) -> None:
    assert pounds(pence) == written


APRIL, MAY, JUNE, JULY = (date(2026, month, 1) for month in (4, 5, 6, 7))


@pytest.mark.parametrize(
    ("first", "last", "oldest", "newest", "begins", "ends"),
    [
        (None, None, APRIL, JUNE, APRIL, JUNE),
        (MAY, None, MAY, JUNE, date(2026, 4, 30), JUNE),
        (None, JUNE, APRIL, MAY, APRIL, JUNE),
        (MAY, JUNE, None, None, date(2026, 4, 30), JUNE),
        (MAY, None, None, None, date(2026, 4, 30), date(2026, 4, 30)),
        (None, None, None, None, JULY, JULY),
        (None, MAY, None, None, MAY, MAY),
    ],
)
def test_from_when_to_when_a_journal_goes(
    first: date | None, last: date | None, oldest: date | None, newest: date | None, begins: date, ends: date
) -> None:
    assert extent(first, last, oldest, newest, JULY) == (begins, ends)


@pytest.mark.parametrize(
    ("first", "last", "fields"),
    [
        (None, None, []),
        (MAY, MAY, []),
        (JUNE, MAY, ["last"]),
        (date(1, 1, 1), None, ["first"]),
        (None, date(9999, 12, 31), ["last"]),
    ],
)
def test_what_is_a_period(first: date | None, last: date | None, fields: list[str]) -> None:
    assert [fault.field for fault in period_faults(first, last)] == fields


TEXTS = st.text(max_size=60) | st.sampled_from(
    [
        'say "so"',
        "back\\slash\\",
        "a;b",
        "=1",
        "* ! (x)",
        "a | b",
        "line\nline",
        "tab\tend ",
        "😀 Ångström",
        "2026-06-01 x",
    ]
)
MOVES = st.lists(st.tuples(TEXTS, TEXTS, st.integers(-(10**12), 10**12).filter(bool)), max_size=25)


def made_of(moves: list[tuple[str, str, int]], opening: int = 0, wrong: int = 0) -> Journal:
    """A journal in which money moves between two accounts; `wrong` is what our balance is out by."""
    total = opening + sum(pence for _, _, pence in moves)
    return Journal(
        DAY,
        DAY,
        DAY,
        (
            account(K.BANK, id=1, opening_pence=opening, closing_pence=total + wrong),
            account(K.SUSPENSE, id=2, opening_pence=-opening, closing_pence=-total),
        ),
        iter(
            Booked(number, f"key:{key}", "bank_line", DAY, NOW, text, None, None, key, ((1, pence), (2, -pence)))
            for number, (text, key, pence) in enumerate(moves, 1)
        ),
    )


def _file(folder: Path, lines: object) -> Path:
    file = folder / "books.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")  # type: ignore[arg-type]
    return file


SOME = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SOME
@given(MOVES, st.integers(-(10**9), 10**9))
def test_beancount_takes_whatever_was_typed(tmp_path: Path, moves: list[tuple[str, str, int]], opening: int) -> None:
    assert tools.bean_check(_file(tmp_path, plain_text.beancount(made_of(moves, opening)))) == ""


@SOME
@given(MOVES, st.integers(-(10**9), 10**9))
def test_hledger_takes_whatever_was_typed(tmp_path: Path, moves: list[tuple[str, str, int]], opening: int) -> None:
    assert tools.hledger_check(_file(tmp_path, plain_text.hledger(made_of(moves, opening)))) == ""


@pytest.mark.parametrize("wrong", [1, -1])
def test_both_tools_refuse_a_balance_that_is_out_by_a_penny(tmp_path: Path, wrong: int) -> None:
    moves = [("A payment", "1", 12_34)]
    assert "Balance failed" in tools.bean_check(_file(tmp_path, plain_text.beancount(made_of(moves, 5, wrong))))
    assert "balance assertion" in tools.hledger_check(_file(tmp_path, plain_text.hledger(made_of(moves, 5, wrong))))

"""The chart of accounts and what a transfer must be."""

from datetime import UTC, date, datetime
from hashlib import sha256

import pytest

from ledger.rules import CHART, AccountKind, Leg, account_code, digest, said, seal_hash, shortfall, transfer_faults

A, C = AccountKind.AVAILABLE, AccountKind.COMMITTED
SAID = {
    "key": "k",
    "kind": "commitment",
    "occurred_on": date(2026, 6, 1),
    "posted_at": datetime(2026, 6, 1, 9, tzinfo=UTC),
    "description": "d",
    "actor_id": 1,
    "reverses_id": None,
    "reason": None,
}
LEGS = [(1, -5), (2, 5)]


def test_every_kind_is_in_the_chart() -> None:
    assert set(CHART) == set(AccountKind)
    assert not CHART[A].below
    assert not CHART[C].below
    assert CHART[A].above
    assert CHART[C].above


def test_codes() -> None:
    assert account_code(A) == "available"
    assert account_code(C, "grant:G-1") == "committed:grant:G-1"
    with pytest.raises(ValueError, match="needs owner"):
        account_code(C)
    with pytest.raises(ValueError, match="has no owner"):
        account_code(A, "org:GM-1")


@pytest.mark.parametrize(
    ("legs", "word"),
    [
        ([Leg(A, 0)], "two legs"),
        ([Leg(A, 5), Leg(AccountKind.BANK, -4)], "sum to £0.01"),
        ([Leg(A, 5), Leg(A, -5)], "only once"),
        ([Leg(A, 0), Leg(AccountKind.BANK, 0)], "nought"),
        ([Leg(A, 10**13 + 1), Leg(AccountKind.BANK, -(10**13) - 1)], "at most"),
    ],
)
def test_what_is_no_transfer(legs: list[Leg], word: str) -> None:
    assert any(word in fault.message for fault in transfer_faults(legs))


def test_a_balanced_transfer_has_no_faults() -> None:
    assert not list(transfer_faults([Leg(A, -5), Leg(C, 5, "grant:G-1")]))


def test_a_shortfall_names_both_figures() -> None:
    assert "The fund has £960 free; this needs £1,000.50." in shortfall(A, None, 960_00, -1_000_50)
    assert "£10 is still committed to G-1; this needs £11." in shortfall(C, "grant:G-1", 10_00, -11_00)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("key", "l"),
        ("kind", "release"),
        ("occurred_on", date(2026, 6, 2)),
        ("posted_at", datetime(2026, 6, 1, 9, 0, 0, 1, tzinfo=UTC)),
        ("description", "e"),
        ("actor_id", None),
        ("reverses_id", 1),
        ("reason", ""),
    ],
)
def test_the_digest_covers_everything_a_transfer_says(name: str, other: object) -> None:
    changed: str = said(**SAID | {name: other})  # type: ignore[arg-type]
    assert digest(said(**SAID), LEGS) != digest(changed, LEGS)  # type: ignore[arg-type]


def test_the_digest_covers_the_legs() -> None:
    assert digest("[", LEGS) != digest("[", [(1, -6), (2, 6)])


def test_the_digest_is_that_of_one_json_text() -> None:
    text = '["k","commitment","2026-06-01","2026-06-01T09:00:00.000000+00:00","d",1,null,null,[[1,-5],[2,5]]]'
    assert digest(said(**SAID), LEGS) == sha256(text.encode()).hexdigest()  # type: ignore[arg-type]


def test_a_seal_covers_the_one_before_and_every_row() -> None:
    rows = [(1, "a"), (2, "b")]
    hashes = {
        seal_hash("x", rows),
        seal_hash("y", rows),
        seal_hash("x", rows[:1]),
        seal_hash("x", [(1, "a"), (3, "b")]),
    }
    assert len(hashes) == 4

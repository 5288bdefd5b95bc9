"""Nothing about people is held that the registry doesn't know."""

import re

import pytest
from sqlalchemy import Text

import fund.app  # every model
from fund.kernel.db import Base
from fund.privacy.registry import HOLDING_OF, HOLDINGS, NOT_ABOUT_ACCOUNTS, Fate

assert fund.app

_POINTS = re.compile(r"(_by_id|^actor_id|^person_id|^assessor_id|^reviewer_id)$")
_NAMES = re.compile(r"(^|_)(name|names|named|email|phone|recipient|contact|senior_officer|reach_me|counterparty)(_|$)")
_SECRET = re.compile(r"hash|secret|token|digest$|public_key|credential")


def _columns() -> list[tuple[str, str]]:
    return [(table.name, column.name) for table in Base.metadata.sorted_tables for column in table.columns]


def test_every_column_that_points_at_a_person_is_listed() -> None:
    missing = []
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            points = any(key.column.table.name == "person" for key in column.foreign_keys)
            if (points or _POINTS.search(column.name)) and not (
                table.name in HOLDING_OF and column.name in HOLDING_OF[table.name].mine
            ):
                missing.append(f"{table.name}.{column.name}")
    assert missing == []


def test_every_column_named_like_a_name_or_address_is_listed() -> None:
    missing = []
    for table, column in _columns():
        if not _NAMES.search(column) or _POINTS.search(column) or f"{table}.{column}" in NOT_ABOUT_ACCOUNTS:
            continue
        holding = HOLDING_OF.get(table)
        known = holding is not None and (
            holding.table == "person"
            or column == holding.address
            or column in holding.theirs
            or column in {name for name, _ in holding.names}
            or bool(holding.stays)
            or column in holding.hidden
        )
        if not known:
            missing.append(f"{table}.{column}")
    assert missing == []


def test_the_lists_name_only_what_there_is() -> None:
    there = set(_columns())
    for holding in HOLDINGS:
        named = [*holding.mine, *holding.hidden, *holding.theirs, *(name for pair in holding.names for name in pair)]
        for column in [*named, *([holding.address] if holding.address else [])]:
            assert (holding.table, column) in there, f"{holding.table}.{column}"
    assert {tuple(name.split(".")) for name in NOT_ABOUT_ACCOUNTS} <= there
    assert len(HOLDING_OF) == len(HOLDINGS)


@pytest.mark.parametrize("holding", HOLDINGS, ids=lambda holding: holding.table)
def test_the_copy_gives_no_secret_away(holding: object) -> None:
    from fund.privacy.registry import Holding

    assert isinstance(holding, Holding)
    shown = {column.name for column in Base.metadata.tables[holding.table].columns} - set(holding.hidden)
    assert {name for name in shown if _SECRET.search(name)} <= {
        "holds_secret", "roll_hash", "version_sha256", "prepared_sha256", "digest"
    }  # fmt: skip


@pytest.mark.parametrize("holding", HOLDINGS, ids=lambda holding: holding.table)
def test_each_says_why_and_how_long(holding: object) -> None:
    from fund.privacy.registry import Holding

    assert isinstance(holding, Holding)
    assert holding.ground.why.endswith(".")
    assert holding.ground.how_long.endswith(".")
    if holding.names:
        columns = Base.metadata.tables[holding.table].c
        assert all(isinstance(columns[name].type, Text) for name, _ in holding.names)
    if holding.fate is Fate.DELETE:
        assert holding.mine

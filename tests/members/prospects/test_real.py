"""The recipients of two funders' published grants, taken in as they were published (handbook §11)."""

import json
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from fund.kernel.access import Actor, Role
from fund.kernel.db import db, transaction
from fund.kernel.errors import RuleBroken
from members import queries as members
from members.models import Organisation
from members.prospects import import_queries, reading, service
from members.prospects.reading import read
from members.prospects.rules import Table
from members.rules import MembershipStatus
from tests.conftest import START
from tests.visitor import Visitor
from tests.world import found_society, official

REGISTERS = {"GB-CHC": 472, "360G": 74, "GB-SC": 33, "GB-COH": 15, "GB-NIC": 5, "GB-EDU": 3}
FILES = ("abct-open-programme-grants", "alwf-grants-since-2011")


@pytest.fixture
def examples(shared_data: Path) -> Path:
    folder = shared_data / "360giving" / "examples"
    assert folder.is_dir()
    return folder


def recipients(examples: Path) -> Table:
    """Both spreadsheets as one list; rows are numbered on."""
    tables = [read((examples / f"{name}.xlsx").read_bytes()) for name in FILES]
    rows = [cells for table in tables for _, cells in table.rows]
    return Table((), tuple(enumerate(rows, start=2)))


def as_file(table: Table, *, without: frozenset[int] = frozenset()) -> bytes:
    lines = [
        ["", cells.get("org_id", ""), cells.get("name", ""), *[""] * 8]
        for number, cells in table.rows
        if number not in without
    ]
    return reading.as_csv(lines)


def test_the_spreadsheets_say_what_the_json_says(examples: Path) -> None:
    published = [
        (" ".join(one["id"].split()), " ".join(one["name"].split()))
        for name in FILES
        for grant in json.loads((examples / f"{name}.json").read_text())["grants"]
        for one in grant["recipientOrganization"]
    ]
    read_here = [(cells["org_id"], cells["name"]) for _, cells in recipients(examples).rows]
    assert len(read_here) == 1258
    assert Counter(read_here) == Counter(published)


def kept() -> list[tuple[object, ...]]:
    db.session.rollback()
    rows = db.session.execute(
        select(Organisation.reference, Organisation.name, Organisation.register, Organisation.register_number).order_by(
            Organisation.id
        )
    )
    return [tuple(row) for row in rows]


def take(content: bytes, steward: Actor) -> tuple[int | None, int | None]:
    with transaction():
        sent = service.send_list(content=content, filename="recipients.csv", actor=steward, now=START).id
    with transaction():
        taken = service.take_list(import_id=sent, actor=steward, now=START)
        return taken.new_count, taken.changed_count


def test_1258_real_recipients(app: Flask, examples: Path) -> None:
    """Of 1,258 rows 602 name an organisation for the first time, 619 name it again, and 37 are refused: 29 give a
    number that an earlier row gave to another name, 6 are on a register of the United States, 2 on that of HMRC."""
    _, steward = official("Stella Ward", Role.STEWARD)
    table = recipients(examples)
    found = import_queries.standing(table)
    assert len(table.rows) == 1258
    assert (len(found.new), len(found.repeated), found.refused_rows) == (602, 619, 37)
    assert len(found.changed) == len(found.unchanged) == len(found.kept) == 0
    ids = dict(table.rows)
    why = Counter(
        ids[fault.row]["org_id"].split("-")[0 if ids[fault.row]["org_id"].startswith("US") else 1]
        if "names no register" in fault.message
        else "another name"
        for fault in found.faults
    )
    assert why == {"another name": 29, "US": 6, "REV": 2}
    assert len(found.doubles) == 8
    assert import_queries.asked(found) == []  # and comparing each name with each finds no other pair

    with pytest.raises(RuleBroken, match="nothing was taken in"):
        take(as_file(table), steward)
    assert kept() == []

    mended = as_file(table, without=frozenset(fault.row for fault in found.faults))
    assert take(mended, steward) == (602, 0)
    assert Counter(register for _, _, register, _ in kept()) == REGISTERS
    assert db.session.scalar(select(func.count()).where(Organisation.status == MembershipStatus.PROSPECT)) == 602

    before = kept()
    assert take(mended, steward) == (0, 0)
    assert kept() == before


def test_real_names_stay_in_the_office(app: Flask, examples: Path, visitor: Visitor) -> None:
    found_society()
    _, steward = official("Stella Ward", Role.STEWARD)
    take(as_file(Table((), recipients(examples).rows[:5])), steward)
    reference, name, *_ = kept()[0]
    assert str(name) not in visitor.get("/members").text
    assert visitor.get(f"/members?q={str(name).split()[0]}").text.count("No member fits") == 1
    visitor.get(f"/members/{reference}", status=404)
    assert members.find_members(str(name)) == []
    assert members.members_at(START) == []
    assert members.applications() == []
    assert members.applications_decided() == []

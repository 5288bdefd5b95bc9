"""Somebody's own data, gathered from every table of the registry: as JSON for machines and a page for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import Enum
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from flask import current_app
from sqlalchemy import Column, ColumnElement, Table, func, or_, select

from fund.kernel.clock import LONDON
from fund.kernel.db import Base, db
from fund.kernel.policy import Policy, policy_at
from fund.privacy.registry import HOLDINGS, Holding
from members.accounts.models import Person

_LABELS = ("reference", "proposal_reference", "award_reference", "name", "title")
"""By which of its columns a row is named to people, in this order."""
_AT_ONCE = 500

Value = str | int | bool | list[object] | dict[str, object] | None


@dataclass(frozen=True)
class Part:
    """What one table holds about somebody."""

    table: str
    title: str
    why: str
    how_long: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, Value], ...]


def gather(person: Person, policy: Policy) -> list[Part]:
    """Everything of the registry that is about `person`, whole: nothing is left out for length (art. 15(3))."""
    parts = []
    for holding in HOLDINGS:
        table = Base.metadata.tables[holding.table]
        columns = [column for column in table.columns if column.name not in holding.hidden]
        found = db.session.execute(
            select(*columns).where(or_(*_is_of(table, holding, person))).order_by(*table.primary_key.columns)
        )
        raw = [dict(row._mapping) for row in found]
        labels = {column.name: _labels(column, [row[column.name] for row in raw]) for column in columns}
        rows = tuple(
            {
                name: None
                if name in holding.theirs and not _about(row, holding, person)
                else _value(value, labels[name], person.id, holding, name)
                for name, value in row.items()
            }
            for row in raw
        )
        names = tuple(column.name for column in columns)
        parts.append(Part(table.name, holding.title, holding.ground.why, holding.ground.lasts(policy), names, rows))
    return parts


def _is_of(table: Table, holding: Holding, person: Person) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [table.c[name] == person.id for name in holding.mine]
    if holding.address is not None:
        found.append(func.lower(table.c[holding.address]) == person.email.lower())
    return found


def _about(row: Mapping[str, object], holding: Holding, person: Person) -> bool:
    """Whether a row is about this person, and doesn't only name them as somebody who acted."""
    if holding.address is not None:
        return str(row[holding.address]).lower() == person.email.lower()
    return row[holding.mine[0]] == person.id


def _labels(column: Column[object], keys: Sequence[object]) -> dict[object, str]:
    """Number → name, for a column that points at another table whose rows have one."""
    target = next((key.column for key in column.foreign_keys), None)
    wanted = sorted({key for key in keys if isinstance(key, int)})
    if target is None or not wanted or target.table.name == "person":
        return {}
    label = next((target.table.c[name] for name in _LABELS if name in target.table.c), None)
    if label is None:
        return {}
    found: dict[object, str] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        rows = db.session.execute(select(target, label).where(target.in_(wanted[start : start + _AT_ONCE])))
        found.update({key: str(name) for key, name in rows})
    return found


def _value(value: object, labels: Mapping[object, str], person_id: int, holding: Holding, name: str) -> Value:
    """A value as text that a person can read. Others are not named: the copy is of one person's data."""
    if name in holding.mine and name != "id" and value is not None:
        return "you" if value == person_id else "somebody else"
    if isinstance(value, int) and value in labels:
        return labels[value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(value.value)
    return value if value is None or isinstance(value, str | int | bool | list | dict) else str(value)


def as_zip(person: Person, now: datetime) -> bytes:
    """A ZIP with `your-data.html` to read and `your-data.json` to take elsewhere (art. 20)."""
    parts = gather(person, policy_at(now))
    made = now.astimezone(LONDON)
    about = {"name": person.name, "email": person.email, "made_at": now.isoformat()}
    text = json.dumps({"about": about, "holdings": [asdict(part) for part in parts]}, ensure_ascii=False, indent=1)
    html = current_app.jinja_env.get_template("privacy/copy.html").render(person=person, now=now, parts=parts)
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for filename, body in (("your-data.html", html), ("your-data.json", text)):
            archive.writestr(ZipInfo(filename, made.timetuple()[:6]), body.encode(), ZIP_DEFLATED)
    return content.getvalue()

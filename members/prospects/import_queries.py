"""Reads for taking lists in: those that were sent, and what taking one in would do."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from fund.kernel.db import db
from fund.kernel.errors import NotFound
from members.models import Organisation
from members.prospects.likeness import Named, Question, questions
from members.prospects.models import Prospect, ProspectImport
from members.prospects.queries import details_of
from members.prospects.rules import Anchor, Row, RowFault, Standing, Table, read_row
from members.queries import LARGEST_ID
from members.rules import MembershipStatus, Register, name_key, names_alike

_CHUNK = 500
Item = TypeVar("Item")


def imports(*, limit: int = 10) -> list[ProspectImport]:
    """The latest lists that were sent, newest first."""
    return list(db.session.scalars(select(ProspectImport).order_by(ProspectImport.id.desc()).limit(limit)))


def import_by_id(import_id: int) -> ProspectImport:
    """A list that was sent.

    Raises:
        NotFound: when there is none.
    """
    found = db.session.get(ProspectImport, import_id) if 0 < import_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def standing(table: Table) -> Standing:
    """What taking in a list would do now; changes nothing. The queries are some for each 500 rows, never for each."""
    rows, faults = [], []
    for number, cells in table.rows:
        row, wrong = read_row(number, cells)
        faults += wrong
        if not wrong:
            rows.append(row)
    return _Sorting(rows, faults).standing()


def asked(found: Standing) -> list[Question]:
    """Which new rows may be an organisation that is written otherwise in the list or in the fund. Names alone are read,
    once; nothing is read for a list that adds nobody."""
    return questions(found.new, _held()) if found.new else []


def _held() -> Iterator[Named]:
    rows = db.session.execute(
        select(
            Organisation.name,
            Organisation.name_key,
            Organisation.reference,
            Organisation.register,
            Organisation.register_number,
        )
        .order_by(Organisation.id)
        .execution_options(yield_per=2_000)
    )
    for name, key, reference, register, number in rows:
        yield Named(name, key, reference, Register(register) if register else None, number)


class _Sorting:
    """Sorts the rows of a list by what they would do."""

    def __init__(self, rows: list[Row], faults: list[RowFault]) -> None:
        self.faults = faults
        self.rows = rows
        self.by_reference = _first(
            (one.reference, one)
            for one in _in_chunks(Organisation.reference, (row.reference for row in rows if row.reference))
        )
        self.by_number: dict[tuple[str, str], list[Organisation]] = defaultdict(list)
        for one in _in_chunks(
            Organisation.register_number, (row.details.register_number for row in rows if row.details.register_number)
        ):
            self.by_number[one.register or "", one.register_number or ""].append(one)
        self.by_key: dict[str, list[Organisation]] = defaultdict(list)
        for one in _in_chunks(Organisation.name_key, (name_key(row.details.name) for row in rows if row.details.name)):
            self.by_key[one.name_key].append(one)
        found = [*self.by_reference.values(), *(one for many in self.by_number.values() for one in many)]
        found += [one for many in self.by_key.values() for one in many]
        self.anchors: dict[int, Anchor | None] = {}
        for some in _chunks(sorted({one.id for one in found})):
            self.anchors |= dict(
                db.session.execute(
                    select(Prospect.organisation_id, Prospect.anchor).where(Prospect.organisation_id.in_(some))
                ).all()
            )

    def standing(self) -> Standing:
        """Each row in its place, in the order of the file."""
        new, changed, unchanged, kept, doubles = [], [], [], [], []
        repeated: list[tuple[int, int]] = []
        seen: dict[object, Row] = {}
        new_names: dict[str, Row] = {}
        for row in self.rows:
            organisation, fault = self._known(row)
            if fault:
                self.faults.append(fault)
                continue
            identity = organisation.id if organisation else _identity(row)
            if before := seen.get(identity):
                self._repeat(row, before, repeated)
                continue
            seen[identity] = row
            if organisation is None:
                doubles += self._doubles(row, new_names)
                new.append(row)
            elif organisation.status is not MembershipStatus.PROSPECT or organisation.id not in self.anchors:
                kept.append(row)
            elif differs := row.details.differs_from(details_of(organisation, self.anchors[organisation.id])):
                changed.append((row, organisation.id, differs))
            else:
                unchanged.append(row)
        faults = sorted(self.faults, key=lambda fault: fault.row)
        return Standing(new, changed, unchanged, kept, repeated, faults, doubles)

    def _known(self, row: Row) -> tuple[Organisation | None, RowFault | None]:
        """The organisation that a row is about; a fault where the row contradicts itself."""
        by_reference = self.by_reference.get(row.reference or "")
        if row.reference and by_reference is None:
            return None, RowFault(
                row.number,
                "reference",
                f"No organisation has the reference {row.reference}. Leave it empty for one that is new.",
            )
        numbered = self._numbered(row)
        if by_reference is not None and numbered is not None and numbered.id != by_reference.id:
            return None, RowFault(
                row.number,
                "org_id",
                f"This number is that of {numbered.name} ({numbered.reference}), not of {by_reference.reference}. "
                "Mend one of the two.",
            )
        known = by_reference or numbered
        if known is None and not row.details.register:
            same = [
                one
                for one in self.by_key.get(name_key(row.details.name or ""), ())
                if one.org_id is None and row.details.district in (None, one.district)
            ]
            known = same[0] if same else None
        if known is None and not row.details.name:
            return None, RowFault(row.number, "name", "This organisation is new to the fund. Give its name.")
        return known, None

    def _numbered(self, row: Row) -> Organisation | None:
        """Who has the number of the row; a member before one who asked to be, before a prospect."""
        if not row.details.register:
            return None
        order = list(MembershipStatus)
        found = self.by_number.get((row.details.register, row.details.register_number or ""), [])
        theirs = [MembershipStatus.MEMBER, *(status for status in order if status is not MembershipStatus.MEMBER)]
        return min(found, key=lambda one: (theirs.index(one.status), one.id)) if found else None

    def _repeat(self, row: Row, before: Row, repeated: list[tuple[int, int]]) -> None:
        """The same organisation again: fine under a like name, a fault under another."""
        name, first = row.details.name, before.details.name
        if name and first and not names_alike(name, first):
            self.faults.append(
                RowFault(
                    row.number,
                    "org_id",
                    f"Row {before.number:,} gives this number to “{first}”, and this row to “{name}”. "
                    "Look the number up and mend the wrong one.",
                )
            )
        else:
            repeated.append((row.number, before.number))

    def _doubles(self, row: Row, new_names: dict[str, Row]) -> list[tuple[int, str, str]]:
        """Others with the same name in all but small words: of the file, and of the fund."""
        name = row.details.name or ""
        key = name_key(name)
        found = [(row.number, name, f"{one.name} ({one.reference})") for one in self.by_key.get(key, ())[:3]]
        other = new_names.setdefault(" ".join(sorted(key.split())), row)
        if other is not row:
            found.append((row.number, name, f"{other.details.name} (row {other.number:,})"))
        return found


def _identity(row: Row) -> object:
    if row.details.register:
        return row.details.register, row.details.register_number
    return name_key(row.details.name or ""), row.details.district


def _first(pairs: Iterable[tuple[str | None, Organisation]]) -> dict[str, Organisation]:
    return {key: one for key, one in pairs if key}


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def _in_chunks(column: InstrumentedAttribute[Any], values: Iterable[str | None]) -> Iterator[Organisation]:
    """Organisations whose column has one of the values."""
    wanted = sorted({value for value in values if value})
    for some in _chunks(wanted):
        yield from db.session.scalars(select(Organisation).where(column.in_(some)).order_by(Organisation.id))

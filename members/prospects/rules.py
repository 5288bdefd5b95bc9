"""What a list of organisations may hold, and who may be written to. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from email_validator import EmailNotValidError, validate_email

from fund.kernel.errors import Finding
from fund.kernel.places import DISTRICT_NAMES, DISTRICTS
from members.rules import (
    LEGAL_FORM_NAMES,
    LegalForm,
    Register,
    normal_number,
    number_faults,
    split_org_id,
)


class Anchor(StrEnum):
    """Kinds of body that many others in a place lean on (R34)."""

    BUSINESS = "business"
    COLLEGE = "college"
    COMMUNITY = "community"
    CULTURE = "culture"
    FAITH = "faith"
    FOOTBALL_CLUB = "football_club"
    HEALTH = "health"
    HOUSING = "housing"
    UNIVERSITY = "university"


ANCHOR_NAMES = {
    Anchor.BUSINESS: "Large employer",
    Anchor.COLLEGE: "College or school",
    Anchor.COMMUNITY: "Community anchor",
    Anchor.CULTURE: "Arts and culture",
    Anchor.FAITH: "Faith body",
    Anchor.FOOTBALL_CLUB: "Football or sports club",
    Anchor.HEALTH: "Health body",
    Anchor.HOUSING: "Housing provider",
    Anchor.UNIVERSITY: "University",
}


class Way(StrEnum):
    """How the fund and an organisation spoke to each other."""

    MAIL = "mail"
    CALL = "call"
    MEETING = "meeting"
    LETTER = "letter"


WAY_NAMES = {
    Way.MAIL: "Invitation by mail",
    Way.CALL: "Phone call",
    Way.MEETING: "Meeting",
    Way.LETTER: "Letter or own e-mail",
}


class Answer(StrEnum):
    """What an organisation said when it was asked."""

    INTERESTED = "interested"
    NOT_NOW = "not_now"
    NO = "no"


ANSWER_NAMES = {Answer.INTERESTED: "Interested", Answer.NOT_NOW: "Not now", Answer.NO: "No"}

LINK_DAYS = 180
"""How long the link of an invitation fills in the joining form."""
MOST_INVITED_AT_ONCE = 500
MOST_ROWS = 50_000
LONGEST_CELL = 500


# --- the columns of a list


@dataclass(frozen=True)
class Column:
    """A column: its heading, what it holds, and an example."""

    name: str
    holds: str
    example: str


COLUMNS = (
    Column("reference", "Our own reference. Leave it empty for an organisation that is new to the fund.", "GM-0107"),
    Column(
        "org_id",
        "Register and number, joined by a hyphen. This is how we know an organisation again.",
        "GB-CHC-1234567",
    ),
    Column("name", "Its name. Needed for a new organisation.", "Example Trust"),
    Column("kind", "What kind of organisation it is, in our words.", "Registered charity"),
    Column("district", "The district where it mostly works: the name, or the code.", "Salford"),
    Column("address", "Its postal address.", "1 Example Street, Salford"),
    Column("contact_name", "Whom we may write to.", "Alex Example"),
    Column("contact_email", "Where we may write to.", "alex@example.org"),
    Column("anchor", "Which kind of anchor it is, if it is one.", "Community anchor"),
    Column("status", "Where it stands with the fund. We write this and never read it.", "prospect"),
    Column("sector", "Its sector. We write this and never read it.", "vcse"),
)
COLUMN_NAMES = tuple(column.name for column in COLUMNS)
READ_COLUMNS = COLUMN_NAMES[:9]

_OTHER_HEADINGS = {
    "recipientorgidentifier": "org_id",
    "recipientorgname": "name",
    "recipientorgcity": "address",
    "recipientorgpostalcode": "address",
    "orgid": "org_id",
    "organisation": "name",
    "email": "contact_email",
}
"""Headings of grants data (360Giving) and of habit; two that mean one column are joined."""


def column_of(heading: str) -> str | None:
    """The column that a heading means, or None."""
    plain = "".join(c for c in heading.casefold() if c.isalnum())
    known = {name.replace("_", ""): name for name in COLUMN_NAMES}
    return known.get(plain) or _OTHER_HEADINGS.get(plain)


@dataclass(frozen=True)
class Table:
    """The rows of a list: columns that we read, headings that we don't, and each row with its number in the file."""

    ignored: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]


@dataclass(frozen=True)
class RowFault:
    """What is wrong in one row: its number in the file, the column, and what to do."""

    row: int
    column: str
    message: str


@dataclass(frozen=True)
class Details:
    """What is known of an organisation. None: the cell is empty, so what we hold stays."""

    name: str | None = None
    legal_form: LegalForm | None = None
    register: Register | None = None
    register_number: str | None = None
    district: str | None = None
    address: str | None = None
    contact_name: str | None = None
    contact_email: str | None = None
    anchor: Anchor | None = None

    def differs_from(self, held: "Details") -> dict[str, str]:
        """What it would change in `held`, by name."""
        return {
            field.name: str(given)
            for field in fields(self)
            if (given := getattr(self, field.name)) is not None and given != getattr(held, field.name)
        }


@dataclass(frozen=True)
class Row:
    """A row that can be read."""

    number: int
    reference: str | None
    details: Details


_FORM_OF_REGISTER = {
    Register.CHARITY_COMMISSION: LegalForm.CHARITY,
    Register.CHARITIES_NI: LegalForm.CHARITY,
    Register.CHARITIES_SCOTLAND: LegalForm.CHARITY,
    Register.COMPANIES_HOUSE: LegalForm.COMPANY,
    Register.MUTUALS: LegalForm.CO_OPERATIVE,
    Register.HOUSING: LegalForm.NON_PROFIT_HOUSING_ASSOCIATION,
    Register.NHS: LegalForm.OTHER_PUBLIC_AUTHORITY,
    Register.LEARNING_PROVIDERS: LegalForm.SCHOOL_OR_COLLEGE,
    Register.SCHOOLS: LegalForm.SCHOOL_OR_COLLEGE,
    Register.COUNCILS: LegalForm.COUNCIL,
    Register.GOVERNMENT: LegalForm.OTHER_PUBLIC_AUTHORITY,
    Register.DEPARTMENTS: LegalForm.OTHER_PUBLIC_AUTHORITY,
}


def likely_form(register: Register | None) -> LegalForm:
    """The kind of an organisation of which only the register is known, until somebody says better."""
    return _FORM_OF_REGISTER.get(register, LegalForm.OTHER) if register else LegalForm.OTHER


_FORMS = {name.casefold(): form for form, name in LEGAL_FORM_NAMES.items()} | {form.value: form for form in LegalForm}
_ANCHORS = {name.casefold(): kind for kind, name in ANCHOR_NAMES.items()} | {kind.value: kind for kind in Anchor}
_DISTRICTS = {district.name.casefold(): district.code for district in DISTRICTS} | {
    code.casefold(): code for code in DISTRICT_NAMES
}


def read_row(number: int, cells: Mapping[str, str]) -> tuple[Row, list[RowFault]]:
    """A row as details, with everything that is wrong in it at once."""
    given = {name: " ".join(cells.get(name, "").split()) for name in READ_COLUMNS}
    faults = [
        RowFault(number, name, f"This cell has {len(text):,} characters, and {LONGEST_CELL} fit. Shorten it.")
        for name, text in given.items()
        if len(text) > LONGEST_CELL
    ]
    register, register_number = None, None
    if given["org_id"]:
        try:
            register, register_number = read_org_id(given["org_id"])
        except ValueError as wrong:
            faults.append(RowFault(number, "org_id", str(wrong)))
    if not given["name"] and not given["reference"] and not given["org_id"]:
        faults.append(RowFault(number, "name", "This row names no organisation. Give its name, or remove the row."))
    for name, known, what in (
        ("kind", _FORMS, "kind"),
        ("district", _DISTRICTS, "district"),
        ("anchor", _ANCHORS, "kind of anchor"),
    ):
        if given[name] and given[name].casefold() not in known:
            faults.append(
                RowFault(
                    number, name, f"“{given[name][:60]}” is no {what} that we know. Use one listed below the form."
                )
            )
    if given["contact_email"] and not is_email(given["contact_email"]):
        faults.append(
            RowFault(number, "contact_email", "This isn't a whole e-mail address. Write it like name@example.org.")
        )
    details = Details(
        name=given["name"] or None,
        legal_form=_FORMS.get(given["kind"].casefold()),
        register=register,
        register_number=register_number,
        district=_DISTRICTS.get(given["district"].casefold()),
        address=given["address"] or None,
        contact_name=given["contact_name"] or None,
        contact_email=given["contact_email"] or None,
        anchor=_ANCHORS.get(given["anchor"].casefold()),
    )
    return Row(number, given["reference"].upper() or None, details), faults


def read_org_id(text: str) -> tuple[Register, str]:
    """Register and number of an org-id (handbook §11). Format only: a person checks the register.

    Raises:
        ValueError: in words, when no register of ours has such a number.
    """
    parts = split_org_id(text)
    if parts is None:
        raise ValueError(
            f"“{text[:60]}” names no register that we know. Begin it with one listed below, such as GB-CHC-, "
            "or leave it empty."
        )
    for fault in number_faults(*parts):
        raise ValueError(fault.message)
    return parts


def is_email(text: str) -> bool:
    """Whether `text` looks like an e-mail address."""
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def details_faults(details: Details) -> Iterator[Finding]:
    """What is wrong in details that somebody typed."""
    if details.register is not None:
        yield from number_faults(details.register, details.register_number or "")
    if details.contact_email and not is_email(details.contact_email):
        yield Finding("Write the whole address, such as name@example.org.", "contact_email")


def typed_number(register: Register, number: str) -> str | None:
    """A number as it is kept."""
    return normal_number(register, number) or None


# --- cells that a spreadsheet would run

_RUNS = "=+-@\t\r'"


def escaped(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (handbook §10.5). `unescaped` gives the text back."""
    return f"'{text}" if text[:1] and text[0] in _RUNS else text


def unescaped(text: str) -> str:
    """The text of a cell that `escaped` wrote."""
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in _RUNS else text


# --- what becomes of each row


@dataclass(frozen=True)
class Standing:
    """What an import would do.

    Attributes:
        new, changed: rows that add or alter an organisation; `changed` with what, by organisation key.
        unchanged: rows that say what we hold.
        kept: rows of organisations that applied or joined: their details are theirs to change.
        repeated: (row, row that it repeats).
        faults: why the whole file is refused; empty when it may be taken.
        doubles: (row, name, name of the one that it may be), for a person to look at.
    """

    new: Sequence[Row]
    changed: Sequence[tuple[Row, int, Mapping[str, str]]]
    unchanged: Sequence[Row]
    kept: Sequence[Row]
    repeated: Sequence[tuple[int, int]]
    faults: Sequence[RowFault]
    doubles: Sequence[tuple[int, str, str]]

    @property
    def refused_rows(self) -> int:
        return len({fault.row for fault in self.faults})

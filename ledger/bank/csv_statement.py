"""Reader of the CSV exports of UK banks, and of Santander's text. Pure.

A bank's layout is known by its heading row. Where a layout carries a balance for each row, the rows must follow from
one another: a missing or changed row is found by that. What a layout doesn't tell is asked, never guessed.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from io import StringIO

from ledger.bank import csv_columns
from ledger.bank.csv_table import Table, table_of
from ledger.bank.reading import (
    NO_ANSWERS,
    WHICH_ACCOUNT,
    WHICH_CLOSING,
    Answers,
    Question,
    ReadEntry,
    ReadStatement,
    Unreadable,
    balances_of,
    oldest_first,
    running_balance_faults,
)
from ledger.bank.rules import Identification, identify

_MONEY = re.compile(r"(-?)£?(-?)((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.[0-9]{1,2})?)", re.ASCII)
_CURRENCY_IN_HEADING = re.compile(r"\(([A-Z]{3})\)")
_HEADING_WITHIN_ROWS = 12


@dataclass(frozen=True)
class Layout:
    """How one bank's export is laid out. Columns are named as in its heading row, in small letters.

    Attributes:
        heading: every column that must be there for the layout to be known.
        money: one signed column, or the pair (in, out).
        account: columns that together name the account.
        text: columns of the remittance.
    """

    name: str
    heading: tuple[str, ...]
    day: str
    day_form: str
    money: tuple[str, ...]
    text: tuple[str, ...]
    counterparty: str = ""
    balance: str = ""
    account: tuple[str, ...] = ()
    currency: str = ""
    reference: str = ""


LAYOUTS = (
    Layout(
        "lloyds",
        heading=("transaction date", "sort code", "account number", "transaction description", "debit amount"),
        day="transaction date",
        day_form="%d/%m/%Y",
        money=("credit amount", "debit amount"),
        text=("transaction description",),
        balance="balance",
        account=("sort code", "account number"),
    ),
    Layout(
        "natwest",
        heading=("date", "type", "description", "value", "balance", "account name", "account number"),
        day="date",
        day_form="%d/%m/%Y|%d %b %Y",
        money=("value",),
        text=("description",),
        balance="balance",
        account=("account number",),
    ),
    Layout(
        "barclays",
        heading=("number", "date", "account", "amount", "memo"),
        day="date",
        day_form="%d/%m/%Y",
        money=("amount",),
        text=("memo",),
        account=("account",),
    ),
    Layout(
        "nationwide",
        heading=("date", "transaction type", "description", "paid out", "paid in", "balance"),
        day="date",
        day_form="%d %b %Y",
        money=("paid in", "paid out"),
        text=("description",),
        balance="balance",
    ),
    Layout(
        "monzo",
        heading=("transaction id", "date", "name", "amount", "currency", "description"),
        day="date",
        day_form="%d/%m/%Y",
        money=("amount",),
        text=("description",),
        counterparty="name",
        currency="currency",
        reference="transaction id",
    ),
    Layout(
        "starling",
        heading=("date", "counter party", "reference", "amount ()", "balance ()"),
        day="date",
        day_form="%d/%m/%Y",
        money=("amount ()",),
        text=("reference",),
        counterparty="counter party",
        balance="balance ()",
    ),
    Layout(
        "coop",
        heading=("date", "description", "money in", "money out", "balance"),
        day="date",
        day_form="%Y-%m-%d",
        money=("money in", "money out"),
        text=("description",),
        balance="balance",
    ),
)


def read(content: bytes, answers: Answers = NO_ANSWERS) -> ReadStatement:
    """The statement in a bank's CSV (or Santander's text); of an unknown bank by the columns in `answers`.

    Raises:
        Unreadable: with reasons, row by row.
    """
    text = _decode(content)
    if "\x00" in text:
        raise Unreadable("The file contains NUL bytes, so it was damaged on the way. Download the statement again.")
    if not text.strip():
        raise Unreadable("The file has no rows. Download the statement again.")
    if re.search(r"^Date:", text, re.MULTILINE) and re.search(r"^Account:", text, re.MULTILINE):
        return _read_santander(text)
    return _read_rows(text, answers)


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- tables


@dataclass(frozen=True)
class _Table:
    """The rows below a known heading, each with its number in the file."""

    layout: Layout
    columns: dict[str, int]
    currency: str
    preamble: str
    rows: list[tuple[int, list[str]]]

    def cell(self, row: Sequence[str], column: str) -> str:
        return row[self.columns[column]].strip().removeprefix("'").removesuffix("'") if column in self.columns else ""


def unknown_table(content: bytes) -> Table:
    """The table of a file whose layout was asked about."""
    text = _decode(content)
    delimiter = _delimiter(text)
    return table_of(list(_split(text, delimiter)), delimiter)


def _delimiter(text: str) -> str:
    return max(",;\t", key=lambda mark: max(line.count(mark) for line in text.splitlines()[:_HEADING_WITHIN_ROWS]))


def _read_rows(text: str, answers: Answers) -> ReadStatement:
    first_line = text.lstrip().splitlines()[0]
    delimiter = _delimiter(text)
    rows = list(_split(text, delimiter))
    if not rows:
        raise Unreadable("The file has no rows. Download the statement again.")
    table = _known_table(rows)
    if table is not None:
        return _read_table(table)
    if delimiter == "," and all(len(row) == 3 for _, row in rows) and _day(first_line.split(",")[0], "%d/%m/%Y"):
        return _read_hsbc(rows)
    return csv_columns.read(table_of(rows, delimiter), answers)


def _split(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text), delimiter=delimiter, strict=True)
    start = 1
    try:
        for row in reader:
            if any("\n" in cell for cell in row):
                raise Unreadable(f"Row {start}: a quotation mark is never closed. Download the file again.")
            if any(cell.strip() for cell in row):
                yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"Row {start}: a quotation mark is never closed. Download the file again.") from error


def _known_table(rows: list[tuple[int, list[str]]]) -> _Table | None:
    for place, (_, row) in enumerate(rows[:_HEADING_WITHIN_ROWS]):
        currencies = {code for cell in row for code in _CURRENCY_IN_HEADING.findall(cell)}
        names = [_CURRENCY_IN_HEADING.sub("()", cell).strip().lower() for cell in row]
        for layout in LAYOUTS:
            if set(layout.heading) <= set(names):
                columns = {name: number for number, name in enumerate(names) if name}
                preamble = " ".join(cell for _, above in rows[:place] for cell in above)
                return _Table(layout, columns, "".join(sorted(currencies)), preamble, rows[place + 1 :])
    return None


def _read_table(table: _Table) -> ReadStatement:
    layout = table.layout
    entries, numbers, faults = [], [], []
    for number, row in table.rows:
        if row[0].strip().lower() in ("total", "totals"):
            continue
        if len(row) <= max(table.columns.values()):
            faults.append(f"Row {number} has too few columns. Download the file again.")
            continue
        entry = _entry(table, row, faults, f"Row {number}")
        if entry is not None:
            entries.append(entry)
            numbers.append(number)
    if not faults:
        entries, numbers = oldest_first(entries, numbers)
        faults += running_balance_faults(entries, numbers)
    if faults:
        raise Unreadable(*faults)
    names = {
        " ".join(table.cell(row, column) for column in layout.account).strip() for _, row in table.rows if len(row) > 3
    }
    masked = re.search(r"[*X]{2,}[0-9]{3,}", table.preamble)
    told = names.pop() if layout.account and len(names - {""}) == 1 else masked[0] if masked else ""
    return _statement(
        f"csv {layout.name}",
        entries,
        identify(told),
        table.currency,
        questions=() if layout.balance else (WHICH_CLOSING,),
    )


def _entry(table: _Table, row: Sequence[str], faults: list[str], where: str) -> ReadEntry | None:
    layout = table.layout
    written = table.cell(row, layout.day)
    booked_on = _day(written, layout.day_form)
    if booked_on is None:
        faults.append(f"{where}: {written or 'nothing'} is not a day; this bank writes {_shown_form(layout.day_form)}.")
    amounts = [table.cell(row, column) for column in layout.money]
    pence = _one_amount(amounts, faults, where)
    balance = table.cell(row, layout.balance) if layout.balance else ""
    if layout.balance and _pence(balance) is None:
        faults.append(f"{where}: {balance or 'nothing'} is not a balance.")
    if booked_on is None or pence is None:
        return None
    return ReadEntry(
        booked_on=booked_on,
        amount_pence=pence,
        counterparty=table.cell(row, layout.counterparty),
        remittance=" ".join(" ".join(table.cell(row, column) for column in layout.text).split()),
        bank_reference=table.cell(row, layout.reference),
        currency=table.cell(row, layout.currency),
        balance_pence=_pence(balance),
    )


def _one_amount(amounts: Sequence[str], faults: list[str], where: str) -> int | None:
    """Signed pence of a signed column, or of a pair (in, out) of which one is filled."""
    if len(amounts) == 2 and all(_pence(amount) for amount in amounts):
        faults.append(f"{where} has both a debit and a credit.")
        return None
    for amount, sign in zip(amounts, (1, -1), strict=False):
        if amount:
            pence = _pence(amount)
            if pence is None or (pence < 0 and len(amounts) == 2):
                faults.append(f"{where}: {amount} is not an amount.")
                return None
            if pence or len(amounts) == 1:
                return sign * pence
    if not any(amounts):
        faults.append(f"{where} has no amount.")
        return None
    return 0


def _pence(written: str) -> int | None:
    match = _MONEY.fullmatch(written)
    if match is None or (match[1] and match[2]):
        return None
    pounds, _, rest = match[3].replace(",", "").partition(".")
    pence = int(pounds) * 100 + int(rest.ljust(2, "0"))
    return -pence if match[1] or match[2] else pence


def _day(written: str, forms: str) -> date | None:
    for form in forms.split("|"):
        try:
            return datetime.strptime(written.strip(), form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None


def _shown_form(forms: str) -> str:
    return forms.split("|")[0].replace("%d", "day").replace("%m", "month").replace("%b", "month").replace("%Y", "year")


def _statement(
    form: str,
    entries: Sequence[ReadEntry],
    account: Identification,
    currency: str,
    *,
    left_out: int = 0,
    questions: tuple[Question, ...] = (),
) -> ReadStatement:
    opening, closing = balances_of(entries)
    return ReadStatement(
        form=form,
        account=account,
        entries=tuple(entries),
        currency=currency,
        opening_pence=opening,
        closing_pence=closing,
        left_out=left_out,
        questions=questions,
    )


# --- layouts of their own


def _read_hsbc(rows: list[tuple[int, list[str]]]) -> ReadStatement:
    """Day, text, signed amount; no heading, no balance, no account."""
    layout = Layout("hsbc", (), "day", "%d/%m/%Y", ("amount",), ("text",))
    table = _Table(layout, {"day": 0, "text": 1, "amount": 2}, "", "", rows)
    return replace(_read_table(table), questions=(replace(WHICH_ACCOUNT, fingerprint="csv hsbc"), WHICH_CLOSING))


def _read_santander(text: str) -> ReadStatement:
    """Blocks of "key: value" lines, newest first, with non-breaking spaces after the colons."""
    layout = Layout("santander_txt", (), "date", "%d/%m/%Y", ("amount",), ("description",), balance="balance")
    names = ("date", "description", "amount", "balance")
    pairs = [
        (number, key.strip().lower(), " ".join(value.split()))
        for number, line in enumerate(text.splitlines(), 1)
        for key, colon, value in [line.partition(":")]
        if colon
    ]
    blocks: list[tuple[int, dict[str, str]]] = []
    account, currencies = "", set()
    for number, key, value in pairs:
        if key == "account":
            account = value
        elif key == "date":
            blocks.append((number, {key: value}))
        elif key in names and blocks:
            if key in ("amount", "balance"):
                value, _, currency = value.partition(" ")
                currencies.add(currency)
            blocks[-1][1][key] = value
    rows = [(number, [block.get(name, "") for name in names]) for number, block in blocks]
    table = _Table(layout, {name: place for place, name in enumerate(names)}, "", "", rows)
    other = "".join(sorted(currencies - {"", "GBP"}))
    return replace(_read_table(table), account=identify(account), currency=other, form="santander text")

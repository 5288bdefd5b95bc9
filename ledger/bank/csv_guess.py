"""What the columns of an unknown bank's table seem to be, and whether it can be ours at all. Pure.

A guess fills the form that asks; nothing is booked by it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from ledger.bank.csv_table import (
    MONEY_IN_MARKS,
    MONEY_OUT_MARKS,
    Columns,
    DayOrder,
    Money,
    Table,
    amount_of,
    cell_at,
    day_of,
    is_amount,
    is_day,
)

_CODES = frozenset(
    [
        "GBP",
        "EUR",
        "USD",
        "AUD",
        "CAD",
        "CHF",
        "CNY",
        "CZK",
        "DKK",
        "HKD",
        "HUF",
        "INR",
        "ISK",
        "JPY",
        "MXN",
        "NOK",
        "NZD",
        "PLN",
        "RON",
        "SEK",
        "SGD",
        "TRY",
        "UAH",
        "ZAR",
    ]
)
_NAMES = {
    "day": r"date|^day|datum|buchung|created",
    "balance": r"balance|saldo",
    "money_in": r"\bin\b|credit|deposit|receipt",
    "money_out": r"\bout\b|debit|withdraw|payment",
    "amount": r"amount|value|betrag|bedrag|^sum",
    "text": r"descr|detail|narrat|memo|text|label|particular|verwend|omschr|purpose",
    "who": r"payee|payer|name|counter ?party|partner",
    "reference": r"transaction id|^id$|fitid|unique",
}


def currency_column(table: Table) -> int | None:
    """The column of currency codes, if there is one; not the one of what was paid abroad."""
    for place in range(table.width):
        name = table.heading[place].lower() if place < len(table.heading) else ""
        values = table.column(place)
        if values and set(values) <= _CODES and not re.search(r"local|original|foreign", name):
            return place
    return None


def not_ours(table: Table) -> Iterator[str]:
    """Why a table can't be the statement of an account in pounds, whatever its columns are."""
    names = [name.lower() for name in table.heading]
    code = currency_column(table)
    if code is not None and (not names or names[code] in ("currency", "currency code", "valuta")):
        others = sorted(set(table.column(code)) - {"GBP"})
        if others:
            yield f"The rows are in {' and '.join(others)}. The fund books pounds only and never converts."
    told = set(re.findall(r"\b[A-Z]{3}\b", table.preamble)) & _CODES
    if told and "GBP" not in told:
        yield f"The account is in {' and '.join(sorted(told))}. The fund books pounds only and never converts."
    if "account" in names:
        abroad = {
            cell[:2]
            for cell in table.column(names.index("account"))
            if re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9 ]{11,34}", cell) and not cell.startswith("GB")
        }
        if abroad:
            yield f"The account is abroad ({', '.join(sorted(abroad))}), so not in pounds."
    if {"date processed", "description", "amount"} <= set(names) or any("card" in name for name in names):
        yield "This is the export of a credit card, where plus is money spent. Export the fund's bank account."
    for place, name in enumerate(names):
        values = table.column(place)
        if re.search(_NAMES["amount"], name) and any(map(is_amount, values)):
            for number, row in table.rows:
                cell = cell_at(row, place)
                if cell and not is_amount(cell) and re.search(r"[0-9]", cell):
                    yield f"Row {number}: {cell[:40]} is not an amount. Download the file again."


def guess(table: Table) -> Columns | None:
    """What the columns seem to be; None where none has days or none has amounts."""
    filled = [(place, values) for place in range(table.width) if (values := table.column(place))]
    days = [place for place, values in filled if any(map(is_day, values)) and _mostly(values, is_day)]
    amounts = [place for place, values in filled if place not in days and _mostly(values, is_amount)]
    if not days or not amounts:
        return None
    words = [place for place, _ in filled if place not in days and place not in amounts]
    comma = not all(amount_of(value) is not None for place in amounts for value in table.column(place))
    balance = _named(table, "balance", amounts)
    if balance is None:
        balance = next((place for place in amounts if _runs(table, place, amounts, comma)), None)
    left = [place for place in amounts if place != balance]
    money_in, money_out = _named(table, "money_in", left), _named(table, "money_out", left)
    amount = _named(table, "amount", left)
    mark = next(
        (place for place, values in filled if {value.lower() for value in values} <= MONEY_IN_MARKS | MONEY_OUT_MARKS),
        None,
    )
    apart = money_in is not None and money_out is not None and money_in != money_out
    if amount is None and not apart:
        amount = next(iter(left), None)
    values = table.column(amount) if amount is not None else []
    signed = any((amount_of(value, comma=comma) or 0) < 0 for value in values)
    if apart:
        money = Money.APART
    elif mark is not None:
        money = Money.MARKED
    else:
        money = Money.BALANCE if balance is not None and not signed and len(values) > 1 else Money.SIGNED
    day = _named(table, "day", days)
    who, text = _named(table, "who", words), _named(table, "text", words)
    widest = max(words, key=lambda place: sum(map(len, table.column(place))), default=None)
    day = days[0] if day is None else day
    month_first = any(day_of(value, DayOrder.DAY_FIRST) is None for value in table.column(day))
    return Columns(
        day=day,
        money=money,
        day_order=DayOrder.MONTH_FIRST if month_first else DayOrder.DAY_FIRST,
        text=widest if text is None else text,
        who=who,
        amount=None if apart else amount,
        money_in=money_in if apart else None,
        money_out=money_out if apart else None,
        mark=mark if money is Money.MARKED else None,
        balance=balance,
        reference=_named(table, "reference", words),
        comma=comma,
    )


def _runs(table: Table, place: int, amounts: Sequence[int], comma: bool) -> bool:
    """Whether a column is a running balance: each of its steps is the amount of another column, up or down a row."""
    rows = [row for _, row in table.rows if is_amount(cell_at(row, place))]
    balances = [amount_of(cell_at(row, place), comma=comma) or 0 for row in rows]
    steps = [abs(after - before) for before, after in pairwise(balances)]
    for other in amounts:
        moved = [abs(amount_of(cell_at(row, other), comma=comma) or 0) for row in rows]
        if other != place and any(steps) and steps in (moved[1:], moved[:-1]):
            return True
    return False


def _mostly(values: Sequence[str], is_one: Callable[[str], bool]) -> bool:
    return sum(1 for value in values if is_one(value)) * 4 >= len(values) * 3


def _named(table: Table, what: str, places: Sequence[int]) -> int | None:
    """The first of some columns whose heading has the words for what is sought."""
    return next(
        (p for p in places if p < len(table.heading) and re.search(_NAMES[what], table.heading[p].lower())), None
    )

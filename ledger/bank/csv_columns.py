"""Reader of the CSV of a bank that we don't know, by what a person said each column is. Pure.

What the columns seem to be is guessed, to be shown, never booked: a person says it, once for each heading row.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ledger.bank.csv_guess import currency_column, guess, not_ours
from ledger.bank.csv_table import (
    MONEY_IN_MARKS,
    MONEY_OUT_MARKS,
    Columns,
    Money,
    Row,
    Table,
    amount_of,
    cell_at,
    day_of,
    is_sum,
    is_unbooked,
)
from ledger.bank.reading import (
    WHICH_ACCOUNT,
    WHICH_CLOSING,
    Answers,
    Asking,
    Question,
    ReadEntry,
    ReadStatement,
    Unreadable,
    balances_of,
    oldest_first,
    running_balance_faults,
)
from ledger.bank.rules import Identification, identify
from ledger.money import format_pence

MOST_COLUMNS = 60
_ROWS_GUESSED_BY = 500


def read(table: Table, answers: Answers) -> ReadStatement:
    """The statement in a table, by what a person said its columns are; else with the question, and a guess.

    Raises:
        Unreadable: when it is no statement in pounds, or doesn't fit what its columns are said to be.
    """
    question = Question(
        Asking.COLUMNS,
        "We don't know this bank's layout: which column is the day, which the amount, which the text?",
        fingerprint=table.fingerprint,
    )
    if table.width > MOST_COLUMNS:
        raise Unreadable(f"This is not a bank statement: it has {table.width:,} columns. Download it again.")
    if not answers.columns:
        first = replace(table, rows=table.rows[:_ROWS_GUESSED_BY])
        reasons = list(not_ours(first))
        guessed = guess(first)
        if guessed is None and not reasons:
            reasons.append(
                "This is not a bank statement that we can read: no column of it has days and none amounts. "
                "Download the statement as camt.053, or as the bank's own CSV without changing it."
            )
        if reasons:
            raise Unreadable(*reasons)
        assert guessed is not None
        try:
            statement = _read(table, guessed, answers)
        except Unreadable:
            statement = ReadStatement(form="csv", account=_account(table), entries=())
        asked = () if statement.account.digits else (WHICH_ACCOUNT,)
        return replace(statement, questions=(question, *asked))
    statement = _read(table, Columns.of(answers.columns), answers)
    asked = () if statement.account.digits else (replace(WHICH_ACCOUNT, fingerprint=table.fingerprint),)
    return replace(statement, questions=(*asked, *statement.questions))


def faults(table: Table, columns: Columns) -> Iterator[tuple[str, str]]:
    """Why a table doesn't fit what its columns are said to be: (name of the column, sentence), a few of each."""
    used: dict[int, str] = {}
    named = {"day": columns.day, "text": columns.text, **columns.amounts, "balance": columns.balance}
    if columns.money is Money.MARKED:
        named["mark"] = columns.mark
    for name, place in named.items():
        if place is None:
            if name == "balance" and columns.money is not Money.BALANCE:
                continue
            yield name, f"Say {_WHAT[name]}."
        elif place in used and "text" not in (name, used[place]):
            yield name, f"This column is given twice. Say {_WHAT[name]}."
        else:
            used[place] = name
    told: dict[str, int] = {}
    for number, row in _booked(table, columns):
        for name, sentence in _row_faults(row, columns):
            told[name] = told.get(name, 0) + 1
            if told[name] <= 3:
                yield name, f"Row {number}: {sentence}"


_WHAT = {
    "day": "which column is the day of booking",
    "text": "which column is the text",
    "amount": "which column is the amount",
    "money_in": "which column is money in",
    "money_out": "which column is money out",
    "mark": "which column says in or out",
    "balance": "which column is the balance after each entry",
}


def _row_faults(row: Sequence[str], columns: Columns) -> Iterator[tuple[str, str]]:
    day = cell_at(row, columns.day)
    if columns.day is not None and day_of(day, columns.day_order) is None:
        yield "day", f"{day[:40] or 'nothing'} is not a day in this order."
    filled = {name: written for name, place in columns.amounts.items() if (written := cell_at(row, place))}
    for name, written in filled.items():
        if amount_of(written, comma=columns.comma) is None:
            yield name, f"{written[:40]} is not an amount."
    if not filled and None not in columns.amounts.values():
        yield next(iter(columns.amounts)), "it has no amount."
    if len(filled) == 2 and all(amount_of(one, comma=columns.comma) for one in filled.values()):
        yield "money_out", "it has money in and money out."
    mark = cell_at(row, columns.mark).lower()
    if columns.money is Money.MARKED and columns.mark is not None and mark not in MONEY_IN_MARKS | MONEY_OUT_MARKS:
        yield "mark", f"{mark[:40] or 'nothing'} says neither in (CR) nor out (DR)."
    balance = cell_at(row, columns.balance)
    if columns.balance is not None and amount_of(balance, comma=columns.comma) is None:
        yield "balance", f"{balance[:40] or 'nothing'} is not a balance."


def _booked(table: Table, columns: Columns) -> Iterator[Row]:
    """The rows that are entries: not pending ones, sums, or lines without day and amount."""
    for number, row in table.rows:
        if is_unbooked(row) or is_sum(row):
            continue
        if cell_at(row, columns.day) or any(cell_at(row, place) for place in columns.amounts.values()):
            yield number, row


def _read(table: Table, columns: Columns, answers: Answers) -> ReadStatement:
    found = [sentence for _, sentence in faults(table, columns)]
    if found:
        raise Unreadable(*found)
    code = currency_column(table)
    entries, numbers = [], []
    for number, row in _booked(table, columns):
        booked_on = day_of(cell_at(row, columns.day), columns.day_order)
        assert booked_on is not None
        balance = cell_at(row, columns.balance)
        entries.append(
            ReadEntry(
                booked_on=booked_on,
                amount_pence=_pence(row, columns),
                counterparty=cell_at(row, columns.who),
                remittance=cell_at(row, columns.text),
                bank_reference=cell_at(row, columns.reference),
                currency=cell_at(row, code),
                balance_pence=amount_of(balance, comma=columns.comma) if columns.balance is not None else None,
            )
        )
        numbers.append(number)
    questions = []
    if columns.money is Money.BALANCE:
        entries, numbers = _by_balance(entries, numbers, answers)
        if entries:
            first = entries[0]
            sentence = (
                f"Nothing shows which way the first entry went: {first.booked_on:%-d %B %Y}, "
                f"{format_pence(abs(first.amount_pence))}, {first.text[:60]}. Did this money come in?"
            )
            questions.append(Question(Asking.FIRST, sentence))
    else:
        entries, numbers = oldest_first(entries, numbers)
    breaks = list(running_balance_faults(entries, numbers))
    if breaks:
        raise Unreadable(*breaks)
    if columns.balance is None:
        questions.append(WHICH_CLOSING)
    opening, closing = balances_of(entries)
    return ReadStatement(
        form=f"csv {table.fingerprint[4:12]}",
        account=_account(table),
        entries=tuple(entries),
        opening_pence=opening,
        closing_pence=closing,
        left_out=sum(1 for _, row in table.rows if is_unbooked(row)),
        questions=tuple(questions),
    )


def _pence(row: Sequence[str], columns: Columns) -> int:
    if columns.money is Money.APART:
        money_in, money_out = (
            amount_of(cell_at(row, place), comma=columns.comma) or 0 for place in (columns.money_in, columns.money_out)
        )
        return abs(money_in) - abs(money_out)
    pence = amount_of(cell_at(row, columns.amount), comma=columns.comma) or 0
    if columns.money is Money.REVERSED:
        return -pence
    if columns.money is Money.MARKED:
        return abs(pence) if cell_at(row, columns.mark).lower() in MONEY_IN_MARKS else -abs(pence)
    return pence


def _by_balance(entries: list[ReadEntry], numbers: list[int], answers: Answers) -> tuple[list[ReadEntry], list[int]]:
    """Entries whose sign only the balance shows, in order of time; the first goes as a person said, else in."""
    first_is_in = answers.first_is_in is not False
    best: tuple[int, list[ReadEntry], list[int]] | None = None
    by_day = sorted({entry.booked_on for entry in entries})
    for way in (1, -1):
        turned, places = entries[::way], numbers[::way]
        if len(by_day) > 1 and turned[0].booked_on > turned[-1].booked_on:
            continue
        signed: list[ReadEntry] = []
        for entry in turned:
            before = signed[-1].balance_pence if signed else None
            is_in = first_is_in if before is None else (entry.balance_pence or 0) >= before
            signed.append(replace(entry, amount_pence=abs(entry.amount_pence) * (1 if is_in else -1)))
        breaks = sum(1 for _ in running_balance_faults(signed, places))
        if best is None or breaks < best[0]:
            best = (breaks, signed, places)
    return (best[1], best[2]) if best else (entries, numbers)


def _account(table: Table) -> Identification:
    """The account, where columns name it and it is the same in every row."""
    told = ""
    for place, name in enumerate(table.heading):
        if re.fullmatch(r"sort ?code|account( number| no\.?)?", name.lower()):
            values = set(table.column(place))
            told += values.pop() if len(values) == 1 else ""
    return identify(told)

"""Money arriving at the bank, for tests: statements in the layout of one bank."""

from datetime import date, datetime

from fund.kernel.access import Actor
from fund.kernel.db import transaction
from ledger.bank import queries, service

_HEADING = (
    "Transaction Date,Transaction Type,Sort Code,Account Number,Transaction Description,"
    "Debit Amount,Credit Amount,Balance"
)


def arrive(lines: list[tuple[date, int, str]], steward: Actor, now: datetime, *, opening_pence: int = 0) -> list[int]:
    """Import a statement with these lines (day, signed pence, text), oldest first; returns the open lines' ids."""
    rows, balance = [_HEADING], opening_pence
    for day, pence, text in lines:
        balance += pence
        pounds = f"{abs(pence) // 100}.{abs(pence) % 100:02d}"
        money = f"{pounds}," if pence < 0 else f",{pounds}"
        written = f"{balance // 100}.{balance % 100:02d}"
        rows.append(f"{day:%d/%m/%Y},FPI,'20-00-00,12345678,{text},{money},{written}")
    content = "\n".join([rows[0], *reversed(rows[1:])]).encode()
    with transaction():
        service.import_statement(content=content, filename="june.csv", actor=steward, now=now)
    return [line.id for line in queries.open_lines_in()]

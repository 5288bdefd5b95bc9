"""A journal as plain text for Beancount and hledger. Pure.

Each file ends with the balances as the books have them, as assertions: `bean-check` and `hledger check` recompute every
account from the transfers, and refuse the file where one differs by a penny.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, timedelta

from ledger.export.rules import Booked, Journal, one_line, pounds


def beancount(journal: Journal) -> Iterator[str]:
    """Lines of a Beancount file."""
    yield 'option "title" "The books of the fund"'
    yield 'option "operating_currency" "GBP"'
    yield ""
    names = _names(journal)
    for name in names.values():
        yield f"{journal.begins} open {name} GBP"
    if opening := [(one.id, one.opening_pence) for one in journal.accounts if one.opening_pence]:
        yield ""
        yield f'{journal.begins} * "Opening balances"'
        yield from _postings(opening, names)
    for transfer in journal.transfers:
        yield ""
        yield f"{transfer.occurred_on} * {_quoted(transfer.description)}"
        for name, value, is_number in _facts(transfer):
            yield f"  {name}: {value if is_number else _quoted(value)}"
        yield from _postings(transfer.legs, names)
    yield ""
    # A balance holds at the beginning of its day. Without "~ 0.00" Beancount would let a penny pass.
    for account in journal.accounts:
        day = journal.ends + timedelta(days=1)
        yield f"{day} balance {account.plain_name}  {pounds(account.closing_pence)} ~ 0.00 GBP"


def hledger(journal: Journal) -> Iterator[str]:
    """Lines of an hledger journal."""
    yield "decimal-mark ."
    yield "commodity 1000.00 GBP"
    names = _names(journal)
    for name in names.values():
        yield f"account {name}"
    if opening := [(one.id, one.opening_pence) for one in journal.accounts if one.opening_pence]:
        yield ""
        yield f"{journal.begins} * Opening balances"
        yield from _postings(opening, names)
    for transfer in journal.transfers:
        yield ""
        # hledger takes what follows a semicolon for a comment; the full-width one looks alike.
        yield f"{transfer.occurred_on} * ({transfer.id}) {one_line(transfer.description).replace(';', '；')}"
        for name, value, _ in _facts(transfer):
            yield f"    ; {name}: {value}"
        yield from _postings(transfer.legs, names)
    if journal.accounts:
        yield ""
        yield f"{journal.ends} * Closing balances, as the books have them"
        for account in journal.accounts:
            yield f"    {account.plain_name}  0.00 GBP = {pounds(account.closing_pence)} GBP"


def _names(journal: Journal) -> dict[int, str]:
    return {one.id: one.plain_name for one in journal.accounts}


def _postings(legs: Iterable[tuple[int, int]], names: dict[int, str]) -> Iterator[str]:
    for account_id, pence in legs:
        yield f"    {names[account_id]}  {pounds(pence)} GBP"


def _facts(transfer: Booked) -> Iterator[tuple[str, str, bool]]:
    """(name, value, whether it's a number) of what else is known of a transfer."""
    yield "transfer", str(transfer.id), True
    yield "key", one_line(transfer.key), False
    yield "kind", one_line(transfer.kind), False
    yield "booked-at", transfer.posted_at.astimezone(UTC).isoformat(timespec="seconds"), False
    if transfer.actor_id is not None:
        yield "booked-by", str(transfer.actor_id), True
    if transfer.reverses_id is not None:
        yield "reverses", str(transfer.reverses_id), True
    if transfer.reason is not None:
        yield "reason", one_line(transfer.reason), False


def _quoted(text: str) -> str:
    escaped = one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

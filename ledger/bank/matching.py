"""Lines of the bank that match by themselves: a payment of ours whose reference and sum stand on the bank's line."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fund.kernel.access import Actor
from fund.kernel.errors import Conflict
from ledger.bank import queries
from ledger.bank.models import PaymentOrder, StatementLine
from ledger.bank.payments import confirm_order

LINES_AT_ONCE = 200
"""Lines that one transaction matches, so that nobody waits long for it."""


@dataclass(frozen=True)
class Round:
    """What one round of matching did: how many lines were seen and matched, and the last line that was seen."""

    seen: int
    matched: int
    last_id: int


def in_rounds(one_round: Callable[[int], Round], progress: Callable[[int], None] | None = None) -> int:
    """Every round from the first line to the last; how many lines were matched. `progress` is told how many were seen.

    Args:
        one_round: matches the lines after this one, in a transaction of its own.
    """
    matched, after, seen = 0, 0, LINES_AT_ONCE
    while seen == LINES_AT_ONCE:
        done = one_round(after)
        matched, after, seen = matched + done.matched, done.last_id, done.seen
        if progress is not None:
            progress(seen)
    return matched


def match_payments(*, actor: Actor | None, now: datetime, after: int = 0) -> Round:
    """Confirm the payments on their way that the next lines of money out quote, each with its very sum.

    A line that could be two payments, or whose payment somebody else just dealt with, is left to a person.
    """
    lines = queries.next_open_lines_out(after, LINES_AT_ONCE)
    sent = queries.sent_orders_of({-line.amount_pence for line in lines})
    same: dict[int, list[tuple[PaymentOrder, re.Pattern[str]]]] = {}
    for order in sent:
        same.setdefault(-order.pence, []).append((order, _bears(order)))
    pairs: dict[int, list[StatementLine]] = {}
    for line in lines:
        text = _plain(f"{line.counterparty} {line.remittance} {line.end_to_end}")
        quoted = [order for order, bears in same.get(line.amount_pence, ()) if bears.search(text)]
        if len(quoted) == 1:
            pairs.setdefault(quoted[0].id, []).append(line)
    matched = 0
    for order_id, found in sorted(pairs.items()):
        if len(found) == 1:
            try:
                confirm_order(order_id=order_id, line_id=found[0].id, actor=actor, now=now)
            except Conflict:
                continue
            matched += 1
    return Round(len(lines), matched, lines[-1].id if lines else after)


def _bears(order: PaymentOrder) -> re.Pattern[str]:
    """What the bank's line says of it: our own id of the payment, or the reference that the payee sees."""
    sent_as = [_plain(order.reference)] + ([_plain(f"{order.file.reference}-{order.id}")] if order.file else [])
    return re.compile(rf"(?<![0-9])(?:{'|'.join(sent_as)})(?![0-9])")


def _plain(text: str) -> str:
    """Capitals and digits only: banks drop dashes and strokes."""
    return re.sub(r"[^0-9A-Z]", "", text.upper(), flags=re.ASCII)

"""Short ways to post in tests. Each opens its own transaction."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from fund.kernel.db import transaction
from ledger import service
from ledger.rules import Posted

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
DAY = date(2026, 6, 1)
ORG, GRANT = "org:GM-0012", "grant:G-2026-003"
_keys = count(1)


def said(**more: Any) -> dict[str, Any]:
    """What every verb needs, with a key of its own unless one is given."""
    return {"key": f"test:{next(_keys)}", "occurred_on": DAY, "description": "A test", "actor": None, "now": NOW} | more


def put_in(pence: int, contributor: str = ORG, **more: Any) -> None:
    """Money arrives at the bank and is matched to a contributor."""
    with transaction():
        service.book_bank_line(pence=pence, **said())
        service.receive_contribution(contributor=contributor, pence=pence, **said(**more))


def commit(pence: int, grant: str = GRANT, **more: Any) -> Posted:
    with transaction():
        return service.commit(grant=grant, pence=pence, **said(**more))

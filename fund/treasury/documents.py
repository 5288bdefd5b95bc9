"""The papers behind a transfer: the line of the bank, the receipt, the payment and its file, the grant, the member.

The books know nobody; a transfer's key begins with what it came from and its accounts name their owners. A key may go
on ("…:confirmed", "…:returned:1"), so each of its beginnings is looked for.
"""

from dataclasses import dataclass

from flask import url_for
from sqlalchemy import select

from fund.grants.models import Award
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from ledger.bank.models import PaymentFile, PaymentOrder, StatementLine
from ledger.models import Account, Entry
from members.contributions.models import Pledge, Receipt
from members.models import Organisation

_BANK = "bank:"
_SORTS = ("grant", "org")


@dataclass(frozen=True)
class Document:
    """A paper or page that a transfer came from. `path` is None where the reader may not open it."""

    what: str
    name: str
    path: str | None


def documents_of(transfer_id: int, key: str, actor: Actor) -> list[Document]:
    """Everything behind the transfer `transfer_id` that was booked under `key`."""
    keys = beginnings(key)
    orders = db.session.execute(
        select(PaymentOrder.key, PaymentOrder.line_id, PaymentFile.reference)
        .outerjoin(PaymentFile, PaymentFile.id == PaymentOrder.file_id)
        .where(PaymentOrder.key.in_(keys))
        .order_by(PaymentOrder.id)
    ).all()
    lines = db.session.execute(
        select(StatementLine.statement_id, StatementLine.position)
        .where(
            StatementLine.identity.in_([one.removeprefix(_BANK) for one in keys if one.startswith(_BANK)])
            | StatementLine.id.in_([order.line_id for order in orders if order.line_id is not None])
        )
        .order_by(StatementLine.id)
    ).all()
    receipts = db.session.execute(
        select(Receipt.reference, Pledge.reference)
        .join(Pledge, Pledge.id == Receipt.pledge_id)
        .where(Receipt.transfer_id == transfer_id)
        .order_by(Receipt.id)
    ).all()
    keeps_bank = actor.may(Permission.KEEP_BANK)
    found = [
        Document(
            "Line of the bank",
            f"Line {position} of statement {statement_id}",
            url_for("bank.statement", statement_id=statement_id, after=max(0, position - 1)) if keeps_bank else None,
        )
        for statement_id, position in lines
    ]
    for receipt, pledge in receipts:
        found += [
            Document("Receipt", receipt, url_for("documents.document", kind="receipt", reference=receipt)),
            Document("Pledge", pledge, url_for("contributions.pledge", reference=pledge)),
        ]
    for order_key, _, file in orders:
        found += _payment(order_key)
        if file is not None:
            found.append(
                Document("Payment file", file, url_for("bank.download", reference=file) if keeps_bank else None)
            )
    return found + _owners(transfer_id)


def beginnings(key: str) -> list[str]:
    """Every beginning of a key that ends before a colon, and the key itself: the longest first."""
    parts = key.split(":")
    return [":".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _payment(order_key: str) -> list[Document]:
    """The page of an instalment, from its order's key: "grant:G-2026-003:instalment:2:<attempt>"."""
    parts = order_key.split(":")
    if len(parts) < 4 or (parts[0], parts[2]) != ("grant", "instalment") or not parts[3].isdecimal():
        return []
    path = url_for("grants.instalment", reference=parts[1], number=int(parts[3]))
    return [Document("Payment", f"Payment {parts[3]} of {parts[1]}", path)]


def _owners(transfer_id: int) -> list[Document]:
    """The grants and members that the transfer's accounts belong to."""
    owners = db.session.scalars(
        select(Account.owner)
        .join(Entry, Entry.account_id == Account.id)
        .where(Entry.transfer_id == transfer_id, Account.owner.is_not(None))
        .distinct()
        .order_by(Account.owner)
    ).all()
    references = {
        sort: [one.partition(":")[2] for one in owners if one and one.startswith(f"{sort}:")] for sort in _SORTS
    }
    grants = db.session.scalars(
        select(Award.reference).where(Award.reference.in_(references["grant"])).order_by(Award.reference)
    )
    members = db.session.execute(
        select(Organisation.reference, Organisation.name)
        .where(Organisation.reference.in_(references["org"]))
        .order_by(Organisation.reference)
    )
    return [
        *(Document("Grant", reference, url_for("grants.award", reference=reference)) for reference in grants),
        *(
            Document("Member", name, url_for("members.organisation", reference=reference))
            for reference, name in members
        ),
    ]

"""Booking money that has cleared: the contribution, its receipt, what of the pledge it pays, and the mail that says so.

Who calls has locked the pledges, in order of their keys, and answers for who may. Locks are taken in one order
everywhere: lines of the bank, pledges, the number of the receipt, accounts.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value

import ledger.many
import ledger.service
import members.restrictions.queries
from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.outbox import mail_all
from fund.kernel.references import next_number
from ledger.money import format_pence
from ledger.rules import AccountKind
from members.contributions import notices, rules
from members.contributions.models import Pledge, Receipt
from members.contributions.schedules import queries as schedule
from members.contributions.schedules import service as schedules
from members.queries import LARGEST_ID, organisations_by_id, people_of


@dataclass(frozen=True)
class Came:
    """Money that has cleared for a locked pledge: how much, when, what brought it (once and for all), where it lies,
    and which reference was quoted."""

    pledge: Pledge
    pence: int
    on: date
    source: str
    held_in: AccountKind
    quoted: str | None
    statement_line_id: int | None = None


def locked_pledges(pledge_ids: Collection[int]) -> dict[int, Pledge]:
    """These pledges by key, locked, with their organisations.

    Raises:
        NotFound: when one of them isn't there.
    """
    wanted = {one for one in pledge_ids if 0 < one <= LARGEST_ID}
    found = db.session.scalars(
        select(Pledge)
        .where(Pledge.id.in_(sorted(wanted)))
        .order_by(Pledge.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if len(found) < len(set(pledge_ids)):
        raise NotFound
    organisations = organisations_by_id(one.organisation_id for one in found)
    for one in found:
        set_committed_value(one, "organisation", organisations[one.organisation_id])
    return {one.id: one for one in found}


def receive_all(came: Sequence[Came], *, actor: Actor | None, now: datetime, tell: bool = True) -> list[Receipt]:
    """Book each as a contribution and write its receipt, in the order given.

    Args:
        tell: whether the receipts are mailed.
    """
    if not came:
        return []
    year = london_day(now).year
    last = next_number(f"RC-{year}", count=len(came))
    references = [f"RC-{year}-{number:04d}" for number in range(last - len(came) + 1, last + 1)]
    receipts = _booked(came, references, actor, now)
    instalments = schedule.of_pledges({one.pledge.id for one in came})
    invoiced, sentences = [], []
    for one, receipt in zip(came, receipts, strict=True):
        before = one.pledge.paid_pence
        one.pledge.paid_pence = before + one.pence
        invoiced.append(schedules.pay(one.pledge, receipt, one.quoted, instalments[one.pledge.id]))
        one.pledge.state = rules.state_after(one.pledge.pence, one.pledge.paid_pence, one.pledge.written_off_pence)
        sentences.append(rules.payment_sentence(one.pledge.pence, one.pledge.paid_pence))
        audit.record(
            actor,
            "pledge.paid",
            one.pledge.reference,
            at=now,
            before={"paid_pence": before},
            after={"paid_pence": one.pledge.paid_pence, "receipt": receipt.reference, "source": one.source},
        )
    db.session.flush()
    for one, receipt, pence in zip(came, receipts, invoiced, strict=True):
        if pence:
            organisation = one.pledge.organisation
            ledger.service.settle_promise(
                key=invoice_key(one.source),
                kind="invoice_paid",
                contributor=organisation.owner,
                pence=pence,
                occurred_on=one.on,
                description=f"{organisation.name}, invoiced for {one.pledge.reference} and paid, "
                f"receipt {receipt.reference}",
                actor=actor,
                now=now,
            )
    if tell:
        _tell(came, receipts, sentences, now)
    return receipts


def contribution_key(source: str) -> str:
    """The key under which the contribution that `source` brought is booked."""
    return f"{source}:contribution"


def invoice_key(source: str) -> str:
    """The key under which what was invoiced is booked as paid by what `source` brought."""
    return f"{source}:invoice"


def _booked(came: Sequence[Came], references: Sequence[str], actor: Actor | None, now: datetime) -> list[Receipt]:
    restrictions = members.restrictions.queries.restrictions_for({one.pledge.id for one in came})
    posted = ledger.many.receive_contributions(
        [
            ledger.many.Contribution(
                contribution_key(one.source),
                one.pledge.organisation.owner,
                one.pence,
                one.on,
                f"{one.pledge.organisation.name}, pledge {one.pledge.reference}, receipt {reference}",
                one.held_in,
                restrictions.get(one.pledge.id),
            )
            for one, reference in zip(came, references, strict=True)
        ],
        actor=actor,
        now=now,
    )
    receipts = [
        Receipt(
            reference=reference,
            organisation_id=one.pledge.organisation_id,
            pledge_id=one.pledge.id,
            pence=one.pence,
            received_on=one.on,
            statement_line_id=one.statement_line_id,
            source=one.source,
            transfer_id=booked.transfer_id,
            issued_at=now,
            issued_by_id=actor.person_id if actor else None,
        )
        for one, reference, booked in zip(came, references, posted, strict=True)
    ]
    db.session.add_all(receipts)
    db.session.flush()
    return receipts


def _tell(came: Sequence[Came], receipts: Sequence[Receipt], sentences: Sequence[str], now: datetime) -> None:
    people = people_of({one.pledge.organisation_id for one in came}, notices.MONEY_ROLES)
    mail_all(
        (
            mail
            for one, receipt, sentence in zip(came, receipts, sentences, strict=True)
            for mail in notices.mails(
                people[one.pledge.organisation_id],
                f"receipt:{receipt.reference}",
                subject=f"Receipt {receipt.reference}: {format_pence(receipt.pence)} "
                f"from {one.pledge.organisation.name}",
                what=f"Your {format_pence(receipt.pence)} has cleared. {sentence} The receipt is attached.",
                by_when="Nothing is needed by a date.",
                path=f"/pledges/{one.pledge.reference}",
                document=f"receipt:{receipt.reference}",
            )
        ),
        now=now,
    )

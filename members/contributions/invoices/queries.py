"""Reads of invoices and credit notes, and of what is to be invoiced."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import aliased, joinedload

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day, year_start
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.society import society
from members.contributions.models import CreditNote, Invoice, Pledge, PledgeInstalment
from members.contributions.schedules.rules import MOST_INSTALMENTS, InstalmentState


@dataclass(frozen=True)
class Year:
    """A fund year: first day and last day, both inside it."""

    first: date
    last: date


def fund_year(now: datetime) -> Year:
    """The fund year that holds `now` in England; the handbook's (from 1 April) before there is a society."""
    found = society()
    month, day = (found.year_end_month, found.year_end_day) if found else (3, 31)
    opening = date(2025, 3, 1) if month == 2 and day >= 28 else date(2025, month, day) + timedelta(days=1)
    first = year_start(london_day(now), opening.month, opening.day)
    return Year(first, date(first.year + 1, opening.month, opening.day) - timedelta(days=1))


def invoice(reference: str) -> Invoice:
    """An invoice. Who asks must be allowed to (`may_see`). Raises NotFound."""
    found = db.session.scalar(
        select(Invoice).options(joinedload(Invoice.instalment)).where(Invoice.reference == reference)
    )
    if found is None:
        raise NotFound
    return found


def credit_note(reference: str) -> CreditNote:
    """A credit note. Who asks must be allowed to see its invoice (`may_see`). Raises NotFound."""
    found = db.session.scalar(
        select(CreditNote).options(joinedload(CreditNote.invoice)).where(CreditNote.reference == reference)
    )
    if found is None:
        raise NotFound
    return found


def may_see(found: Invoice, actor: Actor) -> bool:
    """Its organisation's people, and those who read the books."""
    own = actor.organisation_id == found.organisation_id and actor.may(Permission.SEE_OWN_ORGANISATION)
    return own or actor.may(Permission.READ_BOOKS)


def may_invoice(organisation_id: int, person: Actor) -> bool:
    """Whether somebody may ask for an invoice of an organisation, or undo one: its own people who look after its money,
    and the stewards who keep the bank."""
    own = person.organisation_id == organisation_id and person.may(Permission.CONTRIBUTE)
    return own or person.may(Permission.KEEP_BANK)


@dataclass(frozen=True)
class Issued:
    """An invoice with the credit note that undid it, if one did."""

    invoice: Invoice
    credit_reference: str | None


def of_pledge(pledge_id: int) -> list[Issued]:
    """The invoices of a pledge, oldest first."""
    rows = db.session.execute(
        select(Invoice, CreditNote.reference)
        .join(PledgeInstalment, Invoice.instalment_id == PledgeInstalment.id)
        .outerjoin(CreditNote, CreditNote.invoice_id == Invoice.id)
        .where(PledgeInstalment.pledge_id == pledge_id)
        .order_by(Invoice.id)
        .limit(2 * MOST_INSTALMENTS)
    )
    return [Issued(*row) for row in rows]


def to_invoice(today: date, before_days: int, *, limit: int) -> list[int]:
    """Open instalments of schedules (of two or more) that are due soon and were never invoiced, the soonest first.

    One that was credited waits for a person. A one-off pledge is invoiced when its payer asks for it.
    """
    other = aliased(PledgeInstalment)
    several = select(func.count()).where(other.pledge_id == PledgeInstalment.pledge_id).scalar_subquery() > 1
    never = ~select(Invoice.id).where(Invoice.instalment_id == PledgeInstalment.id).exists()
    return list(
        db.session.scalars(
            select(PledgeInstalment.id)
            .join(Pledge, PledgeInstalment.pledge_id == Pledge.id)
            .where(
                PledgeInstalment.state == InstalmentState.OPEN,
                PledgeInstalment.due_on <= today + timedelta(days=before_days),
                PledgeInstalment.invoice_reference.is_(None),
                never,
                several,
            )
            .order_by(PledgeInstalment.due_on, PledgeInstalment.id)
            .limit(limit)
        )
    )


def credit_reference(invoice_id: int) -> str | None:
    """The number of the credit note that undid an invoice."""
    return db.session.scalar(select(CreditNote.reference).where(CreditNote.invoice_id == invoice_id))

"""Asking for what was pledged: invoices, credit notes that undo them, reminders."""

from datetime import datetime

from sqlalchemy import select

import ledger.service
from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotFound
from fund.kernel.policy import policy_at
from fund.kernel.references import next_reference
from ledger.money import format_pence
from members.contributions.cards.mandates import queries as debits
from members.contributions.invoices import queries
from members.contributions.invoices.rules import pay_by
from members.contributions.models import CreditNote, Invoice, PledgeInstalment
from members.contributions.notices import tell
from members.contributions.schedules.rules import InstalmentState
from members.contributions.schedules.service import locked
from members.queries import LARGEST_ID

MOST_AT_ONCE = 200


def issue(*, instalment_id: int, actor: Actor | None, now: datetime) -> Invoice:
    """Invoice what is still to come of an instalment, and mail the PDF. Numbers have no gaps within a fund year.

    An invoice is never edited: it is undone by a credit note (`credit`), and another may follow.

    Raises:
        NotFound: no such instalment, or another organisation's.
        Conflict: it is paid, written off, cancelled, or invoiced already.
    """
    asked = locked(instalment_id)
    organisation = asked.pledge.organisation
    if actor is not None and not queries.may_invoice(organisation.id, actor):
        raise NotFound
    if asked.invoice_reference is not None:
        raise Conflict(f"Invoice {asked.invoice_reference} stands for this already. Open it on the pledge's page.")
    if asked.state is not InstalmentState.OPEN:
        raise Conflict(f"Nothing is to come of {asked.reference} any more, so there is nothing to invoice.")
    today = london_day(now)
    pence, due_on = asked.due_pence, pay_by(asked.due_on, today, policy_at(now).invoice_terms_days)
    reference = next_reference("INV", year=queries.fund_year(now).first.year, digits=4)
    posted = ledger.service.ask_contribution(
        key=f"invoice:{reference}",
        contributor=organisation.owner,
        pence=pence,
        occurred_on=today,
        description=f"{organisation.name}, invoice {reference} for {asked.reference}",
        actor=actor,
        now=now,
    )
    made = Invoice(
        reference=reference,
        instalment_id=asked.id,
        organisation_id=organisation.id,
        pence=pence,
        po_number=asked.pledge.po_number,
        billed_name=organisation.name,
        billed_address=organisation.address,
        issued_on=today,
        due_on=due_on,
        transfer_id=posted.transfer_id,
        issued_at=now,
        issued_by_id=actor.person_id if actor else None,
    )
    db.session.add(made)
    if asked.due_on != due_on:
        asked.reminded_days = None
    asked.invoice_reference, asked.invoiced_pence, asked.due_on = reference, pence, due_on
    db.session.flush()
    audit.record(actor, "invoice.issued", reference, at=now, after={"pence": pence, "instalment": asked.reference})
    tell(
        organisation,
        f"invoice:{reference}",
        subject=f"Invoice {reference}: {format_pence(pence)}",
        what=f"The invoice for {format_pence(pence)} is attached. {_how_to_pay(asked, now)}",
        by_when=f"It is due by {in_words(due_on)}.",
        path=f"/pledges/{asked.pledge.reference}",
        now=now,
        document=f"invoice:{reference}",
    )
    return made


def _how_to_pay(asked: PledgeInstalment, now: datetime) -> str:
    if asked.id in debits.coming_of_pledge(asked.pledge_id, now):
        return "Make no transfer: your Direct Debit takes it, and we tell you when."
    return f"Quote {asked.reference} when you pay."


def credit(*, invoice_id: int, reason: str, actor: Actor, now: datetime) -> CreditNote:
    """Undo what is still to pay of an invoice by a credit note. The instalment stays due and may be invoiced again.

    Raises:
        NotFound: no such invoice, or another organisation's.
        Conflict: it was credited or paid before.
    """
    found = db.session.get(Invoice, invoice_id) if 0 < invoice_id <= LARGEST_ID else None
    if found is None or not queries.may_invoice(found.organisation_id, actor):
        raise NotFound
    asked = locked(found.instalment_id)
    if asked.invoice_reference != found.reference:
        raise Conflict(f"{found.reference} was credited before. The pledge's page shows the credit note.")
    if asked.invoiced_pence == 0:
        raise Conflict(f"{found.reference} is paid, so there is nothing to credit.")
    return undo(asked, reason=reason, actor=actor, now=now)


def undo(asked: PledgeInstalment, *, reason: str, actor: Actor | None, now: datetime) -> CreditNote:
    """Write the credit note for the invoice that stands for a locked instalment. Who may is the caller's question."""
    found = db.session.scalars(select(Invoice).where(Invoice.reference == asked.invoice_reference)).one()
    reference = next_reference("CN", year=queries.fund_year(now).first.year, digits=4)
    pence, organisation = asked.invoiced_pence, asked.pledge.organisation
    posted = ledger.service.settle_promise(
        key=f"credit:{reference}",
        kind="invoice_credited",
        contributor=organisation.owner,
        pence=pence,
        occurred_on=london_day(now),
        description=f"{organisation.name}, credit note {reference} for invoice {found.reference}: {reason}",
        actor=actor,
        now=now,
    )
    made = CreditNote(
        reference=reference,
        invoice_id=found.id,
        pence=pence,
        reason=reason,
        transfer_id=posted.transfer_id,
        issued_at=now,
        issued_by_id=actor.person_id if actor else None,
    )
    db.session.add(made)
    asked.invoice_reference, asked.invoiced_pence = None, 0
    db.session.flush()
    audit.record(actor, "invoice.credited", found.reference, at=now, after={"credit_note": reference, "pence": pence})
    tell(
        organisation,
        f"credit:{reference}",
        subject=f"Credit note {reference} for invoice {found.reference}",
        what=f"{format_pence(pence)} of invoice {found.reference} need not be paid: {reason} The note is attached.",
        by_when="Nothing is needed by a date.",
        path=f"/pledges/{asked.pledge.reference}",
        now=now,
        document=f"credit_note:{reference}",
    )
    return made


def sweep(now: datetime) -> int:
    """Invoice the instalments of schedules that fall due within the fund's days (`invoice_before_days`)."""
    due = queries.to_invoice(london_day(now), policy_at(now).invoice_before_days, limit=MOST_AT_ONCE)
    for instalment_id in due:
        issue(instalment_id=instalment_id, actor=None, now=now)
    return len(due)

"""Reads of issued documents, and of what documents are made from. Who may open which is asked of the owning folder."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import LargeBinary, cast, select
from sqlalchemy.orm import undefer

import fund.grants.agreements.queries as agreements
import fund.grants.awards.queries as awards
import members.contributions.invoices.queries as invoices
import members.contributions.queries as contributions
import proposals.queries
from fund.documents import rules
from fund.documents.agreement import AgreementPaper, Signed, agreement
from fund.documents.invoice import CreditFacts, InvoiceFacts, credit_note, invoice
from fund.documents.models import Document
from fund.documents.proposal import ProposalFacts, proposal
from fund.documents.receipt import ReceiptFacts, receipt
from fund.documents.rules import Kind
from fund.grants.agreements.rules import read_text
from fund.grants.models import Agreement, Award, Signature
from fund.kernel.access import Actor
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.society import Society, society
from proposals.models import Proposal, ProposalVersion

_AT_ONCE = 50


@dataclass(frozen=True)
class Source:
    """What a document is made from, and the edition that this makes."""

    edition: str
    facts: ReceiptFacts | ProposalFacts | AgreementPaper | InvoiceFacts | CreditFacts

    def draw(self) -> bytes:
        """The PDF."""
        if isinstance(self.facts, ReceiptFacts):
            return receipt(self.facts)
        if isinstance(self.facts, ProposalFacts):
            return proposal(self.facts)
        if isinstance(self.facts, InvoiceFacts):
            return invoice(self.facts)
        if isinstance(self.facts, CreditFacts):
            return credit_note(self.facts)
        return agreement(self.facts)


def issued(kind: Kind, reference: str, edition: str) -> Document | None:
    """An issued document with its content."""
    return db.session.scalar(
        select(Document)
        .options(undefer(Document.content))
        .where(Document.kind == kind, Document.reference == reference, Document.edition == edition)
    )


def require_reader(kind: Kind, reference: str, actor: Actor) -> None:
    """Raise NotFound unless `actor` may open the document, as the folder that owns its subject rules.

    A receipt, invoice or credit note is for the payer's people and the fund's office; a proposal for those who may open
    the version; an agreement for its parties and the office.
    """
    if kind is Kind.RECEIPT:
        if not contributions.may_see_receipt(contributions.receipt(reference), actor):
            raise NotFound
    elif kind is Kind.PROPOSAL:
        if (named := rules.split_version(reference)) is None:
            raise NotFound
        proposals.queries.version(*named, actor)
    elif kind is Kind.INVOICE:
        if not invoices.may_see(invoices.invoice(reference), actor):
            raise NotFound
    elif kind is Kind.CREDIT_NOTE:
        if not invoices.may_see(invoices.credit_note(reference).invoice, actor):
            raise NotFound
    else:
        awards.award(reference, actor)


def source(kind: Kind, reference: str) -> Source:
    """What the document is made from at present. Raises NotFound."""
    if (owner := society()) is None:
        raise NotFound
    if kind is Kind.RECEIPT:
        return _receipt_source(reference, owner)
    if kind is Kind.PROPOSAL:
        return _proposal_source(reference, owner)
    if kind is Kind.INVOICE:
        return _invoice_source(reference, owner)
    if kind is Kind.CREDIT_NOTE:
        return _credit_source(reference, owner)
    return _agreement_source(reference, owner)


def _receipt_source(reference: str, owner: Society) -> Source:
    found = contributions.receipt(reference)
    payer = found.organisation
    facts = ReceiptFacts(
        issuer=owner.name,
        issuer_address=owner.address,
        reference=found.reference,
        payer=payer.name,
        payer_reference=payer.reference,
        payer_address=payer.address,
        pledge_reference=found.pledge.reference,
        purchase_order=found.pledge.po_number,
        pence=found.pence,
        received_on=found.received_on,
        issued_at=found.issued_at,
    )
    return Source("1", facts)


def _invoice_source(reference: str, owner: Society) -> Source:
    found = invoices.invoice(reference)
    account = contributions.account_to_pay()
    facts = InvoiceFacts(
        issuer=owner.name,
        issuer_address=owner.address,
        reference=found.reference,
        payer=found.billed_name,
        payer_reference=found.instalment.pledge.organisation.reference,
        payer_address=found.billed_address,
        quote=found.instalment.reference,
        purchase_order=found.po_number,
        pence=found.pence,
        issued_on=found.issued_on,
        due_on=found.due_on,
        issued_at=found.issued_at,
        account=(account.name, account.sort_code, account.account_number)
        if account and account.sort_code and account.account_number
        else None,
    )
    return Source("1", facts)


def _credit_source(reference: str, owner: Society) -> Source:
    found = invoices.credit_note(reference)
    facts = CreditFacts(
        issuer=owner.name,
        issuer_address=owner.address,
        reference=found.reference,
        payer=found.invoice.billed_name,
        payer_reference=found.invoice.instalment.pledge.organisation.reference,
        payer_address=found.invoice.billed_address,
        invoice_reference=found.invoice.reference,
        pence=found.pence,
        reason=found.reason,
        issued_on=london_day(found.issued_at),
        issued_at=found.issued_at,
    )
    return Source("1", facts)


def _proposal_source(reference: str, owner: Society) -> Source:
    if (named := rules.split_version(reference)) is None:
        raise NotFound
    found = db.session.scalar(
        select(ProposalVersion)
        .join(ProposalVersion.proposal)
        .where(Proposal.reference == named[0], ProposalVersion.number == named[1])
    )
    if found is None:
        raise NotFound
    return Source(
        "1", ProposalFacts(owner.name, owner.address, json.loads(found.content), found.sha256, found.submitted_at)
    )


def _agreement_source(reference: str, owner: Society) -> Source:
    award = awards.award_by_reference(reference)
    if (found := agreements.current(award.id)) is None:
        raise NotFound
    signatures = tuple(
        Signed(signature.organisation_name, signature.person_name, signature.signed_at)
        for signature in agreements.signatures(found.id)
    )
    facts = AgreementPaper(
        issuer=owner.name,
        issuer_address=owner.address,
        text=read_text(found.text),
        sha256=found.sha256,
        made_at=max([found.made_at, *(signature.signed_at for signature in signatures)]),
        signatures=signatures,
        unsigned=tuple(party.name for party in agreements.unsigned(found, award)),
    )
    return Source(f"{found.number}.{len(signatures)}", facts)


# --- proof


def altered() -> Iterator[str]:
    """A sentence for every issued document, frozen proposal, agreement and signature that lost its fingerprint."""
    documents = db.session.execute(
        select(Document.kind, Document.reference, Document.sha256, cast(Document.content, LargeBinary))
        .order_by(Document.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for kind, reference, fingerprint, content in documents:
        if sha256(content).hexdigest() != fingerprint:
            yield f"The {kind.value} {reference} that was issued is no longer as it was: its SHA-256 differs."
    versions = db.session.execute(
        select(Proposal.reference, ProposalVersion.number, ProposalVersion.sha256, ProposalVersion.content)
        .join(ProposalVersion.proposal)
        .order_by(ProposalVersion.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for reference, number, fingerprint, text in versions:
        if sha256(text.encode()).hexdigest() != fingerprint:
            yield f"Version {number} of proposal {reference} is no longer as it was sent: its SHA-256 differs."
    texts = db.session.execute(
        select(Award.reference, Agreement.number, Agreement.sha256, Agreement.text)
        .join(Agreement.award)
        .order_by(Agreement.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for reference, number, fingerprint, text in texts:
        if sha256(text.encode()).hexdigest() != fingerprint:
            yield f"Text {number} of the agreement of award {reference} was altered: its SHA-256 differs."
    signatures = db.session.execute(
        select(Signature.organisation_name, Signature.person_name, Award.reference, Agreement.number)
        .join(Agreement, Signature.agreement_id == Agreement.id)
        .join(Agreement.award)
        .where(Signature.sha256 != Agreement.sha256)
        .order_by(Signature.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for organisation, person, reference, number in signatures:
        yield f"{person} of {organisation} signed another text than text {number} of award {reference} as it is kept."

"""The invoice for an instalment of a pledge, and the credit note that undoes one."""

from dataclasses import dataclass
from datetime import date, datetime

from fund.documents.layer import Facts, Heading, Paper, Text, render
from fund.kernel.calendar import in_words
from ledger.money import format_pence

NO_VAT = (
    "This is a contribution to a common fund; nothing is supplied for it, so no VAT is charged and this is not a VAT "
    "invoice. Please ask your own adviser if you are unsure how to treat it."
)


@dataclass(frozen=True)
class InvoiceFacts:
    """What an invoice says.

    Attributes:
        quote: the reference to quote on the payment, with its check character.
        purchase_order: the payer's own number, if it gave one.
        account: (name, sort code, account number) to pay into, where the fund has told.
    """

    issuer: str
    issuer_address: str
    reference: str
    payer: str
    payer_reference: str
    payer_address: str
    quote: str
    purchase_order: str | None
    pence: int
    issued_on: date
    due_on: date
    issued_at: datetime
    account: tuple[str, str, str] | None


@dataclass(frozen=True)
class CreditFacts:
    """What a credit note says."""

    issuer: str
    issuer_address: str
    reference: str
    payer: str
    payer_reference: str
    payer_address: str
    invoice_reference: str
    pence: int
    reason: str
    issued_on: date
    issued_at: datetime


def invoice(facts: InvoiceFacts) -> bytes:
    """The PDF."""
    rows = [
        ("From", f"{facts.issuer}\n{facts.issuer_address}"),
        ("To", f"{facts.payer} ({facts.payer_reference})\n{facts.payer_address}"),
        ("Invoice number", facts.reference),
        ("Date", in_words(facts.issued_on)),
        ("Your order number", facts.purchase_order or ""),
        ("For", f"Contribution to the common pot, {facts.quote}"),
        ("Amount", format_pence(facts.pence)),
        ("Pay by", in_words(facts.due_on)),
    ]
    how = [("Reference to quote", facts.quote), ("Amount", format_pence(facts.pence))]
    if facts.account:
        name, sort_code, number = facts.account
        how += [
            ("Account name", name),
            ("Sort code", f"{sort_code[:2]}-{sort_code[2:4]}-{sort_code[4:]}"),
            ("Account number", number),
        ]
    else:
        how.append(("Account", "Sign in to the fund's site: the page of your pledge names the account to pay into."))
    return render(
        Paper(
            title="Invoice",
            reference=facts.reference,
            issuer=facts.issuer,
            issuer_address=facts.issuer_address,
            made_at=facts.issued_at,
            blocks=(
                Facts(tuple(row for row in rows if row[1])),
                Heading("How to pay"),
                Text("Make a bank transfer and quote the reference exactly. A receipt follows once it has cleared."),
                Facts(tuple(how)),
                Text(NO_VAT),
                Text(
                    "We never change bank details by e-mail. If a message says so, call the fund on a number you know.",
                    quiet=True,
                ),
            ),
        )
    )


def credit_note(facts: CreditFacts) -> bytes:
    """The PDF."""
    rows = (
        ("From", f"{facts.issuer}\n{facts.issuer_address}"),
        ("To", f"{facts.payer} ({facts.payer_reference})\n{facts.payer_address}"),
        ("Credit note number", facts.reference),
        ("Date", in_words(facts.issued_on)),
        ("For invoice", facts.invoice_reference),
        ("Amount", format_pence(facts.pence)),
        ("Reason", facts.reason),
    )
    return render(
        Paper(
            title="Credit note",
            reference=facts.reference,
            issuer=facts.issuer,
            issuer_address=facts.issuer_address,
            made_at=facts.issued_at,
            blocks=(
                Text(f"{format_pence(facts.pence)} of invoice {facts.invoice_reference} need not be paid."),
                Facts(rows),
                Text(NO_VAT),
            ),
        )
    )

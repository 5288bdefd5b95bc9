"""The receipt for a contribution."""

from dataclasses import dataclass
from datetime import date, datetime

from fund.documents.layer import Facts, Paper, Text, render
from fund.kernel.calendar import in_words
from ledger.money import format_pence


@dataclass(frozen=True)
class ReceiptFacts:
    """What a receipt says.

    Attributes:
        purchase_order: the payer's own number, if it gave one.
        issued_at: when the payment was matched.
    """

    issuer: str
    issuer_address: str
    reference: str
    payer: str
    payer_reference: str
    payer_address: str
    pledge_reference: str
    purchase_order: str | None
    pence: int
    received_on: date
    issued_at: datetime


def receipt(facts: ReceiptFacts) -> bytes:
    """The PDF."""
    rows = [
        ("Received from", f"{facts.payer} ({facts.payer_reference})\n{facts.payer_address}"),
        ("Amount", format_pence(facts.pence)),
        ("Received on", in_words(facts.received_on)),
        ("For pledge", facts.pledge_reference),
        ("Your order number", facts.purchase_order or ""),
        ("Receipt number", facts.reference),
    ]
    return render(
        Paper(
            title="Receipt",
            reference=facts.reference,
            issuer=facts.issuer,
            issuer_address=facts.issuer_address,
            made_at=facts.issued_at,
            blocks=(
                Text(f"{facts.issuer} has received {format_pence(facts.pence)} from {facts.payer}. Thank you."),
                Facts(tuple(row for row in rows if row[1])),
                Text(
                    "This is a contribution to the common pot. It isn't a share and gives no votes: every member has "
                    "one vote, whatever it pays in. It buys no goods or services from the fund."
                ),
                Text("The fund's public pages show what the pot pays for, to the penny.", quiet=True),
            ),
        )
    )

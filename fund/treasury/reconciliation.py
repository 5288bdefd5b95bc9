"""The paper of a month's reconciliation, made from its record."""

from fund.documents.layer import Block, Facts, Heading, Paper, Table, Text, grouped, render
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.society import society
from ledger.bank.models import BankAccount
from ledger.bank.reconciliation.models import Reconciliation
from ledger.bank.reconciliation.rules import BETWEEN, ON_THEIR_WAY, WAITING, Item, last_day
from ledger.money import format_pence
from members.accounts.models import Person


def paper(account: BankAccount, record: Reconciliation) -> bytes:
    """The PDF. It speaks of the instant of its signature, or of preparing as long as nobody signed."""
    owned, figures = society(), record.figures
    decision = record.decision
    facts = [
        ("Account", f"{account.name}\n{account.identification.shown}"),
        ("As at the end of", in_words(last_day(record.month))),
        ("By the bank's statements", format_pence(figures.closing_pence)),
        ("By the books", format_pence(figures.books_pence)),
        ("Difference", format_pence(figures.difference_pence)),
        ("Prepared by", f"{_name(record.prepared_by_id)}, {in_words(london_day(record.prepared_at))}"),
    ]
    if decision is None:
        facts.append(("Signed by", "Nobody yet"))
    else:
        verb = "Signed by" if decision.signed else "Sent back by"
        facts.append((verb, f"{_name(decision.decided_by_id)}, {in_words(london_day(decision.decided_at))}"))
        if decision.reason:
            facts.append(("Because", decision.reason))
    if record.why:
        facts.append(("Done again because", record.why))
    facts.append(("Fingerprint (SHA-256)", grouped(record.hash)))
    return render(
        Paper(
            title=f"Bank reconciliation, {record.month:%B %Y}",
            reference=f"{record.month:%Y-%m}/{record.id}",
            issuer=owned.name if owned else "",
            issuer_address=owned.address if owned else "",
            made_at=decision.decided_at if decision else record.prepared_at,
            blocks=(
                Facts(tuple(facts)),
                *_items("Between the statements and the books", figures.of(BETWEEN), record, 1),
                *_items("Sent to the bank and not booked by it", figures.of(ON_THEIR_WAY), record, -1),
                *_items("Waiting to be matched, money out as a minus", figures.of(WAITING), record, -1),
                Text("Whoever signed imported, booked, matched and prepared nothing of this month.", quiet=True),
            ),
        )
    )


def _items(heading: str, items: list[Item], record: Reconciliation, sign: int) -> list[Block]:
    if not items:
        return [Heading(heading), Text("Nothing.")]
    rows = [
        (
            in_words(item.on) if item.on else "",
            f"{item.what}\n{record.reasons[item.key]}" if item.key in record.reasons else item.what,
            format_pence(item.pence * sign),
        )
        for item in items
    ]
    total = ("", "All", format_pence(sum(item.pence for item in items) * sign))
    columns = (("Day", 2), ("What, and the reason", 6), ("Amount", 2))
    return [Heading(heading), Table(columns, (*rows, total), figures=frozenset({2}), total=True)]


def _name(person_id: int) -> str:
    person = db.session.get(Person, person_id)
    return person.name if person else "somebody we no longer know"

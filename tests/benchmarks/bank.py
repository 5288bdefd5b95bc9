"""How long a year of bank statements takes, from the file to matched books.

    python -m tests.benchmarks.bank                  # every format of the year, on SQLite and PostgreSQL
    python -m tests.benchmarks.bank sqlite year.ofx  # one database, one file

The year has 2,653 entries: 300 payers, most of whom quote their member's reference, and 400 payments of grants that
were sent. Told for each file: seconds to import it, to match what references prove, and to confirm what a person would
(the likeliest proposal that names the payer), with how many lines that was. The whole must stay below 20 seconds.
"""

import csv
import os
import re
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import click
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import insert, select, text

from fund.app import create_app
from fund.config import Settings
from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.places import DISTRICTS
from ledger import service as books
from ledger.bank import queries as bank
from ledger.bank import service as importing
from ledger.bank.models import Payee, PaymentFile, PaymentOrder
from ledger.bank.questions import service as questions
from ledger.bank.rules import NameCheck, OrderState
from ledger.models import Account
from members.contributions.matching import queries as matching
from members.contributions.matching import service
from members.contributions.models import Pledge, PledgeInstalment, Receipt
from members.contributions.rules import PledgeState, Suggestion, normal_reference, phrases_in, with_check
from members.contributions.schedules.rules import InstalmentState
from members.models import Appointment, Organisation
from members.rules import LegalForm, MembershipStatus, Register, Sector, name_key
from tests.benchmarks.members import _fresh, _let_go
from tests.postgres import ThrowawayPostgres
from tests.world import found_society, official, person

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
MOST_SECONDS = 20
AT_ONCE = 300
DATA = Path(__file__).parents[3] / "shared" / "data" / "bank"
FILES = ("year.ofx", "year_camt053_v08.xml", "year_lloyds.csv", "year_mt940.sta", "year_natwest.csv")
_MEMBER = re.compile(r"gm[- ]?([0-9]{4})", re.IGNORECASE)


@dataclass
class Payer:
    """Who paid in that year, and how much each time."""

    reference: str
    name: str
    pence: list[int] = field(default_factory=list)


def year(entries: Path) -> tuple[list[Payer], list[tuple[str, str, int]]]:
    """The payers of the year, and what was paid out: (reference, name, pence)."""
    with entries.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if "/year/" in row["file"]]
    money_in = [row for row in rows if int(row["amount_minor"]) > 0]
    payers: dict[str, Payer] = {}
    by_name: dict[str, list[Payer]] = defaultdict(list)
    for row in money_in:
        if (found := _MEMBER.search(row["text"])) and f"GM-{found[1]}" not in payers:
            made = payers[f"GM-{found[1]}"] = Payer(f"GM-{found[1]}", row["name"])
            by_name[row["name"]].append(made)
    for row in money_in:
        found = _MEMBER.search(row["text"])
        if found is None and row["name"] not in by_name:
            made = payers[f"GM-{9000 + len(payers)}"] = Payer(f"GM-{9000 + len(payers)}", row["name"])
            by_name[row["name"]].append(made)
        payer = payers[f"GM-{found[1]}"] if found else by_name[row["name"]][0]
        payer.pence.append(int(row["amount_minor"]))
    paid = [
        (row["text"].removeprefix("GRANT ").replace("/", "-"), row["name"], -int(row["amount_minor"]))
        for row in rows
        if int(row["amount_minor"]) < 0 and row["text"].startswith("GRANT ")
    ]
    return list(payers.values()), paid


def lay(entries: Path) -> Actor:
    """A fund whose members pledged what they then paid in that year, with every grant's payment on its way."""
    payers, paid = year(entries)
    found_society()
    _, steward = official("Stella Steward", Role.STEWARD)
    treasurer = person("Tess Treasurer").id
    with transaction() as session:
        importing.set_bank_account(
            name="Irwell Fund", sort_code="009901", account_number="10203040", actor=steward, now=NOW
        )
        for number, payer in enumerate(payers, start=1):
            session.add(_organisation(number, payer))
        session.flush()
        session.execute(
            insert(Appointment),
            [
                {"organisation_id": number, "person_id": treasurer, "role": Role.FINANCE, "started_at": NOW}
                for number in range(1, len(payers) + 1)
            ],
        )
        for number, payer in enumerate(payers, start=1):
            _pledge(number, payer)
    _send(paid, steward)
    return steward


def _organisation(number: int, payer: Payer) -> Organisation:
    return Organisation(
        id=number,
        reference=payer.reference,
        name=payer.name,
        name_key=name_key(payer.name),
        legal_form=LegalForm.CHARITY,
        register=Register.CHARITY_COMMISSION,
        register_number=f"{number:07d}",
        district=DISTRICTS[number % 10].code,
        address="1 Example Street",
        claims=[],
        proposed_reason="",
        sector=list(Sector)[number % 3],
        status=MembershipStatus.MEMBER,
        applied_at=NOW,
        decided_at=NOW,
        joined_on=date(2025, 4, 1),
        contact_name="Contact",
        contact_email=f"contact{number}@example.org",
    )


def _pledge(number: int, payer: Payer) -> None:
    reference = with_check(f"PL-2025-{number:04d}")
    db.session.add(
        Pledge(
            id=number,
            reference=reference,
            reference_key=normal_reference(reference),
            organisation_id=number,
            pence=sum(payer.pence),
            state=PledgeState.PLEDGED,
            pledged_at=NOW,
        )
    )
    db.session.flush()
    for place, pence in enumerate(payer.pence, start=1):
        own = with_check(f"PI-2025-{number:04d}-{place:02d}")
        db.session.add(
            PledgeInstalment(
                pledge_id=number,
                number=place,
                reference=own,
                reference_key=normal_reference(own),
                due_on=date(2025 + place // 12, place % 12 + 1, 1),
                pence=pence,
                state=InstalmentState.OPEN,
            )
        )


def _send(paid: list[tuple[str, str, int]], steward: Actor) -> None:
    total = sum(pence for _, _, pence in paid)
    said = {"occurred_on": date(2025, 4, 1), "description": "Money of earlier years", "actor": steward, "now": NOW}
    with transaction() as session:
        books.book_bank_line(key="bank:earlier", pence=total, **said)
        books.receive_contribution(key="earlier", contributor="org:GM-0001", pence=total, **said)
        payee = Payee(
            owner="org:GM-0001",
            account_name="A grantee",
            sort_code="112233",
            account_number="12345678",
            given_by_id=steward.person_id,
            given_at=NOW,
            name_check=NameCheck.PAID_BEFORE,
        )
        file = PaymentFile(
            reference="PF-2025-001",
            content=b"",
            sha256="",
            order_count=len(paid),
            total_pence=total,
            execute_on=date(2025, 6, 30),
            made_at=NOW,
            made_by_id=steward.person_id,
        )
        session.add_all([payee, file])
        session.flush()
        for reference, name, pence in paid:
            grant = f"grant:{reference}"
            books.commit(key=f"{grant}:committed", grant=grant, pence=pence, **said)
            books.pay_grant(key=grant, grant=grant, pence=pence, **said)
            session.add(
                PaymentOrder(
                    key=grant,
                    owner="org:GM-0001",
                    grant_owner=grant,
                    payee_id=payee.id,
                    pence=pence,
                    reference=reference,
                    description=f"Grant {reference} to {name}",
                    state=OrderState.SENT,
                    ordered_at=NOW,
                    file_id=file.id,
                    sent_at=NOW,
                )
            )


@dataclass(frozen=True)
class Measured:
    """Seconds and lines of each step, and what the books then say."""

    import_s: float
    certain_s: float
    confirm_s: float
    lines: int
    certain: int
    confirmed: int
    books: str

    @property
    def seconds(self) -> float:
        return self.import_s + self.certain_s + self.confirm_s


def measure(file: Path, steward: Actor) -> Measured:
    """Import a file of the year, match what is sure, confirm what a person would."""
    content, began = file.read_bytes(), time.perf_counter()
    with transaction():
        taken = questions.take(content=content, filename=file.name, actor=steward, now=NOW)
        lines: int = taken.line_count  # type: ignore[union-attr]
    imported = time.perf_counter()
    certain = service.match_what_is_certain(actor=steward, now=NOW)
    sure = time.perf_counter()
    confirmed = confirm(steward)
    done = time.perf_counter()
    return Measured(imported - began, sure - imported, done - sure, lines, certain, confirmed, fingerprint())


def confirm(steward: Actor) -> int:
    """Press the button on every proposal that names the payer, a page at a time."""
    confirmed = 0
    left = -1
    while left:
        waiting = matching.suggestions(bank.open_lines_in(AT_ONCE))
        chosen = {
            one.line.id: named[0].pledge.reference for one in waiting if (named := _named(one)) and _of_one_payer(named)
        }
        db.session.rollback()
        with transaction():
            left = len(service.confirm(proposals=chosen, actor=steward, now=NOW).receipts)
        confirmed += left
    return confirmed


def _named(one: matching.WaitingLine) -> list[Suggestion]:
    """The proposals whose organisation's very name stands in the line; a name that is only alike may be another's."""
    names = phrases_in(f"{one.line.counterparty} {one.line.remittance}")
    return [suggestion for suggestion in one.suggestions if name_key(suggestion.pledge.organisation_name) in names]


def _of_one_payer(named: list[Suggestion]) -> bool:
    """Whether a person can tell whose it is: some payers of the year share their names."""
    return len({suggestion.pledge.organisation_id for suggestion in named}) == 1


def fingerprint() -> str:
    """What the books hold, account by account, and what each receipt says, whatever the order of booking."""
    held = [
        tuple(row) for row in db.session.execute(select(Account.code, Account.balance_pence).order_by(Account.code))
    ]
    receipts = sorted(
        tuple(row) for row in db.session.execute(select(Receipt.organisation_id, Receipt.received_on, Receipt.pence))
    )
    db.session.rollback()
    return sha256(repr((held, receipts)).encode()).hexdigest()


def _laid(url: str) -> tuple[Flask, Actor]:
    app = create_app(Settings(url, "for measuring only", "http://localhost"), clock=MovableClock(NOW))
    with app.app_context():
        upgrade()
        steward = lay(DATA / "entries.csv")
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    return app, steward


def main(kinds: list[str], files: list[str]) -> bool:
    """Measure and tell; whether every file took less than it may, to the same books."""
    holds = True
    throwaway = None if os.environ.get("SICF_TEST_POSTGRES") or "postgresql" not in kinds else ThrowawayPostgres()
    server = throwaway.start() if throwaway else os.environ.get("SICF_TEST_POSTGRES", "")
    try:
        for kind in kinds:
            click.echo(f"\n{kind:26}import      sure        confirm     together")
            told = set()
            for number, name in enumerate(files):
                with tempfile.TemporaryDirectory() as folder:
                    app, steward = _laid(_fresh(kind, number, Path(folder), server))
                    with app.app_context():
                        found = measure(DATA / "authored" / "year" / name, steward)
                    _let_go(app)
                told.add(found.books)
                holds &= found.seconds < MOST_SECONDS
                click.echo(
                    f"{name:22}{found.import_s:6.1f}s {found.lines:4}{found.certain_s:6.1f}s {found.certain:4}"
                    f"{found.confirm_s:6.1f}s {found.confirmed:4}{found.seconds:6.1f}s"
                )
            click.echo("the same books" if len(told) == 1 else "DIFFERENT BOOKS")
            holds &= len(told) == 1
    finally:
        if throwaway:
            throwaway.stop()
    return holds


if __name__ == "__main__":
    chosen = [word for word in sys.argv[1:] if "." not in word] or ["sqlite", "postgresql"]
    sys.exit(not main(chosen, [word for word in sys.argv[1:] if "." in word] or list(FILES)))

"""Invoices: numbered without gaps, never edited, and equal to what the books say is owed."""

import threading
from datetime import date, timedelta
from io import BytesIO

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

import ledger.queries
import ledger.service
from fund.documents.models import Document
from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotFound
from ledger.rules import AccountKind
from members.contributions import service as contributions
from members.contributions.invoices import queries, service
from members.contributions.invoices.rules import pay_by
from members.contributions.models import CreditNote, Invoice, Pledge, PledgeInstalment
from members.contributions.schedules import queries as schedule
from members.contributions.schedules.rules import PledgeKind
from members.rules import Sector
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official

DAY = date(2026, 5, 29)


def test_an_invoice_is_due_with_its_instalment_but_never_sooner_than_the_terms() -> None:
    assert pay_by(date(2026, 9, 1), DAY, 30) == date(2026, 9, 1)
    assert pay_by(date(2026, 6, 1), DAY, 30) == date(2026, 6, 28)


@pytest.fixture(autouse=True)
def _society(app: Flask) -> None:
    found_society()


@pytest.fixture
def finance(app: Flask) -> Actor:
    return officer(member("Alder Works", Sector.PRIVATE), Role.FINANCE)[1]


def pledged(actor: Actor, clock: MovableClock, *, count: int = 1) -> list[PledgeInstalment]:
    assert actor.organisation_id is not None
    kind = PledgeKind.ONE_OFF if count == 1 else PledgeKind.INSTALMENTS
    with transaction():
        made = contributions.pledge(
            organisation_id=actor.organisation_id,
            pence=1_000_00,
            po_number="PO 77",
            actor=actor,
            now=clock.now(),
            kind=kind,
            first_on=(clock.now() + timedelta(days=10)).date(),
            count=count,
            months=3,
        )
    return schedule.of_pledge(made.id)


def issued(one: PledgeInstalment, actor: Actor | None, clock: MovableClock) -> Invoice:
    instalment_id = one.id
    with transaction():
        return service.issue(instalment_id=instalment_id, actor=actor, now=clock.now())


def paid(reference: str, pence: int, clock: MovableClock, source: str) -> None:
    with transaction():
        contributions.receive(
            pledge_reference=reference,
            pence=pence,
            received_on=DAY,
            source=source,
            held_in=AccountKind.STRIPE,
            actor=None,
            now=clock.now(),
        )


def owed() -> int:
    """What the books say is invoiced; the instalments say the same."""
    booked = ledger.queries.balance(
        AccountKind.RECEIVABLE, db.session.scalars(select(Pledge)).first().organisation.owner
    )  # type: ignore[union-attr]
    assert booked == db.session.scalar(select(func.sum(PledgeInstalment.invoiced_pence)))
    assert ledger.service.check() == []
    return booked


def test_an_invoice_is_booked_and_payment_clears_it(app: Flask, clock: MovableClock, finance: Actor) -> None:
    (one,) = pledged(finance, clock)
    made = issued(one, finance, clock)
    assert (made.pence, made.po_number, made.billed_name) == (1_000_00, "PO 77", "Alder Works")
    assert owed() == 1_000_00
    assert ledger.queries.pot().available_pence == 0
    with pytest.raises(Conflict, match="stands"):
        issued(one, finance, clock)
    paid(one.reference, 400_00, clock, "stripe:1")
    assert owed() == 600_00
    paid(one.reference, 900_00, clock, "stripe:2")
    assert owed() == 0
    with pytest.raises(Conflict):
        issued(one, finance, clock)


def test_a_credit_note_undoes_what_is_left_and_another_invoice_may_follow(
    app: Flask, clock: MovableClock, finance: Actor
) -> None:
    (one,) = pledged(finance, clock)
    made = issued(one, finance, clock)
    paid(one.reference, 400_00, clock, "stripe:1")
    with transaction():
        note = service.credit(invoice_id=made.id, reason="Wrong order number.", actor=finance, now=clock.now())
    assert (note.pence, owed()) == (600_00, 0)
    with pytest.raises(Conflict, match="credited before"), transaction():
        service.credit(invoice_id=made.id, reason="Again", actor=finance, now=clock.now())
    again = issued(one, finance, clock)
    assert (again.pence, owed()) == (600_00, 600_00)
    paid(one.reference, 600_00, clock, "stripe:2")
    with pytest.raises(Conflict, match="is paid"), transaction():
        service.credit(invoice_id=again.id, reason="Late", actor=finance, now=clock.now())


def test_cancelling_a_pledge_credits_its_invoice(app: Flask, clock: MovableClock, finance: Actor) -> None:
    (one,) = pledged(finance, clock)
    issued(one, finance, clock)
    pledge_id = one.pledge_id
    with transaction():
        contributions.cancel(pledge_id=pledge_id, reason="Budget cut", actor=finance, now=clock.now())
    assert owed() == 0
    assert "Budget cut" in db.session.scalars(select(CreditNote)).one().reason


def test_numbers_have_no_gaps_and_begin_anew_each_fund_year(app: Flask, clock: MovableClock, finance: Actor) -> None:
    instalments = pledged(finance, clock, count=4)
    assert issued(instalments[0], finance, clock).reference == "INV-2026-0001"
    with pytest.raises(Conflict):
        issued(instalments[0], finance, clock)
    assert issued(instalments[1], finance, clock).reference == "INV-2026-0002"
    clock.move(timedelta(days=365))
    assert issued(instalments[2], finance, clock).reference == "INV-2027-0001"


def test_strangers_learn_nothing(app: Flask, clock: MovableClock, finance: Actor) -> None:
    (one,) = pledged(finance, clock)
    stranger = officer(member("Birch", Sector.VCSE))[1]
    with pytest.raises(NotFound):
        issued(one, stranger, clock)
    made = issued(one, official("Stella", Role.STEWARD)[1], clock)
    for bad in (0, 2**70, 999):
        with pytest.raises(NotFound), transaction():
            service.credit(invoice_id=bad, reason="x", actor=finance, now=clock.now())
    with pytest.raises(NotFound), transaction():
        service.credit(invoice_id=made.id, reason="x", actor=stranger, now=clock.now())
    assert not queries.may_see(made, stranger)


def test_the_sweep_invoices_schedules_in_time_and_only_once(app: Flask, clock: MovableClock, finance: Actor) -> None:
    pledged(finance, clock)
    several = pledged(finance, clock, count=4)
    for expected in (1, 0):
        with transaction():
            assert service.sweep(clock.now()) == expected
    assert db.session.scalars(select(Invoice)).one().instalment_id == several[0].id
    invoice_id = db.session.scalars(select(Invoice.id)).one()
    with transaction():
        service.credit(invoice_id=invoice_id, reason="Wrong", actor=finance, now=clock.now())
    with transaction():
        assert service.sweep(clock.now()) == 0


def test_an_issued_invoice_is_never_rewritten(app: Flask, clock: MovableClock, finance: Actor) -> None:
    (one,) = pledged(finance, clock)
    issued(one, finance, clock)
    with pytest.raises(DatabaseError), transaction() as session:
        session.scalars(select(Invoice)).one().pence = 5


def test_two_presses_at_once_make_one_invoice(app: Flask, clock: MovableClock, finance: Actor) -> None:
    (one,) = pledged(finance, clock)
    instalment_id, said, start = one.id, [], threading.Barrier(2)
    db.session.remove()

    def press() -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    said.append(service.issue(instalment_id=instalment_id, actor=None, now=clock.now()).reference)
            except Conflict:
                said.append("conflict")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["INV-2026-0001", "conflict"]
    assert owed() == 1_000_00


def test_asking_for_an_invoice_and_undoing_it_on_the_page(app: Flask, clock: MovableClock) -> None:
    alder = member("Alder Works", Sector.PRIVATE)
    person, actor = officer(alder, Role.FINANCE)
    (one,) = pledged(actor, clock)
    reference = one.reference
    visitor = Visitor(app).sign_in(person)
    page = visitor.get(f"/pledges/{reference}")
    done = page.send("Send an invoice")
    assert "Invoice INV-2026-0001 for £1,000 is made" in done.text
    assert page.send("Send an invoice").status == 200
    assert db.session.scalar(select(func.count()).select_from(Invoice)) == 1
    content = visitor.get("/documents/invoice/INV-2026-0001.pdf").response.get_data()
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    for words in (
        "INV-2026-0001",
        reference,
        "PO 77",
        "Alder Works",
        "£1,000",
        "1 Example Street",
        "no VAT is charged",
    ):
        assert words in " ".join(text.split()), words
    assert db.session.scalars(select(Document.sha256)).one()
    shown = visitor.get("/invoices/INV-2026-0001")
    assert shown.send("Make a credit note").errors() == ["Say why in a few words; it stands on the credit note."]
    assert "Credit note CN-2026-0001 is made" in shown.send("Make a credit note", reason="Wrong number").text
    assert visitor.get("/documents/credit_note/CN-2026-0001.pdf").response.get_data().startswith(b"%PDF")
    assert "Credited" in visitor.get("/invoices/INV-2026-0001").text
    stranger = Visitor(app).sign_in(officer(member("Birch", Sector.VCSE))[0])
    for path in (
        "/invoices/INV-2026-0001",
        "/invoices/INV-2026-0009",
        "/documents/invoice/INV-2026-0001.pdf",
        "/documents/credit_note/CN-2026-0001.pdf",
    ):
        assert stranger.get(path, status=404).status == 404

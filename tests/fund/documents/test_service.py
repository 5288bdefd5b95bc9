"""Issuing: made once, kept, and told when altered."""

import threading
from datetime import timedelta
from hashlib import sha256
from io import BytesIO

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from fund.documents import service
from fund.documents.models import Document
from fund.documents.rules import Kind
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import NotFound
from fund.kernel.society import Society
from tests.fund.documents import matter
from tests.world import found_society


@pytest.fixture(autouse=True)
def _fund(app: Flask) -> None:
    found_society()


def words(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())


def issue(kind: Kind, reference: str, clock: MovableClock) -> Document:
    with transaction():
        return service.issue(kind=kind, reference=reference, now=clock.now())


def test_a_receipt_says_who_what_when_and_for_which_pledge(clock: MovableClock) -> None:
    reference = matter.receipt(clock.now())
    text = words(issue(Kind.RECEIPT, reference, clock).content)
    for part in (
        reference,
        "Quays Council",
        "£12,500",
        "29 May 2026",
        "PO 77 & co",
        "Irwell Collaboration Fund",
        "PL-2026",
    ):
        assert part in text


def test_a_proposal_holds_everything_that_was_sent(clock: MovableClock) -> None:
    matter.sent_proposal(clock.now())
    text = words(issue(Kind.PROPOSAL, "P-2026-001-v1", clock).content)
    for part in (
        "A shed for <everybody>", "P-2026-001, version 1", "Homes & work (R-2026-1)", "We open the old tram shed.",
        "Roof £30,000 £20,000.50", "In all £30,000 £20,000.50", "Ancoats Joinery", "Private",
        "Delivers part of the work",
        "Staff time: Two days a week", "Pay slips", "£15,000.50", "4 March 2026", "Walk Shed 9 2 1",
        "Heard: It is cold Changed: A stove first", "4: Co-designed", "They drew it", "Leases of ten",
        "Policy and rules",
    ):  # fmt: skip
        assert part in text, part


def test_a_long_answer_is_all_there(clock: MovableClock) -> None:
    matter.sent_proposal(clock.now(), idea="measured " * 2_000)
    assert words(issue(Kind.PROPOSAL, "P-2026-001-v1", clock).content).count("measured") == 2_000


def test_the_issued_bytes_stay_whatever_changes_later(clock: MovableClock) -> None:
    reference = matter.receipt(clock.now())
    first = issue(Kind.RECEIPT, reference, clock)
    content, fingerprint = first.content, first.sha256
    assert fingerprint == sha256(content).hexdigest()
    clock.move(timedelta(days=3))
    with transaction() as session:
        session.get_one(Society, 1).name = "Renamed Fund"
    again = issue(Kind.RECEIPT, reference, clock)
    assert (again.content, again.issued_at) == (content, clock.now() - timedelta(days=3))
    assert db.session.scalar(select(func.count()).select_from(Document)) == 1


def test_an_agreement_is_another_paper_after_each_signature(clock: MovableClock) -> None:
    sent = matter.award(clock.now())
    unsigned = issue(Kind.AGREEMENT, "G-2026-001", clock).content
    assert "Not yet in force: signed by 0 of 2 parties" in words(unsigned)
    assert "Yet to sign: Tram Shed Trust, Ancoats Joinery." in words(unsigned)
    matter.sign(sent.lead_id, sent.lead, clock.now())
    half = words(issue(Kind.AGREEMENT, "G-2026-001", clock).content)
    assert "signed by 1 of 2" in half
    assert "Yet to sign: Ancoats Joinery." in half
    matter.sign(sent.partner_id, sent.partner, clock.now())
    whole = words(issue(Kind.AGREEMENT, "G-2026-001", clock).content)
    assert "Signed by every party" in whole
    assert "1. Who this is between The fund & the trust. 2. How much £20,000.50 in all." in whole
    assert "Tram Shed Trust Officer of Tram Shed Trust 1 June 2026" in whole
    editions = db.session.scalars(select(Document.edition).order_by(Document.id)).all()
    assert editions == ["1.0", "1.1", "1.2"]


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        (Kind.RECEIPT, "RC-1999-001"),
        (Kind.PROPOSAL, "P-1999-001-v1"),
        (Kind.PROPOSAL, "P-1999-001"),
        (Kind.AGREEMENT, "G-1999-001"),
    ],
)
def test_nothing_is_issued_of_what_is_not_there(kind: Kind, reference: str, clock: MovableClock) -> None:
    with pytest.raises(NotFound):
        issue(kind, reference, clock)


def test_two_at_once_issue_one_document(app: Flask, clock: MovableClock) -> None:
    reference = matter.receipt(clock.now())
    start, seen = threading.Barrier(4), []

    def ask() -> None:
        with app.app_context():
            start.wait(10)
            with transaction():
                seen.append(service.issue(kind=Kind.RECEIPT, reference=reference, now=clock.now()).content)
            db.session.remove()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(seen) == 4
    assert len(set(seen)) == 1
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Document)) == 1


@pytest.mark.parametrize("statement", ["UPDATE document SET sha256 = ''", "DELETE FROM document"])
def test_the_database_keeps_what_was_issued(statement: str, clock: MovableClock) -> None:
    issue(Kind.RECEIPT, matter.receipt(clock.now()), clock)
    with pytest.raises(DatabaseError, match="append-only"), transaction() as session:
        session.execute(text(statement))


def lift_guards(table: str) -> None:
    """What somebody with the database's password can do."""
    with transaction() as session:
        if session.get_bind().dialect.name == "sqlite":
            session.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_update"))
        else:
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def test_check_finds_nothing_where_nothing_was_altered(clock: MovableClock) -> None:
    sent = matter.award(clock.now())
    matter.sign(sent.lead_id, sent.lead, clock.now())
    issue(Kind.RECEIPT, matter.receipt(clock.now()), clock)
    issue(Kind.PROPOSAL, "P-2026-001-v1", clock)
    issue(Kind.AGREEMENT, "G-2026-001", clock)
    assert service.check() == []


def test_check_names_what_was_altered(clock: MovableClock) -> None:
    sent = matter.award(clock.now())
    matter.sign(sent.lead_id, sent.lead, clock.now())
    reference = matter.receipt(clock.now())
    issue(Kind.RECEIPT, reference, clock)
    issue(Kind.PROPOSAL, "P-2026-001-v1", clock)
    for table, change in (
        ("document", "UPDATE document SET content = content || content WHERE kind = 'receipt'"),
        ("proposal_version", "UPDATE proposal_version SET content = replace(content, 'Roof', 'Yacht')"),
        ("signature", "UPDATE signature SET sha256 = 'other'"),
        ("agreement", "UPDATE agreement SET text = replace(text, '20,000', '90,000')"),
    ):
        lift_guards(table)
        with transaction() as session:
            session.execute(text(change))
    faults = service.check()
    assert len(faults) == 4
    assert faults[0].startswith(f"The receipt {reference} that was issued is no longer as it was")
    assert faults[1].startswith("Version 1 of proposal P-2026-001 is no longer as it was sent")
    assert faults[2].startswith("Text 1 of the agreement of award G-2026-001 was altered")
    assert "Officer of Tram Shed Trust of Tram Shed Trust signed another text" in faults[3]

"""Downloading: the right bytes to the right people, and no word to the others."""

import pytest
from flask import Flask

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db
from members.accounts.models import Person
from members.rules import Sector
from tests.fund.documents import matter
from tests.visitor import Visitor
from tests.world import appoint, found_society, member, officer, official, person


@pytest.fixture(autouse=True)
def _fund(app: Flask) -> None:
    found_society()


def somebody(actor_id: int) -> Person:
    return db.session.get_one(Person, actor_id)


def test_a_receipt_is_for_the_payers_people_and_the_office(app: Flask, clock: MovableClock) -> None:
    payer = member("Quays Council", Sector.PUBLIC)
    reference = matter.receipt(clock.now(), payer)
    path = f"/documents/receipt/{reference}.pdf"
    other = member("Other Council", Sector.PUBLIC)
    finance = person("Finance")
    appoint(finance, payer, Role.FINANCE)
    payer_id = payer.id
    for reader, organisation_id in ((finance, payer_id), (official("Auditor", Role.AUDITOR)[0], None)):
        answer = Visitor(app).sign_in(reader, organisation_id).get(path).response
        assert answer.mimetype == "application/pdf"
        assert answer.data == matter.issued_bytes("receipt", reference)
        assert f'receipt-{reference}.pdf"' in answer.headers["Content-Disposition"]
        assert "private" in answer.headers["Cache-Control"]
    for reader in (officer(other)[0], official("Assessor", Role.ASSESSOR)[0], person("Nobody")):
        assert Visitor(app).sign_in(reader).get(path, status=404).heading == "Not found"


def test_signed_out_people_are_asked_to_sign_in(visitor: Visitor, clock: MovableClock) -> None:
    reference = matter.receipt(clock.now())
    page = visitor.get(f"/documents/receipt/{reference}.pdf")
    assert page.is_html
    assert page.path == "/sign-in"


def test_a_proposal_is_for_its_partners_and_the_office(app: Flask, clock: MovableClock) -> None:
    sent = matter.sent_proposal(clock.now())
    path = "/documents/proposal/P-2026-001-v1.pdf"
    stranger = officer(member("Stranger", Sector.PRIVATE))[0]
    for reader in (somebody(sent.lead.person_id), somebody(sent.partner.person_id), official("S", Role.STEWARD)[0]):
        assert Visitor(app).sign_in(reader).get(path).response.data.startswith(b"%PDF-")
    Visitor(app).sign_in(stranger).get(path, status=404)


def test_an_agreement_is_for_its_parties_and_the_office(app: Flask, clock: MovableClock) -> None:
    sent = matter.award(clock.now())
    path = "/documents/agreement/G-2026-001.pdf"
    stranger = officer(member("Stranger", Sector.PRIVATE))[0]
    for reader in (somebody(sent.lead.person_id), somebody(sent.partner.person_id), official("S", Role.STEWARD)[0]):
        assert Visitor(app).sign_in(reader).get(path).response.data == matter.issued_bytes("agreement", "G-2026-001")
    Visitor(app).sign_in(stranger).get(path, status=404)


@pytest.mark.parametrize(
    "path",
    [
        "receipt/RC-1999-0001", "proposal/P-1999-001-v1", "proposal/P-1999-001", "proposal/P-2026-001-v" + "9" * 30,
        "agreement/G-1999-001", "poem/P-2026-001", "receipt/%00", "receipt/" + "x" * 5000, "receipt/Ω", "document/1",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(path: str, app: Flask, clock: MovableClock) -> None:
    Visitor(app).sign_in(official("S", Role.STEWARD)[0]).get(f"/documents/{path}.pdf", status=404)

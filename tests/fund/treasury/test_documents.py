"""From a transfer to the papers behind it."""

from datetime import UTC, date, datetime

from flask import Flask

import ledger.bank.service
import ledger.queries
from fund.grants import service as grants
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from fund.treasury.documents import beginnings
from ledger.bank import queries as bank
from members.contributions import service as contributions
from members.rules import Sector
from tests.fund.grants import awarding
from tests.ledger.books import commit, put_in
from tests.members.paid import arrive
from tests.visitor import Page, Visitor
from tests.world import found_society, member, officer, official


def _page(visitor: Visitor, key: str) -> Page:
    found = ledger.queries.by_key(key)
    assert found is not None
    return visitor.get(f"/books/transfers/{found.id}")


def test_a_key_is_looked_for_by_each_of_its_beginnings() -> None:
    assert beginnings("bank:1:x:contribution") == ["bank:1:x:contribution", "bank:1:x", "bank:1", "bank"]


def test_a_contribution_leads_to_its_receipt_pledge_member_and_bank_line(
    app: Flask, clock: MovableClock, visitor: Visitor
) -> None:
    found_society()
    own = member("Alder Works", Sector.PRIVATE)
    _, finance = officer(own, Role.FINANCE)
    somebody, steward = official("Stella Steward", Role.STEWARD)
    own_id = own.id
    with transaction():
        pledge = contributions.pledge(
            organisation_id=own_id, pence=500_00, po_number=None, actor=finance, now=clock.now()
        )
        reference, pledge_id = pledge.reference, pledge.id
    (line_id,) = arrive([(date(2026, 5, 29), 500_00, reference)], steward, clock.now())
    with transaction():
        receipt = contributions.match(line_id=line_id, pledge_id=pledge_id, actor=steward, now=clock.now()).reference
    key = bank.line(line_id).key
    visitor.sign_in(somebody)
    page = _page(visitor, f"{key}:contribution")
    assert "Booked byStella Steward" in page.text
    assert page.follow("Line 1 of statement 1").heading.startswith("Statement")
    assert page.links()[receipt] == f"/documents/receipt/{receipt}.pdf"
    assert page.follow(reference).path == f"/pledges/{reference}"
    assert page.follow("Alder Works").heading == "Alder Works"
    arrived = _page(visitor, key)
    assert "Line 1 of statement 1" in arrived.links()
    assert receipt not in arrived.text
    # An auditor reads the same, without the way to pages that are the steward's.
    auditor = Visitor(app).sign_in(official("Audrey Auditor", Role.AUDITOR)[0])
    page = _page(auditor, f"{key}:contribution")
    assert "Line 1 of statement 1" in page.text
    assert "Line 1 of statement 1" not in page.links()


def test_a_payment_leads_to_its_grant_its_page_its_file_and_the_bank(
    app: Flask, clock: MovableClock, visitor: Visitor
) -> None:
    grant = awarding.lay(clock)
    grant.ready_to_live()
    grant.go_live()
    grant.bank_details(grant.lead, "lead")
    grant.bank_details(grant.firm, "firm", "87654321")
    clock.move_to(datetime(2026, 7, 1, 9, tzinfo=UTC))
    with transaction():
        grants.sweep(clock.now())
    grant.ordered()
    key = f"grant:{grant.reference}:instalment:1"
    order = bank.order_by_key(key)
    assert order is not None
    order_id = order.id
    with transaction():
        file = ledger.bank.service.make_payment_file(
            order_ids=[order_id], actor=grant.actors["steward"], now=clock.now()
        ).reference
    visitor.sign_in(grant.people["steward"])
    page = _page(visitor, key)
    assert page.links()[file] == f"/bank/files/{file}.xml"
    assert page.follow(f"Payment 1 of {grant.reference}").path == f"/grants/{grant.reference}/payments/1"
    assert page.follow(grant.reference).heading == f"Grant {grant.reference}"
    with transaction():
        ledger.bank.service.fail_order(
            order_id=order_id,
            reason="Closed account",
            line_id=None,
            actor=grant.actors["second steward"],
            now=clock.now(),
        )
    returned = _page(visitor, f"{key}:returned:1")
    assert "Closed account" in returned.text
    assert file in returned.links()
    assert "undone by transfer" in _page(visitor, key).text


def test_a_transfer_without_papers_says_so(app: Flask, visitor: Visitor) -> None:
    found_society()
    visitor.sign_in(official("Audrey Auditor", Role.AUDITOR)[0])
    put_in(1_000_00)
    commit(1_00, key="grant:G-x:instalment:²")
    page = _page(visitor, "grant:G-x:instalment:²")
    assert "No statement line, receipt, payment or grant is linked to it." in page.text

"""A person of one organisation tries each page and form of another, and of stewards: 403 or 404, nothing changed."""

import re
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from ledger.bank.models import StatementLine
from members import service as members
from members.accounts.models import Invitation, Person
from members.contributions import service as contributions
from members.contributions.models import Pledge, Receipt
from members.models import Appointment, ConnectedGroup, Organisation, SectorDecision
from members.rules import LegalForm, Register, Sector, SectorFacts
from tests.members.paid import arrive
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official

TABLES = (Organisation, Appointment, Invitation, Person, Pledge, Receipt, SectorDecision, ConnectedGroup, StatementLine)


def _everything() -> dict[str, list[tuple[object, ...]]]:
    db.session.rollback()
    return {
        t.__tablename__: [tuple(row) for row in db.session.execute(select(t.__table__).order_by(t.id))] for t in TABLES
    }


@pytest.mark.parametrize("role", [Role.CERTIFIER, Role.FINANCE, Role.REPRESENTATIVE, Role.DEPUTY, Role.EDITOR])
def test_strangers_change_nothing(app: Flask, visitor: Visitor, clock: MovableClock, role: Role) -> None:
    found_society()
    steward = official("Stella Steward", Role.STEWARD)[1]
    own, theirs = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
    intruder, _ = officer(own, role, name="Ingrid Intruder")
    victim, certifier = officer(theirs, name="Vic Victim")
    theirs_id, reference = theirs.id, theirs.reference
    with transaction():
        members.appoint(
            organisation_id=theirs_id, name="Rob", email="rob@birch.example", role=Role.REPRESENTATIVE,
            actor=certifier, now=clock.now(),
        )  # fmt: skip
        pledge = contributions.pledge(
            organisation_id=theirs_id, pence=5000, po_number=None, actor=certifier, now=clock.now()
        )
        applicant = members.apply(
            name="Cedar", facts=SectorFacts(LegalForm.CHARITY), register=Register.NONE, register_number="",
            district="E08000001", address="1 Lane", contact_name="Cy", contact_email="cy@cedar.example",
            actor=None, now=clock.now(),
        )  # fmt: skip
        pledge_reference, applicant_reference = pledge.reference, applicant.reference
    (line_id,) = arrive([(date(2026, 5, 29), 5000, pledge_reference)], steward, clock.now())
    invitation_id = db.session.scalars(select(Invitation.id)).one()
    appointment_id = db.session.scalars(select(Appointment.id).where(Appointment.organisation_id == theirs_id)).one()
    visitor.sign_in(intruder)
    token = _token(visitor)
    before = _everything()

    forms: dict[str, dict[str, object]] = {
        f"/members/{reference}/people/invite": {"name": "X", "email": "x@alder.example", "role": "finance"},
        f"/members/{reference}/people/{appointment_id}/end": _action(f"end-{appointment_id}"),
        f"/members/{reference}/people/invitations/{invitation_id}/withdraw": _action(f"withdraw-{invitation_id}"),
        f"/account/act-for/{theirs_id}": _action(f"for-{theirs_id}"),
        f"/pledges/{pledge_reference}": {"reason": "Mischief"},
        f"/applications/{applicant_reference}/approve": _action("approve")
        | {"approve-sector": "vcse", "approve-basis": "x", "approve-evidence": "x", "approve-reasons": "x"},
        f"/applications/{applicant_reference}/refuse": _action("refuse") | {"refuse-reasons": "x"},
        f"/members/{reference}/sector": {"sector": "public", "basis": "x", "evidence": "x"},
        f"/members/{reference}/connected": {"other": own.reference},
        f"/members/{reference}/disconnect": _action("leave"),
        f"/money-in/{line_id}": {"pledge": pledge_reference},
        f"/money-in/{line_id}/confirm": _action(f"match-{line_id}") | {f"match-{line_id}-pledge": pledge_reference},
    }
    for path, data in forms.items():
        tokens = dict.fromkeys(("csrf_token", *(k for k in data if k.endswith("csrf_token"))), token)
        page = visitor.post(path, {"form_id": f"id-{path}", **data, **tokens})
        assert page.status in (403, 404), f"{path}: {page.status} {page.text[:200]}"
    pages = [
        f"/members/{reference}/people",
        f"/members/{reference}/people/invite",
        f"/members/{reference}/sector",
        f"/members/{reference}/connected",
        f"/members/{applicant_reference}",
        f"/pledges/{pledge_reference}",
        "/applications",
        f"/applications/{applicant_reference}",
        "/money-in",
        f"/money-in/{line_id}",
    ]
    for path in pages:
        page = visitor.get(path, status=visitor.client.get(path).status_code)
        assert page.status in (403, 404), path
        assert "Vic Victim" not in page.text
        assert "Cedar" not in page.text
    assert _everything() == before
    assert victim.name == "Vic Victim"


def _action(prefix: str) -> dict[str, object]:
    return {f"{prefix}-csrf_token": "", f"{prefix}-form_id": f"id-{prefix}"}


def _token(visitor: Visitor) -> str:
    body = visitor.get("/account").response.get_data(as_text=True)
    found = re.search(r'csrf_token" value="([^"]+)"', body)
    assert found is not None
    return found[1]


def test_the_same_forms_work_for_those_they_are_for(app: Flask, visitor: Visitor, clock: MovableClock) -> None:
    """So that the test above can't pass because its forms are wrong."""
    found_society()
    own = member("Birch", Sector.VCSE)
    somebody, certifier = officer(own, name="Vic")
    own_id, reference = own.id, own.reference
    with transaction():
        made = contributions.pledge(
            organisation_id=own_id, pence=5000, po_number=None, actor=certifier, now=clock.now()
        )
        pledge_reference = made.reference
    visitor.sign_in(somebody)
    token = _token(visitor)
    for path, data in (
        (f"/members/{reference}/people/invite", {"name": "X", "email": "x@birch.example", "role": "finance"}),
        (f"/pledges/{pledge_reference}", {"reason": "Mischief"}),
        (f"/account/act-for/{own_id}", {f"for-{own_id}-csrf_token": token, f"for-{own_id}-form_id": "id"}),
    ):
        page = visitor.post(path, {"form_id": f"id-{path}", "csrf_token": token, **data})
        assert page.status == 200, f"{path}: {page.text[:200]}"
    db.session.rollback()
    assert db.session.scalars(select(Invitation.email)).all() == ["x@birch.example"]
    assert db.session.scalars(select(Pledge.cancel_reason)).all() == ["Mischief"]

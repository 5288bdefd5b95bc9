"""A person of one organisation tries each page and form of another, and of stewards: 403 or 404, nothing changed."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from fund.documents.rules import Kind
from fund.kernel.access import Permission, Role, declared
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from ledger.bank.models import StatementLine
from ledger.rules import AccountKind
from members import service as members
from members.accounts.models import Invitation, Person
from members.contributions import service as contributions
from members.contributions.invoices import service as invoices
from members.contributions.models import Pledge, PledgeInstalment, Receipt
from members.models import Appointment, ConnectedGroup, Organisation, SectorDecision
from members.offices import service as offices
from members.register.models import Expulsion, MembershipEvent, Suspension
from members.rules import LegalForm, Register, Sector, SectorFacts
from proposals.models import Proposal, Round
from tests.fund.grants import awarding
from tests.members.paid import arrive
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official
from voting.models import Ballot

TABLES = (
    Organisation, Appointment, Invitation, Person, Pledge, Receipt, SectorDecision, ConnectedGroup, StatementLine,
    MembershipEvent, Suspension, Expulsion,
)  # fmt: skip


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
        f"/applications/{applicant_reference}/check": _action("check")
        | {
            "check-identity": "x",
            "check-sector": "vcse",
            "check-basis": "x",
            "check-evidence": "x",
            "check-connections": "x",
        },
        f"/applications/{applicant_reference}/admit": _action("admit") | {"admit-reasons": "x"},
        f"/applications/{applicant_reference}/back": _action("back") | {"back-reasons": "x"},
        f"/members/{reference}/leave": {"effective_on": "2026-06-01", "understood": "y"},
        f"/registers/members/{reference}/suspend": _action("suspend")
        | {"suspend-from_on": "2026-06-01", "suspend-until_on": "2026-06-09", "suspend-reasons": "x"},
        f"/registers/members/{reference}/expulsion-notice": _action("notice")
        | {"notice-meeting_on": "2026-09-01", "notice-reasons": "x"},
        f"/registers/members/{reference}/end": _action("end") | {"end-kind": "dissolved", "end-reasons": "x"},
        f"/registers/members/{reference}/correct": {
            "address": "x",
            "contact_name": "x",
            "contact_email": "x@x.example",
        },
        f"/applications/{applicant_reference}/refuse": _action("refuse") | {"refuse-reasons": "x"},
        f"/members/{reference}/sector": {"sector": "public", "basis": "x", "evidence": "x"},
        f"/members/{reference}/connected": {"other": own.reference, "reason": "x"},
        f"/members/{reference}/disconnect": _action("leave") | {"leave-reason": "x"},
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
        f"/members/{reference}/leave",
        "/registers",
        "/registers/officers",
        "/registers/shares",
        f"/registers/members/{reference}",
        f"/registers/members/{reference}/membership",
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


# --- every address there is, filled with what belongs to others

_OF_ALL_MEMBERS = re.compile(
    r"^/account/|^/members/<reference>/votes$|/ballots/<reference>/(conflicts|roll|votes?)\b"
    r"|/rounds/<reference>/propose$|/proposals/<reference>/versions/"
)
"""Somebody's own account is their own. A ballot is every voting member's own, with the proposals on its paper as they
were sent; how each voted is for all members to see (handbook §5.4); anybody may begin a proposal in an open round."""

_WORDS = {
    "code": ("idea", "people", "none-such"),
    "kind": ("number", "story"),
    "measure_code": ("A1.1", "B1.1"),
    "outcome_code": ("A1", "B1"),
    "token": ("none-such",),
}
NUMBERS = (1, 2, 3)
"""Ids of B's rows: partners, people, payees, orders, instalments and the rest are the first of their tables."""


def _whole_database() -> dict[str, list[tuple[object, ...]]]:
    """Every table. Nothing is left out: a refused request writes no audit row, no session and no form submission."""
    db.session.rollback()
    return {
        table.name: sorted((tuple(row) for row in db.session.execute(select(table))), key=repr)
        for table in db.metadata.sorted_tables
    }


def _addresses(rule: Rule, references: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Each address of the rule that could name something of B's."""
    first = rule.rule.split("/")[1]
    choices: list[tuple[str, ...]] = []
    names = re.findall(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>", rule.rule)
    for converter, name in names:
        if converter == "int":
            choices.append(tuple(map(str, NUMBERS)))
        elif name == "organisation_reference":
            choices.append(references["members"])
        elif (first, name) == ("documents", "kind"):
            choices.append(tuple(Kind))
        else:
            choices.append(_WORDS.get(name) or references.get(first) or ("none-such",))
    for chosen in product(*choices):
        path = rule.rule
        for value in chosen:
            path = re.sub(r"<[^>]+>", value, path, count=1)
        yield path


def test_no_address_and_no_form_of_others_answers_a_stranger(app: Flask, visitor: Visitor, clock: MovableClock) -> None:
    """A person of A, with every role an organisation can give, replays all of B's addresses and forms and the
    stewards', with real references and ids: 403 or 404 each time, and not one row of one table differs."""
    grant = awarding.lay(clock)
    grant.payable()
    grant.prepare()
    lead_id = grant.lead.id
    with transaction():
        pledge = contributions.pledge(
            organisation_id=lead_id, pence=5000, po_number=None, actor=grant.actors["lead"], now=clock.now()
        )
        members.appoint(
            organisation_id=lead_id, name="Rob", email="rob@b.example", role=Role.REPRESENTATIVE,
            actor=grant.actors["lead"], now=clock.now(),
        )  # fmt: skip
        offices.propose_giving(
            name="Nia", email="nia@b.example", role=Role.STEWARD, reasons="x", actor=grant.actors["board"],
            now=clock.now(),
        )  # fmt: skip
        (instalment_id,) = db.session.scalars(select(PledgeInstalment.id).where(PledgeInstalment.pledge == pledge))
        first = invoices.issue(instalment_id=instalment_id, actor=grant.actors["lead"], now=clock.now())
        note = invoices.credit(invoice_id=first.id, reason="x", actor=grant.actors["steward"], now=clock.now())
        receipt = contributions.receive(
            pledge_reference=pledge.reference, pence=2000, received_on=clock.now().date(), source="stripe:test",
            held_in=AccountKind.STRIPE, actor=None, now=clock.now(),
        )  # fmt: skip
        pledge_reference, invoice_reference, note_reference = pledge.reference, first.reference, note.reference
        receipt_reference = receipt.reference
    papers = (
        (Kind.AGREEMENT, grant.reference),
        (Kind.RECEIPT, receipt_reference),
        (Kind.INVOICE, invoice_reference),
        (Kind.CREDIT_NOTE, note_reference),
    )
    proposal = db.session.scalars(select(Proposal)).one()
    references = {
        "members": (grant.lead.reference,),
        "people": (grant.lead.reference,),
        "applications": (grant.lead.reference,),
        "pledges": (pledge_reference,),
        "proposals": (proposal.reference,),
        "assessments": (proposal.reference,),
        "grants": (grant.reference,),
        "reports": (grant.reference,),
        "documents": tuple(reference for _, reference in papers),
        "invoices": (invoice_reference,),
        "ballots": tuple(db.session.scalars(select(Ballot.reference))),
        "rounds": tuple(db.session.scalars(select(Round.reference))),
    }
    own = member("Alder", Sector.PRIVATE)
    intruder, _ = officer(own, Role.CERTIFIER, Role.FINANCE, Role.REPRESENTATIVE, Role.EDITOR, name="Ingrid Intruder")
    own_id = own.id
    visitor.sign_in(intruder, own_id)
    before = _whole_database()
    app.config["WTF_CSRF_ENABLED"] = False
    tried = 0
    try:
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
            permission = declared(app.view_functions[rule.endpoint])
            if not rule.arguments or permission in (Permission.ANYONE, Permission.DEMO):
                continue
            if _OF_ALL_MEMBERS.search(rule.rule):
                continue
            for path in _addresses(rule, references):
                for method in sorted({"GET", "POST"} & (rule.methods or set())):
                    answer = visitor.client.open(path, method=method, data={"form_id": "replayed"})
                    assert answer.status_code in (403, 404), f"{method} {path}: {answer.status_code}"
                    tried += 1
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    assert tried > 300
    after = _whole_database()
    assert {name for name in before if before[name] != after[name]} == set()
    theirs = Visitor(app).sign_in(grant.people["lead"])
    for kind, reference in papers:  # so that the addresses above are true ones
        assert theirs.get(f"/documents/{kind}/{reference}.pdf").response.data.startswith(b"%PDF-"), kind

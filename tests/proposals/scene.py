"""A fund with an open round, and a lead, two partners and a steward: what tests of proposals begin from."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count

from flask import current_app

from fund.kernel.access import Actor, Role
from fund.kernel.db import db, transaction
from ledger.bank.models import BankAccount, Statement, StatementLine
from members.accounts.models import Person
from members.contributions.models import Pledge, Receipt
from members.contributions.rules import PledgeState
from members.models import Organisation
from members.rules import Sector
from proposals import questions, service
from proposals.evidence import attestation_service
from proposals.evidence import service as evidence_service
from proposals.evidence.words import Changed, Decisions, LeverKind, Offered, Phase, TookPart, Verdict, WhoAnswers
from proposals.models import Partner, Proposal, Round
from proposals.questions import QUESTIONS, Kind
from proposals.rules import CostLine, RoundPlan, Terms
from tests.conftest import START
from tests.scenes import laid_once
from tests.world import found_society, member, officer, official

TODAY = START.date()
CLOSES = START + timedelta(days=28)
_lines = count(1)

LEAD_TERMS = Terms("lead", "staff_time", "A worker, one day a week", 200_000, "Salary cost by the hour", 900_000)
PARTNER_TERMS = Terms("deliver", "space", "A room for 20 people", 100_000, "Usual hire price", 100_000)
PUBLIC_TERMS = Terms("decide_or_commission", "expertise", "Advice on buying", 50_000, "Day rate of the officer", 0)
LINES = (
    CostLine("A worker", 1_000_000, 800_000, False),
    CostLine("Paying co-producers", 350_000, 200_000, True),
)
"""£13,500 of cost: £10,000 from the grant, £3,500 from the partners' parts above."""


def paid_in(organisation: Organisation, pence: int, on: date = TODAY) -> None:
    """A payment that cleared, matched to a pledge."""
    number, organisation_id = next(_lines), organisation.id
    with transaction() as session:
        account = BankAccount(name="Fund", account_number=f"{number:08d}", opened_at=START)
        session.add(account)
        session.flush()
        statement = Statement(
            bank_account_id=account.id,
            filename="statement.csv",
            form="csv",
            sha256=str(number),
            line_count=1,
            known_count=0,
            left_out_count=0,
            remarks=[],
            imported_at=START,
        )
        pledge = Pledge(
            reference=f"PL-{number}",
            reference_key=f"PL{number}",
            organisation_id=organisation_id,
            pence=pence,
            paid_pence=pence,
            state=PledgeState.PAID,
            pledged_at=START,
        )
        session.add_all([statement, pledge])
        session.flush()
        line = StatementLine(
            statement_id=statement.id,
            bank_account_id=account.id,
            position=1,
            identity=f"line-{number}",
            form="csv",
            booked_on=on,
            amount_pence=pence,
            counterparty="",
            remittance="",
            bank_reference="",
            end_to_end="",
            details=[],
        )
        session.add(line)
        session.flush()
        session.add(
            Receipt(
                reference=f"RC-{number}",
                organisation_id=organisation_id,
                pledge_id=pledge.id,
                pence=pence,
                received_on=on,
                statement_line_id=line.id,
                transfer_id=number,
                issued_at=START,
            )
        )


@dataclass
class Scene:
    """Who and what there is. Actors act for their own organisation."""

    charity: Organisation
    firm: Organisation
    council: Organisation
    lead_person: Person
    lead: Actor
    editor_person: Person
    editor: Actor
    firm_person: Person
    firm_certifier: Actor
    council_person: Person
    council_certifier: Actor
    steward_person: Person
    steward: Actor
    round: Round


def plan(**changes: object) -> RoundPlan:
    """A good plan for a round, with changes."""
    values: dict[str, object] = {
        "title": "Homes that last",
        "purpose": "Safe, settled homes.",
        "written_case": "Nothing there is now works.",
        "senior_officer": "Rosa Quill",
        "budget_pence": 10_000_000,
        "smallest_pence": 100_000,
        "largest_pence": 5_000_000,
        "opens_at": START,
        "closes_at": CLOSES,
        "decide_by": date(2026, 9, 30),
    }
    return RoundPlan(**{**values, **changes})  # type: ignore[arg-type]


def published_round(steward: Actor, **changes: object) -> Round:
    with transaction():
        made = service.create_round(plan=plan(**changes), actor=steward, now=START)
        service.publish_round(round_id=made.id, actor=steward, now=START)
    return made


def opened_round(steward: Actor, **changes: object) -> Round:
    made = published_round(steward, **changes)
    with transaction():
        service.open_round(round_id=made.id, actor=steward, now=START)
    return made


@laid_once
def make_scene() -> Scene:
    """Three sectors have paid in, and a round is open."""
    found_society()
    charity, firm = member("Harbour Hands", Sector.VCSE), member("Mosslight Bakery", Sector.PRIVATE)
    council = member("Northmoor Council", Sector.PUBLIC)
    for organisation in (charity, firm, council):
        paid_in(organisation, 5_000_00)
    lead_person, lead = officer(charity, name="Lena Lead")
    editor_person, editor = officer(charity, Role.EDITOR, name="Ed Editor")
    firm_person, firm_certifier = officer(firm, name="Fay Firm")
    council_person, council_certifier = officer(council, name="Col Council")
    steward_person, steward = official("Stella Steward", Role.STEWARD)
    return Scene(
        charity=charity,
        firm=firm,
        council=council,
        lead_person=lead_person,
        lead=lead,
        editor_person=editor_person,
        editor=editor,
        firm_person=firm_person,
        firm_certifier=firm_certifier,
        council_person=council_person,
        council_certifier=council_certifier,
        steward_person=steward_person,
        steward=steward,
        round=opened_round(steward),
    )


def started(scene: Scene, title: str = "Warm rooms", now: datetime = START) -> Proposal:
    with transaction():
        return service.start_proposal(round_id=scene.round.id, title=title, actor=scene.lead, now=now)


def good_answer(code: str) -> str:
    """An answer to a question that leaves nothing to mend."""
    question = QUESTIONS[code]
    if question.kind is Kind.YES_NO:
        return "no" if code == questions.ENDS_WITH_MONEY else "yes"
    if question.kind in (Kind.CHOICE, Kind.MULTI):
        return question.choices[0][0]
    return "12" if question.kind is Kind.NUMBER else f"Our answer to {code}."


def lead_part(proposal: Proposal) -> Partner:
    found = db.session.query(Partner).filter_by(proposal_id=proposal.id, is_lead=True).one()
    assert isinstance(found, Partner)
    return found


def invited(scene: Scene, proposal: Proposal, organisation: Organisation, terms: Terms = PARTNER_TERMS) -> Partner:
    """A partner with terms that nobody has confirmed."""
    with transaction():
        part = service.invite_partner(
            proposal_id=proposal.id, organisation_id=organisation.id, actor=scene.lead, now=START
        )
        service.set_partner_terms(partner_id=part.id, terms=terms, actor=scene.lead, now=START)
    return part


def confirm(part: Partner, actor: Actor, now: datetime = START) -> None:
    with transaction():
        service.confirm_partner(
            partner_id=part.id, seen_terms=part.terms.digest, accepts_principles=True, actor=actor, now=now
        )


@laid_once
def complete(scene: Scene, title: str = "Warm rooms", now: datetime = START) -> Proposal:
    """A draft that leaves nothing to mend."""
    proposal = started(scene, title, now)
    with transaction():
        service.save_answers(
            proposal_id=proposal.id,
            answers={code: good_answer(code) for code in QUESTIONS if code != questions.TITLE},
            actor=scene.lead,
            now=now,
        )
        service.set_budget(proposal_id=proposal.id, lines=LINES, actor=scene.lead, now=now)
        service.set_partner_terms(partner_id=lead_part(proposal).id, terms=LEAD_TERMS, actor=scene.lead, now=now)
    confirm(lead_part(proposal), scene.lead, now)
    confirm(invited(scene, proposal, scene.firm), scene.firm_certifier, now)
    council = invited(scene, proposal, scene.council, PUBLIC_TERMS)
    confirm(council, scene.council_certifier, now)
    _show_engagement(scene, proposal, now)
    _show_change(scene, proposal, council, now)
    _let_co_producers_attest(scene, proposal, now)
    return proposal


def _show_engagement(scene: Scene, proposal: Proposal, now: datetime) -> None:
    with transaction():
        for days in (30, 60):
            evidence_service.add_activity(
                proposal_id=proposal.id,
                activity=evidence_service.Activity(
                    on=now.date() - timedelta(days=days),
                    method="A walk",
                    place="The canal",
                    people=8,
                    carers=0,
                    staff=1,
                ),
                actor=scene.lead,
                now=now,
            )
        evidence_service.add_pair(
            proposal_id=proposal.id, heard="It is cold", changed="We heat it", actor=scene.lead, now=now
        )
        evidence_service.claim_levels(
            proposal_id=proposal.id,
            claims={phase: evidence_service.Claim(5, f"What shows {phase}") for phase in Phase},
            actor=scene.lead,
            now=now,
        )


def _show_change(scene: Scene, proposal: Proposal, owner: Partner, now: datetime) -> None:
    with transaction():
        lever = evidence_service.add_lever(
            proposal_id=proposal.id,
            kind=LeverKind.COMMISSIONING,
            today="Bought by the night",
            after="Bought by the year",
            owner_partner_id=owner.id,
            actor=scene.lead,
            now=now,
        )
        evidence_service.confirm_lever(lever_id=lever.id, seen_terms=None, actor=scene.council_certifier, now=now)


def _let_co_producers_attest(scene: Scene, proposal: Proposal, now: datetime) -> None:
    secret = str(current_app.config["SECRET_KEY"])
    with transaction():
        for code in attestation_service.issue_codes(
            proposal_id=proposal.id, cards=3, help_phone="0161 496 0000", secret=secret, actor=scene.steward, now=now
        ):
            attestation_service.answer(
                code=code,
                secret=secret,
                answers=attestation_service.Answers(
                    WhoAnswers.MYSELF,
                    TookPart.PLANNING,
                    Changed.YES,
                    Decisions.JOIN,
                    Offered.PAYMENT,
                    Verdict.AGREE,
                ),
                seen=0,
                now=now,
            )


@laid_once
def submitted(scene: Scene, title: str = "Warm rooms", now: datetime = START) -> Proposal:
    """A proposal that was sent, as version 1."""
    proposal = complete(scene, title, now)
    with transaction():
        service.submit(proposal_id=proposal.id, actor=scene.lead, now=now)
    return proposal

"""A round, a proposal of three partners and the people around it, made directly."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fund.kernel.access import Actor, Role
from fund.kernel.db import db, transaction
from fund.kernel.policy import Policy
from members.accounts.models import Person
from members.models import Organisation
from members.rules import Sector
from proposals.models import Answer, BudgetLine, Partner, Proposal, ProposalVersion, Round
from proposals.rules import ContributionKind, PartnerRole, ProposalState, RoundState
from tests import world
from tests.conftest import START
from tests.proposals.evidence.cases import ANSWERS
from tests.scenes import laid_once

SECRET = "only for tests"


@dataclass
class Scene:
    """Ids rather than rows, so that they outlive a session."""

    reference: str
    proposal_id: int
    lead: Organisation
    firm: Organisation
    council: Organisation
    partner_ids: dict[str, int]
    writer: Actor
    writer_person: Person
    firm_certifier: Actor
    firm_person: Person
    council_certifier: Actor
    council_person: Person
    steward: Actor
    steward_person: Person

    @property
    def proposal(self) -> Proposal:
        return db.session.get_one(Proposal, self.proposal_id)

    def set_state(self, state: ProposalState) -> None:
        with transaction():
            self.proposal.state = state


@laid_once
def lay(now: datetime = START, *, policy: Policy | None = None) -> Scene:
    """A draft with confirmed partners, answers and budget; without evidence as yet."""
    lead = world.member("Riverside Charity", Sector.VCSE)
    firm = world.member("Loom Works Ltd", Sector.PRIVATE)
    council = world.member("Irkdale Council", Sector.PUBLIC)
    writer_person, writer = world.officer(lead)
    firm_person, firm_certifier = world.officer(firm)
    council_person, council_certifier = world.officer(council)
    steward_person, steward = world.official("Sana Steward", Role.STEWARD)
    settings = policy or Policy()
    organisations = {"lead": lead.id, "firm": firm.id, "council": council.id}
    with transaction() as session:
        subject_round = Round(
            reference="R-2026-1",
            title="First round",
            purpose="To try",
            written_case="Because",
            senior_officer="Olu Officer",
            state=RoundState.OPEN,
            budget_pence=100_000_00,
            smallest_pence=1_000_00,
            largest_pence=50_000_00,
            opens_at=now - timedelta(days=10),
            closes_at=now + timedelta(days=30),
            decide_by=date(2026, 9, 1),
            policy_json=settings.as_json(),
            policy_version=settings.version,
            created_by_id=steward.person_id,
            created_at=now - timedelta(days=20),
        )
        session.add(subject_round)
        session.flush()
        proposal = Proposal(
            reference="P-2026-001",
            round_id=subject_round.id,
            lead_id=organisations["lead"],
            title="Evening Kitchen",
            state=ProposalState.DRAFT,
            created_by_id=writer.person_id,
            created_at=now - timedelta(days=5),
        )
        session.add(proposal)
        session.flush()
        session.add_all(
            Answer(
                proposal_id=proposal.id,
                question=code,
                value=value,
                revision=1,
                saved_at=now,
                saved_by_id=writer.person_id,
            )
            for code, value in ANSWERS.items()
        )
        session.add(
            BudgetLine(
                proposal_id=proposal.id,
                position=1,
                heading="Peer workers",
                amount_pence=33_000_00,
                grant_pence=30_000_00,
                for_coproducers=True,
            )
        )
        partners = {}
        for name, organisation_id in organisations.items():
            partner = Partner(
                proposal_id=proposal.id,
                organisation_id=organisation_id,
                is_lead=name == "lead",
                role=PartnerRole.LEAD if name == "lead" else PartnerRole.DELIVER,
                contribution_kind=ContributionKind.STAFF_TIME,
                contribution_description="A worker, one day a week",
                contribution_pence=1_000_00,
                valuation_basis="Pay and on-costs",
                grant_share_pence=10_000_00,
                principles_version="1.0",
                invited_at=now,
                invited_by_id=writer.person_id,
                confirmed_at=now,
                confirmed_by_id=writer.person_id,
            )
            partner.confirmed_terms = partner.terms.digest
            session.add(partner)
            partners[name] = partner
        session.flush()
        ids = {name: partner.id for name, partner in partners.items()}
        proposal_id = proposal.id
    return Scene(
        "P-2026-001",
        proposal_id,
        lead,
        firm,
        council,
        ids,
        writer,
        writer_person,
        firm_certifier,
        firm_person,
        council_certifier,
        council_person,
        steward,
        steward_person,
    )


def sent(scene: Scene, state: ProposalState = ProposalState.ELIGIBLE, now: datetime = START) -> int:
    """Freeze a version and put the proposal in `state`; gives the version's id."""
    with transaction() as session:
        proposal = scene.proposal
        number = session.query(ProposalVersion).filter_by(proposal_id=proposal.id).count() + 1
        version = ProposalVersion(
            proposal_id=proposal.id,
            number=number,
            content="{}",
            sha256="0" * 64,
            requested_pence=30_000_00,
            submitted_at=now,
            submitted_by_id=scene.writer.person_id,
        )
        session.add(version)
        proposal.state = state
        session.flush()
        return version.id

"""What documents are about: a receipt by the services that own it, frozen texts laid down directly."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import ledger.bank.service
import members.contributions.service
from fund.documents import service
from fund.documents.rules import Kind
from fund.grants.agreements.rules import AgreementState, AgreementText, Clause, text_sha256
from fund.grants.awards.rules import AwardState, PayBasis
from fund.grants.models import Agreement, Award, AwardShare, Signature
from fund.kernel.access import Actor, Role
from fund.kernel.db import db, transaction
from fund.kernel.policy import Policy
from ledger.bank.models import StatementLine
from members.models import Organisation
from members.rules import Sector
from proposals import versions
from proposals.evidence.models import EngagementActivity, HeardChange, Lever, PhaseLevel
from proposals.evidence.words import LeverKind, Phase
from proposals.models import Answer, BudgetLine, Partner, Proposal, ProposalVersion, Round
from proposals.questions import IDEA, TITLE
from proposals.rules import ContributionKind, PartnerRole, ProposalState, RoundState, canonical
from tests.world import member, officer, official
from voting.models import Ballot, BallotItem
from voting.rules import BallotState
from voting.rules import Kind as BallotKind

_LLOYDS = (
    "Transaction Date,Transaction Type,Sort Code,Account Number,Transaction Description,Debit Amount,Credit Amount,"
    "Balance\n"
    "29/05/2026,FPI,'20-00-00,12345678,COUNCIL {reference},,12500.00,12500.00\n"
)


def issued_bytes(kind: str, reference: str) -> bytes:
    """The bytes as they are kept."""
    with transaction():
        return service.issue(kind=Kind(kind), reference=reference, now=datetime.now().astimezone()).content


def receipt(now: datetime, payer: Organisation | None = None) -> str:
    """£12,500 pledged, paid and matched; the receipt's reference."""
    payer = payer or member("Quays Council", Sector.PUBLIC)
    _, certifier = officer(payer)
    _, steward = official("Amina Holt", Role.STEWARD)
    payer_id = payer.id
    with transaction():
        pledge = members.contributions.service.pledge(
            organisation_id=payer_id, pence=12_500_00, po_number="PO 77 & co", actor=certifier, now=now
        )
        content = _LLOYDS.format(reference=pledge.reference).encode()
        ledger.bank.service.import_statement(content=content, filename="may.csv", actor=steward, now=now)
        line = db.session.query(StatementLine).one()
        made = members.contributions.service.match(line_id=line.id, pledge_id=pledge.id, actor=steward, now=now)
        return made.reference


@dataclass(frozen=True)
class Sent:
    """A proposal of a lead and one partner, sent once."""

    proposal_id: int
    version_id: int
    lead_id: int
    partner_id: int
    lead: Actor
    partner: Actor


def sent_proposal(now: datetime, idea: str = "We open the old tram shed.\n\nTogether.") -> Sent:
    """P-2026-001, version 1, with every kind of content."""
    lead, partner = member("Tram Shed Trust", Sector.VCSE), member("Ancoats Joinery", Sector.PRIVATE)
    (writer, lead_actor), (_, partner_actor) = officer(lead), officer(partner)
    writer_id, lead_id, partner_id = writer.id, lead.id, partner.id
    with transaction() as session:
        round_ = Round(
            reference="R-2026-1", title="Homes & work", purpose="p", written_case="c", senior_officer="Amina Holt",
            state=RoundState.CLOSED, budget_pence=100_000_00, smallest_pence=1_000_00, largest_pence=50_000_00,
            opens_at=now - timedelta(days=60), closes_at=now - timedelta(days=20), decide_by=date(2026, 9, 1),
            policy_json=Policy().as_json(), policy_version=Policy().version, created_at=now - timedelta(days=90),
        )  # fmt: skip
        session.add(round_)
        session.flush()
        subject = Proposal(
            reference="P-2026-001", round_id=round_.id, lead_id=lead_id, title="A shed for <everybody>",
            state=ProposalState.SUBMITTED, created_by_id=writer_id, created_at=now,
        )  # fmt: skip
        session.add(subject)
        session.flush()
        for code, value in ((TITLE, subject.title), (IDEA, idea)):
            session.add(
                Answer(
                    proposal_id=subject.id, question=code, value=value, revision=1, saved_at=now, saved_by_id=writer_id
                )
            )
        session.add(
            BudgetLine(
                proposal_id=subject.id, position=1, heading="Roof", amount_pence=30_000_00, grant_pence=20_000_50,
                for_coproducers=False,
            )
        )  # fmt: skip
        rows = [
            Partner(
                proposal_id=subject.id, organisation_id=organisation_id, is_lead=is_lead,
                role=PartnerRole.LEAD if is_lead else PartnerRole.DELIVER,
                contribution_kind=ContributionKind.STAFF_TIME,
                contribution_description="Two days a week", contribution_pence=5_000_00, valuation_basis="Pay slips",
                grant_share_pence=share, invited_at=now, invited_by_id=writer_id, confirmed_at=now,
            )
            for organisation_id, is_lead, share in ((lead_id, True, 15_000_50), (partner_id, False, 5_000_00))
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        session.add_all(
            [
                EngagementActivity(
                    proposal_id=subject.id, on=date(2026, 3, 4), method="Walk", place="Shed", people=9, carers=2,
                    staff=1, revision=1,
                ),
                HeardChange(proposal_id=subject.id, heard="It is cold", changed="A stove first", revision=1),
                PhaseLevel(proposal_id=subject.id, phase=Phase.DESIGN, level=4, evidence="They drew it", revision=1),
                Lever(
                    proposal_id=subject.id, kind=LeverKind.RULES, today="Leases of a year", after="Leases of ten",
                    owner_partner_id=rows[1].id, revision=1,
                ),
            ]
        )  # fmt: skip
        session.flush()
        content = versions.content(subject, 1, now)
        text = canonical(content)
        version = ProposalVersion(
            proposal_id=subject.id, number=1, content=text, sha256=text_sha256(text), requested_pence=20_000_50,
            submitted_at=now, submitted_by_id=writer_id,
        )  # fmt: skip
        session.add(version)
        session.flush()
        return Sent(subject.id, version.id, lead_id, partner_id, lead_actor, partner_actor)


def award(now: datetime) -> Sent:
    """G-2026-001 to the proposal's lead, with the partner paid too and a text that nobody has signed."""
    sent = sent_proposal(now)
    offering, _ = official("Piotr Lees", Role.STEWARD)
    offering_id = offering.id
    with transaction() as session:
        subject, version = (
            session.get_one(Proposal, sent.proposal_id),
            session.get_one(ProposalVersion, sent.version_id),
        )
        ballot = Ballot(
            reference="B-2026-01", round_id=subject.round_id, round_reference="R-2026-1", round_title="Homes & work",
            kind=next(iter(BallotKind)), state=BallotState.DRAFT, budget_pence=100_000_00, drafted_at=now,
        )  # fmt: skip
        session.add(ballot)
        session.flush()
        item = BallotItem(
            ballot_id=ballot.id, number=1, proposal_id=subject.id, proposal_reference=subject.reference,
            version_id=version.id, version_number=1, version_sha256=version.sha256, title=subject.title,
            lead_name="Tram Shed Trust", summary="s", requested_pence=20_000_50, submitted_at=now,
        )  # fmt: skip
        session.add(item)
        session.flush()
        made = Award(
            reference="G-2026-001", proposal_id=subject.id, version_id=version.id, ballot_item_id=item.id,
            ballot_reference=ballot.reference, lead_id=sent.lead_id, title=subject.title, pence=20_000_50,
            state=AwardState.ACCEPTED, start_on=date(2026, 7, 1), end_on=date(2027, 6, 30), basis=PayBasis.EACH_PARTNER,
            special_conditions="", offered_at=now, offered_by_id=offering_id, offer_lapses_at=now + timedelta(days=30),
        )  # fmt: skip
        session.add(made)
        session.flush()
        session.add_all(
            [
                AwardShare(award_id=made.id, organisation_id=sent.lead_id, pence=15_000_50),
                AwardShare(award_id=made.id, organisation_id=sent.partner_id, pence=5_000_00),
            ]
        )
        clauses = (
            Clause("Who this is between", ("The fund & the trust.",)),
            Clause("How much", ("£20,000.50 in all.",)),
        )
        text = AgreementText("Grant agreement G-2026-001: A shed", "G-2026-001", clauses).canonical()
        session.add(
            Agreement(
                award_id=made.id, number=1, text=text, sha256=text_sha256(text), state=AgreementState.DRAFT, made_at=now
            )
        )
    return sent


def sign(organisation_id: int, actor: Actor, now: datetime) -> None:
    """Put a signature under the one agreement there is."""
    with transaction() as session:
        found = session.query(Agreement).one()
        session.add(
            Signature(
                agreement_id=found.id, organisation_id=organisation_id,
                organisation_name=session.get_one(Organisation, organisation_id).name, person_id=actor.person_id,
                person_name=actor.name, signed_at=now, sha256=found.sha256,
            )
        )  # fmt: skip

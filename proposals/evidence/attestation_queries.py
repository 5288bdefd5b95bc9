"""Reads of attestations, cards and safeguarding concerns: for stewards, assessors and the safeguarding lead, never for
applicants."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload

from fund.kernel.access import Role
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from members.accounts.models import FundAppointment, Person
from proposals import queries as proposals
from proposals.evidence import rules
from proposals.evidence.models import Attestation, AttestationCode, CardRequest, CodeBatch, SafeguardingConcern
from proposals.evidence.queries import MOST_CARDS
from proposals.models import Proposal


def attestations(proposal_id: int) -> Sequence[Attestation]:
    """Every answer that was not withdrawn, disagreements still to be looked into first. For stewards and assessors."""
    rows = db.session.scalars(
        select(Attestation)
        .where(Attestation.proposal_id == proposal_id, Attestation.withdrawn_at.is_(None))
        .order_by(Attestation.id)
        .limit(MOST_CARDS)
    )
    return sorted(rows, key=lambda row: (not rules.disputes(row.said), row.id))


def attestation(attestation_id: int, proposal_id: int) -> Attestation:
    """One answer to a proposal. Raises NotFound."""
    found = db.session.get(Attestation, proposals.known_id(attestation_id))
    if found is None or found.proposal_id != proposal_id:
        raise NotFound
    return found


def code(digest: str) -> AttestationCode | None:
    """A code that is good: its batch is not spoilt, or it was used before the batch was."""
    found = db.session.scalar(
        select(AttestationCode)
        .join(AttestationCode.batch)
        .options(contains_eager(AttestationCode.batch))
        .where(AttestationCode.digest == digest)
    )
    if found is None or (found.batch.spoilt_at is not None and answer_of(found.id) is None):
        return None
    return found


def answer_of(code_id: int) -> Attestation | None:
    """The answer given with a code."""
    return db.session.scalar(select(Attestation).where(Attestation.code_id == code_id))


@dataclass(frozen=True)
class BatchCount:
    """A batch of cards and how many of them were used."""

    batch: CodeBatch
    used: int


@dataclass(frozen=True)
class Cards:
    """The cards of a proposal as a steward sees them. `open` can still be used; `burst`: many answers in minutes."""

    batches: list[BatchCount]
    issued: int
    used: int
    spoilt: int
    burst: bool

    @property
    def open(self) -> int:
        return self.issued - self.used - self.spoilt


def cards(proposal_id: int) -> Cards:
    """Batches and counts of a proposal's cards, the latest batch first."""
    rows = db.session.execute(
        select(CodeBatch, func.count(Attestation.id))
        .join(AttestationCode, AttestationCode.batch_id == CodeBatch.id)
        .outerjoin(Attestation, Attestation.code_id == AttestationCode.id)
        .where(CodeBatch.proposal_id == proposal_id)
        .group_by(CodeBatch.id)
        .order_by(CodeBatch.id.desc())
        .limit(MOST_CARDS)
    )
    batches = [BatchCount(batch, used) for batch, used in rows]
    answered = db.session.scalars(
        select(Attestation.answered_at)
        .where(Attestation.proposal_id == proposal_id)
        .order_by(Attestation.answered_at)
        .limit(MOST_CARDS)
    ).all()
    return Cards(
        batches=batches,
        issued=sum(one.batch.cards for one in batches),
        used=sum(one.used for one in batches),
        spoilt=sum(one.batch.cards - one.used for one in batches if one.batch.spoilt_at is not None),
        burst=rules.has_burst(answered),
    )


def open_requests(proposal_id: int) -> Sequence[CardRequest]:
    """Requests for cards that no batch has answered yet, the oldest first."""
    return db.session.scalars(
        select(CardRequest)
        .where(CardRequest.proposal_id == proposal_id, CardRequest.met_at.is_(None))
        .order_by(CardRequest.id)
        .limit(20)
    ).all()


def emails_of(role: Role) -> Sequence[str]:
    """Addresses of those who hold a role for the fund now."""
    return db.session.scalars(
        select(Person.email)
        .join(FundAppointment, FundAppointment.person_id == Person.id)
        .where(FundAppointment.role == role, FundAppointment.ended_at.is_(None), Person.disabled_at.is_(None))
        .order_by(Person.id)
        .limit(50)
    ).all()


# --- safeguarding


def concerns(limit: int = 100) -> Sequence[SafeguardingConcern]:
    """Concerns, open ones first, the oldest of them on top. For the safeguarding lead alone."""
    return db.session.scalars(
        select(SafeguardingConcern)
        .options(joinedload(SafeguardingConcern.proposal).joinedload(Proposal.lead))
        .order_by(SafeguardingConcern.closed_at.is_not(None), SafeguardingConcern.id)
        .limit(limit)
    ).all()


def concern(concern_id: int) -> SafeguardingConcern:
    """One concern. Raises NotFound."""
    found = db.session.get(SafeguardingConcern, proposals.known_id(concern_id))
    if found is None:
        raise NotFound
    return found

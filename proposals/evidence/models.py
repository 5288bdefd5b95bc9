"""Tables of engagement, levels, levers, and of attestations by co-producers."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key
from proposals.evidence.rules import Said, lever_terms
from proposals.evidence.words import Changed, Decisions, LeverKind, Offered, Phase, TookPart, Verdict, WhoAnswers
from proposals.models import Partner, Proposal


class EngagementActivity(Base):
    """A day on which people were met. `revision` counts its savings, so that nobody saves over another's words."""

    __tablename__ = "engagement_activity"
    __table_args__ = (CheckConstraint("people >= 0 AND carers >= 0 AND staff >= 0", name="no_count_below_nought"),)

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"), index=True)
    on: Mapped[date]
    method: Mapped[str]
    place: Mapped[str]
    people: Mapped[int]
    carers: Mapped[int]
    staff: Mapped[int]
    revision: Mapped[int]


class HeardChange(Base):
    """What was heard, and what was changed because of it."""

    __tablename__ = "heard_change"

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"), index=True)
    heard: Mapped[str]
    changed: Mapped[str]
    revision: Mapped[int]


class PhaseLevel(Base):
    """The level of co-production claimed for one phase. The level an assessor finds is kept with the assessment."""

    __tablename__ = "phase_level"
    __table_args__ = (
        UniqueConstraint("proposal_id", "phase"),
        CheckConstraint("level BETWEEN 0 AND 6", name="level_on_the_ladder"),
    )

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"))
    phase: Mapped[Phase]
    level: Mapped[int]
    evidence: Mapped[str]
    revision: Mapped[int]


class Lever(Base):
    """What in the system will be different, and the partner able to make it so.

    `confirmed_terms` is the digest of the lever that its owner confirmed: a confirmation counts only while the present
    words have the same digest.
    """

    __tablename__ = "lever"

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"), index=True)
    kind: Mapped[LeverKind]
    today: Mapped[str]
    after: Mapped[str]
    owner_partner_id: Mapped[Key | None] = mapped_column(ForeignKey("partner.id"), index=True)
    revision: Mapped[int]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    confirmed_terms: Mapped[str | None]
    voided_at: Mapped[datetime | None]

    proposal: Mapped[Proposal] = relationship()
    owner_partner: Mapped[Partner | None] = relationship()

    @property
    def terms(self) -> str:
        """Digest of what there is to confirm at present."""
        return lever_terms(self.kind, self.today, self.after, self.owner_partner_id)

    @property
    def is_confirmed(self) -> bool:
        """Whether its present owner, still a partner, confirmed exactly the present words."""
        return (
            self.confirmed_terms == self.terms
            and self.owner_partner is not None
            and self.owner_partner.withdrawn_at is None
        )


class CardRequest(Base):
    """A lead asks the fund to bring cards with codes to the people it works with."""

    __tablename__ = "card_request"

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"), index=True)
    cards: Mapped[int]
    where: Mapped[str]
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    met_at: Mapped[datetime | None]


class CodeBatch(Base):
    """Cards that a steward made at one time. `help_phone` is printed on them and shown with the questions."""

    __tablename__ = "code_batch"

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"), index=True)
    cards: Mapped[int]
    help_phone: Mapped[str]
    issued_at: Mapped[datetime]
    issued_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    spoilt_at: Mapped[datetime | None]
    spoilt_reason: Mapped[str | None]


class AttestationCode(Base):
    """One card's code: only its keyed hash is kept. Codes of a spoilt batch that were not used are good no more."""

    __tablename__ = "attestation_code"

    id: Mapped[Id]
    batch_id: Mapped[Key] = mapped_column(ForeignKey("code_batch.id"), index=True)
    digest: Mapped[str] = mapped_column(unique=True)

    batch: Mapped[CodeBatch] = relationship()


class Attestation(Base):
    """What one co-producer told the fund with one code. Nothing here names anybody unless they chose to.

    `told` is empty where it went to the safeguarding lead alone. After the ballot's notice a withdrawal hides `told`
    and the answer keeps counting (`text_withdrawn_at`); before it the answer counts no more (`withdrawn_at`).
    """

    __tablename__ = "attestation"
    __table_args__ = (Index("ix_attestation_proposal_id_answered_at", "proposal_id", "answered_at"),)

    id: Mapped[Id]
    code_id: Mapped[Key] = mapped_column(ForeignKey("attestation_code.id"), unique=True)
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"))
    who: Mapped[WhoAnswers]
    took_part: Mapped[TookPart]
    changed: Mapped[Changed]
    decisions: Mapped[Decisions]
    offered: Mapped[Offered]
    verdict: Mapped[Verdict]
    told: Mapped[str]
    revision: Mapped[int]
    answered_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    text_withdrawn_at: Mapped[datetime | None]
    looked_into_at: Mapped[datetime | None]
    looked_into_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    looked_into_note: Mapped[str | None]

    proposal: Mapped[Proposal] = relationship()

    @property
    def said(self) -> Said:
        """The parts that are counted."""
        return Said(
            self.who, self.took_part, self.verdict, self.withdrawn_at is not None, self.looked_into_at is not None
        )


class SafeguardingConcern(Base):
    """A worry that somebody is being harmed. Seen by the safeguarding lead alone; outside every other queue."""

    __tablename__ = "safeguarding_concern"

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"), index=True)
    told: Mapped[str]
    reach_me: Mapped[str]
    raised_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    closed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    outcome: Mapped[str | None]

    proposal: Mapped[Proposal] = relationship()


class WrongCodes(Base):
    """Wrong codes from one bucket of addresses. There are `BUCKETS` buckets at most, and an address can't be got back
    from its bucket: many share one, and which ones changes with the day's salt."""

    __tablename__ = "wrong_codes"

    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime]
    tries: Mapped[int]


class DaySalt(Base):
    """The present day's salt for buckets; the one before is forgotten."""

    __tablename__ = "day_salt"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date]
    salt: Mapped[str]

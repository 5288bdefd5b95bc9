"""What assessors and moderating stewards do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from fund.kernel import audit
from fund.kernel.access import Actor, Permission, Role
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from proposals import queries as proposals
from proposals.assessment import queries
from proposals.assessment.models import Assessment, Moderation
from proposals.assessment.rules import ASKED, GATE_CODES, Outcome
from proposals.drafts import locked
from proposals.models import Proposal, ProposalVersion
from proposals.rules import ProposalState


@dataclass(frozen=True)
class Judgement:
    """An assessor's scores (0 to 4) and reasons by gate code, and the co-production level found. None: not yet."""

    scores: Mapping[str, int | None]
    reasons: Mapping[str, str]
    found_level: int | None


def _to_assess(proposal_id: int) -> tuple[Proposal, ProposalVersion]:
    """The proposal, locked, and the version to judge. Raises Conflict where it is not waiting for assessment."""
    subject = locked(proposal_id)
    version = proposals.current_version(proposal_id)
    if version is None:
        raise NotFound
    if subject.state is not ProposalState.ELIGIBLE:
        raise Conflict(
            f"Proposal {subject.reference} is {subject.state.replace('_', ' ')} now, so it isn't waiting for "
            "assessment. Nothing was saved. Go to your desk to see what is."
        )
    return subject, version


def _not_shut_out(proposal_id: int, actor: Actor) -> None:
    actor.require(Permission.ASSESS)
    if reason := queries.conflict(proposal_id, actor.person_id):
        raise NotAllowed(reason)


def declare(*, proposal_id: int, conflict: str, actor: Actor, now: datetime) -> Assessment:
    """Declare interests, before anything else (handbook §5.5). "" means none, which is recorded too.

    A declared link shuts the assessor out of this version. So does a role in a partner, or in a body connected to one,
    whatever was declared.
    """
    subject, version = _to_assess(proposal_id)
    _not_shut_out(proposal_id, actor)
    if queries.own(version.id, actor.person_id) is not None:
        raise Conflict("You have declared your interests in this proposal already. Open it again to go on.")
    row = Assessment(
        version_id=version.id,
        assessor_id=actor.person_id,
        lived_experience=Role.LIVED_EXPERIENCE_ASSESSOR in actor.roles,
        conflict=conflict,
        declared_at=now,
        g1_reasons="",
        g2_reasons="",
        g3_reasons="",
        g4_reasons="",
        revision=1,
    )
    db.session.add(row)
    db.session.flush()
    audit.record(actor, "assessment.declared", subject.reference, at=now, after={"conflict": bool(conflict)})
    return row


def _own_open(version: ProposalVersion, seen: int | None, actor: Actor) -> Assessment:
    row = queries.own(version.id, actor.person_id)
    if row is None:
        raise RuleBroken("First say whether you have a link to this proposal.")
    if row.conflict:
        raise NotAllowed("You declared a link to this proposal, so you can't assess it. Thank you for saying so.")
    if row.submitted_at is not None:
        raise Conflict("You have submitted your scores already; they can't be changed now.")
    if seen is not None and seen != row.revision:
        raise Conflict("You saved this in another window meanwhile. Reload the page to see it, then go on from there.")
    return row


def save(*, proposal_id: int, judgement: Judgement, actor: Actor, now: datetime, seen: int | None = None) -> Assessment:
    """Keep a draft; nothing has to be complete. `seen` is the revision that the page showed."""
    _, version = _to_assess(proposal_id)
    _not_shut_out(proposal_id, actor)
    row = _own_open(version, seen, actor)
    _write(row, judgement, now)
    return row


def submit(
    *, proposal_id: int, judgement: Judgement, actor: Actor, now: datetime, seen: int | None = None
) -> Assessment:
    """Give scores, once. Others' become visible to the assessor only now.

    Raises:
        RuleBroken: with every score and reason that is missing, beside its field.
        NotAllowed: a conflict of interest shuts the assessor out.
    """
    subject, version = _to_assess(proposal_id)
    _not_shut_out(proposal_id, actor)
    row = _own_open(version, seen, actor)
    require(faults(judgement))
    _write(row, judgement, now)
    row.submitted_at = now
    row.lived_experience = Role.LIVED_EXPERIENCE_ASSESSOR in actor.roles
    db.session.flush()
    audit.record(
        actor,
        "assessment.submitted",
        subject.reference,
        at=now,
        after={**{code: row.score(code) for code in GATE_CODES}, "found_level": row.found_level},
    )
    return row


def faults(judgement: Judgement) -> list[Finding]:
    """What a judgement lacks, beside its form fields."""
    found = []
    for code in GATE_CODES:
        name = ASKED[code][0]
        score = judgement.scores.get(code)
        if score is None or not 0 <= score <= 4:
            found.append(Finding(f"Give {name} a score from 0 to 4.", f"{code}_score"))
        if not judgement.reasons.get(code, ""):
            found.append(Finding(f"Give your reasons for the score of {name}.", f"{code}_reasons"))
    if judgement.found_level is None:
        found.append(Finding("Choose the level of co-production that the evidence shows.", "found_level"))
    return found


def _write(row: Assessment, judgement: Judgement, now: datetime) -> None:
    for code in GATE_CODES:
        setattr(row, f"{code}_score", judgement.scores.get(code))
        setattr(row, f"{code}_reasons", judgement.reasons.get(code, ""))
    row.found_level, row.saved_at, row.revision = judgement.found_level, now, row.revision + 1
    db.session.flush()


def refuse_moderator(proposal_id: int, actor: Actor) -> None:
    """Raise NotAllowed for a steward who assesses too, since they would see others' scores before giving their own, or
    who holds a role in a partner."""
    if actor.may(Permission.ASSESS):
        raise NotAllowed("You are an assessor. Another steward must hold moderation talks.")
    if queries.conflict(proposal_id, actor.person_id):
        raise NotAllowed("You hold a role in a partner, or in a body connected to one. Another steward must do this.")


def moderate(
    *,
    proposal_id: int,
    held_on: date,
    took_part: str,
    notes: str,
    outcome: Outcome,
    actor: Actor,
    now: datetime,
) -> Moderation:
    """Record the talk about scores that don't pass (handbook §8). Scores change only by the assessors' own hand:
    the talk lets them stand, or opens them all again, and each assessor scores once more.

    Raises:
        Conflict: the scores pass, are too few, or were talked about already.
        NotAllowed: the steward assessed it, or has a role in a partner.
    """
    actor.require(Permission.RUN_ROUNDS)
    subject, version = _to_assess(proposal_id)
    if not queries.standing(proposal_id, subject.round.policy).needs_moderation:
        raise Conflict("There is nothing to moderate: the scores pass, are not all in, or were talked about already.")
    refuse_moderator(proposal_id, actor)
    if held_on > london_day(now):
        raise RuleBroken([Finding("That day is still to come. Give the day on which you talked.", "held_on")])
    row = Moderation(
        proposal_id=proposal_id,
        version_id=version.id,
        held_on=held_on,
        took_part=took_part,
        notes=notes,
        outcome=outcome,
        recorded_at=now,
        recorded_by_id=actor.person_id,
    )
    db.session.add(row)
    if outcome is Outcome.SCORE_AGAIN:
        for assessment in queries.submitted(version.id):
            assessment.submitted_at = None
            assessment.revision += 1
    db.session.flush()
    audit.record(actor, "assessment.moderated", subject.reference, at=now, after={"outcome": outcome.value})
    return row

"""What the lead writes as evidence, and what owners of levers confirm. (Attestations: `attestation_service`.)

Every act locks the proposal first, so that nothing changes under a submission.
"""

from dataclasses import dataclass, fields
from datetime import date, datetime

from sqlalchemy import select

from fund.kernel import audit, outbox
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, RuleBroken, require
from fund.kernel.topics import Topic
from proposals import drafts
from proposals import queries as proposals
from proposals.evidence import queries
from proposals.evidence.models import EngagementActivity, HeardChange, Lever, PhaseLevel
from proposals.evidence.words import LeverKind, Phase
from proposals.models import Partner, Proposal
from proposals.rules import in_england

LARGEST_COUNT = 100_000
EARLIEST_ACTIVITY = date(2000, 1, 1)


@dataclass(frozen=True)
class Activity:
    """What the lead writes of one activity; counts are of those who spoke."""

    on: date
    method: str
    place: str
    people: int
    carers: int
    staff: int


def values_of(row: EngagementActivity) -> dict[str, object]:
    """An activity's values by the names that `Activity` and its form share."""
    return {field.name: getattr(row, field.name) for field in fields(Activity)}


@dataclass(frozen=True)
class Claim:
    """A level claimed for a phase, 0 to 6, and what shows it. `level` is None where none is claimed yet."""

    level: int | None
    evidence: str


def _same_revision(present: int, seen: int | None) -> None:
    """Raise Conflict where somebody else saved since `seen`; None doesn't ask."""
    if seen is not None and seen != present:
        raise Conflict(
            "Somebody else changed this while you had it open, so nothing of yours was saved. Go back, copy what you "
            "typed, reload the page to see what they wrote, and put the two together."
        )


# --- engagement


def faults_of_activity(activity: Activity, today: date) -> list[Finding]:
    """What is wrong with an activity, beside its form fields."""
    found = []
    if activity.on > today:
        found.append(Finding("That day is still to come. Give the day on which it happened.", "on"))
    if activity.on < EARLIEST_ACTIVITY:
        found.append(Finding("That is too long ago. Check the year.", "on"))
    for name in ("people", "carers", "staff"):
        if not 0 <= getattr(activity, name) <= LARGEST_COUNT:
            found.append(Finding(f"Give a number from 0 to {LARGEST_COUNT:,}.", name))
    if activity.people + activity.carers + activity.staff == 0:
        found.append(Finding("Say how many people spoke; all three numbers are 0.", "people"))
    return found


def add_activity(*, proposal_id: int, activity: Activity, actor: Actor, now: datetime) -> EngagementActivity:
    """Write down an activity (G2). Raises RuleBroken with every fault beside its field."""
    subject = drafts.editable(proposal_id, actor, now)
    require(faults_of_activity(activity, london_day(now)))
    if len(queries.activities(proposal_id)) >= queries.MOST_ACTIVITIES:
        raise RuleBroken(f"A proposal holds up to {queries.MOST_ACTIVITIES} activities. Remove one that says little.")
    row = EngagementActivity(proposal_id=proposal_id, revision=1, **activity.__dict__)
    db.session.add(row)
    db.session.flush()
    audit.record(actor, "evidence.activity_added", subject.reference, at=now, after={"activity": row.id})
    return row


def change_activity(
    *, proposal_id: int, activity_id: int, activity: Activity, seen: int | None, actor: Actor, now: datetime
) -> EngagementActivity:
    """Change an activity. `seen` is the revision that the person saw; Conflict where it is not the present one."""
    subject = drafts.editable(proposal_id, actor, now)
    row = queries.activity(activity_id, proposal_id)
    _same_revision(row.revision, seen)
    require(faults_of_activity(activity, london_day(now)))
    for name, value in activity.__dict__.items():
        setattr(row, name, value)
    row.revision += 1
    audit.record(actor, "evidence.activity_changed", subject.reference, at=now, after={"activity": row.id})
    return row


def remove_activity(*, proposal_id: int, activity_id: int, actor: Actor, now: datetime) -> None:
    """Take an activity out of a draft."""
    subject = drafts.editable(proposal_id, actor, now)
    db.session.delete(queries.activity(activity_id, proposal_id))
    audit.record(actor, "evidence.activity_removed", subject.reference, at=now, before={"activity": activity_id})


def add_pair(*, proposal_id: int, heard: str, changed: str, actor: Actor, now: datetime) -> HeardChange:
    """Write down something heard and what was changed because of it (G2)."""
    subject = drafts.editable(proposal_id, actor, now)
    if len(queries.pairs(proposal_id)) >= queries.MOST_PAIRS:
        raise RuleBroken(f"A proposal holds up to {queries.MOST_PAIRS} of these. Remove one that says little.")
    row = HeardChange(proposal_id=proposal_id, heard=heard, changed=changed, revision=1)
    db.session.add(row)
    db.session.flush()
    audit.record(actor, "evidence.pair_added", subject.reference, at=now, after={"pair": row.id})
    return row


def change_pair(
    *, proposal_id: int, pair_id: int, heard: str, changed: str, seen: int | None, actor: Actor, now: datetime
) -> HeardChange:
    """Change a pair. `seen` as in `change_activity`."""
    subject = drafts.editable(proposal_id, actor, now)
    row = queries.pair(pair_id, proposal_id)
    _same_revision(row.revision, seen)
    row.heard, row.changed, row.revision = heard, changed, row.revision + 1
    audit.record(actor, "evidence.pair_changed", subject.reference, at=now, after={"pair": row.id})
    return row


def remove_pair(*, proposal_id: int, pair_id: int, actor: Actor, now: datetime) -> None:
    """Take a pair out of a draft."""
    subject = drafts.editable(proposal_id, actor, now)
    db.session.delete(queries.pair(pair_id, proposal_id))
    audit.record(actor, "evidence.pair_removed", subject.reference, at=now, before={"pair": pair_id})


# --- levels


def levels_seen(proposal_id: int) -> int:
    """One number that grows with every saving of the levels: what a form remembers of the page it was shown on."""
    return sum(row.revision for row in queries.levels(proposal_id).values())


def claim_levels(
    *, proposal_id: int, claims: dict[Phase, Claim], actor: Actor, now: datetime, seen: int | None = None
) -> None:
    """Claim a level of co-production for each of the phases named; others stay. `seen` is an earlier `levels_seen`."""
    subject = drafts.editable(proposal_id, actor, now)
    _same_revision(levels_seen(proposal_id), seen)
    require(
        Finding("Choose a level, because you wrote what shows it.", f"{phase}-level")
        for phase, claim in claims.items()
        if claim.level is None and claim.evidence
    )
    present = queries.levels(proposal_id)
    before = {phase.value: row.level for phase, row in present.items()}
    for phase, claim in claims.items():
        row = present.get(phase)
        if claim.level is None:
            if row is not None:
                db.session.delete(row)
        elif row is None:
            db.session.add(
                PhaseLevel(proposal_id=proposal_id, phase=phase, level=claim.level, evidence=claim.evidence, revision=1)
            )
        elif (row.level, row.evidence) != (claim.level, claim.evidence):
            row.level, row.evidence, row.revision = claim.level, claim.evidence, row.revision + 1
    db.session.flush()
    after = {phase.value: row.level for phase, row in queries.levels(proposal_id).items()}
    audit.record(actor, "evidence.levels_claimed", subject.reference, at=now, before=before, after=after)


# --- levers


def _owner(proposal_id: int, owner_partner_id: int | None) -> Partner | None:
    if owner_partner_id is None:
        return None
    found = db.session.get(Partner, proposals.known_id(owner_partner_id))
    if found is None or found.proposal_id != proposal_id or found.withdrawn_at is not None:
        raise RuleBroken([Finding("Choose one of the partners in this proposal.", "owner")])
    return found


def _ask_owner(row: Lever, subject: Proposal, owner: Partner, now: datetime, *, again: bool) -> None:
    what = (
        "The words of a change that you confirmed are different now, so your confirmation no longer counts."
        if again
        else f"“{subject.title}” names {owner.organisation.name} as the organisation able to make a change."
    )
    for address in proposals.addresses(owner.organisation_id, Permission.BIND_ORGANISATION):
        outbox.mail(
            key=f"lever:{row.id}:{row.revision}:{address}",
            to=address,
            subject=f"{subject.reference}: will you make this change?",
            what=f"{what} Read it, and confirm it from your own account if it is so.",
            why=f"You may bind {owner.organisation.name}, and only you can say what it will change.",
            path=f"/levers/{row.id}/confirm",
            by_when=f"Before the proposal is sent; the last moment is {in_england(proposals.deadline(subject))}.",
            now=now,
            topic=Topic.ANSWER,
        )


def add_lever(
    *,
    proposal_id: int,
    kind: LeverKind,
    today: str,
    after: str,
    owner_partner_id: int | None,
    actor: Actor,
    now: datetime,
) -> Lever:
    """Name something in the system that will be different (G4), and ask its owner to confirm."""
    subject = drafts.editable(proposal_id, actor, now)
    if len(queries.levers(proposal_id)) >= queries.MOST_LEVERS:
        raise RuleBroken(f"A proposal holds up to {queries.MOST_LEVERS} levers. Remove one that matters less.")
    owner = _owner(proposal_id, owner_partner_id)
    row = Lever(
        proposal_id=proposal_id,
        kind=kind,
        today=today,
        after=after,
        owner_partner_id=owner.id if owner else None,
        revision=1,
    )
    db.session.add(row)
    db.session.flush()
    audit.record(
        actor, "evidence.lever_added", subject.reference, at=now, after={"lever": row.id, "owner": row.owner_partner_id}
    )
    if owner is not None:
        _ask_owner(row, subject, owner, now, again=False)
    return row


def change_lever(
    *,
    proposal_id: int,
    lever_id: int,
    kind: LeverKind,
    today: str,
    after: str,
    owner_partner_id: int | None,
    seen: int | None,
    actor: Actor,
    now: datetime,
) -> Lever:
    """Change a lever. A confirmation of other words, or by another owner, is void and its owner is told."""
    subject = drafts.editable(proposal_id, actor, now)
    row = queries.lever_of(lever_id, proposal_id)
    _same_revision(row.revision, seen)
    owner = _owner(proposal_id, owner_partner_id)
    terms_before, owner_before, was_confirmed = row.terms, row.owner_partner_id, row.is_confirmed
    row.kind, row.today, row.after, row.owner_partner_id = kind, today, after, owner.id if owner else None
    if row.terms == terms_before:
        return row
    row.revision += 1
    if was_confirmed:
        row.confirmed_at = row.confirmed_by_id = row.confirmed_terms = None
        row.voided_at = now
    db.session.flush()
    audit.record(
        actor,
        "evidence.lever_changed",
        subject.reference,
        at=now,
        before={"lever": row.id, "owner": owner_before, "confirmed": was_confirmed},
        after={"lever": row.id, "owner": row.owner_partner_id, "confirmed": False},
    )
    if owner is not None:
        _ask_owner(row, subject, owner, now, again=was_confirmed and owner.id == owner_before)
    return row


def remove_lever(*, proposal_id: int, lever_id: int, actor: Actor, now: datetime) -> None:
    """Take a lever out of a draft."""
    subject = drafts.editable(proposal_id, actor, now)
    db.session.delete(queries.lever_of(lever_id, proposal_id))
    audit.record(actor, "evidence.lever_removed", subject.reference, at=now, before={"lever": lever_id})


def confirm_lever(*, lever_id: int, seen_terms: str | None, actor: Actor, now: datetime) -> Lever:
    """The owner partner's own word that it will move this lever.

    Args:
        seen_terms: `Lever.terms` as the page showed it; Conflict where the words are others now. None doesn't ask.

    Raises:
        NotFound: for people of other organisations.
        NotAllowed: for those who may not bind theirs.
    """
    actor.require(Permission.BIND_ORGANISATION)
    proposal_id = db.session.scalar(select(Lever.proposal_id).where(Lever.id == proposals.known_id(lever_id)))
    subject = drafts.locked(proposal_id or 0)
    row = queries.lever(lever_id, actor)
    drafts.check_time(subject, now)
    if seen_terms is not None and seen_terms != row.terms:
        raise Conflict(
            "The words of this change became others while you had them open, so nothing was confirmed. "
            "Reload the page, read them, and confirm if they are right."
        )
    if row.is_confirmed:
        return row
    row.confirmed_at, row.confirmed_by_id, row.confirmed_terms, row.voided_at = now, actor.person_id, row.terms, None
    audit.record(
        actor, "evidence.lever_confirmed", subject.reference, at=now, after={"lever": row.id, "terms": row.terms}
    )
    return row

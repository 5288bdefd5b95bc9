"""What an organisation's people do with its profile and accreditations, and a steward with the evidence of these."""

from datetime import datetime

from sqlalchemy import delete, select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken, require
from members import queries as members
from members.accounts import queries as accounts
from members.models import Organisation
from members.profile import queries, rules
from members.profile.models import Accreditation, Profile, ProfileInterest
from members.profile.rules import Description, Details, Standing
from members.rules import MembershipStatus


def _own(organisation_id: int, actor: Actor) -> Organisation:
    """The actor's own organisation, locked, if the actor may speak for it."""
    if actor.organisation_id != organisation_id:
        raise NotFound
    actor.require(Permission.EDIT_PROFILE)
    organisation = members.lock_organisation(organisation_id)
    if organisation.status is not MembershipStatus.MEMBER:
        raise Conflict(f"{organisation.name} is not a member now, so its page can't be changed. Ask a steward.")
    return organisation


def save_profile(*, organisation_id: int, said: Description, seen: int, actor: Actor, now: datetime) -> Profile:
    """Write what the actor's own organisation says of itself.

    Args:
        seen: revision that the page showed; 0 where there was none.

    Raises:
        NotFound: for another organisation.
        Conflict: when a colleague saved it after the page was shown.
        RuleBroken: an unknown interest, or a website that can't be shown.
    """
    organisation = _own(organisation_id, actor)
    require(rules.description_faults(said))
    found = queries.profile(organisation_id)
    if seen != (found.revision if found else 0):
        raise Conflict(
            "A colleague saved this page while you had it open. Nothing of yours was saved: go back to copy what you "
            "typed, then open the page again."
        )
    if found is None:
        found = Profile(organisation_id=organisation_id, revision=0)
        db.session.add(found)
    found.offers, found.seeks, found.website, found.networks = said.offers, said.seeks, said.website, said.networks
    found.wants_requests, found.interests_version = said.wants_requests, rules.INTERESTS_VERSION
    found.revision += 1
    found.updated_at, found.updated_by_id = now, actor.person_id
    db.session.execute(delete(ProfileInterest).where(ProfileInterest.organisation_id == organisation_id))
    db.session.add_all(
        ProfileInterest(organisation_id=organisation_id, code=code) for code in rules.in_order(said.interests)
    )
    db.session.flush()
    audit.record(
        actor,
        "profile.saved",
        organisation.reference,
        at=now,
        after={"revision": found.revision, "interests": " ".join(rules.in_order(said.interests))},
    )
    return found


# --- accreditations


def record_accreditation(*, organisation_id: int, said: Details, actor: Actor, now: datetime) -> Accreditation:
    """Record once what another body certified of the actor's own organisation.

    Raises:
        NotFound: for another organisation.
        RuleBroken: what can't be recorded, one that stands in the list already, or too many.
    """
    organisation = _own(organisation_id, actor)
    require(rules.details_faults(said))
    held = [one.accreditation for one in queries.accreditations(organisation_id, now)]
    if any(one.details == said for one in held):
        raise RuleBroken("This accreditation is in your list already. Change that one instead.")
    if len(held) >= rules.MOST_ACCREDITATIONS:
        raise RuleBroken(f"The list holds {rules.MOST_ACCREDITATIONS}. Take off one that no longer matters first.")
    made = Accreditation(organisation_id=organisation_id, revision=0)
    db.session.add(made)
    _write(made, said, actor, now)
    audit.record(actor, "accreditation.recorded", organisation.reference, at=now, after=_words(said))
    return made


def change_accreditation(
    *, accreditation_id: int, organisation_id: int, said: Details, seen: int, actor: Actor, now: datetime
) -> Accreditation:
    """Change what was recorded, such as the day it ends. A steward's look at the evidence counts no more.

    Args:
        seen: revision that the page showed.
    """
    organisation = _own(organisation_id, actor)
    found = _locked(accreditation_id, organisation_id)
    require(rules.details_faults(said))
    if found.revision != seen:
        raise Conflict("A colleague changed this accreditation meanwhile. Open it again to see how it stands.")
    if found.details == said:
        return found
    before = _words(found.details)
    _write(found, said, actor, now)
    audit.record(actor, "accreditation.changed", organisation.reference, at=now, before=before, after=_words(said))
    return found


def remove_accreditation(*, accreditation_id: int, organisation_id: int, actor: Actor, now: datetime) -> None:
    """Take one off the list; that it was there is kept."""
    organisation = _own(organisation_id, actor)
    found = _locked(accreditation_id, organisation_id)
    found.removed_at = now
    db.session.flush()
    audit.record(actor, "accreditation.removed", organisation.reference, at=now, before=_words(found.details))


def mark_seen(*, accreditation_id: int, organisation_id: int, seen: int, actor: Actor, now: datetime) -> Accreditation:
    """Say that a steward looked at the evidence. Nobody says so of an organisation that they act for.

    Args:
        seen: revision that the page showed, so that what was looked at is what is marked.

    Raises:
        NotAllowed: for somebody who acts for the organisation.
        Conflict: when it changed after it was shown, or was marked already.
        RuleBroken: for one that has expired.
    """
    actor.require(Permission.PREPARE_GRANTS)
    if any(held.organisation_id == organisation_id for held in accounts.appointments_of(actor.person_id)):
        raise NotAllowed("You act for this organisation, so another steward must look at its evidence.")
    organisation = members.lock_organisation(organisation_id)
    found = _locked(accreditation_id, organisation_id)
    if found.revision != seen:
        raise Conflict(f"{organisation.name} changed this meanwhile. Look at it again before you mark it.")
    if found.seen_at is not None:
        raise Conflict("Another steward marked this as seen meanwhile. There is nothing left to do.")
    if found.standing(london_day(now)) is Standing.EXPIRED:
        raise RuleBroken("It has expired. Ask the organisation to record the new one first.")
    found.seen_at, found.seen_by_id = now, actor.person_id
    db.session.flush()
    audit.record(actor, "accreditation.seen", organisation.reference, at=now, after={"name": found.name})
    return found


def _locked(accreditation_id: int, organisation_id: int) -> Accreditation:
    queries.accreditation(accreditation_id, organisation_id)
    found = db.session.scalar(
        select(Accreditation)
        .where(Accreditation.id == accreditation_id, Accreditation.removed_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


def _write(found: Accreditation, said: Details, actor: Actor, now: datetime) -> None:
    found.name, found.issued_by, found.number, found.link = said.name, said.issued_by, said.number, said.link
    found.valid_from, found.valid_until, found.evidence = said.valid_from, said.valid_until, said.evidence
    found.revision += 1
    found.recorded_at, found.recorded_by_id = now, actor.person_id
    found.seen_at = found.seen_by_id = None
    db.session.flush()


def _words(said: Details) -> dict[str, str | int | bool | None]:
    return {
        "name": said.name,
        "issued_by": said.issued_by,
        "number": said.number,
        "valid_until": said.valid_until.isoformat() if said.valid_until else None,
    }

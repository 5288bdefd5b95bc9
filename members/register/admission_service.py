"""Two steps and two people: a steward checks an application, the board decides, a general meeting hears one appeal."""

from datetime import date, datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission, Role
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from ledger.money import format_pence
from members import queries as members
from members.accounts import service as accounts
from members.accounts.rules import new_token, token_hash
from members.models import Organisation
from members.register import queries
from members.register.models import Appeal
from members.register.rules import APPEAL_DAYS, EventKind, appeal_ends_at, appeal_faults
from members.register.service import issue_shares, note
from members.rules import LegalForm, MembershipStatus, Sector
from members.service import decide_sector, refuse_own

_BY_NOW = {
    MembershipStatus.MEMBER: "admitted",
    MembershipStatus.REFUSED: "refused",
    MembershipStatus.LEFT: "admitted, and has left since",
}


def _application(organisation_id: int, actor: Actor) -> Organisation:
    """A waiting application, locked."""
    organisation = members.lock_organisation(organisation_id)
    if organisation.status is not MembershipStatus.APPLIED:
        raise Conflict(
            f"{organisation.name} was decided on meanwhile: {_BY_NOW.get(organisation.status, 'it has not applied')}. "
            "Go back to the list of applications for those that still wait."
        )
    refuse_own(organisation, actor)
    return organisation


def _refuse_double(organisation: Organisation) -> None:
    doubles = [other for other in members.same_number(organisation) if other.status is MembershipStatus.MEMBER]
    if doubles:
        raise RuleBroken(
            f"{doubles[0].name} ({doubles[0].reference}) is a member with the same register number. "
            "Refuse this application, and point its contact to that member."
        )


def put_to_board(
    *,
    organisation_id: int,
    identity: str,
    sector: Sector,
    basis: str,
    evidence: str,
    connections: str,
    actor: Actor,
    now: datetime,
) -> Organisation:
    """A steward has checked who the applicant is and confirms its sector; the board decides next.

    Args:
        identity: what showed that the organisation is who it says.
        sector: may differ from the one proposed by rule.
        basis: by which rule, in words.
        evidence: what was looked at for the sector, such as the entry of a register.
        connections: what was found about connected bodies; "none found" is an answer.

    Raises:
        RuleBroken: a political party.
        Conflict: when it was decided on or put to the board meanwhile.
    """
    actor.require(Permission.ADMIT_MEMBERS)
    organisation = _application(organisation_id, actor)
    if organisation.checked_at is not None:
        raise Conflict(
            f"{organisation.name} was put to the board meanwhile. If something must be mended, the board sends it back."
        )
    if organisation.legal_form is LegalForm.POLITICAL_PARTY:
        raise RuleBroken("Political parties can't join the fund.")
    decide_sector(organisation, sector, basis, evidence, actor, now)
    organisation.checked_at = now
    organisation.checked_by_id = actor.person_id
    organisation.identity_check = identity
    organisation.connections_check = connections
    note(organisation, EventKind.PUT_TO_BOARD, reasons=identity, actor=actor, now=now)
    db.session.flush()
    return organisation


def _before_board(organisation_id: int, actor: Actor) -> Organisation:
    """A checked application, locked, that `actor` may decide: not the person who checked it."""
    actor.require(Permission.DECIDE_MEMBERSHIP)
    organisation = _application(organisation_id, actor)
    if organisation.checked_at is None:
        raise Conflict(f"A steward has to check {organisation.name} first. It comes back to the board after that.")
    if organisation.checked_by_id == actor.person_id:
        raise NotAllowed(f"You checked {organisation.name} yourself, so another member of the board must decide.")
    return organisation


def send_back(*, organisation_id: int, reasons: str, actor: Actor, now: datetime) -> Organisation:
    """The board asks the steward to look again, and says at what."""
    organisation = _before_board(organisation_id, actor)
    organisation.checked_at = None
    organisation.checked_by_id = None
    note(organisation, EventKind.SENT_BACK, reasons=reasons, actor=actor, now=now)
    return organisation


def admit(*, organisation_id: int, reasons: str, actor: Actor, now: datetime) -> Organisation:
    """The board admits an applicant: it gets its share, and its contact is invited to certify for it."""
    organisation = _before_board(organisation_id, actor)
    _refuse_double(organisation)
    _decide(organisation, reasons, actor, now)
    _enter(organisation, reasons, actor, now)
    return organisation


def refuse(*, organisation_id: int, reasons: str, actor: Actor, now: datetime) -> str:
    """The board turns an applicant away, and tells its contact why and how to appeal.

    Returns:
        The secret token of the appeal's link.
    """
    organisation = _before_board(organisation_id, actor)
    organisation.status = MembershipStatus.REFUSED
    _decide(organisation, reasons, actor, now)
    note(organisation, EventKind.REFUSED, reasons=reasons, actor=actor, now=now)
    token = new_token()
    expires_at = appeal_ends_at(now)
    db.session.add(
        Appeal(organisation_id=organisation.id, token_hash=token_hash(token), opened_at=now, expires_at=expires_at)
    )
    db.session.flush()
    mail(
        key=f"refused:{organisation.reference}",
        to=organisation.contact_email,
        subject=f"{organisation.name} can't join for now",
        what=f"We did not admit {organisation.name} as a member. Our reasons: {reasons}",
        why=f"You were named as the contact of {organisation.name} ({organisation.reference}).",
        by_when=f"You may appeal once to a general meeting of the members, within {APPEAL_DAYS} days: open the link "
        "and say why. You may also ask to join again at any time.",
        path=f"/appeals/{token}",
        holds_secret=True,
        now=now,
    )
    return token


def _decide(organisation: Organisation, reasons: str, actor: Actor, now: datetime) -> None:
    organisation.decided_at = now
    organisation.decided_by_id = actor.person_id
    organisation.decision_reasons = reasons
    db.session.flush()


def _enter(
    organisation: Organisation, reasons: str, actor: Actor, now: datetime, resolution: str | None = None
) -> None:
    """Enter a new member: status, share, history, welcome, and the invitation to its first certifier."""
    organisation.status = MembershipStatus.MEMBER
    organisation.joined_on = london_day(now)
    shares = issue_shares(organisation, now)
    note(organisation, EventKind.ADMITTED, reasons=reasons, actor=actor, now=now, resolution=resolution)
    owed = format_pence(sum(share.value_pence for share in shares))
    numbers = ", ".join(str(share.number) for share in shares)
    mail(
        key=f"admitted:{organisation.reference}",
        to=organisation.contact_email,
        subject=f"{organisation.name} is a member",
        what=f"{organisation.name} has one vote, and share number {numbers}. The share costs {owed}, once. "
        f"Pay it by bank transfer and quote {organisation.reference}. It is not a contribution to the pot.",
        why=f"You were named as the contact of {organisation.name} ({organisation.reference}).",
        by_when="Pay for the share when you next pay us something. Another letter invites you to act for your "
        "organisation.",
        path=f"/members/{organisation.reference}",
        now=now,
    )
    accounts.invite(
        name=organisation.contact_name,
        email=organisation.contact_email,
        role=Role.CERTIFIER,
        organisation_id=organisation.id,
        invited_by=actor,
        now=now,
    )


# --- the one appeal (handbook §4.2)


def appeal(*, token: str, grounds: str, now: datetime) -> Appeal:
    """A refused applicant appeals to a general meeting, once, by the link in the letter of refusal.

    Raises:
        NotFound: when the link opens nothing.
        Conflict: a second appeal, or one after the time for it.
    """
    found = db.session.scalar(select(Appeal).where(Appeal.token_hash == token_hash(token)).with_for_update())
    if found is None:
        raise NotFound
    faults = list(appeal_faults(made_at=found.made_at, expires_at=found.expires_at, now=now))
    if faults:
        raise Conflict(faults[0].message)
    found.made_at = now
    found.grounds = grounds
    note(found.organisation, EventKind.APPEALED, reasons=grounds, actor=None, now=now)
    return found


def decide_appeal(
    *,
    organisation_id: int,
    allowed: bool,
    met_on: date,
    resolution: str,
    reasons: str,
    actor: Actor,
    now: datetime,
) -> Organisation:
    """The secretary enters what a general meeting decided on an appeal. It is final; if allowed, a member is admitted.

    Args:
        met_on: the day of the meeting.
        resolution: the reference of its resolution.
    """
    actor.require(Permission.KEEP_REGISTERS)
    organisation = members.lock_organisation(organisation_id)
    found = queries.appeal_of(organisation.id)
    if found is None or found.made_at is None:
        raise NotFound
    if found.decided_at is not None:
        raise Conflict(f"What the meeting decided on {organisation.name} was entered meanwhile. It is final.")
    refuse_own(organisation, actor)
    require(_meeting_faults(found, met_on, now))
    if allowed:
        _refuse_double(organisation)
    found.allowed, found.met_on, found.resolution, found.reasons = allowed, met_on, resolution, reasons
    found.decided_at, found.recorded_by_id = now, actor.person_id
    audit.record(
        actor,
        "appeal.decided",
        organisation.reference,
        at=now,
        after={"allowed": allowed, "resolution": resolution},
    )
    if allowed:
        _enter(organisation, reasons, actor, now, resolution)
        return organisation
    note(
        organisation, EventKind.APPEAL_DISMISSED, reasons=reasons, actor=actor, now=now,
        effective_on=met_on, resolution=resolution,
    )  # fmt: skip
    mail(
        key=f"appeal-dismissed:{organisation.reference}",
        to=organisation.contact_email,
        subject=f"The meeting has decided on {organisation.name}'s appeal",
        what=f"The members did not allow the appeal (resolution {resolution}). Their reasons: {reasons}",
        why=f"You appealed for {organisation.name} ({organisation.reference}).",
        by_when="This decision is final. You may ask to join again when something has changed.",
        path="/join",
        now=now,
    )
    return organisation


def _meeting_faults(found: Appeal, met_on: date, now: datetime) -> list[Finding]:
    made_on = london_day(found.made_at or now)
    if made_on <= met_on <= london_day(now):
        return []
    return [Finding(f"Choose a day from {in_words(made_on)}, when the appeal was made, to today.", "met_on")]

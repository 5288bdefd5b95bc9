"""Changes of roles that take two people: proposed by one, confirmed or declined by another (handbook §6).

What decides is locked first: the society's row for roles of the fund, the organisation's for its certifier.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import FUND_ROLES, Actor, Permission, Role
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.society import Society
from members.accounts import service as accounts
from members.accounts.models import FundAppointment, Person
from members.accounts.rules import email_key
from members.models import Organisation
from members.offices import queries, rules
from members.offices.models import RoleChange
from members.offices.rules import ChangeKind, ChangeState
from members.queries import lock_organisation, people_with
from members.rules import ROLE_NAMES, MembershipStatus


@dataclass(frozen=True)
class Proposed:
    """What became of a proposal.

    Attributes:
        change: the change, which waits for a second person or is confirmed.
        token: the invitation's secret, where one was sent at once.
    """

    change: RoleChange
    token: str | None = None


def _lock_society() -> None:
    db.session.execute(select(Society.id).with_for_update())


def _address(actor: Actor | None) -> str | None:
    return db.session.get_one(Person, actor.person_id).email_key if actor else None


def propose_giving(*, name: str, email: str, role: Role, reasons: str, actor: Actor | None, now: datetime) -> Proposed:
    """Propose somebody for a role of the fund. A role that touches money or votes waits for a second person.

    Args:
        actor: who proposes; None is the server's own command. It counts as the fund's first officers until two people
            can change roles; after that it proposes, and one of them confirms.

    Raises:
        RuleBroken: oneself, a role held or offered already, or one kept apart from what the person holds.
    """
    if actor is not None:
        actor.require(Permission.MANAGE_OFFICES)
    if role not in FUND_ROLES:
        raise RuleBroken([Finding("Choose a role of the fund. A certifier gives those of an organisation.", "role")])
    _lock_society()
    if email_key(email) == _address(actor):
        raise RuleBroken([Finding("Nobody gives a role to themselves. Ask another officer to propose you.", "email")])
    have = queries.roles_of_address(email, now)
    if role in have:
        raise RuleBroken(
            [Finding(f"{name} is {ROLE_NAMES[role].lower()} already, or has been asked. Look at the list.", "email")]
        )
    require(rules.separation_faults(role, have))
    change = _written(ChangeKind.GIVE, name, email, role, reasons, actor, now)
    first_officers = actor is None and queries.keepers() < rules.FEWEST_KEEPERS
    if rules.needs_two(role) and not first_officers:
        _tell_second(change, now)
        return Proposed(change)
    return Proposed(change, _carry_out(change, actor, now))


def propose_ending(*, appointment_id: int, reasons: str, actor: Actor, now: datetime) -> RoleChange:
    """Propose that somebody's role for the fund ends. One that touches money or votes waits for a second person.

    Raises:
        NotAllowed: one's own role.
        Conflict: an end of it is proposed already.
        RuleBroken: too few people would be left who can change roles.
    """
    actor.require(Permission.MANAGE_OFFICES)
    _lock_society()
    held = queries.appointment(appointment_id)
    _not_oneself(held.person.email_key, actor)
    if db.session.scalar(
        select(RoleChange.id).where(
            RoleChange.email_key == held.person.email_key,
            RoleChange.role == held.role,
            RoleChange.organisation_id.is_(None),
            RoleChange.state == ChangeState.PROPOSED,
        )
    ):
        raise Conflict(f"A change of {held.person.name}'s role waits already. Look at what waits on the people page.")
    change = _written(ChangeKind.END, held.person.name, held.person.email, held.role, reasons, actor, now)
    if rules.needs_two(held.role):
        _keep_enough(held)
        _tell_second(change, now)
    else:
        _carry_out(change, actor, now)
    return change


def propose_certifier(
    *, organisation_id: int, name: str, email: str, reasons: str, evidence: str, actor: Actor, now: datetime
) -> RoleChange:
    """Propose a new certifier for an organisation whose own can't act any more. A steward and a board member do this
    together, and the organisation's contact and present certifiers are told at once, so that they can object.

    Raises:
        RuleBroken: oneself.
        Conflict: it is no member, or another proposal for it waits.
    """
    actor.require(Permission.RESTORE_CERTIFIER)
    organisation = lock_organisation(organisation_id)
    if organisation.status is not MembershipStatus.MEMBER:
        raise Conflict(f"{organisation.name} is no member now, so nobody certifies for it. Look at its page.")
    _not_oneself(email_key(email), actor)
    if db.session.scalar(
        select(RoleChange.id).where(
            RoleChange.organisation_id == organisation_id, RoleChange.state == ChangeState.PROPOSED
        )
    ):
        raise Conflict(f"A new certifier for {organisation.name} waits to be confirmed already. Look at the changes.")
    change = _written(ChangeKind.GIVE, name, email, Role.CERTIFIER, reasons, actor, now, organisation, evidence)
    _tell_second(change, now)
    for address in _of_organisation(organisation):
        mail(
            key=f"certifier-proposed:{change.id}:{address}",
            to=address,
            subject=f"The fund is asked to give {organisation.name} a new certifier",
            what=f"{actor.name} proposed {name} as certifier of {organisation.name}. The reasons: {reasons}",
            why=f"You are the contact or a certifier of {organisation.name}.",
            by_when="If this is wrong, write to the fund now: a second person decides next.",
            path=f"/members/{organisation.reference}",
            now=now,
        )
    return change


def _of_organisation(organisation: Organisation) -> list[str]:
    certifiers = [person.email for person in people_with(organisation.id, {Role.CERTIFIER})]
    return list(dict.fromkeys([organisation.contact_email, *certifiers]))


def _not_oneself(address: str, actor: Actor) -> None:
    if address == _address(actor):
        raise NotAllowed("Nobody changes a role of their own. Ask another officer to do it.")


def _written(
    kind: ChangeKind,
    name: str,
    email: str,
    role: Role,
    reasons: str,
    actor: Actor | None,
    now: datetime,
    organisation: Organisation | None = None,
    evidence: str = "",
) -> RoleChange:
    change = RoleChange(
        kind=kind,
        state=ChangeState.PROPOSED,
        role=role,
        organisation_id=organisation.id if organisation else None,
        name=name,
        email=email.strip(),
        email_key=email_key(email),
        reasons=reasons,
        evidence=evidence,
        proposed_by_id=actor.person_id if actor else None,
        proposer_roles=" ".join(sorted(actor.roles)) if actor else "",
        proposed_at=now,
    )
    db.session.add(change)
    db.session.flush()
    subject = organisation.reference if organisation else f"role_change:{change.id}"
    audit.record(actor, "role_change.proposed", subject, at=now, after={"kind": kind, "role": role, "name": name})
    return change


def _tell_second(change: RoleChange, now: datetime) -> None:
    """Everybody who could be the second person."""
    wanted = sorted(rules.KEEPERS if change.organisation_id is None else rules.RESTORERS)
    people = {person.id: person for role in wanted for person in queries.holders(role)}
    for person in people.values():
        if person.id == change.proposed_by_id or person.email_key == change.email_key:
            continue
        mail(
            key=f"role-change:{change.id}:{person.id}",
            to=person.email,
            subject=f"A change of roles waits for a second person: {change.name}",
            what=f"{'Give' if change.kind is ChangeKind.GIVE else 'End'}: {change.name}, "
            f"{ROLE_NAMES[change.role].lower()}. The reasons: {change.reasons}",
            why="Roles that touch money or votes are changed by two people, and you may be the second.",
            path=f"/people/changes/{change.id}",
            now=now,
        )


def _open_change(change_id: int, actor: Actor) -> RoleChange:
    """A change that waits, locked, that `actor` may decide as the second person."""
    found = queries.change(change_id)
    if found.organisation_id is None:
        actor.require(Permission.MANAGE_OFFICES)
        _lock_society()
    else:
        actor.require(Permission.RESTORE_CERTIFIER)
        lock_organisation(found.organisation_id)
    change = db.session.execute(
        select(RoleChange).where(RoleChange.id == change_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one()
    if change.state is not ChangeState.PROPOSED:
        raise Conflict(f"This was {change.state.value} meanwhile. Look at the changes again.")
    return change


def confirm(*, change_id: int, actor: Actor, now: datetime) -> RoleChange:
    """Be the second person: the invitation is sent, or the role ends, now.

    Raises:
        NotAllowed: who proposed it, who it is about, or not the office that must be the other one.
        Conflict: somebody decided meanwhile, or the role has ended since.
        RuleBroken: the person holds a role by now that this one is kept apart from.
    """
    change = _open_change(change_id, actor)
    if change.proposed_by_id == actor.person_id:
        raise NotAllowed("You proposed this, so another person must confirm it.")
    _not_oneself(change.email_key, actor)
    if change.organisation_id is not None and not rules.may_confirm_restoring(
        frozenset(Role(name) for name in change.proposer_roles.split()), actor.roles
    ):
        raise NotAllowed("A steward and a board member do this together. Ask one who holds the other office.")
    _carry_out(change, actor, now)
    return change


def _carry_out(change: RoleChange, actor: Actor | None, now: datetime) -> str | None:
    """Do what was proposed; gives the invitation's token where one was sent."""
    token = None
    if change.kind is ChangeKind.END:
        _end(change, actor, now)
    else:
        if change.organisation_id is None:
            own = queries.roles_of_address(change.email, now) - {change.role}
            require(rules.separation_faults(change.role, own))
        token = accounts.invite(
            name=change.name,
            email=change.email,
            role=change.role,
            organisation_id=change.organisation_id,
            invited_by=actor,
            now=now,
        )
    change.state, change.decided_at = ChangeState.CONFIRMED, now
    change.decided_by_id = actor.person_id if actor else None
    audit.record(
        actor,
        "role_change.confirmed",
        change.organisation.reference if change.organisation else f"role_change:{change.id}",
        at=now,
        after={"kind": change.kind, "role": change.role, "name": change.name, "proposed_by": change.proposed_by_id},
    )
    _tell_all(change, actor, now)
    db.session.flush()
    return token


def _end(change: RoleChange, actor: Actor | None, now: datetime) -> None:
    held = db.session.execute(
        select(FundAppointment)
        .join(FundAppointment.person)
        .where(
            Person.email_key == change.email_key,
            FundAppointment.role == change.role,
            FundAppointment.ended_at.is_(None),
        )
        .with_for_update(of=FundAppointment)
    ).scalar_one_or_none()
    if held is None:
        raise Conflict(f"{change.name} doesn't hold this role any more. Decline the change; there is nothing to end.")
    _keep_enough(held)
    held.ended_at = now
    accounts.sign_out_everywhere(person_id=held.person_id, now=now)
    audit.record(actor, "fund_role.ended", f"person:{held.person_id}", at=now, before={"role": held.role})


def _keep_enough(held: FundAppointment) -> None:
    if held.role in rules.KEEPERS and held.person.disabled_at is None and queries.keepers() <= rules.FEWEST_KEEPERS:
        raise RuleBroken(
            "Too few would be left: changing a role takes two people who are secretary or on the board. "
            "Give somebody else such a role first, then end this one."
        )


def _tell_all(change: RoleChange, actor: Actor | None, now: datetime) -> None:
    """The person concerned, the board, and for an organisation its contact and certifiers."""
    place = change.organisation.name if change.organisation else "the fund"
    role = ROLE_NAMES[change.role].lower()
    giving = change.kind is ChangeKind.GIVE
    proposer = change.proposed_by.name if change.proposed_by else "The server's command"
    by = proposer if actor is None or change.proposed_by_id == actor.person_id else f"{proposer} and {actor.name}"
    addresses = [person.email for person in queries.holders(Role.BOARD)]
    if change.organisation:
        addresses += _of_organisation(change.organisation)
    if not giving:
        addresses.append(change.email)  # who is given a role gets the invitation, which says more
    for address in dict.fromkeys(addresses):
        mail(
            key=f"role-changed:{change.id}:{address}",
            to=address,
            subject=f"{change.name} {'is asked to be' if giving else 'is no longer'} {role} of {place}",
            what=f"{by} decided this. The reasons: {change.reasons}",
            why="We tell the board and the people concerned whenever a role changes. If this is wrong, say so now.",
            path="/tasks",
            now=now,
        )


def decline(*, change_id: int, reasons: str, actor: Actor, now: datetime) -> RoleChange:
    """Say no to a proposed change, with reasons; who proposed it may take it back this way."""
    change = _open_change(change_id, actor)
    change.state, change.decided_at, change.decided_by_id = ChangeState.DECLINED, now, actor.person_id
    change.decline_reasons = reasons
    audit.record(
        actor,
        "role_change.declined",
        change.organisation.reference if change.organisation else f"role_change:{change.id}",
        at=now,
        after={"role": change.role, "name": change.name},
    )
    if change.proposed_by is not None and change.proposed_by_id != actor.person_id:
        mail(
            key=f"role-change-declined:{change.id}",
            to=change.proposed_by.email,
            subject=f"Declined: {change.name}, {ROLE_NAMES[change.role].lower()}",
            what=f"{actor.name} declined the change that you proposed. The reasons: {reasons}",
            why="You proposed it.",
            path=f"/people/changes/{change.id}",
            now=now,
        )
    db.session.flush()
    return change


def withdraw_invitation(*, invitation_id: int, actor: Actor, now: datetime) -> None:
    """Take back an invitation to a role of the fund; its link then opens nothing."""
    actor.require(Permission.MANAGE_OFFICES)
    accounts.withdraw_invitation(invitation_id=invitation_id, organisation_id=None, actor=actor, now=now)

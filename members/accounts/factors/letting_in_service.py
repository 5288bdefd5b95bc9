"""Letting somebody back in who lost every second step: two officers, of whom one is a steward, know who they are."""

from datetime import datetime

from sqlalchemy import select, update

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from members.accounts import queries as accounts
from members.accounts import service as account_service
from members.accounts.factors import queries, rules
from members.accounts.factors.models import LettingIn
from members.accounts.factors.service import end_all, is_id
from members.accounts.models import Person


def ask(*, email: str, how_checked: str, actor: Actor, now: datetime) -> LettingIn:
    """Say that a person lost every second step, and how it was checked that it is them.

    Raises:
        RuleBroken: when nobody has this address, or they have no second step, or it is one's own account.
    """
    actor.require(Permission.LET_PEOPLE_IN)
    person = accounts.person_by_email(email)
    if person is None or person.disabled_at is not None:
        raise RuleBroken([Finding("Nobody signs in with this address. Ask the person which one they use.", "email")])
    db.session.execute(select(Person.id).where(Person.id == person.id).with_for_update())
    if person.id == actor.person_id:
        raise RuleBroken([Finding("This is your own account. Ask two other officers to let you back in.", "email")])
    if not queries.has_second_step(person.id):
        raise RuleBroken(
            [Finding(f"{person.name} has no second step, so none is lost. A new passphrase is all they need.", "email")]
        )
    # One that nobody answered in time makes way.
    db.session.execute(
        update(LettingIn)
        .where(
            LettingIn.person_id == person.id,
            LettingIn.decided_at.is_(None),
            LettingIn.asked_at <= now - rules.RECOVERY_LENGTH,
        )
        .values(decided_at=now, is_granted=False)
    )
    if any(waiting.person_id == person.id for waiting in queries.open_lettings_in(now)):
        raise RuleBroken([Finding(f"Somebody asked for {person.name} already. Look under “What needs you”.", "email")])
    asked = LettingIn(person_id=person.id, asked_by_id=actor.person_id, how_checked=how_checked, asked_at=now)
    db.session.add(asked)
    db.session.flush()
    audit.record(actor, "letting_in.asked", f"person:{person.id}", at=now, after={"how_checked": how_checked})
    mail(
        key=f"letting-in-asked:{asked.id}",
        to=person.email,
        subject="Somebody asks to remove your second step",
        what=f"{actor.name} says that you lost your phone and codes, and asks a second officer to confirm it.",
        why="If you didn't ask for this, somebody may be trying to use your account.",
        by_when="If it wasn't you, write to the fund today.",
        path="/account/second-step",
        now=now,
    )
    return asked


def decide(*, letting_in_id: int, is_granted: bool, second_check: str, actor: Actor, now: datetime) -> LettingIn:
    """A second officer lets the person in, or refuses. Letting in ends every second step and every session.

    Raises:
        Conflict: when it was decided meanwhile, or is too old.
        RuleBroken: when these two may not do it together.
    """
    actor.require(Permission.LET_PEOPLE_IN)
    if not is_id(letting_in_id):
        raise NotFound
    asked = db.session.execute(
        select(LettingIn).where(LettingIn.id == letting_in_id).with_for_update()
    ).scalar_one_or_none()
    if asked is None:
        raise NotFound
    if asked.decided_at is not None or asked.asked_at <= now - rules.RECOVERY_LENGTH:
        raise Conflict("This was decided meanwhile, or is older than a week. Ask again if it is still needed.")
    person = asked.person
    if is_granted:
        first = db.session.get_one(Person, asked.asked_by_id)
        require(
            rules.confirm_faults(
                person_id=person.id,
                first_id=first.id,
                first_roles=frozenset(accounts.fund_roles_of(first.id)) if first.disabled_at is None else frozenset(),
                second_id=actor.person_id,
                second_roles=actor.roles,
            )
        )
        end_all(person_id=person.id, now=now)
        account_service.sign_out_everywhere(person_id=person.id, now=now)
        mail(
            key=f"letting-in:{asked.id}",
            to=person.email,
            subject="Your second step was removed",
            what=f"{first.name} and {actor.name} have let you back in. You are signed out of every browser. Sign in "
            "with your passphrase, then set up a new second step.",
            why="You, or somebody in your name, told the fund that your phone and codes are lost. If it wasn't you, "
            "choose a new passphrase at once and write to the fund.",
            path="/sign-in",
            now=now,
        )
    asked.decided_by_id, asked.decided_at = actor.person_id, now
    asked.is_granted, asked.second_check = is_granted, second_check
    audit.record(
        actor,
        "letting_in.granted" if is_granted else "letting_in.refused",
        f"person:{person.id}",
        at=now,
        after={"asked_by": asked.asked_by_id, "second_check": second_check},
    )
    return asked

"""What people do with their accounts: sign in and out, choose whom they act for, change a passphrase.

Checking a passphrase takes some 30 ms of work on purpose. Signing in is therefore in two parts, `claim_attempt` and
`sign_in`, with the check between them, outside any transaction: a rush of sign-ins must not hold up writers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fund.kernel import audit
from fund.kernel.access import FUND_ROLES, Actor, Role
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.society import society
from fund.kernel.topics import Topic
from members.accounts import queries, rules
from members.accounts.models import (
    FundAppointment,
    HeldForm,
    Invitation,
    KnownDevice,
    Person,
    PersonSession,
    SignInThrottle,
)
from members.models import Appointment
from members.offices.rules import separation_faults
from members.queries import LARGEST_ID, lock_organisation, represents_elsewhere, seats
from members.rules import ROLE_NAMES, appointment_faults

EVERYBODY = ""
"""In place of an account, in the throttle's row for a whole network."""


@dataclass(frozen=True)
class Browser:
    """What is known of the browser that somebody signs in from.

    Attributes:
        device: in plain words, such as "Firefox on Windows".
        network: where from, roughly.
        is_remembered: it stays signed in for `rules.SESSION_LENGTH`; else it ends with the browser, or left alone.
    """

    device: str = "A browser"
    network: str = "unknown"
    is_remembered: bool = False


@dataclass(frozen=True)
class Attempt:
    """A try to sign in that was let through, or one that has to wait (`wait_until`)."""

    throttle_ids: tuple[int, ...]
    person_id: int | None
    stored_hash: str | None
    wait_until: datetime | None = None


def add_person(*, name: str, email: str, passphrase: str | None, actor: Actor | None, now: datetime) -> Person:
    """Make an account. Without a passphrase its owner sets one through an invitation or a reset link.

    Raises:
        RuleBroken: when somebody has this address, or the passphrase is too easy.
    """
    if queries.person_by_email(email) is not None:
        raise RuleBroken([Finding("Somebody with this e-mail address has an account already.", "email")])
    if passphrase is not None:
        require(rules.passphrase_faults(passphrase, known=(name, email)))
    person = Person(
        name=name,
        email=email.strip(),
        email_key=rules.email_key(email),
        password_hash=rules.hash_passphrase(passphrase) if passphrase is not None else None,
        created_at=now,
    )
    db.session.add(person)
    db.session.flush()
    audit.record(actor, "account.made", f"person:{person.id}", at=now)
    return person


def claim_attempt(*, email: str, network: str, now: datetime, device_token: str | None = None) -> Attempt:
    """Count a try before the passphrase is looked at, so that many tries at once are all counted.

    A browser that this person signed in from before counts by itself, apart from its network: whoever tries from the
    same office can't make them wait.

    Args:
        email: as typed; may be nobody's.
        network: where from, as `rules.network_of` says.
        device_token: what the browser holds of earlier sign-ins, if anything.
    """
    account = sha256(rules.email_key(email).encode()).hexdigest()
    person = queries.person_by_email(email)
    device = queries.known_device(person.id, device_token, now) if person is not None else None
    if device is not None:
        counted = [(claim_row(account, f"device:{device.id}", now), rules.wait_after)]
    else:
        counted = [
            (claim_row(account, network, now), rules.wait_after),
            (claim_row(EVERYBODY, network, now), rules.network_wait_after),
        ]
    wait_until = max(row.wait_until for row, _ in counted)
    if wait_until > now:
        return Attempt((), None, None, wait_until)
    for row, wait in counted:
        count_failure(row, wait, now)
    ids = tuple(row.id for row, _ in counted)
    if person is None or person.disabled_at is not None:
        return Attempt(ids, None, None)
    return Attempt(ids, person.id, person.password_hash)


def count_failure(row: SignInThrottle, wait: Callable[[int], timedelta], now: datetime) -> None:
    """Count a try as failed until it is known to be right; old failures no longer count."""
    row.failures = 1 if now - row.last_attempt_at > rules.FORGET_FAILURES_AFTER else row.failures + 1
    row.last_attempt_at = now
    row.wait_until = now + wait(row.failures)


def forgive(throttle_ids: tuple[int, ...]) -> None:
    """The try was right: forget the account's failures from here, and take this one off the whole network's."""
    first, *others = throttle_ids
    db.session.execute(delete(SignInThrottle).where(SignInThrottle.id == first))
    db.session.execute(
        update(SignInThrottle)
        .where(SignInThrottle.id.in_(others), SignInThrottle.failures > 0)
        .values(failures=SignInThrottle.failures - 1)
    )


def claim_row(account_hash: str, network: str, now: datetime) -> SignInThrottle:
    """The locked row that counts failures of an account from a network."""
    session = db.session()
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    session.execute(
        insert(SignInThrottle)
        .values(account_hash=account_hash, network=network, failures=0, last_attempt_at=now, wait_until=now)
        .on_conflict_do_nothing(index_elements=["account_hash", "network"])
    )
    return session.execute(
        select(SignInThrottle)
        .where(SignInThrottle.account_hash == account_hash, SignInThrottle.network == network)
        .with_for_update()
    ).scalar_one()


def sign_in(*, attempt: Attempt, now: datetime, browser: Browser = Browser(), needs_factor: bool = False) -> str:
    """Open a session for the person of an attempt whose passphrase was right; returns its secret token.

    Args:
        attempt: what `claim_attempt` let through.
        browser: where the person signs in from.
        needs_factor: a second step is still to come; the session opens nothing until it was given.
    """
    person = db.session.get(Person, attempt.person_id) if attempt.person_id is not None else None
    if person is None or person.disabled_at is not None:
        raise NotFound
    if attempt.throttle_ids:
        forgive(attempt.throttle_ids)
    if not needs_factor:
        record_sign_in(person, now)
    return open_session(
        person_id=person.id, acting_for_id=None, browser=browser, gave_passphrase=True, is_half=needs_factor, now=now
    )


def record_sign_in(person: Person, now: datetime) -> None:
    """Write down that somebody has signed in."""
    audit.record(queries.actor_of(person.id, person.name, None), "account.signed_in", f"person:{person.id}", at=now)


def open_session(
    *,
    person_id: int,
    acting_for_id: int | None,
    now: datetime,
    browser: Browser = Browser(),
    gave_passphrase: bool = False,
    gave_factor_at: datetime | None = None,
    is_half: bool = False,
    is_by_demo_door: bool = False,
) -> str:
    """A new session on the server; returns the secret token, of which only the hash is kept."""
    token = rules.new_token()
    length = rules.SESSION_LENGTH if browser.is_remembered else rules.BROWSER_SESSION_LENGTH
    db.session.add(
        PersonSession(
            token_hash=rules.token_hash(token),
            person_id=person_id,
            acting_for_id=acting_for_id,
            created_at=now,
            expires_at=now + length,
            is_remembered=browser.is_remembered,
            device=browser.device,
            network=browser.network,
            last_seen_at=now,
            passphrase_at=now if gave_passphrase else None,
            factor_at=gave_factor_at,
            is_half=is_half,
            is_by_demo_door=is_by_demo_door,
        )
    )
    db.session.flush()
    return token


def sign_out(*, token: str, now: datetime) -> None:
    """End this session; a cookie kept from before opens nothing."""
    db.session.execute(
        update(PersonSession)
        .where(PersonSession.token_hash == rules.token_hash(token), PersonSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def sign_out_everywhere(*, person_id: int, now: datetime) -> None:
    """End every session of a person."""
    db.session.execute(
        update(PersonSession)
        .where(PersonSession.person_id == person_id, PersonSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def act_for(*, token: str, organisation_id: int, actor: Actor, now: datetime) -> None:
    """Act for another organisation from now on, in this browser.

    Raises:
        NotFound: when the person has no role there.
    """
    if organisation_id not in {held.organisation_id for held in queries.appointments_of(actor.person_id)}:
        raise NotFound
    db.session.execute(
        update(PersonSession)
        .where(PersonSession.token_hash == rules.token_hash(token), PersonSession.person_id == actor.person_id)
        .values(acting_for_id=organisation_id)
    )
    audit.record(
        actor,
        "account.acts_for",
        f"person:{actor.person_id}",
        at=now,
        before={"organisation_id": actor.organisation_id},
        after={"organisation_id": organisation_id},
    )


def grant_fund_role(
    *, person_id: int, role: Role, actor: Actor | None, now: datetime, given_by_id: int | None = None
) -> FundAppointment:
    """Give a person a role for the fund itself; one they hold already stays as it is.

    The person signs in anew: a session that somebody else may have got hold of must not grow with its owner.

    Args:
        given_by_id: who gave it, where that is another than `actor`: the person who accepts did not give it.

    Raises:
        RuleBroken: a role inside an organisation, or one that the person may not hold beside those they have.
    """
    if role not in FUND_ROLES:
        raise RuleBroken(f"{role} is a role inside an organisation. Its certifier gives it.")
    person = db.session.execute(select(Person).where(Person.id == person_id).with_for_update()).scalar_one_or_none()
    if person is None:
        raise NotFound
    held = db.session.scalar(
        select(FundAppointment).where(
            FundAppointment.person_id == person_id, FundAppointment.role == role, FundAppointment.ended_at.is_(None)
        )
    )
    if held is not None:
        return held
    require(separation_faults(role, queries.fund_roles_of(person_id)))
    giver = given_by_id or (actor.person_id if actor else None)
    given = FundAppointment(person_id=person_id, role=role, started_at=now, appointed_by_id=giver)
    db.session.add(given)
    db.session.flush()
    sign_out_everywhere(person_id=person_id, now=now)
    audit.record(actor, "fund_role.given", f"person:{person_id}", at=now, after={"role": role})
    return given


def seat(*, organisation_id: int, person_id: int, role: Role, actor: Actor | None, now: datetime) -> Appointment:
    """Write down that a person now holds a role in an organisation. Whether they may is checked by who calls this.

    The person signs in anew, as with a role for the fund.
    """
    given = Appointment(
        organisation_id=organisation_id,
        person_id=person_id,
        role=role,
        started_at=now,
        appointed_by_id=actor.person_id if actor else None,
    )
    db.session.add(given)
    db.session.flush()
    sign_out_everywhere(person_id=person_id, now=now)
    return given


def invite(
    *, name: str, email: str, role: Role, organisation_id: int | None, invited_by: Actor | None, now: datetime
) -> str:
    """Mail an invitation to a role; returns the secret token of its link. Whether it may be offered is checked by who
    calls this (`members.service.appoint`)."""
    token = rules.new_token()
    invitation = Invitation(
        token_hash=rules.token_hash(token),
        name=name,
        email=email.strip(),
        organisation_id=organisation_id,
        role=role,
        invited_by_id=invited_by.person_id if invited_by else None,
        created_at=now,
        expires_at=now + rules.INVITATION_LENGTH,
    )
    db.session.add(invitation)
    db.session.flush()
    organisation = lock_organisation(organisation_id) if organisation_id is not None else None
    place = organisation.name if organisation else "the fund"
    audit.record(
        invited_by,
        "invitation.sent",
        organisation.reference if organisation else f"invitation:{invitation.id}",
        at=now,
        after={"role": role, "invitation": invitation.id},
    )
    mail(
        key=f"invitation:{invitation.id}",
        to=invitation.email,
        subject=f"{place} asks you to be its {ROLE_NAMES[role].lower()}",
        what=f"Dear {name}, open the link, read what the role means, and accept it there.",
        why=f"{invited_by.name if invited_by else 'The fund'} named you as {ROLE_NAMES[role].lower()} of {place}.",
        by_when="The link works once, for 14 days. Only you can use it.",
        path=f"/invitations/{token}",
        holds_secret=True,
        now=now,
        topic=Topic.ACCOUNT,
    )
    return token


def accept_invitation(*, token: str, passphrase: str | None, actor: Actor | None, now: datetime) -> Person:
    """Take up the role that was offered. Uses the link up.

    Somebody new chooses a passphrase here. Somebody with an account must be signed in as the person invited: a link
    alone, forwarded or read by another, gives no way into an account.

    Raises:
        NotFound: when there is no such link, or it was used, withdrawn or is too old.
        NotAllowed: when somebody else is signed in, or the invited person has an account and isn't signed in.
        RuleBroken: when the passphrase is too easy, or the role has been filled since.
    """
    invitation = db.session.execute(
        select(Invitation).where(Invitation.token_hash == rules.token_hash(token)).with_for_update()
    ).scalar_one_or_none()
    if (
        invitation is None
        or invitation.accepted_at is not None
        or invitation.withdrawn_at is not None
        or invitation.expires_at <= now
    ):
        raise NotFound("This invitation has been used or withdrawn, or is too old. Ask who invited you for a new one.")
    person = _invited_person(invitation, passphrase, actor, now)
    invitation.accepted_at = now
    whole = queries.actor_of(person.id, person.name, invitation.organisation_id)
    if invitation.organisation_id is None:
        given_by_id = invitation.invited_by_id
        grant_fund_role(person_id=person.id, role=invitation.role, actor=whole, now=now, given_by_id=given_by_id)
        return person
    organisation = lock_organisation(invitation.organisation_id)
    db.session.execute(select(Person.id).where(Person.id == person.id).with_for_update())
    require(
        appointment_faults(
            invitation.role,
            person.email_key,
            seats(organisation.id, now, without_invitation=invitation.id),
            elsewhere=represents_elsewhere(person.id, organisation.id),
        )
    )
    seat(organisation_id=organisation.id, person_id=person.id, role=invitation.role, actor=whole, now=now)
    audit.record(whole, "invitation.accepted", organisation.reference, at=now, after={"role": invitation.role})
    return person


def _invited_person(invitation: Invitation, passphrase: str | None, actor: Actor | None, now: datetime) -> Person:
    person = queries.person_by_email(invitation.email)
    if person is not None and person.password_hash is not None:
        if actor is None or actor.person_id != person.id:
            raise NotAllowed(f"Sign in as {invitation.email}, then open the link from the mail again.")
        return person
    if actor is not None and (person is None or actor.person_id != person.id):
        raise NotAllowed(f"This invitation is for {invitation.email}. Sign out first, then open the link again.")
    if person is None:
        return add_person(
            name=invitation.name, email=invitation.email, passphrase=passphrase or "", actor=None, now=now
        )
    require(rules.passphrase_faults(passphrase or "", known=(person.name, person.email)))
    person.password_hash = rules.hash_passphrase(passphrase or "")
    return person


def withdraw_invitation(*, invitation_id: int, organisation_id: int | None, actor: Actor, now: datetime) -> None:
    """Take an invitation back; its link then opens nothing."""
    if not 0 < invitation_id <= LARGEST_ID:
        raise NotFound
    invitation = db.session.execute(
        select(Invitation)
        .where(Invitation.id == invitation_id, Invitation.organisation_id == organisation_id)
        .with_for_update()
    ).scalar_one_or_none()
    if invitation is None:
        raise NotFound
    if invitation.accepted_at is not None or invitation.withdrawn_at is not None:
        raise Conflict(
            f"{invitation.name} accepted meanwhile, or somebody withdrew this. Look at the people page again."
        )
    invitation.withdrawn_at = now
    audit.record(actor, "invitation.withdrawn", f"invitation:{invitation.id}", at=now, after={"role": invitation.role})


def enter_as(*, person_id: int, now: datetime) -> str:
    """Become one of the people of a demonstration fund; returns the token of a new session.

    Raises:
        NotFound: on a real fund, whoever asks.
    """
    found = society()
    if found is None or not found.is_demo or person_id not in {person.person_id for person in queries.demo_people()}:
        raise NotFound
    return open_session(
        person_id=person_id, acting_for_id=None, browser=Browser(is_remembered=True), is_by_demo_door=True, now=now
    )


def sweep(now: datetime) -> int:
    """Forget failed sign-ins that no longer count, and what was held for too long; returns how many."""
    gone = db.session.execute(
        delete(SignInThrottle)
        .where(SignInThrottle.last_attempt_at < now - rules.FORGET_FAILURES_AFTER, SignInThrottle.wait_until <= now)
        .returning(SignInThrottle.id)
    )
    held = db.session.execute(
        delete(HeldForm).where(HeldForm.created_at < now - rules.HOLD_LENGTH).returning(HeldForm.id)
    )
    unknown = db.session.execute(
        delete(KnownDevice).where(KnownDevice.last_seen_at < now - rules.DEVICE_LENGTH).returning(KnownDevice.id)
    )
    return len(gone.all()) + len(held.all()) + len(unknown.all())

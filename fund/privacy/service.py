"""What people and the office do about personal data: mend it, ask, answer, erase."""

from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.policy import policy_at
from fund.kernel.topics import Topic
from fund.privacy import copying, erasing, keeping, queries
from fund.privacy.models import PrivacyRequest, Wish
from fund.privacy.rules import Duties, answer_by, blockers
from members.accounts import queries as accounts
from members.accounts.models import Person
from members.queries import lock_organisation


def correct_name(*, name: str, actor: Actor, now: datetime) -> None:
    """Mend one's own name at once (art. 16). What was signed under the old one stays as it was signed."""
    person = _locked_person(actor.person_id)
    if person.name == name:
        raise RuleBroken([Finding("This is your name already. Change it, or leave the page.", "name")])
    db.session.add(
        PrivacyRequest(
            person_id=person.id,
            wish=Wish.CORRECTION,
            words="",
            before=person.name,
            after=name,
            asked_at=now,
            asked_by_id=person.id,
            agreed=True,
            done_at=now,
        )
    )
    person.name = name
    db.session.flush()
    audit.record(actor, "person.corrected", f"person:{person.id}", at=now, after={"field": "name"})


def ask(*, wish: Wish, words: str, actor: Actor, now: datetime) -> PrivacyRequest:
    """Ask the office about one's own data."""
    return _ask(_locked_person(actor.person_id), wish, words, actor, now)


def ask_for(*, email: str, wish: Wish, words: str, actor: Actor, now: datetime) -> PrivacyRequest:
    """The secretary writes down what somebody asked by letter, by phone or in person."""
    actor.require(Permission.ANSWER_PRIVACY_REQUESTS)
    person = accounts.person_by_email(email)
    if person is None or person.erased_at is not None:
        raise RuleBroken([Finding("Nobody has an account with this address. Ask them which one they use.", "email")])
    return _ask(_locked_person(person.id), wish, words, actor, now)


def _ask(person: Person, wish: Wish, words: str, actor: Actor, now: datetime) -> PrivacyRequest:
    waiting = db.session.scalar(
        select(PrivacyRequest.id).where(
            PrivacyRequest.person_id == person.id, PrivacyRequest.wish == wish, PrivacyRequest.done_at.is_(None)
        )
    )
    if waiting is not None:
        raise Conflict(
            f"This was asked already, as request {waiting}, and waits for an answer. Nothing more is needed."
        )
    made = PrivacyRequest(person_id=person.id, wish=wish, words=words, asked_at=now, asked_by_id=actor.person_id)
    db.session.add(made)
    db.session.flush()
    audit.record(actor, "privacy.asked", f"person:{person.id}", at=now, after={"wish": wish, "request": made.id})
    mail(
        key=f"privacy:{made.id}:asked",
        to=person.email,
        subject=f"We have your request {made.id} about your data",
        what=f"{queries.WISH_NAMES[wish]}: we have written this down and the secretary answers you.",
        why="You asked, or somebody at the office wrote it down for you. If you didn't ask, tell the secretary.",
        by_when=f"You hear from us by {in_words(answer_by(london_day(now)))}.",
        path="/account/data",
        topic=Topic.ACCOUNT,
        now=now,
    )
    return made


def withdraw(*, request_id: int, actor: Actor, now: datetime) -> None:
    """Take one's own request back, as long as it isn't done."""
    found = _locked(request_id)
    if found.person_id != actor.person_id:
        raise NotFound
    _check_open(found)
    found.agreed = False
    found.reasons = "Taken back by the person who asked."
    found.done_at = now
    audit.record(actor, "privacy.withdrawn", f"person:{found.person_id}", at=now, after={"request": found.id})


def answer(*, request_id: int, agreed: bool, reasons: str, actor: Actor, now: datetime) -> PrivacyRequest:
    """The secretary agrees or refuses, with reasons. An erasure then waits for a second person.

    Raises:
        NotAllowed: for one's own request.
        RuleBroken: when an erasure is agreed to that has to wait, naming what is to be done first.
    """
    actor.require(Permission.ANSWER_PRIVACY_REQUESTS)
    found = _locked(request_id)
    _check_open(found)
    if found.decided_at is not None:
        raise Conflict("This was answered meanwhile. Look at the request again.")
    if actor.person_id == found.person_id:
        raise NotAllowed("Nobody answers their own request. Ask another secretary, or the board to appoint one.")
    if found.wish is Wish.ERASURE and agreed:
        require(blockers(_duties(found.person_id)))
    found.agreed, found.reasons = agreed, reasons
    found.decided_at, found.decided_by_id = now, actor.person_id
    audit.record(
        actor,
        "privacy.answered",
        f"person:{found.person_id}",
        at=now,
        after={"request": found.id, "wish": found.wish, "agreed": agreed},
    )
    if found.wish is Wish.ERASURE and agreed:
        return found
    found.done_at = now
    mail(
        key=f"privacy:{found.id}:answered",
        to=found.person.email,
        subject=f"Our answer to your request {found.id}",
        what=f"{'We did what you asked' if agreed else 'We did not do what you asked'}. {reasons}",
        why="You asked about your personal data.",
        by_when="Nothing is needed by a date. If you don't agree, write to us, or complain to the Information "
        "Commissioner's Office at ico.org.uk.",
        path="/account/data",
        topic=Topic.NOTICE,
        now=now,
    )
    return found


def confirm(*, request_id: int, actor: Actor, now: datetime) -> None:
    """A member of the board confirms an erasure that the secretary agreed to; it is done at once and for good.

    Raises:
        NotAllowed: for the person themselves, or for whoever agreed.
        RuleBroken: when something has come up since that has to be settled first.
    """
    actor.require(Permission.CONFIRM_ERASURE)
    found = _locked(request_id)
    _check_open(found)
    if found.wish is not Wish.ERASURE or found.decided_at is None:
        raise Conflict("There is nothing to confirm yet. The secretary answers first.")
    if actor.person_id in (found.person_id, found.decided_by_id):
        raise NotAllowed("It takes two people, and neither may be the one who is erased. Ask another board member.")
    person = _locked_person(found.person_id)
    require(blockers(_duties(person.id)))
    email = person.email
    kept = "; ".join(holding.title.lower() for holding in queries.stays(person.id) if holding.stays) or "none"
    found.confirmed_at, found.confirmed_by_id, found.done_at = now, actor.person_id, now
    erasing.erase(person, now)
    audit.record(actor, "privacy.erased", f"person:{person.id}", at=now, after={"request": found.id})
    mail(
        key=f"privacy:{found.id}:erased",
        to=email,
        subject="You have been erased",
        what=f"Your account is gone, and our records now say “{person.name}” where they named you. Your name stays "
        f"only in what is signed, frozen or public record: {kept}. The page says why, and how long.",
        why="You asked for it. This is our last message; we forget your address when it has left.",
        by_when="Nothing is needed. You may complain to the Information Commissioner's Office at ico.org.uk.",
        path="/privacy",
        topic=Topic.ACCOUNT,
        forget_when_sent=True,
        now=now,
    )


def copy_of_own(*, actor: Actor, now: datetime) -> bytes:
    """One's own data as a ZIP."""
    person = _locked_person(actor.person_id)
    audit.record(actor, "privacy.copied", f"person:{person.id}", at=now)
    return copying.as_zip(person, now)


def copy_for(*, request_id: int, actor: Actor, now: datetime) -> bytes:
    """The data of somebody who asked for a copy, for the secretary to hand over."""
    actor.require(Permission.ANSWER_PRIVACY_REQUESTS)
    found = _locked(request_id)
    _check_open(found)
    if found.wish is not Wish.COPY:
        raise NotFound
    audit.record(actor, "privacy.copied", f"person:{found.person_id}", at=now, after={"request": found.id})
    return copying.as_zip(found.person, now)


def _locked(request_id: int) -> PrivacyRequest:
    if not 0 < request_id <= queries.LARGEST_ID:
        raise NotFound
    found = db.session.execute(
        select(PrivacyRequest)
        .where(PrivacyRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def _locked_person(person_id: int) -> Person:
    return db.session.execute(select(Person).where(Person.id == person_id).with_for_update()).scalar_one()


def _duties(person_id: int) -> Duties:
    """What rests on them alone, with their organisations locked, so that it stays so until the end."""
    for organisation_id in queries.certifies_for(person_id):
        lock_organisation(organisation_id)
    return queries.duties_of(person_id)


def _check_open(found: PrivacyRequest) -> None:
    if found.done_at is not None:
        raise Conflict("This request was finished meanwhile. Look at it again.")


def sweep(now: datetime) -> int:
    """Forget what was kept for a time that is over (handbook §13). Returns how many records that was."""
    done = keeping.forget(policy_at(now), now)
    if done:
        audit.record(None, "records.forgotten", "records", at=now, after=done)
    return sum(done.values())

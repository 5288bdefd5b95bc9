"""Erasing somebody: empties what names them, and leaves what the law, the books and others' rights need.

The one place that writes to tables of every folder. It must, and all it does is take a name away; what it does to each
table is the registry's data, and what a plain rule can't say stands here by name.
"""

import re
from collections.abc import Set
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Text, delete, func, or_, select, update

from fund.kernel.access import Role
from fund.kernel.db import Base, db
from fund.kernel.once import FormSubmission
from fund.kernel.outbox import OutboxMessage
from fund.privacy.models import PrivacyRequest
from fund.privacy.registry import HOLDINGS, Fate
from fund.privacy.rules import emptied_address, pseudonym
from members.accounts.models import FundAppointment, Invitation, Person, SignInThrottle
from members.accounts.rules import email_key
from members.contact.models import ContactChoice
from members.contact.rules import address_hash
from members.models import Appointment, Organisation
from members.offices.models import RoleChange
from members.queries import people_with
from proposals.brokerage.models import PartnerReply


def erase(person: Person, now: datetime) -> None:
    """Take a person's name and address away everywhere but where the registry says that it stays.

    The caller holds the row's lock and has settled that it may be done. Safe to do again.
    """
    email = person.email
    names = {person.name} | set(
        db.session.scalars(
            select(PrivacyRequest.before).where(
                PrivacyRequest.person_id == person.id, PrivacyRequest.before.is_not(None)
            )
        )
    )
    _end_roles(person.id, now)
    for holding in HOLDINGS:
        table = Base.metadata.tables[holding.table]
        if holding.fate is Fate.DELETE:
            db.session.execute(delete(table).where(or_(*(table.c[mine] == person.id for mine in holding.mine))))
        for column, owner in holding.names:
            db.session.execute(update(table).where(table.c[owner] == person.id).values({column: pseudonym(person.id)}))
    account = sha256(email_key(email).encode()).hexdigest()
    db.session.execute(delete(SignInThrottle).where(SignInThrottle.account_hash == account))
    db.session.execute(delete(ContactChoice).where(ContactChoice.address_hash == address_hash(email)))
    db.session.execute(
        update(PrivacyRequest).where(PrivacyRequest.person_id == person.id).values(words="", before=None, after=None)
    )
    _empty_invitations(person.id, email, now)
    _empty_role_changes(person.id, email)
    _empty_partner_contacts(person.id)
    _change_contacts(person.id, email)
    _empty_mail(person.id, email)
    _change_texts(person.id, names, email)
    for attribute in Person.__mapper__.column_attrs:
        if attribute.columns[0].nullable and isinstance(attribute.columns[0].type, Text):
            setattr(person, attribute.key, None)
    person.name = pseudonym(person.id)
    person.email = person.email_key = emptied_address(person.id)
    person.disabled_at = person.disabled_at or now
    person.erased_at = now
    db.session.flush()


def _end_roles(person_id: int, now: datetime) -> None:
    for table in (Appointment, FundAppointment):
        db.session.execute(
            update(table).where(table.person_id == person_id, table.ended_at.is_(None)).values(ended_at=now)
        )


def _empty_invitations(person_id: int, email: str, now: datetime) -> None:
    theirs = func.lower(Invitation.email) == email.lower()
    db.session.execute(
        update(Invitation)
        .where(theirs, Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
    db.session.execute(
        update(Invitation).where(theirs).values(name=pseudonym(person_id), email=emptied_address(person_id))
    )


def _empty_role_changes(person_id: int, email: str) -> None:
    db.session.execute(
        update(RoleChange)
        .where(RoleChange.email_key == email_key(email))
        .values(name=pseudonym(person_id), email=emptied_address(person_id), email_key=emptied_address(person_id))
    )


def _empty_partner_contacts(person_id: int) -> None:
    """How to reach the people who looked for a partner together, which each side gave for itself."""
    db.session.execute(update(PartnerReply).where(PartnerReply.replied_by_id == person_id).values(contact=""))
    db.session.execute(update(PartnerReply).where(PartnerReply.exchanged_by_id == person_id).values(lead_contact=""))


def _change_contacts(person_id: int, email: str) -> None:
    """Another certifier becomes the contact of their organisations; where there is none, nobody is."""
    for organisation in db.session.scalars(
        select(Organisation)
        .where(func.lower(Organisation.contact_email) == email.lower())
        .order_by(Organisation.id)
        .with_for_update()
    ):
        others = people_with(organisation.id, {Role.CERTIFIER})
        organisation.contact_name = others[0].name if others else pseudonym(person_id)
        organisation.contact_email = others[0].email if others else ""


def _empty_mail(person_id: int, email: str) -> None:
    db.session.execute(
        update(OutboxMessage)
        .where(func.lower(OutboxMessage.recipient) == email.lower())
        .values(recipient="", subject="", what="", why="", by_when="", path="", last_error=None)
    )
    for message in db.session.scalars(
        select(OutboxMessage).where(OutboxMessage.key.icontains(email, autoescape=True)).order_by(OutboxMessage.id)
    ):
        message.key = re.sub(re.escape(email), f"former-{person_id}", message.key, flags=re.IGNORECASE)


def _change_texts(person_id: int, names: Set[str | None], email: str) -> None:
    """In sentences that we wrote to others: the address, and the name as whole words. A name of one word is left: it
    may be any word of a sentence, and without the rest it names nobody."""
    wanted = [email, *sorted(name for name in names if name and len(name.split()) > 1)]
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in wanted), re.IGNORECASE)
    for table, columns in (
        (OutboxMessage, ("subject", "what", "why", "by_when")),
        (FormSubmission, ("message",)),
        (PrivacyRequest, ("reasons",)),
    ):
        held = [getattr(table, column).icontains(one, autoescape=True) for column in columns for one in wanted]
        for row in db.session.scalars(select(table).where(or_(*held)).order_by(*table.__table__.primary_key)):
            for column in columns:
                setattr(row, column, pattern.sub(pseudonym(person_id), getattr(row, column) or ""))

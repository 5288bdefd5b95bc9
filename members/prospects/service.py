"""What happens to organisations not yet members: taken in from lists or by hand, invited, spoken to, left alone."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.policy import policy_at
from fund.kernel.references import next_number, next_references
from members.accounts.rules import email_key, new_token, token_hash
from members.models import Organisation, OrganisationWord
from members.prospects import import_queries, queries, reading
from members.prospects.models import InvitationStop, Prospect, ProspectContact, ProspectImport
from members.prospects.queries import Filters
from members.prospects.rules import (
    MOST_INVITED_AT_ONCE,
    Answer,
    Details,
    Row,
    Table,
    Way,
    details_faults,
    likely_form,
)
from members.queries import lock_organisation, organisations_by_reference
from members.rules import MembershipStatus, Register, SectorFacts, name_key, name_words, propose_sector

IMPORTS_KEPT_DAYS = 7
_CHUNK = 500


# --- lists


def send_list(*, content: bytes, filename: str, actor: Actor, now: datetime) -> ProspectImport:
    """Keep a list for a look at what taking it in would do. Nothing of it is in the register yet.

    Raises:
        RuleBroken: when the file is no list that can be read.
    """
    actor.require(Permission.ADMIT_MEMBERS)
    try:
        table = reading.read(content)
    except reading.Unreadable as why:
        raise RuleBroken([Finding(str(why), "file")]) from None
    db.session.execute(
        update(ProspectImport)
        .where(ProspectImport.sent_at < now - timedelta(days=IMPORTS_KEPT_DAYS), ProspectImport.taken_at.is_(None))
        .values(rows=None)
    )
    sent = ProspectImport(
        filename=filename[:200],
        sent_at=now,
        sent_by_id=actor.person_id,
        rows={"ignored": list(table.ignored), "rows": [[number, dict(cells)] for number, cells in table.rows]},
    )
    db.session.add(sent)
    db.session.flush()
    return sent


def table_of(sent: ProspectImport) -> Table | None:
    """The rows of a list that was sent; None once they are gone."""
    if sent.rows is None:
        return None
    kept: dict[str, Any] = sent.rows
    return Table(tuple(kept["ignored"]), tuple((number, cells) for number, cells in kept["rows"]))


def take_list(*, import_id: int, actor: Actor, now: datetime) -> ProspectImport:
    """Take a list in, whole or not at all. A row that says what we hold changes nothing.

    Raises:
        Conflict: when it was taken in already, or is too old.
        RuleBroken: when a row is wrong now.
    """
    actor.require(Permission.ADMIT_MEMBERS)
    next_number("prospect-list")  # one list at a time: the row is locked, so that two can't add one organisation
    sent = db.session.scalar(
        select(ProspectImport)
        .where(ProspectImport.id == import_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if sent is None:
        raise NotFound
    if sent.taken_at is not None:
        raise Conflict("This list was taken in meanwhile. Look at the organisations.")
    table = table_of(sent)
    if table is None:
        raise Conflict("This list was sent more than a week ago and is gone. Send the file again.")
    found = import_queries.standing(table)
    if found.faults:
        raise RuleBroken("Some rows are wrong, so nothing was taken in. Mend them in your file and send it again.")
    _add(found.new, sent.id, now)
    for row, organisation_id, differs in found.changed:
        _alter(organisation_id, row.details, list(differs), actor, now)
    sent.taken_at, sent.rows = now, None
    sent.new_count, sent.changed_count = len(found.new), len(found.changed)
    audit.record(
        actor,
        "prospects.imported",
        f"prospect-list:{sent.id}",
        at=now,
        after={"file": sent.filename, "new": len(found.new), "changed": len(found.changed)},
    )
    return sent


def _add(rows: Sequence[Row], import_id: int | None, now: datetime) -> list[int]:
    """New prospects, many at once."""
    if not rows:
        return []
    references = next_references("GM", count=len(rows), digits=4)
    added: list[int] = []
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        values = [
            _values(row.details, reference, now) for row, reference in zip(some, references[start:], strict=False)
        ]
        keys = dict(
            db.session.execute(insert(Organisation).returning(Organisation.reference, Organisation.id), values).all()
        )
        words, plans = [], []
        for row, value in zip(some, values, strict=True):
            key = keys[str(value["reference"])]
            words += [{"word": word, "organisation_id": key} for word in name_words(row.details.name or "")]
            plans.append({"organisation_id": key, "anchor": row.details.anchor, "import_id": import_id})
            added.append(key)
        if words:
            db.session.execute(insert(OrganisationWord), words)
        db.session.execute(insert(Prospect), plans)
    return added


def _values(details: Details, reference: str, now: datetime) -> dict[str, object]:
    form = details.legal_form or likely_form(details.register)
    return {
        "reference": reference,
        "name": details.name,
        "name_key": name_key(details.name or ""),
        "legal_form": form,
        "register": details.register or Register.NONE,
        "register_number": details.register_number,
        "district": details.district or "",
        "address": details.address or "",
        "claims": [],
        "proposed_sector": propose_sector(SectorFacts(form)).sector,
        "proposed_reason": "",
        "status": MembershipStatus.PROSPECT,
        "applied_at": now,
        "contact_name": details.contact_name or "",
        "contact_email": details.contact_email or "",
    }


def _alter(organisation_id: int, details: Details, names: Sequence[str], actor: Actor, now: datetime) -> None:
    organisation = lock_organisation(organisation_id)
    if organisation.status is not MembershipStatus.PROSPECT:
        raise Conflict(f"{organisation.name} asked to join meanwhile, so its details are its own to change.")
    prospect = queries.lock_prospect(organisation_id)
    before = {name: getattr(prospect if name == "anchor" else organisation, name) for name in names}
    for name in names:
        setattr(prospect if name == "anchor" else organisation, name, getattr(details, name))
    if "legal_form" in names:
        organisation.proposed_sector = propose_sector(SectorFacts(organisation.legal_form)).sector
    audit.record(
        actor,
        "prospect.changed",
        organisation.reference,
        at=now,
        before={name: None if value is None else str(value) for name, value in before.items()},
        after={name: str(getattr(details, name)) for name in names},
    )


# --- by hand


def add(*, details: Details, actor: Actor, now: datetime) -> Organisation:
    """Write down an organisation that might join.

    Raises:
        RuleBroken: a number that can't be one, or one that another organisation has.
    """
    actor.require(Permission.ADMIT_MEMBERS)
    next_number("prospect-list")
    found = list(details_faults(details))
    if not details.name:
        found.append(Finding("Give the name of the organisation.", "name"))
    require([*found, *_taken(details, None)])
    (key,) = _add([Row(1, None, details)], None, now)
    added = lock_organisation(key)
    audit.record(actor, "prospect.added", added.reference, at=now, after={"name": added.name})
    return added


def _taken(details: Details, own_id: int | None) -> list[Finding]:
    if not details.register_number:
        return []
    other = db.session.scalar(
        select(Organisation)
        .where(
            Organisation.register == details.register,
            Organisation.register_number == details.register_number,
            Organisation.id != (own_id or 0),
        )
        .order_by(Organisation.id)
        .limit(1)
    )
    if other is None:
        return []
    return [Finding(f"{other.name} ({other.reference}) has this number. Open that one instead.", "register_number")]


def change(*, organisation_id: int, details: Details, actor: Actor, now: datetime) -> None:
    """Correct what we hold of a prospect."""
    actor.require(Permission.ADMIT_MEMBERS)
    next_number("prospect-list")
    require([*details_faults(details), *_taken(details, organisation_id)])
    prospect = queries.lock_prospect(organisation_id)
    held = queries.held(prospect)
    names = list(details.differs_from(held))
    if details.anchor is None and held.anchor is not None:
        names.append("anchor")
    if details.register is Register.NONE and held.register_number:
        names.append("register_number")
    if names:
        _alter(organisation_id, details, names, actor, now)


# --- speaking to them


def invite(*, organisation_id: int, message: str, actor: Actor, now: datetime) -> None:
    """Invite one prospect to join, by mail with a link of its own.

    Raises:
        RuleBroken: without an address, or where it asked to be left alone.
        Conflict: when it was invited within the shortest time between two, or has applied meanwhile.
    """
    actor.require(Permission.ADMIT_MEMBERS)
    prospect = queries.lock_prospect(organisation_id)
    organisation = prospect.organisation
    if organisation.status is not MembershipStatus.PROSPECT or prospect.application_id is not None:
        raise Conflict(f"{organisation.name} has asked to join meanwhile, so it needs no invitation.")
    fewest = policy_at(now).invite_again_fewest_days
    if prospect.invited_at is not None and prospect.invited_at > now - timedelta(days=fewest):
        raise Conflict(f"{organisation.name} was invited less than {fewest} days ago. Give them time, or call.")
    if not organisation.contact_email:
        raise RuleBroken(f"We have no e-mail address of {organisation.name}. Add one to its details, or call.")
    if prospect.answer is Answer.NO and not _may_ask_again(prospect, now):
        raise RuleBroken(f"{organisation.name} said no. Write down a new answer first if that has changed.")
    if queries.stopped(organisation.contact_email):
        raise RuleBroken(f"The owner of {organisation.contact_email} asked us not to write again. Call instead.")
    _send(prospect, message, actor, now)


def _may_ask_again(prospect: Prospect, now: datetime) -> bool:
    return prospect.ask_again_on is not None and prospect.ask_again_on <= london_day(now)


def invite_many(*, filters: Filters, days: int, message: str, actor: Actor, now: datetime) -> int:
    """Invite those chosen who may be written to, each once, at most some hundreds; says how many.

    Args:
        days: who was invited within this time is left out.
    """
    actor.require(Permission.ADMIT_MEMBERS)
    fewest = policy_at(now).invite_again_fewest_days
    if days < fewest:
        raise RuleBroken([Finding(f"Leave at least {fewest} days between two invitations.", "days")])
    chosen = queries.lock_invitable(filters, now, days, MOST_INVITED_AT_ONCE)
    silent = queries.stopped_among(prospect.organisation.contact_email for prospect in chosen)
    written: set[str] = set()
    for prospect in chosen:
        key = email_key(prospect.organisation.contact_email)
        if key not in silent and key not in written:
            _send(prospect, message, actor, now)
            written.add(key)
    audit.record(actor, "prospects.invited", "prospects", at=now, after={"count": len(written)})
    return len(written)


def _send(prospect: Prospect, message: str, actor: Actor, now: datetime) -> None:
    organisation, token = prospect.organisation, new_token()
    contact = _write_down(prospect, Way.MAIL, london_day(now), message, None, actor, now)
    contact.email, contact.token_hash = organisation.contact_email, token_hash(token)
    prospect.invited_at = now
    db.session.flush()
    audit.record(actor, "prospect.invited", organisation.reference, at=now, after={"contact_id": contact.id})
    mail(
        key=f"prospect-invited:{contact.id}",
        to=organisation.contact_email,
        subject=f"Would {organisation.name} join the fund?",
        what=message,
        why=f"We have you down as the contact of {organisation.name}. The link also lets you stop such mails.",
        by_when="There is no date. Joining costs nothing, and the form is filled in with what we know.",
        path=f"/invited/{token}",
        now=now,
        holds_secret=True,
    )


def _write_down(
    prospect: Prospect, way: Way, day: date, note: str, answer: Answer | None, actor: Actor, now: datetime
) -> ProspectContact:
    contact = ProspectContact(
        organisation_id=prospect.organisation_id,
        way=way,
        happened_on=day,
        recorded_at=now,
        by_id=actor.person_id,
        note=note,
        answer=answer,
    )
    db.session.add(contact)
    if answer is not None:
        prospect.answer, prospect.answered_at, prospect.ask_again_on = answer, now, None
    return contact


def write_down(
    *,
    organisation_id: int,
    way: Way,
    day: date,
    note: str,
    answer: Answer | None,
    ask_again_on: date | None,
    next_step: str,
    next_step_on: date | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep a call, meeting or letter with what was answered, and plan the next step.

    Args:
        ask_again_on: from when one that said no or not now may be asked again.
    """
    actor.require(Permission.ADMIT_MEMBERS)
    today, found = london_day(now), []
    if day > today:
        found.append(Finding("This day is still to come. Plan it as the next step instead.", "day"))
    if way is Way.MAIL:
        found.append(Finding("Invitations by mail are written down by themselves. Choose another way.", "way"))
    if ask_again_on is not None and ask_again_on <= today:
        found.append(Finding("Choose a day that is still to come.", "ask_again_on"))
    if ask_again_on is not None and answer not in (Answer.NO, Answer.NOT_NOW):
        found.append(
            Finding("Only after “no” or “not now” is there a day to ask again. Leave this empty.", "ask_again_on")
        )
    if next_step_on is not None and next_step_on < today:
        found.append(Finding("This day has passed. Choose one that is still to come.", "next_step_on"))
    if bool(next_step) != bool(next_step_on):
        where = "next_step_on" if next_step else "next_step"
        found.append(Finding("A next step needs both: what to do, and by when.", where))
    require(found)
    prospect = queries.lock_prospect(organisation_id)
    _write_down(prospect, way, day, note, answer, actor, now)
    if answer is not None:
        prospect.ask_again_on = ask_again_on
    prospect.next_step, prospect.next_step_on = next_step or None, next_step_on
    audit.record(
        actor,
        "prospect.spoken_to",
        prospect.organisation.reference,
        at=now,
        after={"way": way, "answer": answer, "next_step_on": str(next_step_on) if next_step_on else None},
    )


def link(*, organisation_id: int, member_reference: str, actor: Actor, now: datetime) -> Organisation:
    """Say which applicant or member a prospect has become, where the number doesn't tell."""
    actor.require(Permission.ADMIT_MEMBERS)
    other = organisations_by_reference([member_reference.strip().upper()]).get(member_reference.strip().upper())
    if other is None or other.status is MembershipStatus.PROSPECT or other.id == organisation_id:
        raise RuleBroken([Finding("No applicant or member has this reference. Look it up in the list.", "member")])
    prospect = queries.lock_prospect(organisation_id)
    prospect.application_id, prospect.next_step, prospect.next_step_on = other.id, None, None
    audit.record(actor, "prospect.linked", prospect.organisation.reference, at=now, after={"to": other.reference})
    return other


def applied(*, token: str, application_id: int, now: datetime) -> None:
    """An application came by an invitation's link: the prospect is linked with it."""
    found = queries.invited_by(token)
    if found is None:
        return
    prospect = queries.lock_prospect(found[0].organisation_id)
    if prospect.application_id is None:
        prospect.application_id, prospect.answer, prospect.answered_at = application_id, Answer.INTERESTED, now
        prospect.next_step, prospect.next_step_on = None, None
        audit.record(None, "prospect.applied", prospect.organisation.reference, at=now)


def stop(*, token: str, now: datetime) -> None:
    """The owner of an invited address doesn't want to be invited again. Works signed out, and twice.

    Raises:
        NotFound: for a link that was never sent.
    """
    found = queries.invited_by(token)
    if found is None or found[1].email is None:
        raise NotFound
    insert_one = postgresql_insert if db.session.get_bind().dialect.name == "postgresql" else sqlite_insert
    db.session.execute(
        insert_one(InvitationStop)
        .values(email_key=email_key(found[1].email), asked_at=now)
        .on_conflict_do_nothing(index_elements=["email_key"])
    )
    audit.record(None, "prospect.stopped", found[0].organisation.reference, at=now)

"""Keeping the registers: what happened when, shares, officers' addresses, other property, corrections."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time

from sqlalchemy import select

import ledger.bank.service
import ledger.service
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken
from fund.kernel.policy import Policy, policy_at
from fund.kernel.references import next_number
from members import queries as members
from members.models import Organisation
from members.register import queries
from members.register.models import MembershipEvent, OfficerAddress, OtherProperty, Share
from members.register.rules import EventKind
from members.rules import MembershipStatus


def note(
    organisation: Organisation,
    kind: EventKind,
    *,
    reasons: str,
    actor: Actor | None,
    now: datetime,
    effective_on: date | None = None,
    resolution: str | None = None,
) -> None:
    """Write down for good what happened to a membership, here and in the audit log."""
    day = effective_on or london_day(now)
    db.session.add(
        MembershipEvent(
            organisation_id=organisation.id,
            kind=kind,
            effective_on=day,
            reasons=reasons,
            resolution=resolution,
            by_id=actor.person_id if actor else None,
            at=now,
        )
    )
    audit.record(
        actor, f"organisation.{kind.value}", organisation.reference, at=now, after={"effective_on": day.isoformat()}
    )


# --- shares


def issue_shares(organisation: Organisation, now: datetime) -> list[Share]:
    """The shares of a new member, as the rules of the society say (handbook §5.1). Not paid for yet."""
    return _issue(organisation, policy_at(now), london_day(now))


def _issue(organisation: Organisation, policy: Policy, day: date) -> list[Share]:
    issued = [
        Share(
            number=next_number("share"),
            organisation_id=organisation.id,
            value_pence=policy.share_value_pence,
            issued_on=day,
        )
        for _ in range(policy.shares_per_member)
    ]
    db.session.add_all(issued)
    db.session.flush()
    return issued


def register_shares(*, references: Collection[str], paid: Collection[str], actor: Actor, now: datetime) -> list[Share]:
    """Enter the shares of members that joined before the register of members kept shares, as of the day they joined.

    Every member has its share (handbook §5.1), and the register must say how many and what was paid (2014 Act s.30).

    Args:
        references: the members, as they were shown before.
        paid: those of them that paid when they joined; the others' payments are recorded one by one as for any share.

    Raises:
        NotFound: one that is no member now.
        Conflict: when one has a share by now; nothing is written then.
    """
    actor.require(Permission.ADMIT_MEMBERS)
    found = members.organisations_by_reference(references)
    if len(found) != len(set(references)):
        raise NotFound
    entered: list[Share] = []
    for reference in sorted(found):
        organisation = _entered(found[reference].id)
        if organisation.status is not MembershipStatus.MEMBER:
            raise NotFound
        if queries.has_shares(organisation.id):
            raise Conflict(
                f"The shares of {organisation.name} were entered meanwhile, so nothing was written. "
                "Look at the list again."
            )
        assert organisation.joined_on is not None
        joined = organisation.joined_on
        issued = _issue(organisation, policy_at(datetime.combine(joined, time(12), tzinfo=UTC)), joined)
        for share in issued:
            if reference in paid:
                share.paid_on, share.paid_recorded_by_id = joined, actor.person_id
            audit.record(
                actor,
                "share.entered_later",
                f"share:{share.number}",
                at=now,
                after={"member": reference, "issued_on": joined.isoformat(), "paid": reference in paid},
            )
        entered += issued
    return entered


def record_share_payment(
    *, share_id: int, paid_on: date, actor: Actor, now: datetime, line_id: int | None = None
) -> Share:
    """Write down that a share was paid for. Its money is the society's share capital and never enters the pot.

    Args:
        paid_on: the day, where no line of the bank says it.
        line_id: the line of the bank that brought the money, which is then settled and in the books as share capital.

    Raises:
        RuleBroken: a day before the share was issued or after today; a line of another sum than the share's value.
        Conflict: when it was recorded meanwhile, the share is cancelled, or the line was settled.
    """
    actor.require(Permission.ADMIT_MEMBERS)
    share = db.session.scalar(select(Share).where(Share.id == _known(share_id)).with_for_update())
    if share is None:
        raise NotFound
    if share.cancelled_on is not None:
        raise Conflict(f"Share {share.number} was cancelled meanwhile. Go back to the list of shares.")
    if share.paid_on is not None:
        raise Conflict(f"Share {share.number} was recorded as paid meanwhile. Go back to the list of shares.")
    if line_id is not None:
        paid_on = _book_share_money(share, line_id, actor, now)
    today = london_day(now)
    if not share.issued_on <= paid_on <= today:
        raise RuleBroken([Finding(f"Choose a day from {in_words(share.issued_on)} to {in_words(today)}.", "paid_on")])
    share.paid_on = paid_on
    share.paid_recorded_by_id = actor.person_id
    audit.record(actor, "share.paid", f"share:{share.number}", at=now, after={"paid_on": paid_on.isoformat()})
    return share


def _book_share_money(share: Share, line_id: int, actor: Actor, now: datetime) -> date:
    """Settle the line as this share's money; the day on which it came."""
    actor.require(Permission.KEEP_BANK)
    organisation = members.organisations_by_id([share.organisation_id])[share.organisation_id]
    line = ledger.bank.service.settle(
        line_id=line_id, settled_as=f"share:{share.number}", actor=actor, now=now, expected_pence=share.value_pence
    )
    ledger.service.receive_share_money(
        key=f"share:{share.number}:paid",
        member=organisation.owner,
        pence=share.value_pence,
        occurred_on=line.booked_on,
        description=f"Share {share.number} of {organisation.name}",
        actor=actor,
        now=now,
    )
    return line.booked_on


def _known(key: int) -> int:
    if not 0 < key <= members.LARGEST_ID:
        raise NotFound
    return key


# --- what the secretary enters


def enter_officer_address(*, person_id: int, address: str, actor: Actor, now: datetime) -> None:
    """Enter the address of a board member or secretary in the register of officers (2014 Act s.30)."""
    actor.require(Permission.KEEP_REGISTERS)
    officer = queries.officer(person_id)
    db.session.add(
        OfficerAddress(person_id=officer.person_id, address=address, entered_by_id=actor.person_id, entered_at=now)
    )
    # Not the address itself: the audit log has more readers than the register.
    audit.record(actor, "officer.address_entered", f"person:{officer.person_id}", at=now)


def correct_entry(
    *, organisation_id: int, address: str, contact_name: str, contact_email: str, actor: Actor, now: datetime
) -> Organisation:
    """Bring a member's postal and electronic address in the register up to date."""
    actor.require(Permission.KEEP_REGISTERS)
    organisation = _entered(organisation_id)
    changed = {
        name: value
        for name, value in (
            ("address", address), ("contact_name", contact_name), ("contact_email", contact_email.strip())
        )
        if getattr(organisation, name) != value
    }  # fmt: skip
    if not changed:
        raise RuleBroken("Nothing was changed. Change what is wrong, or go back to the register.")
    audit.record(
        actor,
        "register.corrected",
        organisation.reference,
        at=now,
        before={name: getattr(organisation, name) for name in changed},
        after=dict(changed),
    )
    for name, value in changed.items():
        setattr(organisation, name, value)
    return organisation


def _entered(organisation_id: int) -> Organisation:
    """An organisation with an entry in the register, locked."""
    organisation = members.lock_organisation(_known(organisation_id))
    if organisation.joined_on is None:
        raise NotFound
    return organisation


def enter_property(
    *, organisation_id: int, description: str, pence: int, held_from: date, actor: Actor, now: datetime
) -> OtherProperty:
    """Enter a loan, deposit or other property that a member has in the society (2014 Act s.30(1)(c))."""
    actor.require(Permission.KEEP_REGISTERS)
    organisation = _entered(organisation_id)
    if organisation.status is not MembershipStatus.MEMBER:
        raise Conflict(f"{organisation.name} is not a member now, so nothing new can be entered for it.")
    if held_from > london_day(now):
        raise RuleBroken([Finding("Choose today or an earlier day.", "held_from")])
    made = OtherProperty(
        organisation_id=organisation.id,
        description=description,
        pence=pence,
        held_from=held_from,
        entered_by_id=actor.person_id,
        entered_at=now,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(actor, "property.entered", organisation.reference, at=now, after={"property": made.id})
    return made


def end_property(*, property_id: int, organisation_id: int, actor: Actor, now: datetime) -> OtherProperty:
    """Write down that a member no longer has this in the society. The entry stays, with its last day."""
    actor.require(Permission.KEEP_REGISTERS)
    held = db.session.scalar(
        select(OtherProperty)
        .where(OtherProperty.id == _known(property_id), OtherProperty.organisation_id == organisation_id)
        .with_for_update()
    )
    if held is None:
        raise NotFound
    if held.held_until is not None:
        raise Conflict("This was ended meanwhile. Open the entry again to see it.")
    held.held_until = london_day(now)
    audit.record(actor, "property.ended", f"property:{held.id}", at=now)
    return held

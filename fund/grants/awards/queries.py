"""Reads of awards, their parties and their schedule; the other parts of grants build on these."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload, selectinload

from fund.grants.awards.rules import AwardState, PayBasis, Share, report_dates
from fund.grants.models import Award, AwardShare, Instalment
from fund.kernel.access import Actor, Permission, Role
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.policy import Policy
from members.accounts.models import Person
from members.models import Appointment, Organisation

MOST_AWARDS = 500
MOST_INSTALMENTS = 2_000


@dataclass(frozen=True)
class Contact:
    """Somebody to write to; `person_id` is empty for an organisation that nobody certifies for yet."""

    name: str
    email: str
    person_id: int | None


def award_by_reference(reference: str) -> Award:
    """The award, whoever asks. Raises NotFound."""
    found = db.session.scalar(_awards().where(Award.reference == reference))
    if found is None:
        raise NotFound
    return found


def award(reference: str, actor: Actor) -> Award:
    """The award, for its parties and the fund's office. Raises NotFound for everybody else."""
    found = award_by_reference(reference)
    if not (is_office(actor) or is_party(found, actor)):
        raise NotFound
    return found


def lock_award(reference: str) -> Award:
    """The award, with its row held until the transaction ends: for acts that depend on how it stands."""
    held = db.session.scalar(
        select(Award).where(Award.reference == reference).with_for_update().execution_options(populate_existing=True)
    )
    if held is None:
        raise NotFound
    return held


def awards_in(states: Collection[AwardState], limit: int = MOST_AWARDS) -> Sequence[Award]:
    """Awards in these states, oldest first."""
    return db.session.scalars(_awards().where(Award.state.in_(states)).order_by(Award.id).limit(limit)).all()


def awards_by_item(item_ids: Collection[int]) -> dict[int, str]:
    """Ballot item id → reference of the award made from it, for those that have one."""
    rows = db.session.execute(select(Award.ballot_item_id, Award.reference).where(Award.ballot_item_id.in_(item_ids)))
    return dict(rows.all())


def awards_of(organisation_id: int, limit: int = MOST_AWARDS) -> Sequence[Award]:
    """Awards that an organisation leads or is paid under, newest first."""
    paid = select(AwardShare.award_id).where(AwardShare.organisation_id == organisation_id)
    return db.session.scalars(
        _awards()
        .where(or_(Award.lead_id == organisation_id, Award.id.in_(paid)))
        .order_by(Award.id.desc())
        .limit(limit)
    ).all()


def is_office(actor: Actor) -> bool:
    """Whether the person serves the fund in a role that sees every award."""
    return any(
        actor.may(permission)
        for permission in (Permission.READ_BOOKS, Permission.PREPARE_GRANTS, Permission.APPROVE_PAYMENTS)
    )


def is_party(found: Award, actor: Actor) -> bool:
    """Whether the person acts for the lead or for a paid partner."""
    return actor.organisation_id in {party.id for party in parties(found)} and actor.may(
        Permission.SEE_OWN_ORGANISATION
    )


def parties(found: Award) -> list[Organisation]:
    """The lead, then every other paid partner: those who sign."""
    others = [share.organisation for share in found.shares if share.organisation_id != found.lead_id]
    return [found.lead, *others]


def shares(found: Award) -> list[Share]:
    """The paid partners with their part of the award."""
    return [Share(share.organisation_id, share.organisation.name, share.pence) for share in found.shares]


def paid_pence(found: Award) -> dict[int, int]:
    """Organisation id → the most that reaches its account or is its share: what due diligence is measured by."""
    amounts = {share.organisation_id: share.pence for share in found.shares}
    if found.basis is PayBasis.THROUGH_LEAD:
        amounts[found.lead_id] = found.pence
    return amounts


def reports_of(found: Award, policy: Policy) -> tuple[date, ...]:
    """Days on which the award's reports are due."""
    return report_dates(found.pence, found.start_on, found.end_on, policy)


def instalments(award_id: int) -> Sequence[Instalment]:
    """The schedule of an award, in order."""
    return db.session.scalars(
        select(Instalment)
        .options(joinedload(Instalment.organisation), joinedload(Instalment.award))
        .where(Instalment.award_id == award_id)
        .order_by(Instalment.number)
        .limit(MOST_INSTALMENTS)
    ).all()


def is_officer(person_id: int, organisation_ids: Collection[int]) -> bool:
    """Whether somebody holds a role in one of these organisations, whichever they act for at the moment."""
    return (
        db.session.scalar(
            select(Appointment.id)
            .where(
                Appointment.person_id == person_id,
                Appointment.organisation_id.in_(organisation_ids),
                Appointment.ended_at.is_(None),
            )
            .limit(1)
        )
        is not None
    )


def offices_of(person_id: int) -> set[int]:
    """Organisations in which somebody holds a role now, whichever they act for at the moment."""
    return set(
        db.session.scalars(
            select(Appointment.organisation_id).where(
                Appointment.person_id == person_id, Appointment.ended_at.is_(None)
            )
        )
    )


def certifiers(organisation: Organisation) -> list[Contact]:
    """Who may bind an organisation, to write to; its contact while it has nobody."""
    rows = db.session.execute(
        select(Person.name, Person.email, Person.id)
        .join(Appointment, Appointment.person_id == Person.id)
        .where(
            Appointment.organisation_id == organisation.id,
            Appointment.role == Role.CERTIFIER,
            Appointment.ended_at.is_(None),
            Person.disabled_at.is_(None),
        )
        .order_by(Person.id)
        .limit(20)
    ).all()
    if not rows:
        return [Contact(organisation.contact_name, organisation.contact_email, None)]
    return [Contact(name, email, person_id) for name, email, person_id in rows]


def _awards() -> Select[Award]:
    return select(Award).options(joinedload(Award.lead), selectinload(Award.shares).joinedload(AwardShare.organisation))

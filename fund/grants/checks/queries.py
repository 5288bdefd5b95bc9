"""Reads of due diligence and subsidy records, and the sentences that say what is still open."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from fund.grants.awards.queries import paid_pence
from fund.grants.checks.rules import (
    Assistance,
    Band,
    Diligence,
    Route,
    Subsidy,
    band_of,
    diligence_fault,
    give_fault,
    is_blocked,
    mfa_window_start,
    pay_fault,
)
from fund.grants.models import Award, DueDiligence, SubsidyRecord
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.policy import Policy, policy_at
from members.models import Organisation

LARGEST_KEY = 2**63 - 1
MOST_RECORDS = 500


# --- due diligence


@dataclass(frozen=True)
class Payee:
    """An organisation that money of an award goes to, as due diligence sees it.

    Attributes:
        pence: what reaches its account, or its share.
        latest: its newest due diligence, whichever award it was done for.
        fault: why that one doesn't carry this award; None when it does.
    """

    organisation: Organisation
    pence: int
    band: Band
    latest: DueDiligence | None
    fault: str | None


def due_diligence(due_diligence_id: int) -> DueDiligence:
    """One due diligence with its checks. Raises NotFound."""
    found = None
    if 0 < due_diligence_id <= LARGEST_KEY:
        found = db.session.scalar(
            select(DueDiligence)
            .options(joinedload(DueDiligence.organisation), selectinload(DueDiligence.items))
            .where(DueDiligence.id == due_diligence_id)
        )
    if found is None:
        raise NotFound
    return found


def latest(organisation_ids: Collection[int]) -> dict[int, DueDiligence]:
    """Organisation id → its newest due diligence."""
    newest = (
        select(func.max(DueDiligence.id))
        .where(DueDiligence.organisation_id.in_(organisation_ids))
        .group_by(DueDiligence.organisation_id)
    )
    rows = db.session.scalars(
        select(DueDiligence).options(selectinload(DueDiligence.items)).where(DueDiligence.id.in_(newest))
    )
    return {found.organisation_id: found for found in rows}


def payees(award: Award, now: datetime) -> list[Payee]:
    """Every organisation that money of the award goes to, with how its due diligence stands."""
    return payees_of([award], now)[award.id]


def payees_of(awards: Sequence[Award], now: datetime) -> dict[int, list[Payee]]:
    """Award id → its payees, for many awards at once."""
    policy, today = policy_at(now), london_day(now)
    amounts = {award.id: paid_pence(award) for award in awards}
    newest = latest({organisation_id for paid in amounts.values() for organisation_id in paid})
    return {
        award.id: [
            _payee(organisation, amounts[award.id][organisation.id], newest.get(organisation.id), policy, today)
            for organisation in _organisations(award)
            if organisation.id in amounts[award.id]
        ]
        for award in awards
    }


def _organisations(award: Award) -> list[Organisation]:
    return list({found.id: found for found in (award.lead, *(share.organisation for share in award.shares))}.values())


def _payee(organisation: Organisation, pence: int, found: DueDiligence | None, policy: Policy, today: date) -> Payee:
    band = band_of(pence, policy)
    seen = Diligence(found.band, found.outcome, found.expires_on) if found else None
    return Payee(organisation, pence, band, found, diligence_fault(seen, band, today))


def diligence_faults(award: Award, now: datetime) -> tuple[str, ...]:
    """A sentence for each payee whose due diligence is not clear and in date."""
    return sentences((payee.organisation.name, payee.fault) for payee in payees(award, now))


def waiting_for_second(limit: int = 50) -> Sequence[DueDiligence]:
    """Due diligence that waits for its second reviewer, oldest first."""
    return db.session.scalars(
        select(DueDiligence)
        .options(joinedload(DueDiligence.organisation))
        .where(DueDiligence.outcome == "waiting")
        .order_by(DueDiligence.id)
        .limit(limit)
    ).all()


# --- subsidy


@dataclass(frozen=True)
class SubsidyStanding:
    """A paid partner and its subsidy route under one award.

    Attributes:
        give_fault: why the grant can't be given to it yet; None when it can.
        pay_fault: why it can't be paid yet; None when its route is closed.
        blocked: it said that it can't confirm; only its own payments hold.
    """

    organisation: Organisation
    pence: int
    record: SubsidyRecord | None
    give_fault: str | None
    pay_fault: str | None
    blocked: bool


def subsidy_record(award_id: int, organisation_id: int) -> SubsidyRecord | None:
    """The present record of a partner under an award."""
    return db.session.scalar(
        select(SubsidyRecord)
        .options(selectinload(SubsidyRecord.prior))
        .where(
            SubsidyRecord.award_id == award_id,
            SubsidyRecord.organisation_id == organisation_id,
            SubsidyRecord.replaced_at.is_(None),
        )
    )


def subsidies(award: Award) -> list[SubsidyStanding]:
    """Every paid partner of an award with its subsidy route."""
    return subsidies_of([award])[award.id]


def subsidies_of(awards: Sequence[Award]) -> dict[int, list[SubsidyStanding]]:
    """Award id → its paid partners with their routes, for many awards at once."""
    rows = db.session.scalars(
        select(SubsidyRecord)
        .options(selectinload(SubsidyRecord.prior))
        .where(SubsidyRecord.award_id.in_([award.id for award in awards]), SubsidyRecord.replaced_at.is_(None))
    )
    records = {(record.award_id, record.organisation_id): record for record in rows}
    return {
        award.id: [
            _standing(share.organisation, share.pence, records.get((award.id, share.organisation_id)))
            for share in award.shares
        ]
        for award in awards
    }


def _standing(organisation: Organisation, pence: int, record: SubsidyRecord | None) -> SubsidyStanding:
    seen = as_subsidy(record)
    return SubsidyStanding(organisation, pence, record, give_fault(seen), pay_fault(seen), is_blocked(seen))


def as_subsidy(record: SubsidyRecord | None) -> Subsidy | None:
    """A record as the rules see it."""
    if record is None:
        return None
    return Subsidy(
        route=record.route,
        notified=record.notified_at is not None,
        answer=record.answer,
        given=record.given_on is not None,
        confirmed_as_mfa=record.confirmed_at is not None,
    )


def give_faults(award: Award) -> tuple[str, ...]:
    """A sentence for each paid partner to whom the grant can't be given yet. One that declined to confirm is not among
    them: that holds its own payments only (handbook §9)."""
    return sentences(
        (standing.organisation.name, standing.give_fault) for standing in subsidies(award) if not standing.blocked
    )


def given_by_this_fund(organisation: Organisation, given_on: date) -> list[Assistance]:
    """What this fund itself has given as MFA to the organisation and those connected to it, within the window."""
    same_group = Organisation.id == organisation.id
    if organisation.group_id is not None:
        same_group = or_(same_group, Organisation.group_id == organisation.group_id)
    rows = db.session.scalars(
        select(SubsidyRecord)
        .join(Organisation, SubsidyRecord.organisation_id == Organisation.id)
        .options(joinedload(SubsidyRecord.award), joinedload(SubsidyRecord.organisation))
        .where(
            same_group,
            SubsidyRecord.route == Route.MFA,
            SubsidyRecord.given_on >= mfa_window_start(given_on),
            SubsidyRecord.replaced_at.is_(None),
        )
        .order_by(SubsidyRecord.given_on, SubsidyRecord.id)
        .limit(MOST_RECORDS)
    )
    return [
        Assistance(
            record.given_on, record.pence, f"This fund, grant {record.award.reference}, to {record.organisation.name}"
        )
        for record in rows
        if record.given_on is not None
    ]


def declared(record: SubsidyRecord) -> list[Assistance]:
    """What the recipient listed."""
    return [Assistance(item.given_on, item.pence, item.giver) for item in record.prior]


def sentences(named_faults: Iterable[tuple[str, str | None]]) -> tuple[str, ...]:
    """ "Bee Bikes: due diligence has not been done." for each that has a fault."""
    return tuple(f"{name}: {fault}." for name, fault in named_faults if fault is not None)

"""Reads of profiles and accreditations."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day, start_of_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from members.models import Organisation
from members.profile.models import Accreditation, Profile, ProfileInterest
from members.profile.rules import MOST_ACCREDITATIONS, REMIND_DAYS, Standing, in_order
from members.rules import MembershipStatus, Sector

LARGEST_ID = 2**63 - 1
MOST_MATCHES = 500


def profile(organisation_id: int) -> Profile | None:
    """What an organisation says of itself, if it has said anything."""
    return db.session.get(Profile, organisation_id)


def interests(organisation_id: int) -> list[str]:
    """Codes of an organisation's interests, in the order of the lists."""
    return interests_of([organisation_id]).get(organisation_id, [])


def interests_of(organisation_ids: Collection[int]) -> dict[int, list[str]]:
    """The same for many organisations at once; one without interests is left out."""
    rows = db.session.execute(
        select(ProfileInterest.organisation_id, ProfileInterest.code)
        .where(ProfileInterest.organisation_id.in_(sorted(set(organisation_ids))))
        .order_by(ProfileInterest.organisation_id, ProfileInterest.code)
    )
    held: dict[int, list[str]] = {}
    for organisation_id, code in rows:
        held.setdefault(organisation_id, []).append(code)
    return {organisation_id: in_order(codes) for organisation_id, codes in held.items()}


def wanting_requests(
    *,
    sector: Sector,
    districts: Collection[str],
    interests: Collection[str],
    without: Collection[int],
    without_group: int | None,
) -> list[Organisation]:
    """Members of a sector that asked to hear of requests like this one, by reference.

    Args:
        districts: where the work is; none for anywhere.
        interests: what the request is about; one in common is enough, none asks for nothing in particular.
        without: organisations that have a part in it already.
        without_group: the connected group of who asks: its members would count as one with it.
    """
    wanted = (
        select(Organisation)
        .join(Profile, Profile.organisation_id == Organisation.id)
        .where(
            Organisation.status == MembershipStatus.MEMBER,
            Organisation.sector == sector,
            Organisation.id.not_in(sorted(without)),
            Profile.wants_requests,
        )
        .order_by(Organisation.reference)
        .limit(MOST_MATCHES)
    )
    if districts:
        wanted = wanted.where(Organisation.district.in_(sorted(districts)))
    if interests:
        shared = select(ProfileInterest.organisation_id).where(ProfileInterest.code.in_(sorted(interests)))
        wanted = wanted.where(Organisation.id.in_(shared))
    if without_group is not None:
        wanted = wanted.where(Organisation.group_id.is_distinct_from(without_group))
    return list(db.session.scalars(wanted))


# --- accreditations


@dataclass(frozen=True)
class Held:
    """An accreditation and how it stands today."""

    accreditation: Accreditation
    standing: Standing


def accreditations(organisation_id: int, now: datetime) -> list[Held]:
    """An organisation's accreditations: those in force first, then by name."""
    return accreditations_of([organisation_id], now).get(organisation_id, [])


def accreditations_of(organisation_ids: Collection[int], now: datetime) -> dict[int, list[Held]]:
    """The same for many organisations at once, in one query; one without any is left out."""
    wanted, today = sorted(set(organisation_ids)), london_day(now)
    rows = db.session.scalars(
        select(Accreditation)
        .where(Accreditation.organisation_id.in_(wanted), Accreditation.removed_at.is_(None))
        .order_by(Accreditation.organisation_id, Accreditation.name, Accreditation.id)
        .limit(MOST_ACCREDITATIONS * max(1, len(wanted)))
    )
    held: dict[int, list[Held]] = {}
    for row in rows:
        held.setdefault(row.organisation_id, []).append(Held(row, row.standing(today)))
    for found in held.values():
        found.sort(key=lambda one: one.standing is Standing.EXPIRED)
    return held


def accreditation(accreditation_id: int, organisation_id: int) -> Accreditation:
    """One accreditation of an organisation that was not taken off its list. Raises NotFound."""
    found = db.session.get(Accreditation, accreditation_id) if 0 < accreditation_id <= LARGEST_ID else None
    if found is None or found.organisation_id != organisation_id or found.removed_at is not None:
        raise NotFound
    return found


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """Accreditations of one's own organisation that end within a month, or have ended."""
    if not actor.may(Permission.EDIT_PROFILE) or actor.organisation_id is None:
        return []
    rows = db.session.scalars(
        select(Accreditation)
        .options(joinedload(Accreditation.organisation))
        .where(
            Accreditation.organisation_id == actor.organisation_id,
            Accreditation.removed_at.is_(None),
            Accreditation.valid_until <= london_day(now) + timedelta(days=REMIND_DAYS),
        )
        .order_by(Accreditation.valid_until, Accreditation.id)
        .limit(20)
    )
    return [
        Task(
            f"Renew “{row.name}”, or take it off your list",
            f"It is recorded as valid until {in_words(row.valid_until)}, and readers see when it has expired.",
            f"/members/{row.organisation.reference}/accreditations/{row.id}",
            start_of_day(row.valid_until + timedelta(days=1)),
        )
        for row in rows
        if row.valid_until is not None
    ]

"""Reads of pledges and receipts."""

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload

import ledger.bank.queries
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from ledger.bank.models import BankAccount
from ledger.money import format_pence
from members.contributions.cards.mandates.queries import is_debited
from members.contributions.cards.models import TakenBack
from members.contributions.matching.models import LineMatch
from members.contributions.models import Pledge, PledgeInstalment, Receipt
from members.contributions.rules import (
    PledgeState,
    normal_reference,
)
from members.models import Organisation
from members.rules import Sector

_UNPAID = (PledgeState.PLEDGED, PledgeState.PART_PAID)


def pledge(reference: str, actor: Actor) -> Pledge:
    """A pledge, for the people of its organisation and those who read the books.

    Raises:
        NotFound: for all others, and where there is none.
    """
    found = db.session.scalar(
        select(Pledge)
        .options(joinedload(Pledge.organisation))
        .where(Pledge.reference_key == normal_reference(reference))
    )
    if found is None or not _may_see(found.organisation_id, actor):
        raise NotFound
    return found


def _may_see(organisation_id: int, actor: Actor) -> bool:
    own = actor.organisation_id == organisation_id and actor.may(Permission.SEE_OWN_ORGANISATION)
    return own or actor.may(Permission.READ_BOOKS)


def pledge_by_reference(reference: str, *, lock: bool = False) -> Pledge | None:
    """The pledge whose own reference, or an instalment's, somebody typed, whichever way; for stewards. `lock` holds its
    row."""
    key = normal_reference(reference)
    of_instalment = select(PledgeInstalment.pledge_id).where(PledgeInstalment.reference_key == key)
    query = select(Pledge).where(or_(Pledge.reference_key == key, Pledge.id.in_(of_instalment)))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(query)


def pledges_of(organisation_id: int, *, limit: int = 200) -> list[Pledge]:
    """An organisation's pledges, newest first."""
    return list(
        db.session.scalars(
            select(Pledge).where(Pledge.organisation_id == organisation_id).order_by(Pledge.id.desc()).limit(limit)
        )
    )


def receipt(reference: str) -> Receipt:
    """A receipt with its pledge and organisation. Who asks must be allowed to (`may_see_receipt`).

    Raises:
        NotFound: when there is none.
    """
    found = db.session.scalar(
        select(Receipt)
        .options(joinedload(Receipt.pledge), joinedload(Receipt.organisation))
        .where(Receipt.reference == reference)
    )
    if found is None:
        raise NotFound
    return found


def may_see_receipt(found: Receipt, actor: Actor) -> bool:
    """Its organisation's people, and those who read the books."""
    return _may_see(found.organisation_id, actor)


def receipts_of(organisation_id: int, *, limit: int = 200) -> list[Receipt]:
    """What an organisation has paid in, newest first."""
    return list(
        db.session.scalars(
            select(Receipt)
            .options(joinedload(Receipt.pledge))
            .where(Receipt.organisation_id == organisation_id)
            .order_by(Receipt.received_on.desc(), Receipt.id.desc())
            .limit(limit)
        )
    )


def receipts_for(pledge_id: int) -> list[Receipt]:
    """What was paid on one pledge, oldest first."""
    return list(
        db.session.scalars(select(Receipt).where(Receipt.pledge_id == pledge_id).order_by(Receipt.id).limit(200))
    )


def _stands() -> ColumnElement[bool]:
    """Receipts that were not withdrawn because their payment had been matched wrongly."""
    undone = select(LineMatch.id).where(LineMatch.receipt_id == Receipt.id, LineMatch.undone_at.is_not(None))
    return ~undone.exists()


def withdrawn(receipt_ids: Iterable[int]) -> set[int]:
    """Those of these receipts that were withdrawn."""
    return set(
        db.session.scalars(
            select(LineMatch.receipt_id)
            .where(LineMatch.receipt_id.in_(sorted(receipt_ids)), LineMatch.undone_at.is_not(None))
            .order_by(LineMatch.id)
        )
    )


def paid_in(organisation_id: int) -> int:
    """Everything an organisation has paid in, in pence."""
    came = db.session.scalar(
        select(func.sum(Receipt.pence)).where(Receipt.organisation_id == organisation_id, _stands())
    )
    return int(came or 0) - went_back_by_organisation().get(organisation_id, 0)


def went_back_by_organisation(since: date | None = None, until: date | None = None) -> dict[int, int]:
    """What went back of receipts from `since` to `until`, in pence by organisation (by key): as if it never came."""
    rows = db.session.execute(
        select(Receipt.organisation_id, func.sum(TakenBack.pence))
        .join(TakenBack, TakenBack.receipt_id == Receipt.id)
        .where(TakenBack.undone_at.is_(None), *_between(since, until))
        .group_by(Receipt.organisation_id)
        .order_by(Receipt.organisation_id)
    )
    return {organisation_id: int(pence) for organisation_id, pence in rows}


def _between(since: date | None, until: date | None) -> list[ColumnElement[bool]]:
    conditions = []
    if since is not None:
        conditions.append(Receipt.received_on >= since)
    if until is not None:
        conditions.append(Receipt.received_on <= until)
    return conditions


def cleared_by_sector(since: date | None = None, until: date | None = None) -> dict[Sector, int]:
    """Cleared money of each sector in pence, received from `since` to `until`, both included.

    An organisation counts in the sector confirmed now, so that the parts always sum to the whole of the books.
    """
    rows = db.session.execute(
        select(Organisation.sector, func.sum(Receipt.pence))
        .join(Organisation, Receipt.organisation_id == Organisation.id)
        .where(_stands(), *_between(since, until))
        .group_by(Organisation.sector)
    )
    sums = {sector: int(pence) for sector, pence in rows if sector is not None}
    gone = db.session.execute(
        select(Organisation.sector, func.sum(TakenBack.pence))
        .join(Receipt, TakenBack.receipt_id == Receipt.id)
        .join(Organisation, Receipt.organisation_id == Organisation.id)
        .where(TakenBack.undone_at.is_(None), *_between(since, until))
        .group_by(Organisation.sector)
    )
    for sector, pence in gone:
        if sector is not None:
            sums[sector] -= int(pence)
    return {sector: sums.get(sector, 0) for sector in Sector}


def cleared_by_organisation(since: date | None = None, until: date | None = None) -> dict[int, int]:
    """Cleared money of each organisation (by key) in pence, received from `since` to `until`, both included."""
    rows = db.session.execute(
        select(Receipt.organisation_id, func.sum(Receipt.pence))
        .where(_stands(), *_between(since, until))
        .group_by(Receipt.organisation_id)
        .order_by(Receipt.organisation_id)
    )
    gone = went_back_by_organisation(since, until)
    return {organisation_id: int(pence) - gone.get(organisation_id, 0) for organisation_id, pence in rows}


def account_to_pay() -> BankAccount | None:
    """The account that transfers go to, once the bank page or a statement has told which it is."""
    return ledger.bank.queries.own_account()


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """Pledges to pay, for those who look after an organisation's money. Lines to match are told by `ledger.bank`."""
    if not actor.may(Permission.CONTRIBUTE) or actor.organisation_id is None:
        return []
    unpaid = db.session.scalars(
        select(Pledge)
        .where(Pledge.organisation_id == actor.organisation_id, Pledge.state.in_(_UNPAID), ~is_debited(Pledge.id))
        .order_by(Pledge.id)
        .limit(20)
    )
    return [
        Task(
            f"Pay your pledge {found.reference}",
            f"{format_pence(found.due_pence)} is still to come. The page says how to pay.",
            f"/pledges/{found.reference}",
        )
        for found in unpaid
    ]

"""Reads of instalments."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import func, select

from fund.kernel.db import db
from fund.kernel.errors import NotFound
from members.contributions.models import Pledge, PledgeInstalment
from members.contributions.rules import normal_reference
from members.contributions.schedules.rules import MOST_INSTALMENTS, InstalmentState
from members.models import Organisation


def of_pledge(pledge_id: int, *, lock: bool = False) -> list[PledgeInstalment]:
    """The instalments of a pledge in order. Who locks them has locked the pledge."""
    query = (
        select(PledgeInstalment)
        .where(PledgeInstalment.pledge_id == pledge_id)
        .order_by(PledgeInstalment.number)
        .limit(MOST_INSTALMENTS)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return list(db.session.scalars(query))


def of_pledges(pledge_ids: Collection[int]) -> dict[int, list[PledgeInstalment]]:
    """The instalments of pledges that are locked, in order and locked, by the pledge's key."""
    found: dict[int, list[PledgeInstalment]] = {pledge_id: [] for pledge_id in pledge_ids}
    for one in db.session.scalars(
        select(PledgeInstalment)
        .where(PledgeInstalment.pledge_id.in_(sorted(found)))
        .order_by(PledgeInstalment.pledge_id, PledgeInstalment.number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ):
        found[one.pledge_id].append(one)
    return found


def instalment(reference: str) -> PledgeInstalment:
    """The instalment with this reference, as somebody wrote it. Who asks must be allowed to.

    Raises:
        NotFound: when there is none.
    """
    found = db.session.scalar(
        select(PledgeInstalment).where(PledgeInstalment.reference_key == normal_reference(reference))
    )
    if found is None:
        raise NotFound
    return found


def not_invoiced_by_owner(until: date) -> dict[str, int]:
    """What is still to come by `until` and was not invoiced, in pence by the owner's name in the books."""
    to_come = PledgeInstalment.pence - PledgeInstalment.paid_pence - PledgeInstalment.invoiced_pence
    rows = db.session.execute(
        select(Organisation.reference, func.sum(to_come))
        .join(Pledge, PledgeInstalment.pledge_id == Pledge.id)
        .join(Organisation, Pledge.organisation_id == Organisation.id)
        .where(PledgeInstalment.state == InstalmentState.OPEN, PledgeInstalment.due_on <= until)
        .group_by(Organisation.reference)
        .having(func.sum(to_come) != 0)
        .order_by(Organisation.reference)
    )
    return {f"org:{reference}": int(pence) for reference, pence in rows}

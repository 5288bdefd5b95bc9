"""Reads of instalments."""

from sqlalchemy import select

from fund.kernel.db import db
from fund.kernel.errors import NotFound
from members.contributions.models import PledgeInstalment
from members.contributions.rules import normal_reference
from members.contributions.schedules.rules import MOST_INSTALMENTS


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

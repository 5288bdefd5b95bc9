"""A ballot's row, held, in the state that an act expects; and opening it, which the first vote may cause too."""

from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotFound
from voting import letters, queries
from voting.models import Ballot
from voting.rules import BallotState


def locked(reference: str, *, shared: bool = False) -> Ballot:
    """The ballot as it is now, held until the end of the transaction; shared with others that vote, or alone.

    Raises:
        NotFound: when there is none.
    """
    found = db.session.scalar(
        select(Ballot)
        .where(Ballot.reference == reference[:40])
        .with_for_update(read=shared)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


def expect(ballot: Ballot, *states: BallotState, way_on: str) -> None:
    """Raise Conflict, with the way on, unless the ballot is in one of `states`."""
    if ballot.state not in states:
        raise Conflict(f"Ballot {ballot.reference} is {ballot.state.value.replace('_', ' ')} now. {way_on}")


def open_now(ballot: Ballot, now: datetime) -> None:
    """Open a ballot that is due, held alone."""
    ballot.state = BallotState.OPEN
    if ballot.closes_at is not None and now < ballot.closes_at:
        letters.opened(ballot, queries.roll(ballot.id, limit=queries.WHOLE_ROLL), now)
    db.session.flush()
    audit.record(None, "ballot.opened", ballot.reference, at=now)

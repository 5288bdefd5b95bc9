"""Closing days of the books by two people, and opening them again (handbook §6: whoever prepares never decides)."""

from datetime import date, datetime, timedelta

from sqlalchemy import text

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotAllowed, NotFound, require
from ledger.bank.reconciliation.queries import closing_standing
from ledger.bank.reconciliation.rules import closing_faults
from ledger.rules import AccountKind
from ledger.years import queries
from ledger.years.models import ClosedPeriod, Closing
from ledger.years.rules import confirming_faults, fingerprint, preparing_faults


def prepare(*, open_from: date, reason: str, actor: Actor, now: datetime) -> Closing:
    """Ask that the books be open from `open_from` on: later than now closes days, earlier opens some again.

    Nothing changes before another person confirms. What was prepared before and not confirmed is replaced.

    Raises:
        RuleBroken: for a day still to come, or the one that stands already.
    """
    actor.require(Permission.PREPARE_CLOSING)
    require(preparing_faults(open_from, queries.first_open_day(), london_day(now)))
    made = Closing(open_from=open_from, reason=reason, prepared_by_id=actor.person_id, prepared_at=now)
    db.session.add(made)
    db.session.flush()
    audit.record(
        actor,
        "closing.prepared",
        f"closing {made.id}",
        at=now,
        after={"open_from": open_from.isoformat(), "reason": reason},
    )
    return made


def confirm(*, closing_id: int, actor: Actor, now: datetime) -> ClosedPeriod:
    """Close the days before what was prepared, or open some again; the trial balance of that day is kept as a hash.

    Raises:
        NotAllowed: one's own preparation.
        NotFound: nothing was prepared under this number.
        Conflict: another was prepared since, or somebody confirmed it first.
        RuleBroken: money of those days still waits to be matched, or a month of the bank is not signed.
    """
    actor.require(Permission.CONFIRM_CLOSING)
    if db.session.get_bind().dialect.name == "postgresql":
        # Postings under way end first and new ones wait, so that none slips in under the balance that is kept.
        db.session.execute(text("LOCK TABLE transfer IN SHARE ROW EXCLUSIVE MODE"))
    if not 0 < closing_id < 2**63 or (asked := db.session.get(Closing, closing_id)) is None:
        raise NotFound
    if asked.prepared_by_id == actor.person_id:
        raise NotAllowed("You prepared this, so another person must confirm it. Ask a member of the board.")
    newest = queries.waiting()
    if newest is None or newest.id != asked.id:
        raise Conflict("This was confirmed or replaced meanwhile. The page of closed periods shows what stands now.")
    present = queries.first_open_day()
    held = queries.trial_balance(asked.open_from - timedelta(days=1))
    waiting_pence = sum(one.pence for one in held if one.kind is AccountKind.SUSPENSE)
    require(
        [
            *confirming_faults(asked.open_from, present, waiting_pence),
            *closing_faults(*closing_standing(asked.open_from, present)),
        ]
    )
    made = ClosedPeriod(
        closing=asked,
        open_from=asked.open_from,
        hash=fingerprint({one.code: one.pence for one in held}),
        confirmed_by_id=actor.person_id,
        confirmed_at=now,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        actor,
        "closing.confirmed",
        f"closing {asked.id}",
        at=now,
        before={"open_from": present.isoformat() if present else None},
        after={"open_from": made.open_from.isoformat(), "hash": made.hash},
    )
    return made

"""Reads of restricted funds: what each holds in the books, and what an award could use."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

import ledger.queries
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from ledger.rules import AccountKind
from members.contributions.models import Pledge
from members.models import Appointment
from members.restrictions.models import FitJudgement, RestrictedFund
from members.restrictions.rules import FundState, Held, Line, mismatches, sources

MOST_FUNDS = 500


@dataclass(frozen=True)
class Balances:
    """A restricted fund in the books, in pence: received = free + committed + paid, less what is short after money was
    taken back. What was paid back is no longer received."""

    fund: RestrictedFund
    received_pence: int
    free_pence: int
    committed_pence: int
    paid_pence: int


def fund(reference: str, *, lock: bool = False) -> RestrictedFund:
    """The restricted fund. Raises NotFound."""
    query = select(RestrictedFund).where(RestrictedFund.reference == reference)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    return found


def for_pledge(pledge_id: int) -> RestrictedFund | None:
    """The restricted fund that a pledge's money belongs to, if it has one."""
    return db.session.scalar(select(RestrictedFund).where(RestrictedFund.pledge_id == pledge_id))


def restriction_for(pledge_id: int) -> str | None:
    """The reference under which a pledge's money is kept apart; None where it is unrestricted."""
    return db.session.scalar(select(RestrictedFund.reference).where(RestrictedFund.pledge_id == pledge_id))


def restrictions_for(pledge_ids: Collection[int]) -> dict[int, str]:
    """The same for many pledges, by their keys; those that are unrestricted are left out."""
    rows = db.session.execute(
        select(RestrictedFund.pledge_id, RestrictedFund.reference).where(
            RestrictedFund.pledge_id.in_(sorted(pledge_ids))
        )
    )
    return {row[0]: row[1] for row in rows}


def funds(limit: int = MOST_FUNDS) -> Sequence[RestrictedFund]:
    """All restricted funds with pledge and contributor, newest first."""
    return db.session.scalars(
        select(RestrictedFund)
        .options(joinedload(RestrictedFund.pledge).joinedload(Pledge.organisation))
        .order_by(RestrictedFund.id.desc())
        .limit(limit)
    ).all()


def balances(limit: int = MOST_FUNDS) -> list[Balances]:
    """Every restricted fund with what the books say of it, newest first; one query for all sums."""
    moved = ledger.queries.totals_by_restriction()
    return [_balances(found, moved) for found in funds(limit)]


def balances_of(reference: str) -> Balances:
    """One restricted fund with what the books say of it. Raises NotFound."""
    return _balances(fund(reference), ledger.queries.totals_by_restriction())


def _balances(found: RestrictedFund, moved: Mapping[tuple[str, AccountKind], int]) -> Balances:
    def held(kind: AccountKind) -> int:
        return moved.get((found.reference, kind), 0)

    return Balances(
        found,
        -held(AccountKind.CONTRIBUTIONS) - held(AccountKind.REFUNDS),
        held(AccountKind.AVAILABLE),
        held(AccountKind.COMMITTED),
        held(AccountKind.GRANTS_PAID),
    )


def judged(proposal: str) -> dict[int, FitJudgement]:
    """Fund id → what was last said of this proposal."""
    last = select(func.max(FitJudgement.id)).where(FitJudgement.proposal == proposal).group_by(FitJudgement.fund_id)
    return {
        row.fund_id: row
        for row in db.session.scalars(select(FitJudgement).where(FitJudgement.id.in_(last)).order_by(FitJudgement.id))
    }


def free_for(*, proposal: str, districts: frozenset[str], pence: int, day: date) -> tuple[Line, ...]:
    """Line by line, which money an award of `pence` to this proposal would use on `day`."""
    free = ledger.queries.balances_by_restriction(AccountKind.AVAILABLE)
    said = judged(proposal)
    held = [
        Held(
            found.reference,
            found.terms,
            free.get(found.reference, 0),
            said[found.id].serves if found.id in said else None,
            found.state is FundState.OPEN,
        )
        for found in funds()
    ]
    return sources(pence, free.get(None, 0), held, districts=districts, day=day)


@dataclass(frozen=True)
class Promised:
    """What is committed to one grant and not paid yet.

    Attributes:
        usable: pence by restricted fund (None: unrestricted) that may pay today, in the order in which it does.
        held_back: (reference, pence, reasons) of each part whose terms no longer fit.
    """

    usable: dict[str | None, int]
    held_back: tuple[tuple[str, int, tuple[str, ...]], ...]

    def parts(self, pence: int) -> dict[str | None, int] | None:
        """Which parts pay `pence`; None where what may be used is too little."""
        taken: dict[str | None, int] = {}
        for reference, part in self.usable.items():
            taken[reference] = min(part, pence - sum(taken.values()))
        return taken if sum(taken.values()) == pence else None

    @property
    def sentence(self) -> str:
        """Why some of it may not pay, and what to do."""
        why = " ".join(f"{reference}: {' '.join(reasons)}" for reference, _, reasons in self.held_back)
        return (
            f"Part of this grant was promised from restricted money that may not pay for it now. {why} "
            "A steward can promise other money instead, on the grant's page “Which money pays for it”."
        )


def promised(*, committed: Mapping[str | None, int], proposal: str, districts: frozenset[str], day: date) -> Promised:
    """What is `committed` to a grant by restricted fund, judged again: at commitment, and at payment (handbook §6)."""
    references = sorted(reference for reference, pence in committed.items() if reference is not None and pence)
    said = judged(proposal)
    found = db.session.scalars(
        select(RestrictedFund).where(RestrictedFund.reference.in_(references)).order_by(RestrictedFund.reference)
    ).all()
    usable: dict[str | None, int] = {}
    held_back = []
    for one in sorted(found, key=lambda one: (one.spend_by or date.max, one.reference)):
        serves = said[one.id].serves if one.id in said else None
        if reasons := mismatches(one.terms, districts=districts, judged=serves, day=day):
            held_back.append((one.reference, committed[one.reference], reasons))
        else:
            usable[one.reference] = committed[one.reference]
    if None in committed:
        usable[None] = committed[None]
    return Promised(usable, tuple(held_back))


def is_officer(person_id: int, organisation_id: int) -> bool:
    """Whether somebody holds a role in the organisation now, whichever they act for."""
    return (
        db.session.scalar(
            select(Appointment.id)
            .where(
                Appointment.person_id == person_id,
                Appointment.organisation_id == organisation_id,
                Appointment.ended_at.is_(None),
            )
            .limit(1)
        )
        is not None
    )

"""Which money pays a grant: what was promised to it from restricted funds, judged again at payment (handbook §6)."""

from collections.abc import Collection
from datetime import datetime

import ledger.queries
from fund.grants.awards import queries as awards
from fund.grants.awards.frozen import frozen
from fund.grants.models import Award
from fund.kernel.calendar import london_day
from fund.kernel.errors import RuleBroken
from ledger.bank.models import PaymentOrder
from ledger.bank.payments import ask_which_money
from ledger.rules import AccountKind
from members.restrictions.queries import Promised, promised


def promised_of(found: Collection[Award], now: datetime) -> dict[int, Promised]:
    """Award id → what is committed to it, for the awards with restricted money in their commitment only."""
    committed = ledger.queries.restricted_balances_by_owner(AccountKind.COMMITTED, [award.owner for award in found])
    return {award.id: _promised(award, now) for award in found if award.owner in committed}


def _promised(award: Award, now: datetime) -> Promised:
    version = frozen(award.version_id)
    return promised(
        committed={
            reference: pence
            for reference, pence in ledger.queries.balances_by_restriction(AccountKind.COMMITTED, award.owner).items()
            if pence
        },
        proposal=version.proposal_reference,
        districts=version.districts,
        day=london_day(now),
    )


def money_for(order: PaymentOrder, now: datetime) -> dict[str | None, int] | None:
    """The parts of a commitment that pay an order; None where none of it is restricted.

    Raises:
        RuleBroken: when what may still be used is too little.
    """
    owner = order.grant_owner
    if owner not in ledger.queries.restricted_balances_by_owner(AccountKind.COMMITTED, [owner]):
        return None
    found = _promised(awards.award_by_reference(owner.removeprefix("grant:")), now)
    parts = found.parts(order.pence)
    if parts is None and found.held_back:
        raise RuleBroken(found.sentence)
    return parts


ask_which_money(money_for)

"""Which money pays a grant: what was promised to it from restricted funds, judged again at payment (handbook §6)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import ledger.queries
import ledger.service
from fund.grants.awards import queries as awards
from fund.grants.awards.frozen import frozen
from fund.grants.models import Award
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.errors import Conflict, Finding, RuleBroken
from ledger.bank.models import PaymentOrder
from ledger.bank.payments import ask_which_money
from ledger.money import format_pence
from ledger.rules import AccountKind
from members.restrictions.queries import Promised, free_for, promised
from members.restrictions.rules import parts, short_pence


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


def held_back(award: Award, now: datetime) -> Promised | None:
    """What is committed to an award, where part of it may not pay for it any more; None where all may."""
    found = _promised(award, now)
    return found if found.held_back else None


def promise_other_money(*, reference: str, reason: str, actor: Actor, now: datetime) -> None:
    """Reserve other money for a grant in the place of restricted money that may not pay for it any more, such as what
    had to be used by a day that has passed. That money is free again in its own fund, for what it was given for.

    Raises:
        RuleBroken: without a reason, or when too little of what fits is free.
        Conflict: when all that is promised may pay.
    """
    actor.require(Permission.PREPARE_GRANTS)
    if not reason.strip():
        raise RuleBroken([Finding("Say why, for the contributor and the auditor.", "reason")])
    award = awards.award_by_reference(reference)
    found = _promised(award, now)
    if not found.held_back:
        raise Conflict(f"All money that is promised to {reference} may pay for it. Nothing needs to change.")
    freed: dict[str | None, int] = {fund: pence for fund, pence, _ in found.held_back}
    pence = sum(freed.values())
    version = frozen(award.version_id)
    lines = free_for(proposal=version.proposal_reference, districts=version.districts, pence=pence, day=london_day(now))
    if missing := short_pence(pence, lines):
        raise RuleBroken(
            f"{format_pence(pence)} has to be promised from other money and {format_pence(missing)} of that is "
            "missing. Wait until more money has cleared, or ask the contributor in writing."
        )
    taken = parts(lines)
    number = ledger.queries.entry_count(AccountKind.COMMITTED, award.owner)
    more: dict[str, Any] = {
        "grant": award.owner,
        "pence": pence,
        "occurred_on": london_day(now),
        "actor": actor,
        "now": now,
    }
    ledger.service.release(
        key=f"{award.owner}:other-money:{number}:back",
        description=f"Back to what it was given for; it may not pay for grant {reference} any more",
        parts=freed,
        **more,
    )
    ledger.service.commit(
        key=f"{award.owner}:other-money:{number}",
        description=f"Other money promised to grant {reference}",
        parts=taken,
        **more,
    )
    audit.record(
        actor,
        "grant.other_money_promised",
        reference,
        at=now,
        before={fund or "unrestricted": pence for fund, pence in freed.items()},
        after={fund or "unrestricted": pence for fund, pence in taken.items()} | {"reason": reason},
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
    taken = found.parts(order.pence)
    if taken is None and found.held_back:
        raise RuleBroken(found.sentence)
    return taken


ask_which_money(money_for)

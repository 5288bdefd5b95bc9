"""A live grant from a pot that all three sectors paid into: what tests of the open book begin from."""

from datetime import datetime

import pytest
from flask import Flask

from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from ledger.bank import service as bank
from members.models import Organisation
from members.rules import Sector
from proposals.models import Answer, Proposal
from tests.fund.grants import awarding
from tests.fund.grants.awarding import Grant
from tests.scenes import laid_once
from voting.models import ItemResult

NOTHING = {"for": 0, "against": 0, "abstain": 0, "absent": 0, "recused": 0}


def contribute(organisation: Organisation, pence: int, clock: MovableClock, key: str) -> None:
    import ledger.service

    more = {"occurred_on": clock.now().date(), "description": "A contribution", "actor": None, "now": clock.now()}
    owner = organisation.owner
    with transaction():
        ledger.service.book_bank_line(key=f"line:{key}", pence=pence, **more)
        ledger.service.receive_contribution(key=f"contribution:{key}", contributor=owner, pence=pence, **more)


@pytest.fixture
def grant(app: Flask, clock: MovableClock) -> Grant:
    """A live grant of £10,000.01 with its first payments sent, from a pot that all three sectors paid into."""
    return _live_grant(clock)


@laid_once
def _live_grant(clock: MovableClock) -> Grant:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(awarding, "fund_pot", _bank_account_only)
        patch.setattr(awarding, "ItemResult", _counted)
        made = awarding.lay.__wrapped__(clock, pence=10_000_01)  # type: ignore[attr-defined]
    for organisation, pence, key in (
        (made.lead, 1_234_56, "a"),
        (made.firm, 20_000_00, "b"),
        (made.council, 30_000_03, "c"),
    ):
        contribute(organisation, pence, clock, key)
    with transaction() as session:
        proposal = session.query(Proposal).one()
        session.add(
            Answer(
                proposal_id=proposal.id,
                question="places",
                value="E08000003 E08000010",
                revision=1,
                saved_at=clock.now(),
                saved_by_id=made.actors["lead"].person_id,
            )
        )
    made.payable()
    made.ordered()
    with transaction():
        bank.make_payment_file(
            order_ids=[one.id for one in bank.queries.ready_orders()], actor=made.actors["steward"], now=made.now
        )
    return made


def _bank_account_only(pence: int, now: datetime) -> None:
    with transaction():
        bank.set_bank_account(
            name="Irwell Collaboration Fund", sort_code="00-99-02", account_number="10203040", actor=None, now=now
        )


def _counted(**values: object) -> ItemResult:
    counts = {sector.value: dict(NOTHING) for sector in Sector}
    counts["vcse"]["for"] = 7
    outcome = {"sectors": counts, "checks": [], "thin_sectors": []}
    return ItemResult(**(values | {"outcome": outcome, "explanation": "Passed: seven for and none against."}))

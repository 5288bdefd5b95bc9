"""Pages: which money pays for a grant, what is free for a proposal, and what a steward says of restricted money."""

from typing import Any

from flask import Response, url_for

import ledger.queries
import members.restrictions.queries as restrictions
import members.restrictions.service
from fund.grants.awards import queries
from fund.grants.awards.forms import JudgeForm, OtherMoneyForm
from fund.grants.awards.frozen import Frozen, frozen
from fund.grants.blueprint import bp
from fund.grants.models import Award
from fund.grants.payments.money import held_back, promise_other_money
from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.errors import NotFound
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from ledger.rules import AccountKind
from members.restrictions.rules import short_pence
from proposals.queries import current_version
from proposals.queries import proposal as proposal_for


@bp.get("/grants/<reference>/money")
@access(Permission.READ_BOOKS)
def money(reference: str) -> Response:
    """What is reserved for a grant and was paid, by fund; before that, what is free for it."""
    return _money(queries.award(reference, actor()), OtherMoneyForm())


@bp.post("/grants/<reference>/money")
@access(Permission.PREPARE_GRANTS)
def other_money(reference: str) -> Response:
    """Promise other money where restricted money may not pay any more."""
    award = queries.award(reference, actor())
    form = OtherMoneyForm()

    def work() -> Done:
        promise_other_money(reference=reference, reason=form.reason.data or "", actor=actor(), now=now())
        return Done("Other money is promised to this grant.", url_for("grants.money", reference=reference))

    return submit(form, work) or _money(award, form)


def _money(award: Award, form: OtherMoneyForm) -> Response:
    committed = ledger.queries.balances_by_restriction(AccountKind.COMMITTED, award.owner)
    paid = ledger.queries.balances_by_restriction(AccountKind.GRANTS_PAID, award.owner)
    reserved = [(one, committed.get(one, 0), paid.get(one, 0)) for one in sorted({*committed, *paid}, key=str)]
    return page(
        "grants/money.html",
        form,
        award=award,
        held_back=held_back(award, now()),
        reserved=reserved,
        **_free(frozen(award.version_id), award.pence),
    )


@bp.get("/proposals/<reference>/free")
@access(Permission.READ_BOOKS)
def free_for_proposal(reference: str) -> Response:
    """What is free to award for a proposal that was sent, before anybody votes on it."""
    version = _sent(reference)
    return page("grants/free_for_proposal.html", version=version, **_free(version, version.requested_pence))


@bp.route("/proposals/<reference>/free/<fund_reference>", methods=["GET", "POST"])
@access(Permission.PREPARE_GRANTS)
def judge_money(reference: str, fund_reference: str) -> Response:
    """Whether a proposal serves a purpose is for people to say (handbook §14)."""
    version = _sent(reference)
    fund = restrictions.fund(fund_reference)
    said = restrictions.judged(version.proposal_reference).get(fund.id)
    form = JudgeForm()

    def work() -> Done:
        members.restrictions.service.judge(
            reference=fund_reference,
            proposal=version.proposal_reference,
            serves=form.serves.data == "yes",
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        return Done("Written down, with your reason.", url_for("grants.free_for_proposal", reference=reference))

    return submit(form, work) or page("grants/judge_money.html", form, version=version, fund=fund, said=said)


def _sent(reference: str) -> Frozen:
    """The newest version of a proposal that was sent. Raises NotFound, also for a draft."""
    version = current_version(proposal_for(reference, actor()).id)
    if version is None:
        raise NotFound
    return frozen(version.id)


def _free(version: Frozen, pence: int) -> dict[str, Any]:
    """Each fund: what is free there, whether it fits or why not, and how much of it this would use."""
    lines = restrictions.free_for(
        proposal=version.proposal_reference, districts=version.districts, pence=pence, day=london_day(now())
    )
    return {
        "proposal": version.proposal_reference,
        "pence": pence,
        "lines": lines,
        "short_pence": short_pence(pence, lines),
        "funds": {fund.reference: fund for fund in restrictions.funds()},
    }

"""Pages: what is free to award for a grant's proposal, line by line, and what a steward says of restricted money."""

from flask import Response, url_for

import ledger.queries
import members.restrictions.queries as restrictions
import members.restrictions.service
from fund.grants.awards import queries
from fund.grants.awards.forms import JudgeForm
from fund.grants.awards.frozen import frozen
from fund.grants.blueprint import bp
from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from ledger.rules import AccountKind
from members.restrictions.rules import short_pence


@bp.get("/grants/<reference>/money")
@access(Permission.READ_BOOKS)
def money(reference: str) -> Response:
    """Each fund: what is free there, whether it fits or why not, and how much of it this grant would use."""
    award = queries.award(reference, actor())
    version = frozen(award.version_id)
    lines = restrictions.free_for(
        proposal=version.proposal_reference, districts=version.districts, pence=award.pence, day=london_day(now())
    )
    committed = ledger.queries.balances_by_restriction(AccountKind.COMMITTED, award.owner)
    paid = ledger.queries.balances_by_restriction(AccountKind.GRANTS_PAID, award.owner)
    return page(
        "grants/money.html",
        award=award,
        lines=lines,
        short_pence=short_pence(award.pence, lines),
        funds={fund.reference: fund for fund in restrictions.funds()},
        reserved=[(one, committed.get(one, 0), paid.get(one, 0)) for one in sorted({*committed, *paid}, key=str)],
    )


@bp.route("/grants/<reference>/money/<fund_reference>", methods=["GET", "POST"])
@access(Permission.PREPARE_GRANTS)
def judge_money(reference: str, fund_reference: str) -> Response:
    """Whether a proposal serves a purpose is for people to say (handbook §14)."""
    award = queries.award(reference, actor())
    fund = restrictions.fund(fund_reference)
    proposal = frozen(award.version_id).proposal_reference
    said = restrictions.judged(proposal).get(fund.id)
    form = JudgeForm()

    def work() -> Done:
        members.restrictions.service.judge(
            reference=fund_reference,
            proposal=proposal,
            serves=form.serves.data == "yes",
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        return Done("Written down, with your reason.", url_for("grants.money", reference=reference))

    return submit(form, work) or page("grants/judge_money.html", form, award=award, fund=fund, said=said)

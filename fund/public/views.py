"""Pages that anyone may read, without an account."""

from flask import Blueprint, Response, request

import members.restrictions.queries as restrictions
from fund.grants.payments.queries import late_without_order
from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.pages import actor_or_none, now, page
from fund.kernel.places import DISTRICTS
from fund.kernel.policy import policy_at
from fund.public import balance as sharing
from fund.public import drawing, organisation_views, queries
from fund.public.words import WORDS
from fund.reporting import queries as reporting
from ledger.bank import queries as bank
from members.restrictions.rules import FundState
from members.rules import Sector
from proposals.rules import ROLE_NAMES

bp = Blueprint("public", __name__)

__all__ = ["bp", "organisation_views"]


@bp.get("/")
@access(Permission.ANYONE)
def front() -> Response:
    found = queries.front()
    return page("public/front.html", front=found, bands=drawing.pot(_sectors(found.paid_in)))


def _sectors(amounts: queries.BySector) -> dict[Sector, int]:
    return {sector: amounts.get(sector, 0) for sector in Sector}


@bp.get("/money")
@access(Permission.ANYONE)
def money() -> Response:
    found, standing = queries.money(), sharing.balance(now())
    policy = policy_at(now())
    return page(
        "public/money.html",
        money=found,
        bands=drawing.pot(_sectors(found.paid_in)),
        bar_widths=drawing.bar_widths,
        sectors=list(found.paid_in | found.granted | found.paid_out),
        balance=standing,
        punctual=bank.punctuality(
            standing.year.first,
            standing.year.last,
            today=london_day(now()),
            unordered=late_without_order(now(), policy.pay_within_days),
        ),
        policy=policy,
        restricted=[one for one in restrictions.balances() if one.received_pence and one.fund.state is FundState.OPEN],
    )


@bp.get("/contributions")
@access(Permission.READ_BOOKS)
def contributions() -> Response:
    """The fund year's contributions by sector, for those who keep the pot in balance."""
    found = sharing.balance(now())
    return page(
        "public/contributions.html",
        balance=found,
        stacks=drawing.stacks([(row.cleared_pence, row.invoiced_pence, row.pledged_pence) for row in found.rows]),
    )


@bp.get("/awards")
@access(Permission.ANYONE)
def awards() -> Response:
    district = request.args.get("district", "")
    sector = request.args.get("sector", "")
    known = {one.code for one in DISTRICTS}
    lines = queries.award_lines(
        district=district if district in known else None,
        sector=Sector(sector) if sector in list(Sector) else None,
    )
    return page(
        "public/awards.html",
        lines=lines,
        total=sum(line.award.pence for line in lines),
        districts=DISTRICTS,
        district=district if district in known else "",
        sector=sector if sector in list(Sector) else "",
    )


@bp.get("/awards/<reference>")
@access(Permission.ANYONE)
def award(reference: str) -> Response:
    return page("public/award.html", found=queries.award_page(reference[:40], now()), role_names=ROLE_NAMES)


@bp.get("/stories")
@access(Permission.ANYONE)
def stories() -> Response:
    person = actor_or_none()
    own = person is not None and person.organisation_id is not None and queries.is_member(person.organisation_id)
    readings = reporting.accepted_readings()
    shown = reporting.published_stories(for_members=own)
    outcomes = {one.outcome.code: one.outcome for one in [*readings, *shown]}
    wanted = request.args.get("outcome", "")
    if wanted in outcomes:
        readings = [one for one in readings if one.outcome.code == wanted]
        shown = [one for one in shown if one.outcome.code == wanted]
    return page(
        "public/stories.html",
        stories=shown,
        totals=queries.totals(readings),
        told=reporting.stories_told(),
        outcomes=[outcomes[code] for code in sorted(outcomes)],
        outcome=wanted if wanted in outcomes else "",
    )


@bp.get("/how-it-works")
@access(Permission.ANYONE)
def how_it_works() -> Response:
    """Who owns the fund, where it works, and the rules in force in whole sentences."""
    return page("public/how_it_works.html", policy=policy_at(now()), districts=DISTRICTS)


@bp.get("/words")
@access(Permission.ANYONE)
def words() -> Response:
    return page("public/words.html", words=sorted(WORDS, key=lambda word: word.term.casefold()))

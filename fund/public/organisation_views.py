"""The page of an organisation, and the whole lists behind it. They hang on the blueprint of `members`."""

from flask import Response, request

from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.errors import NotAllowed
from fund.kernel.pages import actor, actor_or_none, now, page
from fund.public import organisation as found_in
from members import queries
from members.blueprint import bp
from members.contributions import queries as contributions
from members.register import queries as register
from proposals.evidence.words import LEVER_NAMES
from voting.queries import may_see_votes


@bp.get("/members/<reference>")
@access(Permission.ANYONE)
def organisation(reference: str) -> Response:
    reader = actor_or_none()
    found = queries.public_organisation(reference, reader)
    own = reader is not None and reader.organisation_id == found.id
    steward = reader is not None and reader.may(Permission.ADMIT_MEMBERS)
    return page(
        "members/organisation.html",
        organisation=found,
        shown=found_in.organisation_page(found, reader, now()),
        own=own,
        steward=steward,
        suspension=register.open_suspension(found.id, london_day(now())) if own else None,
        held=queries.appointments(found.id) if reader is not None and may_see_votes(reader) else [],
        pledges=contributions.pledges_of(found.id, limit=5) if own else [],
        history=queries.sector_history(found.id),
        whole_history=steward or own,
        on_the_page=found_in.ON_THE_PAGE,
        year_name=found_in.year_names(),
        LEVER_NAMES=LEVER_NAMES,
    )


@bp.get("/members/<reference>/money")
@access(Permission.ANYONE)
def organisation_money(reference: str) -> Response:
    found = queries.public_organisation(reference, actor_or_none())
    years = found_in.traced(found)[::-1]
    return page(
        "members/organisation_money.html",
        organisation=found,
        years=years,
        titles=found_in.titles(years),
        year_name=found_in.year_names(),
    )


@bp.get("/members/<reference>/awards")
@access(Permission.ANYONE)
def organisation_awards(reference: str) -> Response:
    found = queries.public_organisation(reference, actor_or_none())
    awards, part = found_in.part_of_awards(found.id, request.args.get("page", default=1, type=int))
    return page(
        "members/organisation_awards.html",
        organisation=found,
        awards=awards,
        part=part,
        commitments=found_in.commitments(found.id, awards, now()),
        LEVER_NAMES=LEVER_NAMES,
    )


@bp.get("/members/<reference>/votes")
@access(Permission.SIGNED_IN)
def organisation_votes(reference: str) -> Response:
    """For members: it is their common money that the votes spent (handbook §5.4)."""
    found = queries.public_organisation(reference, actor())
    if not may_see_votes(actor()):
        raise NotAllowed("How members voted is for members to see. The results page shows the votes by sector.")
    votes, part = found_in.part_of_votes(found.id, request.args.get("page", default=1, type=int))
    return page("members/organisation_votes.html", organisation=found, votes=votes, part=part)

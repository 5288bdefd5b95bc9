"""Pages of ballots."""

from datetime import timedelta

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Actor, Permission, access
from fund.kernel.calendar import add_months, london_day
from fund.kernel.db import db, transaction
from fund.kernel.errors import NotFound, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, actor_or_none, clock, now, page, submit
from fund.kernel.policy import policy_at
from proposals import queries as proposal_queries
from voting import queries, records, service
from voting.forms import ConflictForm, NoticeForm, VoidForm, VoteForm
from voting.methods.resolution import Choice
from voting.models import Ballot, RollEntry
from voting.rules import CHOICE_NAMES, STATE_NAMES, VERDICT_NAMES, BallotState, conflict_reason, earliest_opening

bp = Blueprint("voting", __name__)


# --- everybody


@bp.get("/ballots")
@access(Permission.ANYONE)
def ballots() -> Response:
    return _ballots_page()


def _ballots_page(form: BaseForm | None = None) -> Response:
    person = actor_or_none()
    runs = person is not None and person.may(Permission.RUN_BALLOTS)
    waiting = queries.rounds_to_ballot() if runs else []
    return page(
        "voting/ballots.html",
        form,
        ballots=queries.ballots(person),
        waiting=[(round_, ActionForm(prefix=f"draft-{round_.id}")) for round_ in waiting],
        state_names=STATE_NAMES,
    )


@bp.get("/ballots/<reference>")
@access(Permission.ANYONE)
def ballot(reference: str) -> Response:
    return _ballot_page(queries.ballot(reference, actor_or_none()))


def _ballot_page(its: Ballot, form: BaseForm | None = None) -> Response:
    person = actor_or_none()
    entry = queries.roll_entry_of(its.id, person.organisation_id) if person else None
    request_ = queries.void_request(its.id)
    return page(
        "voting/ballot.html",
        form,
        ballot=its,
        state_name=STATE_NAMES[its.state],
        votes_by_sector=queries.votes_by_sector(its.id),
        sees_roll=its.notice_at is not None and queries.may_see_votes(person),
        sees_paper=its.state is BallotState.DECLARED or queries.may_see_votes(person),
        entry=entry,
        may_vote_now=_may_vote_now(its, entry, person),
        waiting=_still_to_decide(its, entry),
        void_request=request_,
        declared=records.declared_conflicts(its.id) if person and person.may(Permission.RUN_BALLOTS) else [],
        may_second=_may_second(person, request_.asked_by_id if request_ else None, its),
        forms_for={name: ActionForm(prefix=name) for name in ("redraft", "declare", "agree")},
    )


def _may_vote_now(its: Ballot, entry: RollEntry | None, person: Actor | None) -> bool:
    if entry is None or person is None or its.opens_at is None or its.closes_at is None:
        return False
    running = its.state in (BallotState.NOTICE_GIVEN, BallotState.OPEN) and its.opens_at <= now() < its.closes_at
    return running and entry.votes_through is None and person.may(Permission.VOTE)


def _still_to_decide(its: Ballot, entry: RollEntry | None) -> int:
    if entry is None or entry.votes_through is not None:
        return 0
    done = records.conflicts_of(entry).keys() | records.votes_of(entry).keys()
    return sum(item.id not in done for item in its.items)


def _may_second(person: Actor | None, asked_by_id: int | None, its: Ballot) -> bool:
    return (
        person is not None
        and asked_by_id not in (None, person.person_id)
        and its.state is not BallotState.VOID
        and person.may(Permission.VOID_BALLOTS)
    )


@bp.get("/ballots/<reference>/result")
@access(Permission.ANYONE)
def result(reference: str) -> AnyResponse:
    its = queries.ballot(reference, actor_or_none())
    if its.declared_at is None:
        return redirect(url_for("voting.ballot", reference=its.reference), code=303)
    out: dict[int, list[records.Exclusion]] = {}
    for exclusion in records.exclusions(its.id):
        out.setdefault(exclusion.item_id, []).append(exclusion)
    return page(
        "voting/result.html",
        ballot=its,
        results=queries.results(its.id),
        votes_by_sector=queries.votes_by_sector(its.id),
        exclusions=out,
        verdict_names=VERDICT_NAMES,
        sees_votes=queries.may_see_votes(actor_or_none()),
        reserve_until=add_months(london_day(its.declared_at), its.policy.reserve_list_months),
        void_request=queries.void_request(its.id) if its.state is BallotState.VOID else None,
    )


@bp.get("/ballots/<reference>/roll")
@access(Permission.SIGNED_IN)
def roll(reference: str) -> Response:
    its = queries.ballot(reference, actor())
    if its.notice_at is None or not queries.may_see_votes(actor()):
        raise NotFound
    return page("voting/roll.html", ballot=its, entries=queries.roll(its.id, after=request.args.get("after", "")[:40]))


@bp.get("/ballots/<reference>/votes/<int:number>")
@access(Permission.SIGNED_IN)
def votes(reference: str, number: int) -> Response:
    its = queries.ballot(reference, actor())
    item = next((item for item in its.items if item.number == number), None)
    if item is None or its.declared_at is None or not queries.may_see_votes(actor()):
        raise NotFound
    after = request.args.get("after", "")[:40]
    excluded = {exclusion.name for exclusion in records.exclusions(its.id) if exclusion.item_id == item.id}
    return page(
        "voting/votes.html",
        ballot=its,
        item=item,
        lines=records.how_voted(item.id, its.id, after=after),
        excluded=excluded,
        choice_names=CHOICE_NAMES,
    )


# --- voters


@bp.route("/ballots/<reference>/conflicts", methods=["GET", "POST"])
@access(Permission.VOTE)
def conflicts(reference: str) -> Response:
    its, entry = _own_paper(reference)
    automatic = records.automatic_conflicts_of(entry)
    asked = [item for item in its.items if item.id not in automatic]
    form = ConflictForm()
    form.items.choices = {
        str(item.id): f"{item.proposal_reference} {item.title}, led by {item.lead_name}" for item in asked
    }

    def work() -> Done:
        service.declare_conflicts(
            reference=its.reference,
            item_ids=form.chosen,
            note=form.note.data or "",
            actor=actor(),
            now=clock().at_database(db.session()),
        )
        return Done("Thank you, that is recorded. Here is your paper.", url_for("voting.vote", reference=its.reference))

    return submit(form, work) or page(
        "voting/conflicts.html",
        form,
        ballot=its,
        entry=entry,
        out=[(item, conflict_reason(automatic[item.id], entry.name)) for item in its.items if item.id in automatic],
        can_answer=_may_vote_now(its, entry, actor()),
    )


def _own_paper(reference: str) -> tuple[Ballot, RollEntry]:
    """The ballot, once notice was given, and the roll entry with which the organisation acted for votes."""
    its = queries.ballot(reference, actor())
    if its.notice_at is None:
        raise NotFound
    return its, service.check_holds_vote(queries.roll_entry_of(its.id, actor().organisation_id), actor())


@bp.get("/ballots/<reference>/vote")
@access(Permission.VOTE)
def vote(reference: str) -> AnyResponse:
    its, entry = _own_paper(reference)
    if _may_vote_now(its, entry, actor()) and records.declaration_of(entry, actor().person_id) is None:
        return redirect(url_for("voting.conflicts", reference=its.reference), code=303)
    return _paper_page(its, entry)


@bp.post("/ballots/<reference>/vote/<int:item_id>")
@access(Permission.VOTE)
def save_vote(reference: str, item_id: int) -> AnyResponse:
    """Safe to send twice without a form id: the same choice again changes nothing, and another one is meant."""
    its, entry = _own_paper(reference)
    item = queries.item(its.id, item_id)
    form = VoteForm(prefix=f"item-{item.id}")
    if form.validate_on_submit():
        try:
            with transaction():
                saved = service.vote(
                    reference=reference,
                    item_id=item_id,
                    choice=Choice(form.choice.data),
                    reason=form.reason.data or "",
                    actor=actor(),
                    now=clock().at_database(db.session()),
                )
                words = CHOICE_NAMES[saved.vote.choice]
                done = f"Saved and counted: {words} on {item.proposal_reference}. Receipt {saved.receipt}."
            flash(done, "done")
            return redirect(url_for("voting.vote", reference=reference, _anchor=f"item-{item.number}"), code=303)
        except RuleBroken as broken:
            form.add_findings(broken.findings)
    return _paper_page(its, entry, form, item_id)


def _paper_page(its: Ballot, entry: RollEntry, sent: VoteForm | None = None, sent_id: int | None = None) -> Response:
    saved, kinds = records.votes_of(entry), records.conflicts_of(entry)
    papers = {}
    for item in its.items:
        reason = saved[item.id].vote.reason if item.id in saved else ""
        papers[item.id] = VoteForm(formdata=None, prefix=f"item-{item.id}", data={"reason": reason})
    if sent is not None and sent_id is not None:
        papers[sent_id] = sent
    return page(
        "voting/vote.html",
        sent,
        ballot=its,
        entry=entry,
        papers=papers,
        saved=saved,
        out={item_id: conflict_reason(kind, entry.name) for item_id, kind in kinds.items()},
        waiting=_still_to_decide(its, entry),
        running=_may_vote_now(its, entry, actor()),
        choices=[(choice.value, CHOICE_NAMES[choice]) for choice in Choice],
        choice_names=CHOICE_NAMES,
    )


# --- the secretary and the board


@bp.post("/ballots/draft/<round_reference>")
@access(Permission.RUN_BALLOTS)
def draft(round_reference: str) -> Response:
    round_id = proposal_queries.round_by_reference(round_reference, actor()).id
    form = ActionForm(prefix=f"draft-{round_id}")

    def work() -> Done:
        drafted = service.draft_ballot(round_id=round_id, actor=actor(), now=now())
        return Done(
            f"Ballot {drafted.reference} is drafted. Read its paper, then give notice of it.",
            url_for("voting.ballot", reference=drafted.reference),
        )

    return submit(form, work) or _ballots_page(form)


@bp.post("/ballots/<reference>/redraft")
@access(Permission.RUN_BALLOTS)
def redraft(reference: str) -> Response:
    its = queries.ballot(reference, actor())
    round_id, form = its.round_id, ActionForm(prefix="redraft")

    def work() -> Done:
        service.draft_ballot(round_id=round_id, actor=actor(), now=now())
        return Done("The paper is up to date.", url_for("voting.ballot", reference=reference))

    return submit(form, work) or _ballot_page(queries.ballot(reference, actor()), form)


@bp.route("/ballots/<reference>/notice", methods=["GET", "POST"])
@access(Permission.RUN_BALLOTS)
def notice(reference: str) -> AnyResponse:
    its = queries.ballot(reference, actor())
    policy = policy_at(now())
    earliest = earliest_opening(now(), policy)
    first_day = london_day(earliest)
    form = NoticeForm(data={"opens_on": first_day, "closes_on": first_day + timedelta(days=policy.ballot_open_days)})

    def work() -> Done:
        service.give_notice(
            reference=reference, opens_at=form.opens_at, closes_at=form.closes_at, actor=actor(), now=now()
        )
        return Done("Notice is given. Members have been written to.", url_for("voting.ballot", reference=reference))

    if request.method == "GET" and its.state is not BallotState.DRAFT:
        return redirect(url_for("voting.ballot", reference=reference), code=303)
    return submit(form, work) or page(
        "voting/notice.html", form, ballot=queries.ballot(reference, actor()), policy=policy, earliest=earliest
    )


@bp.post("/ballots/<reference>/declare")
@access(Permission.RUN_BALLOTS)
def declare(reference: str) -> Response:
    form = ActionForm(prefix="declare")

    def work() -> Done:
        service.declare(reference=reference, actor=actor(), now=now())
        return Done("The result is declared.", url_for("voting.result", reference=reference))

    return submit(form, work) or _ballot_page(queries.ballot(reference, actor()), form)


@bp.route("/ballots/<reference>/void", methods=["GET", "POST"])
@access(Permission.RUN_BALLOTS)
def void(reference: str) -> Response:
    queries.ballot(reference, actor())
    form = VoidForm()

    def work() -> Done:
        service.ask_to_void(reference=reference, reasons=form.reasons.data or "", actor=actor(), now=now())
        return Done("A member of the board is asked to agree.", url_for("voting.ballot", reference=reference))

    return submit(form, work) or page("voting/void.html", form, ballot=queries.ballot(reference, actor()))


@bp.post("/ballots/<reference>/void/agree")
@access(Permission.VOID_BALLOTS)
def agree_to_void(reference: str) -> Response:
    queries.ballot(reference, actor())
    form = ActionForm(prefix="agree")

    def work() -> Done:
        service.void(reference=reference, actor=actor(), now=now())
        return Done(f"Ballot {reference} is void.", url_for("voting.ballot", reference=reference))

    return submit(form, work) or _ballot_page(queries.ballot(reference, actor()), form)

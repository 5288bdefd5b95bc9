"""Pages of rounds: for the public, for those who propose, and the stewards' desk."""

from datetime import timedelta

from flask import Response, make_response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.calendar import start_of_day
from fund.kernel.errors import Finding, RuleBroken
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, actor_or_none, now, page, submit
from proposals import queries, round_queries, rules, service
from proposals.blueprint import bp, judged_now
from proposals.forms import EligibilityForm, RoundForm, StartForm
from proposals.models import Proposal, Round
from proposals.principles import principles
from proposals.questions import QUESTIONS, SECTIONS, in_section
from proposals.rules import ProposalState, RoundState


@bp.get("/rounds")
@access(Permission.ANYONE)
def rounds() -> Response:
    person = actor_or_none()
    drafts = round_queries.draft_rounds() if queries.is_office(person) else []
    return page("proposals/rounds.html", rounds=round_queries.public_rounds(), drafts=drafts)


@bp.route("/rounds/new", methods=["GET", "POST"])
@access(Permission.RUN_ROUNDS)
def new_round() -> Response:
    form = RoundForm()

    def work() -> Done:
        made = service.create_round(plan=form.plan(), actor=actor(), now=now())
        return Done(f"Round {made.reference} is a draft. Read it through, then publish it.", _path(made))

    return submit(form, work) or page("proposals/round_form.html", form, heading="Plan a round", subject=None)


@bp.route("/rounds/<reference>/edit", methods=["GET", "POST"])
@access(Permission.RUN_ROUNDS)
def edit_round(reference: str) -> Response:
    subject = queries.round_by_reference(reference, actor())
    form = RoundForm(data=RoundForm.shown(subject))
    round_id = subject.id

    def work() -> Done:
        changed = service.change_round(round_id=round_id, plan=form.plan(), actor=actor(), now=now())
        return Done("Your changes are saved.", _path(changed))

    heading = f"Change round {reference}"
    return submit(form, work) or page("proposals/round_form.html", form, heading=heading, subject=subject)


@bp.get("/rounds/<reference>", endpoint="round")
@access(Permission.ANYONE)
def show_round(reference: str) -> Response:
    return _round_page(queries.round_by_reference(reference, actor_or_none()))


def _round_page(subject: Round, refused: ActionForm | None = None) -> Response:
    person = actor_or_none()
    runs = person is not None and person.may(Permission.RUN_ROUNDS)
    decided = queries.decided_in(subject.id)
    return page(
        "proposals/round.html",
        refused,
        subject=subject,
        policy=subject.policy,
        principles=principles(subject.policy.coproduction_principles_version),
        sections=[(section, in_section(section.code)) for section in SECTIONS],
        decided=decided,
        asked=queries.requested_by_proposal([item.id for item in decided]),
        counts=round_queries.count_by_state(subject.id) if queries.is_office(person) else {},
        office=queries.is_office(person),
        takes_proposals=rules.may_start(subject.state, subject.closes_at, now()),
        move=_next_move(subject) if runs else None,
        move_form=ActionForm(prefix="move") if runs else None,
        blocked=round_queries.in_the_way_of_opening(subject, now()) if runs and _may_open_later(subject) else [],
        warnings=round_queries.opening_warnings(subject, now()) if runs and _may_open_later(subject) else [],
    )


def _may_open_later(subject: Round) -> bool:
    return subject.state in (RoundState.DRAFT, RoundState.PUBLISHED)


def _next_move(subject: Round) -> tuple[str, str] | None:
    """Label and endpoint of what a steward may do with the round next."""
    if subject.state is RoundState.DRAFT:
        return "Publish this round", "proposals.publish"
    if subject.state is RoundState.PUBLISHED and now() >= subject.opens_at:
        return "Open this round", "proposals.open"
    if subject.state is RoundState.OPEN and now() >= subject.closes_at:
        return "Close this round", "proposals.close"
    return None


@bp.post("/rounds/<reference>/publish")
@access(Permission.RUN_ROUNDS)
def publish(reference: str) -> Response:
    subject, form = queries.round_by_reference(reference, actor()), ActionForm(prefix="move")
    round_id = subject.id

    def work() -> Done:
        made = service.publish_round(round_id=round_id, actor=actor(), now=now())
        return Done("The round is public, with the settings of today kept for it.", _path(made))

    return submit(form, work) or _round_page(queries.round_by_reference(reference, actor()), form)


@bp.post("/rounds/<reference>/open", endpoint="open")
@access(Permission.RUN_ROUNDS)
def open_now(reference: str) -> Response:
    subject, form = queries.round_by_reference(reference, actor()), ActionForm(prefix="move")
    round_id = subject.id

    def work() -> Done:
        made = service.open_round(round_id=round_id, actor=actor(), now=judged_now())
        return Done("The round is open. Members can propose now.", _path(made))

    return submit(form, work) or _round_page(queries.round_by_reference(reference, actor()), form)


@bp.post("/rounds/<reference>/close")
@access(Permission.RUN_ROUNDS)
def close(reference: str) -> Response:
    subject, form = queries.round_by_reference(reference, actor()), ActionForm(prefix="move")
    round_id = subject.id

    def work() -> Done:
        made = service.close_round(round_id=round_id, actor=actor(), now=judged_now())
        return Done("The round is closed. Look at the proposals next.", f"/rounds/{made.reference}/proposals")

    return submit(form, work) or _round_page(queries.round_by_reference(reference, actor()), form)


@bp.get("/rounds/<reference>/questions.txt")
@access(Permission.ANYONE)
def questions_file(reference: str) -> Response:
    """Every question as plain text, to prepare answers before signing in."""
    subject = queries.round_by_reference(reference, actor_or_none())
    lines = [f"Questions of {subject.title} ({subject.reference})", ""]
    for section in SECTIONS:
        lines += [section.title.upper(), section.lead, ""]
        for question in in_section(section.code):
            limit = f" (up to {question.max_length:,} characters)" if question.max_length else ""
            lines += [
                f"{question.label}{'' if question.required else ' (optional)'}{limit}",
                f"  {question.hint}",
                f"  Why we ask: {question.why}",
                f"  What it informs: {question.decides}",
                *(f"  - {words}" for _, words in question.choices),
                "",
            ]
    answer = make_response("\n".join(lines))
    answer.mimetype = "text/plain"
    answer.headers["Content-Disposition"] = f'attachment; filename="questions-{subject.reference}.txt"'
    return answer


@bp.route("/rounds/<reference>/propose", methods=["GET", "POST"])
@access(Permission.WRITE_PROPOSAL)
def start(reference: str) -> Response:
    subject, form = queries.round_by_reference(reference, actor()), StartForm()
    round_id = subject.id

    def work() -> Done:
        made = service.start_proposal(round_id=round_id, title=form.title.data or "", actor=actor(), now=judged_now())
        message = f"Your proposal is {made.reference}. Everything you write is saved as you go."
        return Done(message, url_for("proposals.proposal", reference=made.reference))

    return submit(form, work) or page(
        "proposals/start.html",
        form,
        subject=subject,
        question=QUESTIONS["title"],
        takes_proposals=rules.may_start(subject.state, subject.closes_at, now()),
    )


@bp.get("/rounds/<reference>/proposals")
@access(Permission.READ_AUDIT)
def desk(reference: str) -> Response:
    subject = queries.round_by_reference(reference, actor())
    listed = queries.of_round(subject.id)
    return page(
        "proposals/desk.html",
        subject=subject,
        proposals=listed,
        asked=queries.requested_by_proposal([item.id for item in listed]),
        looked_at=[item for item in listed if item.state is ProposalState.SUBMITTED],
    )


@bp.route("/proposals/<reference>/eligibility", methods=["GET", "POST"])
@access(Permission.RUN_ROUNDS)
def eligibility(reference: str) -> Response | AnyResponse:
    subject, form = queries.proposal(reference, actor()), EligibilityForm()
    proposal_id, round_reference = subject.id, subject.round.reference
    if form.fix_by.data is None and not form.is_submitted():
        form.fix_by.data = now().date() + timedelta(days=7)

    def work() -> Done:
        made = _find(form, proposal_id)
        words = made.state.value.replace("_", " ")
        return Done(f"{made.reference} is now {words}, and its lead was told.", f"/rounds/{round_reference}/proposals")

    if done := submit(form, work):
        return done
    subject = queries.proposal(reference, actor())
    if subject.state not in (ProposalState.SUBMITTED, ProposalState.RETURNED, ProposalState.ELIGIBLE):
        return redirect(url_for("proposals.proposal", reference=reference), code=303)
    return page("proposals/eligibility.html", form, subject=subject, version=queries.current_version(subject.id))


def _find(form: EligibilityForm, proposal_id: int) -> Proposal:
    reasons = form.reasons.data or ""
    match form.outcome.data:
        case "eligible":
            return service.mark_eligible(proposal_id=proposal_id, reasons=reasons, actor=actor(), now=now())
        case "ineligible":
            return service.mark_ineligible(proposal_id=proposal_id, reasons=reasons, actor=actor(), now=now())
        case "returned":
            if form.fix_by.data is None:
                raise RuleBroken([Finding("Give the day by which it must be sent again.", "fix_by")])
            return service.return_for_fixes(
                proposal_id=proposal_id,
                reasons=reasons,
                fix_by=start_of_day(form.fix_by.data + timedelta(days=1)),
                actor=actor(),
                now=now(),
            )
    raise RuleBroken([Finding("Choose from the answers shown.", "outcome")])


def _path(subject: Round) -> str:
    return url_for("proposals.round", reference=subject.reference)

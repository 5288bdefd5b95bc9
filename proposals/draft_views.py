"""Pages of a proposal: overview with gates, sections, autosave, budget, sending, and frozen versions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, make_response, request, url_for

from fund.kernel.access import Actor, Permission, access
from fund.kernel.db import transaction
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm, clean
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, own_organisation_id, page, submit
from proposals import queries, rules, service
from proposals.blueprint import bp, judged_now
from proposals.brokerage import queries as brokerage
from proposals.evidence import queries as evidence
from proposals.forms import (
    budget_form,
    given_answers,
    given_lines,
    revision_field,
    revision_number,
    rows_of,
    section_form,
    seen_revisions,
)
from proposals.models import Partner, Proposal
from proposals.questions import QUESTIONS, SECTIONS, Kind, Section, in_section, in_words
from proposals.rules import ProposalState, in_england
from proposals.service import AnswersChanged


@bp.get("/proposals")
@access(Permission.SEE_OWN_ORGANISATION)
def own() -> Response:
    return page("proposals/own.html", proposals=queries.of_organisation(own_organisation_id()))


@dataclass(frozen=True)
class Step:
    """A page of the draft and how far it is."""

    title: str
    path: str
    status: str
    done: bool


@bp.get("/proposals/<reference>")
@access(Permission.SIGNED_IN)
def proposal(reference: str) -> Response:
    subject = queries.proposal(reference, actor())
    partners = queries.partners(subject.id)
    lacking = service.missing(subject, now()) if subject.state in rules.EDITABLE else []
    may_write = queries.may_write(subject, actor(), now())
    return page(
        "proposals/proposal.html",
        subject=subject,
        partners=partners,
        steps=_steps(subject),
        gates=evidence.gates(subject.id, now()),
        asked_pence=queries.requested_pence(subject.id),
        until=queries.deadline(subject),
        may_write=may_write,
        asks=brokerage.asks(subject) if may_write else [],
        office=queries.is_office(actor()),
        versions=queries.versions(subject.id),
        next_step=_next_step(subject, partners, len(lacking), actor()),
    )


def _steps(subject: Proposal) -> list[Step]:
    answers = queries.answers(subject.id)
    steps = []
    for section in SECTIONS:
        asked = [question for question in in_section(section.code) if question.required]
        count = sum(bool(answers.get(question.code)) for question in asked)
        path = url_for("proposals.section", reference=subject.reference, code=section.code)
        words = "All answered" if count == len(asked) else f"{count} of {len(asked)} answered"
        steps.append(Step(section.title, path, words, count == len(asked)))
    return steps


def _next_step(
    subject: Proposal, partners: Sequence[Partner], lacking: int, person: Actor
) -> tuple[str, str, str] | None:
    """Sentence, address and label of the one thing that this person does next, if there is one."""
    reference = subject.reference
    own_part = next((part for part in partners if part.organisation_id == person.organisation_id), None)
    if subject.state in rules.EDITABLE and own_part is not None and not own_part.is_lead and not own_part.is_confirmed:
        path = url_for("proposals.partner_confirm", partner_id=own_part.id)
        return "Your organisation has not confirmed its part.", path, "Read and confirm your part"
    if queries.may_write(subject, person, now()):
        path = url_for("proposals.submit", reference=reference)
        if lacking:
            things = "1 thing is" if lacking == 1 else f"{lacking} things are"
            return f"{things} missing before you can send it.", path, "See what is missing"
        return "Nothing is missing.", path, "Send the proposal"
    if subject.state is ProposalState.SUBMITTED and person.may(Permission.RUN_ROUNDS):
        path = url_for("proposals.eligibility", reference=reference)
        return "It was sent and waits for a steward's look.", path, "Say whether it is eligible"
    if (version := queries.current_version(subject.id)) is not None:
        path = url_for("proposals.version", reference=reference, number=version.number)
        return "Read exactly what was sent.", path, f"Read version {version.number}"
    return None


# --- sections


@bp.route("/proposals/<reference>/section/<code>", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def section(reference: str, code: str) -> Response:
    subject = queries.proposal(reference, actor())
    found = next((item for item in SECTIONS if item.code == code), None)
    if found is None:
        raise NotFound
    asked = in_section(code)
    form = section_form(asked, queries.answer_rows(subject.id))
    proposal_id, after = subject.id, _after(found, reference)

    def work() -> Done:
        service.save_answers(
            proposal_id=proposal_id,
            answers=given_answers(form, asked),
            seen=seen_revisions(form, asked),
            actor=actor(),
            now=judged_now(),
        )
        return Done(f"“{found.title}” is saved.", after)

    try:
        if done := submit(form, work):
            return done
    except AnswersChanged as stale:
        return _show_both(stale, form, found, reference)
    return _section_page(form, found, reference)


def _after(present: Section, reference: str) -> str:
    following = SECTIONS[SECTIONS.index(present) + 1 :]
    if following:
        return url_for("proposals.section", reference=reference, code=following[0].code)
    return url_for("proposals.budget", reference=reference)


def _section_page(form: BaseForm, found: Section, reference: str) -> Response:
    subject = queries.proposal(reference, actor())
    return page(
        "proposals/section.html",
        form,
        subject=subject,
        section=found,
        questions=in_section(found.code),
        answers=queries.answers(subject.id),
        may_write=queries.may_write(subject, actor(), now()),
        until=queries.deadline(subject),
        in_words=in_words,
    )


def _show_both(stale: AnswersChanged, form: BaseForm, found: Section, reference: str) -> Response:
    """The page again with what was typed, what stands saved beside it, and the next save allowed to replace it."""
    for other in stale.changed:
        words = in_words(QUESTIONS[other.question], other.value) or "nothing"
        form[other.question].errors = [
            f"Somebody saved another answer on {in_england(other.saved_at)}: “{words}” "
            "Yours is still here. Save again to keep yours, or copy theirs first."
        ]
        form[revision_field(other.question)].data = str(other.revision)
    form.form_errors.append(stale.message)
    answer = _section_page(form, found, reference)
    answer.status_code = stale.status
    return answer


@bp.post("/proposals/<reference>/autosave")
@access(Permission.WRITE_PROPOSAL)
def autosave(reference: str) -> Response:
    """Save one answer while it is being typed. Answers in plain text; `X-Revision` is the answer's revision now.

    The form holds `question`, `revision` (as last shown) and `value`, several times for a question of several choices.
    """
    subject = queries.proposal(reference, actor())
    code = request.form.get("question", "")
    if code not in QUESTIONS:
        raise NotFound
    sent = [clean(value) or "" for value in request.form.getlist("value")]
    value = " ".join(sent) if QUESTIONS[code].kind is Kind.MULTI else "".join(sent[:1])
    proposal_id, at = subject.id, now()
    try:
        with transaction():
            revisions = service.save_answers(
                proposal_id=proposal_id,
                answers={code: value},
                seen={code: revision_number(request.form.get("revision"))},
                actor=actor(),
                now=judged_now(),
            )
    except AnswersChanged as stale:
        other = stale.changed[0]
        words = in_words(QUESTIONS[code], other.value) or "nothing"
        return _told(
            f"Not saved: somebody saved another answer on {in_england(other.saved_at)}: “{words}”", 409, other.revision
        )
    except RuleBroken as broken:
        return _told(f"Not saved: {broken.message}", 422)
    except Conflict as late:
        return _told(f"Not saved: {late.message}", 409)
    return _told(f"Saved at {in_england(at).rpartition(' ')[2]}", 200, revisions[code])


def _told(words: str, status: int, revision: int | None = None) -> Response:
    answer = make_response(words, status)
    answer.mimetype = "text/plain"
    if revision is not None:
        answer.headers["X-Revision"] = str(revision)
    return answer


# --- budget


@bp.route("/proposals/<reference>/budget", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def budget(reference: str) -> Response:
    subject = queries.proposal(reference, actor())
    present = queries.cost_lines(subject.id)
    rows = rows_of(request.form.get("rows"), len(present))
    form = budget_form(present, rows, rules.budget_digest(present))
    proposal_id = subject.id
    here = url_for("proposals.budget", reference=reference)
    more = request.form.get("more") is not None

    def work() -> Done:
        given = given_lines(form, rows)
        try:
            service.set_budget(
                proposal_id=proposal_id,
                lines=[line for _, line in given],
                seen=form["seen"].data,
                actor=actor(),
                now=judged_now(),
            )
        except RuleBroken as broken:
            raise RuleBroken(_beside_rows(broken, [row for row, _ in given])) from broken
        return Done("Your budget is saved.", here if more else url_for("proposals.partners", reference=reference))

    if done := submit(form, work):
        return done
    subject = queries.proposal(reference, actor())
    return page(
        "proposals/budget.html",
        form,
        subject=subject,
        rows=rows,
        lines=queries.cost_lines(subject.id),
        partners=queries.partners(subject.id),
        may_write=queries.may_write(subject, actor(), now()),
    )


def _beside_rows(broken: RuleBroken, rows: list[int]) -> list[Finding]:
    """The findings with the numbers of the form's rows: rows left empty were not lines."""
    moved = []
    for finding in broken.findings:
        name, _, number = (finding.field or "").rpartition("_")
        field = f"{name}_{rows[int(number) - 1]}" if name and number.isdigit() else None
        moved.append(Finding(finding.message, field))
    return moved


# --- sending and what was sent


@bp.route("/proposals/<reference>/submit", methods=["GET", "POST"], endpoint="submit")
@access(Permission.WRITE_PROPOSAL)
def send(reference: str) -> Response:
    subject, form = queries.proposal(reference, actor()), ActionForm()
    proposal_id = subject.id

    def work() -> Done:
        made = service.submit(proposal_id=proposal_id, actor=actor(), now=judged_now())
        message = f"Your proposal was sent as version {made.number}. A receipt is on its way to you by mail."
        return Done(message, url_for("proposals.version", reference=reference, number=made.number))

    if done := submit(form, work):
        return done
    subject = queries.proposal(reference, actor())
    return page(
        "proposals/submit.html",
        form,
        subject=subject,
        missing=service.missing(subject, now()) if subject.state in rules.EDITABLE else [],
        until=queries.deadline(subject),
        may_write=queries.may_write(subject, actor(), now()),
        may_bind=actor().may(Permission.BIND_ORGANISATION),
    )


@bp.get("/proposals/<reference>/versions/<int:number>")
@access(Permission.SIGNED_IN)
def version(reference: str, number: int) -> Response:
    found = queries.version(reference, number, actor())
    return page(
        "proposals/version.html",
        version=found,
        subject=found.proposal,
        content=json.loads(found.content),
        summary=queries.summary_of(found),
        may_open=queries.may_open(found.proposal, actor()),
        role_names=rules.ROLE_NAMES,
        contribution_names=rules.CONTRIBUTION_NAMES,
    )


@bp.get("/proposals/<reference>/versions/<int:number>.json")
@access(Permission.SIGNED_IN)
def version_file(reference: str, number: int) -> Response:
    """The exact bytes that the SHA-256 is of."""
    found = queries.version(reference, number, actor())
    answer = make_response(found.content.encode())
    answer.mimetype = "application/json"
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.name}.json"'
    return answer

"""Pages of assessors, and of stewards who record moderation talks."""

from datetime import date

from flask import Blueprint, Response, request, url_for

from fund.kernel.access import Permission, access
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from members.profile import queries as profiles
from proposals import queries as proposals
from proposals.assessment import queries, service
from proposals.assessment.forms import AssessmentForm, DeclarationForm, ModerationForm
from proposals.assessment.models import Assessment
from proposals.assessment.rules import ASKED, GATE_CODES, Outcome, shown_mean
from proposals.evidence import attestation_queries, words
from proposals.evidence import queries as evidence
from proposals.models import Proposal, ProposalVersion

bp = Blueprint("assessment", __name__)


@bp.get("/assessments")
@access(Permission.ASSESS)
def desk() -> Response:
    return page("assessment/desk.html", rows=queries.desk(actor().person_id))


@bp.route("/assessments/<reference>", methods=["GET", "POST"])
@access(Permission.ASSESS)
def assess(reference: str) -> Response:
    subject, version = queries.eligible(reference)
    if reason := queries.conflict(subject.id, actor().person_id):
        return page("assessment/shut_out.html", proposal=subject, reason=reason)
    mine = queries.own(version.id, actor().person_id)
    if mine is None:
        return _declare(subject)
    if mine.conflict:
        reason = "You declared a link to this proposal, so you don't assess it. Thank you for saying so."
        return page("assessment/shut_out.html", proposal=subject, reason=reason, declared=mine.conflict)
    if mine.submitted_at is not None:
        return _submitted(subject, version, mine)
    return _score(subject, version, mine)


def _declare(subject: Proposal) -> Response:
    form = DeclarationForm()

    def work() -> Done:
        row = service.declare(proposal_id=subject.id, conflict=form.conflict(), actor=actor(), now=now())
        message = "Thank you for saying so. You don't assess this proposal." if row.conflict else "“None” is recorded."
        return Done(message, url_for("assessment.assess", reference=subject.reference))

    return submit(form, work) or page("assessment/declare.html", form, proposal=subject)


def _score(subject: Proposal, version: ProposalVersion, mine: Assessment) -> Response:
    form = AssessmentForm(data=_as_saved(mine))
    is_draft = request.form.get("act") == "draft"
    partners = proposals.partners(subject.id)

    def work() -> Done:
        act = service.save if is_draft else service.submit
        act(proposal_id=subject.id, judgement=form.judgement(), seen=form.revision, actor=actor(), now=now())
        message = "Draft saved. Only you see it." if is_draft else "Your scores are in. You can see the others' now."
        return Done(message, url_for("assessment.assess", reference=subject.reference))

    return submit(form, work) or page(
        "assessment/assess.html",
        form,
        proposal=subject,
        version=version,
        mine=mine,
        gates=[(code, *ASKED[code], form[f"{code}_score"], form[f"{code}_reasons"]) for code in GATE_CODES],
        reports=evidence.gates(subject.id, now()),
        answers=attestation_queries.attestations(subject.id),
        counts=evidence.answer_counts(subject.id),
        words=words,
        partners=partners,
        accreditations=profiles.accreditations_of([partner.organisation_id for partner in partners], now()),
    )


def _as_saved(mine: Assessment) -> dict[str, object]:
    data: dict[str, object] = {"seen": mine.revision}
    for code in GATE_CODES:
        score = mine.score(code)
        data |= {f"{code}_score": None if score is None else str(score), f"{code}_reasons": mine.reasons(code)}
    data["found_level"] = "" if mine.found_level is None else str(mine.found_level)
    return data


def _submitted(subject: Proposal, version: ProposalVersion, mine: Assessment) -> Response:
    return page(
        "assessment/submitted.html",
        proposal=subject,
        mine=mine,
        others=queries.others(version.id, actor().person_id) or [],
        asked=ASKED,
        ladder=words.LEVELS,
    )


@bp.route("/assessments/<reference>/moderation", methods=["GET", "POST"])
@access(Permission.RUN_ROUNDS)
def moderation(reference: str) -> Response:
    subject, version = queries.eligible(reference)
    service.refuse_moderator(subject.id, actor())
    form = ModerationForm()

    def work() -> Done:
        row = service.moderate(
            proposal_id=subject.id,
            held_on=form.held_on.data or date.min,
            took_part=form.took_part.data or "",
            notes=form.notes.data or "",
            outcome=Outcome(form.outcome.data),
            actor=actor(),
            now=now(),
        )
        again = "The assessors are asked to score again." if row.outcome is Outcome.SCORE_AGAIN else "The scores stand."
        return Done(f"Recorded. {again}", url_for("assessment.moderation", reference=reference))

    done = submit(form, work)
    standing = queries.standing(subject.id, subject.round.policy)
    return done or page(
        "assessment/moderation.html",
        form,
        proposal=subject,
        standing=standing,
        submitted=queries.submitted(version.id),
        talks=queries.moderations(subject.id),
        means={code: shown_mean(mean) for code, mean in standing.means.items()},
        asked=ASKED,
        ladder=words.LEVELS,
    )

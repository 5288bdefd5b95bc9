"""Pages on which the lead shows its evidence, and on which owners confirm levers."""

from flask import Response, url_for

from fund.kernel.access import Permission, access
from fund.kernel.errors import NotAllowed
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from proposals import drafts
from proposals import queries as proposals
from proposals.evidence import attestation_queries, attestation_views, queries, service
from proposals.evidence import attestation_service as attestations
from proposals.evidence.blueprint import bp
from proposals.evidence.case import GateReport
from proposals.evidence.coproduction import shown_words
from proposals.evidence.forms import (
    ActivityForm,
    CardRequestForm,
    ConfirmLeverForm,
    LeverForm,
    PairForm,
    PhaseForm,
)
from proposals.evidence.words import LEVELS, LEVER_NAMES, PHASE_QUESTIONS, LeverKind, Phase
from proposals.models import Proposal

__all__ = ["attestation_views", "bp"]


def _own(reference: str) -> Proposal:
    """The proposal, for people who write for its lead."""
    subject = proposals.proposal(reference, actor())
    if not proposals.is_lead(subject, actor()):
        raise NotAllowed("Only people who write for the lead partner can open this page. The overview is open to you.")
    return subject


def _draft(reference: str) -> Proposal:
    """The proposal, for people who may change it now; Conflict says why it can't be changed."""
    subject = _own(reference)
    drafts.check_time(subject, now())
    return subject


def _gate(subject: Proposal, number: int) -> GateReport:
    return queries.gates(subject.id, now())[number - 1]


def _removals(kind: str, ids: list[int]) -> dict[int, BaseForm]:
    return {row_id: ActionForm(prefix=f"remove-{kind}-{row_id}") for row_id in ids}


# --- engagement (G2)


@bp.get("/proposals/<reference>/engagement")
@access(Permission.WRITE_PROPOSAL)
def engagement(reference: str) -> Response:
    subject = _own(reference)
    activities, pairs = queries.activities(subject.id), queries.pairs(subject.id)
    return page(
        "evidence/engagement.html",
        proposal=subject,
        writable=proposals.may_write(subject, actor(), now()),
        activities=activities,
        pairs=pairs,
        removals=_removals("activity", [row.id for row in activities]),
        pair_removals=_removals("pair", [row.id for row in pairs]),
        report=_gate(subject, 2),
    )


@bp.route("/proposals/<reference>/engagement/new", methods=["GET", "POST"])
@access(Permission.WRITE_PROPOSAL)
def add_activity(reference: str) -> Response:
    subject, form = _draft(reference), ActivityForm()

    def work() -> Done:
        service.add_activity(proposal_id=subject.id, activity=form.activity(), actor=actor(), now=now())
        return Done("Activity added.", url_for("evidence.engagement", reference=reference))

    return submit(form, work) or page("evidence/activity.html", form, proposal=subject, heading="Add an activity")


@bp.route("/proposals/<reference>/engagement/<int:activity_id>", methods=["GET", "POST"])
@access(Permission.WRITE_PROPOSAL)
def activity(reference: str, activity_id: int) -> Response:
    subject = _draft(reference)
    row = queries.activity(activity_id, subject.id)
    form = ActivityForm(data={**service.values_of(row), "seen": row.revision})

    def work() -> Done:
        service.change_activity(
            proposal_id=subject.id,
            activity_id=activity_id,
            activity=form.activity(),
            seen=form.revision,
            actor=actor(),
            now=now(),
        )
        return Done("Activity changed.", url_for("evidence.engagement", reference=reference))

    return submit(form, work) or page("evidence/activity.html", form, proposal=subject, heading="Change an activity")


@bp.post("/proposals/<reference>/engagement/<int:activity_id>/remove")
@access(Permission.WRITE_PROPOSAL)
def remove_activity(reference: str, activity_id: int) -> Response:
    subject, form = _draft(reference), ActionForm(prefix=f"remove-activity-{activity_id}")

    def work() -> Done:
        service.remove_activity(proposal_id=subject.id, activity_id=activity_id, actor=actor(), now=now())
        return Done("Activity removed.", url_for("evidence.engagement", reference=reference))

    return submit(form, work) or engagement(reference)


@bp.route("/proposals/<reference>/engagement/heard/new", methods=["GET", "POST"])
@access(Permission.WRITE_PROPOSAL)
def add_pair(reference: str) -> Response:
    subject, form = _draft(reference), PairForm()

    def work() -> Done:
        service.add_pair(
            proposal_id=subject.id,
            heard=form.heard.data or "",
            changed=form.changed.data or "",
            actor=actor(),
            now=now(),
        )
        return Done("Added.", url_for("evidence.engagement", reference=reference))

    return submit(form, work) or page("evidence/pair.html", form, proposal=subject, heading="We heard, we changed")


@bp.route("/proposals/<reference>/engagement/heard/<int:pair_id>", methods=["GET", "POST"])
@access(Permission.WRITE_PROPOSAL)
def pair(reference: str, pair_id: int) -> Response:
    subject = _draft(reference)
    row = queries.pair(pair_id, subject.id)
    form = PairForm(data={"heard": row.heard, "changed": row.changed, "seen": row.revision})

    def work() -> Done:
        service.change_pair(
            proposal_id=subject.id,
            pair_id=pair_id,
            heard=form.heard.data or "",
            changed=form.changed.data or "",
            seen=form.revision,
            actor=actor(),
            now=now(),
        )
        return Done("Changed.", url_for("evidence.engagement", reference=reference))

    return submit(form, work) or page("evidence/pair.html", form, proposal=subject, heading="We heard, we changed")


@bp.post("/proposals/<reference>/engagement/heard/<int:pair_id>/remove")
@access(Permission.WRITE_PROPOSAL)
def remove_pair(reference: str, pair_id: int) -> Response:
    subject, form = _draft(reference), ActionForm(prefix=f"remove-pair-{pair_id}")

    def work() -> Done:
        service.remove_pair(proposal_id=subject.id, pair_id=pair_id, actor=actor(), now=now())
        return Done("Removed.", url_for("evidence.engagement", reference=reference))

    return submit(form, work) or engagement(reference)


# --- co-production (G3)


def _levels_form(subject: Proposal, *, sent: bool = True) -> PhaseForm:
    """The levels as they are, and over them what was sent with this request, if this form was."""
    data: dict[str, object] = {"seen": service.levels_seen(subject.id)}
    for phase, row in queries.levels(subject.id).items():
        data |= {f"{phase}-level": str(row.level), f"{phase}-evidence": row.evidence}
    return PhaseForm(data=data) if sent else PhaseForm(formdata=None, data=data)


@bp.route("/proposals/<reference>/coproduction", methods=["GET", "POST"])
@access(Permission.WRITE_PROPOSAL)
def coproduction(reference: str) -> Response:
    subject = _own(reference)
    form = _levels_form(subject)

    def work() -> Done:
        service.claim_levels(proposal_id=subject.id, claims=form.claims(), seen=form.revision, actor=actor(), now=now())
        return Done("Levels saved.", url_for("evidence.coproduction", reference=reference))

    return submit(form, work) or _coproduction_page(subject, form, CardRequestForm(prefix="cards", formdata=None))


def _coproduction_page(subject: Proposal, form: PhaseForm, cards_form: CardRequestForm) -> Response:
    shown = form if form.errors or not cards_form.errors else cards_form
    return page(
        "evidence/coproduction.html",
        shown,
        levels_form=form,
        cards_form=cards_form,
        proposal=subject,
        phases=[(phase, PHASE_QUESTIONS[phase], form[f"{phase}-level"], form[f"{phase}-evidence"]) for phase in Phase],
        ladder=LEVELS,
        writable=proposals.may_write(subject, actor(), now()),
        asked=attestation_queries.open_requests(subject.id),
        answers=shown_words(queries.answer_counts(subject.id)),
        report=_gate(subject, 3),
    )


@bp.post("/proposals/<reference>/coproduction/cards")
@access(Permission.WRITE_PROPOSAL)
def ask_for_cards(reference: str) -> Response:
    subject, form = _draft(reference), CardRequestForm(prefix="cards")

    def work() -> Done:
        attestations.ask_for_cards(
            proposal_id=subject.id, cards=form.cards.data or 0, where=form.where.data or "", actor=actor(), now=now()
        )
        return Done(
            "The stewards have your request. They will bring the cards, or write to you about how.",
            url_for("evidence.coproduction", reference=reference),
        )

    return submit(form, work) or _coproduction_page(subject, _levels_form(subject, sent=False), form)


# --- systemic change (G4)


@bp.get("/proposals/<reference>/change")
@access(Permission.WRITE_PROPOSAL)
def change(reference: str) -> Response:
    subject = _own(reference)
    levers = queries.levers(subject.id)
    return page(
        "evidence/change.html",
        proposal=subject,
        writable=proposals.may_write(subject, actor(), now()),
        levers=levers,
        names=LEVER_NAMES,
        removals=_removals("lever", [row.id for row in levers]),
        report=_gate(subject, 4),
    )


def _with_owners(form: LeverForm, subject: Proposal) -> LeverForm:
    partners = proposals.partners(subject.id)
    form.owner.choices = {"": "Not decided yet", **{str(row.id): row.organisation.name for row in partners}}
    return form


def _lever_page(form: LeverForm, subject: Proposal, heading: str) -> Response:
    return page("evidence/lever.html", form, proposal=subject, heading=heading)


@bp.route("/proposals/<reference>/change/new", methods=["GET", "POST"])
@access(Permission.WRITE_PROPOSAL)
def add_lever(reference: str) -> Response:
    subject = _draft(reference)
    form = _with_owners(LeverForm(), subject)

    def work() -> Done:
        row = service.add_lever(
            proposal_id=subject.id,
            kind=LeverKind(form.kind.data),
            today=form.today.data or "",
            after=form.after.data or "",
            owner_partner_id=int(form.owner.data) if form.owner.data else None,
            actor=actor(),
            now=now(),
        )
        asked = " We have asked its owner to confirm it." if row.owner_partner_id else ""
        return Done(f"Lever added.{asked}", url_for("evidence.change", reference=reference))

    return submit(form, work) or _lever_page(form, subject, "Add a lever")


@bp.route("/proposals/<reference>/change/<int:lever_id>", methods=["GET", "POST"])
@access(Permission.WRITE_PROPOSAL)
def lever(reference: str, lever_id: int) -> Response:
    subject = _draft(reference)
    row = queries.lever_of(lever_id, subject.id)
    data = {"kind": row.kind.value, "today": row.today, "after": row.after, "seen": row.revision}
    form = _with_owners(LeverForm(data={**data, "owner": str(row.owner_partner_id or "")}), subject)

    def work() -> Done:
        before = row.is_confirmed
        changed = service.change_lever(
            proposal_id=subject.id,
            lever_id=lever_id,
            kind=LeverKind(form.kind.data),
            today=form.today.data or "",
            after=form.after.data or "",
            owner_partner_id=int(form.owner.data) if form.owner.data else None,
            seen=form.revision,
            actor=actor(),
            now=now(),
        )
        void = before and not changed.is_confirmed
        told = " Its owner had confirmed other words, so that no longer counts; we have told them." if void else ""
        return Done(f"Lever saved.{told}", url_for("evidence.change", reference=reference))

    return submit(form, work) or _lever_page(form, subject, "Change a lever")


@bp.post("/proposals/<reference>/change/<int:lever_id>/remove")
@access(Permission.WRITE_PROPOSAL)
def remove_lever(reference: str, lever_id: int) -> Response:
    subject, form = _draft(reference), ActionForm(prefix=f"remove-lever-{lever_id}")

    def work() -> Done:
        service.remove_lever(proposal_id=subject.id, lever_id=lever_id, actor=actor(), now=now())
        return Done("Lever removed.", url_for("evidence.change", reference=reference))

    return submit(form, work) or change(reference)


@bp.route("/levers/<int:lever_id>/confirm", methods=["GET", "POST"])
@access(Permission.BIND_ORGANISATION)
def lever_confirm(lever_id: int) -> Response:
    row = queries.lever(lever_id, actor())
    form = ConfirmLeverForm(data={"terms": row.terms})

    def work() -> Done:
        service.confirm_lever(lever_id=lever_id, seen_terms=str(form.terms.data), actor=actor(), now=now())
        return Done(
            "Thank you. It counts as your organisation's word; if the lead changes the words, we ask you again.",
            url_for("evidence.lever_confirm", lever_id=lever_id),
        )

    return submit(form, work) or page("evidence/lever_confirm.html", form, lever=row, name=LEVER_NAMES[row.kind])

"""Pages of attestation: cards for stewards, questions for co-producers without an account, concerns for their lead.

No page that a co-producer opens asks for JavaScript or an account, and nothing here keeps a code in clear: not the
audit, nor the address that a form leads to.
"""

from flask import Response, current_app, make_response, redirect, render_template, request, url_for

from fund.config import Settings
from fund.kernel.access import Permission, access
from fund.kernel.db import transaction
from fund.kernel.errors import NotFound, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from proposals import queries as proposals
from proposals.evidence import attestation_queries as queries
from proposals.evidence import attestation_service as service
from proposals.evidence import codes as card_codes
from proposals.evidence import queries as evidence
from proposals.evidence import words
from proposals.evidence.attestation_service import Answers
from proposals.evidence.blueprint import bp
from proposals.evidence.forms import AnswersForm, CodeForm, IssueForm, NoteForm
from proposals.evidence.models import Attestation
from proposals.models import Proposal


def _secret() -> str:
    return str(current_app.secret_key)


def _address() -> str:
    settings: Settings = current_app.extensions["sicf_settings"]
    return settings.base_url + url_for("evidence.enter_code")


# --- cards, for stewards


def _without_interest(reference: str) -> Proposal:
    """The proposal, for stewards without a role in it: applicants never see what co-producers said."""
    subject = proposals.proposal(reference, actor())
    service.refuse_interested(subject.id, actor())
    return subject


@bp.route("/proposals/<reference>/codes", methods=["GET", "POST"])
@access(Permission.RUN_ROUNDS)
def codes(reference: str) -> Response:
    """Cards and answers. Making cards shows their codes in the answer itself, this once, and keeps them nowhere."""
    subject = _without_interest(reference)
    form, made = IssueForm(), list[str]()

    def work() -> Done:
        made.extend(
            service.issue_codes(
                proposal_id=subject.id,
                cards=form.cards.data or 0,
                help_phone=form.help_phone.data or "",
                secret=_secret(),
                actor=actor(),
                now=now(),
            )
        )
        return Done(
            f"{form.cards.data} cards were made. Their codes are shown once, to be printed. "
            "If you didn't print them, cancel them below and make new ones.",
            url_for("evidence.codes", reference=reference),
        )

    done = submit(form, work)
    if made:
        return page(
            "evidence/cards.html",
            proposal=subject,
            cards=[card_codes.as_printed(code) for code in made],
            help_phone=form.help_phone.data,
            address=_address(),
        )
    return done or _codes_page(subject, form)


def _codes_page(subject: Proposal, form: IssueForm, faulty: tuple[str, BaseForm] | None = None) -> Response:
    cards, answers = queries.cards(subject.id), queries.attestations(subject.id)
    if form.help_phone.data is None and cards.batches:
        form.help_phone.data = cards.batches[0].batch.help_phone
    notes: dict[str, BaseForm] = {
        f"batch-{one.batch.id}": NoteForm(prefix=f"batch-{one.batch.id}", formdata=None)
        for one in cards.batches
        if one.batch.spoilt_at is None and one.used < one.batch.cards
    }
    notes |= {
        f"answer-{row.id}": NoteForm(prefix=f"answer-{row.id}", formdata=None)
        for row in answers
        if row.verdict is words.Verdict.DISAGREE and row.looked_into_at is None
    }
    if faulty is not None:
        notes[faulty[0]] = faulty[1]
    return page(
        "evidence/codes.html",
        faulty[1] if faulty else form,
        issue_form=form,
        notes=notes,
        proposal=subject,
        cards=cards,
        counts=evidence.answer_counts(subject.id),
        answers=answers,
        asked=queries.open_requests(subject.id),
        words=words,
        most=service.MOST_CARDS_AT_ONCE,
    )


@bp.post("/proposals/<reference>/codes/<int:batch_id>/cancel")
@access(Permission.RUN_ROUNDS)
def cancel_cards(reference: str, batch_id: int) -> Response:
    subject, name = _without_interest(reference), f"batch-{batch_id}"
    form = NoteForm(prefix=name)

    def work() -> Done:
        service.spoil_batch(
            proposal_id=subject.id, batch_id=batch_id, reason=form.note.data or "", actor=actor(), now=now()
        )
        return Done(
            "Cards that were not used are good no more. Answers given with the others stay.",
            url_for("evidence.codes", reference=reference),
        )

    return submit(form, work) or _codes_page(subject, IssueForm(formdata=None), (name, form))


@bp.post("/proposals/<reference>/codes/answers/<int:attestation_id>")
@access(Permission.RUN_ROUNDS)
def look_into(reference: str, attestation_id: int) -> Response:
    subject, name = _without_interest(reference), f"answer-{attestation_id}"
    form = NoteForm(prefix=name)

    def work() -> Done:
        service.look_into(
            proposal_id=subject.id, attestation_id=attestation_id, note=form.note.data or "", actor=actor(), now=now()
        )
        return Done("Written down. It holds gate 3 no longer.", url_for("evidence.codes", reference=reference))

    return submit(form, work) or _codes_page(subject, IssueForm(formdata=None), (name, form))


# --- answering, for co-producers


def _tried(typed: str) -> str | None:
    """The code, if it is good. A wrong one is counted, and that is kept whatever becomes of the request."""
    with transaction():
        return service.try_code(typed=typed, address=request.remote_addr or "", secret=_secret(), now=now())


@bp.route("/attest", methods=["GET", "POST"])
@access(Permission.ANYONE)
def enter_code() -> Response:
    form = CodeForm()
    if form.validate_on_submit():
        try:
            code = _tried(form.code.data or "")
        except RuleBroken as broken:
            form.add_findings(broken.findings)
        else:
            if code is not None:
                return make_response(redirect(url_for("evidence.attest", code=code), code=303))
            form.code.errors = [
                "We can't find that code. It has eight letters and figures; look at your card and type it again."
            ]
    return page("evidence/enter_code.html", form)


@bp.route("/attest/<code>", methods=["GET", "POST"])
@access(Permission.ANYONE)
def attest(code: str) -> Response:
    good = _good(code)
    found = queries.code(card_codes.digest(good, _secret()))
    if found is None:
        raise NotFound
    subject = proposals.proposal_by_id(found.batch.proposal_id)
    given = queries.answer_of(found.id)
    over = service.is_over(subject)
    form = AnswersForm(data=_as_given(given))

    def work() -> Done:
        service.answer(code=good, secret=_secret(), answers=_answers(form), seen=form.revision, now=now())
        return Done("Thank you. The fund has your answers.", url_for("evidence.thanks"))

    return submit(form, work) or page(
        "evidence/attest.html",
        form,
        code=good,
        proposal=subject,
        given=given,
        over=over,
        help_phone=found.batch.help_phone,
        partners=proposals.partners(subject.id),
        summary=proposals.answers(subject.id).get("summary", ""),
        levels=[(words.PHASE_QUESTIONS[phase], row) for phase, row in evidence.levels(subject.id).items()],
        ladder=words.LEVELS,
        withdraw_form=ActionForm(prefix="withdraw", formdata=None),
        words=words,
    )


def _good(code: str) -> str:
    """The code of an address. Guessing by addresses is counted like guessing by the form."""
    try:
        good = _tried(code)
    except RuleBroken as broken:
        raise NotFound(broken.message) from None
    if good is None:
        raise NotFound("We can't find that code. Look at your card and type it again.")
    return good


def _as_given(given: Attestation | None) -> dict[str, object]:
    if given is None:
        return {"seen": 0}
    names = ("who", "took_part", "changed", "decisions", "offered", "verdict")
    return {"told": given.told, "seen": given.revision} | {name: getattr(given, name).value for name in names}


def _answers(form: AnswersForm) -> Answers:
    return Answers(
        who=words.WhoAnswers(form.who.data),
        took_part=words.TookPart(form.took_part.data),
        changed=words.Changed(form.changed.data),
        decisions=words.Decisions(form.decisions.data),
        offered=words.Offered(form.offered.data),
        verdict=words.Verdict(form.verdict.data),
        told=form.told.data or "",
        concern=bool(form.concern.data),
        reach_me=form.reach_me.data or "",
    )


@bp.post("/attest/<code>/withdraw")
@access(Permission.ANYONE)
def withdraw_answers(code: str) -> Response:
    good, form = _good(code), ActionForm(prefix="withdraw")

    def work() -> Done:
        service.withdraw(code=good, secret=_secret(), now=now())
        return Done("Your answers were taken back.", url_for("evidence.thanks"))

    return submit(form, work) or make_response(redirect(url_for("evidence.attest", code=good), code=303))


@bp.get("/attest/thanks")
@access(Permission.ANYONE)
def thanks() -> Response:
    return make_response(render_template("evidence/thanks.html"))


# --- safeguarding, for its lead


@bp.get("/safeguarding")
@access(Permission.HEAR_SAFEGUARDING)
def safeguarding() -> Response:
    return _concerns_page()


def _concerns_page(faulty: tuple[int, NoteForm] | None = None) -> Response:
    rows = queries.concerns()
    notes = {row.id: NoteForm(prefix=f"concern-{row.id}", formdata=None) for row in rows if row.closed_at is None}
    if faulty is not None:
        notes[faulty[0]] = faulty[1]
    return page("evidence/safeguarding.html", faulty[1] if faulty else None, concerns=rows, notes=notes)


@bp.post("/safeguarding/<int:concern_id>")
@access(Permission.HEAR_SAFEGUARDING)
def close_concern(concern_id: int) -> Response:
    queries.concern(concern_id)
    form = NoteForm(prefix=f"concern-{concern_id}")

    def work() -> Done:
        service.close_concern(concern_id=concern_id, outcome=form.note.data or "", actor=actor(), now=now())
        return Done("Written down and closed.", url_for("evidence.safeguarding"))

    return submit(form, work) or _concerns_page((concern_id, form))

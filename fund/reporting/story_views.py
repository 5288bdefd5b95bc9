"""Pages on which a story is told, its card handed over, and on which its person takes it back."""

from flask import Response, redirect, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.errors import NotFound
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.policy import policy_at
from fund.reporting import queries, service
from fund.reporting.blueprint import bp
from fund.reporting.forms import CodeForm, StoryForm
from fund.reporting.models import Report, Story
from fund.reporting.paths import outcome_page, report_path
from fund.reporting.rules import STORY_LIMIT, Voice, normal_code, shown_code

_CODE_ONCE = "withdraw_code"


@bp.route("/reports/<reference>/<int:number>/stories/new/<outcome_code>", methods=["GET", "POST"])
@access(Permission.WRITE_REPORT)
def new_story(reference: str, number: int, outcome_code: str) -> Response:
    of = queries.report(reference, number, actor())
    outcome = outcome_page(of, outcome_code)
    form = StoryForm()

    def work() -> Done:
        story, code = service.add_story(
            award_reference=reference,
            number=number,
            outcome_id=outcome.outcome.id,
            told=_told(form),
            consent=form.consent(),
            actor=actor(),
            now=now(),
        )
        session[_CODE_ONCE] = [story.id, code]
        return Done("The story is in. Now hand the person their card.", _card_path(of, story.id))

    return submit(form, work) or _story_page(form, of, outcome, None)


@bp.route("/reports/<reference>/<int:number>/stories/<int:item_id>", methods=["GET", "POST"])
@access(Permission.WRITE_REPORT)
def story(reference: str, number: int, item_id: int) -> Response:
    of = queries.report(reference, number, actor())
    found = _story(of, item_id)
    outcome = outcome_page(of, found.outcome.code)
    form = StoryForm(
        obj=found,
        voice=found.voice.value,
        consent_how=found.consent_how.value if found.consent_how else "",
        district=found.district or "",
    )

    def work() -> Done:
        service.revise_story(
            award_reference=reference,
            number=number,
            item_id=item_id,
            told=_told(form),
            consent=form.consent(),
            actor=actor(),
            now=now(),
        )
        return Done("The story is changed. The person's card still works.", report_path(of, found.outcome.code))

    return submit(form, work) or _story_page(form, of, outcome, found)


def _story(of: Report, item_id: int) -> Story:
    found = queries.item(item_id, of)
    if not isinstance(found, Story) or found.withdrawn_at is not None:
        raise NotFound
    return found


def _told(form: StoryForm) -> service.Told:
    return service.Told(
        title=form.title.data or "",
        before=form.before.data or "",
        changed=form.changed.data or "",
        matters=form.matters.data or "",
        voice=Voice(form.voice.data),
        relation=form.relation.data or "",
        district=form.district.data or None,
    )


def _story_page(form: BaseForm, of: Report, outcome: queries.OutcomePage, found: Story | None) -> Response:
    return page(
        "reporting/story.html",
        form,
        report=of,
        outcome=outcome,
        story=found,
        limit=STORY_LIMIT,
        months=policy_at(now()).consent_review_months,
    )


def _card_path(of: Report, item_id: int) -> str:
    return url_for("reporting.card", reference=of.award_reference, number=of.number, item_id=item_id)


@bp.get("/reports/<reference>/<int:number>/stories/<int:item_id>/card")
@access(Permission.WRITE_REPORT)
def card(reference: str, number: int, item_id: int) -> Response:
    """The withdraw code, once: the cookie that brought it here is emptied by showing it."""
    of = queries.report(reference, number, actor())
    found = _story(of, item_id)
    kept = session.pop(_CODE_ONCE, None)
    code = kept[1] if kept and kept[0] == item_id else None
    return page(
        "reporting/card.html",
        report=of,
        story=found,
        code=shown_code(code) if code else None,
        renew=ActionForm(prefix=f"renew-{item_id}"),
    )


@bp.post("/reports/<reference>/<int:number>/stories/<int:item_id>/code")
@access(Permission.WRITE_REPORT)
def renew(reference: str, number: int, item_id: int) -> AnyResponse:
    of = queries.report(reference, number, actor())
    form = ActionForm(prefix=f"renew-{item_id}")

    def work() -> Done:
        code = service.renew_code(award_reference=reference, number=number, item_id=item_id, actor=actor(), now=now())
        session[_CODE_ONCE] = [item_id, code]
        return Done("This is the new code. The old one no longer works.", _card_path(of, item_id))

    return submit(form, work) or redirect(_card_path(of, item_id), code=303)


# --- taking a story back: no account, and a mail scanner that opens the link changes nothing


@bp.route("/stories/withdraw", methods=["GET", "POST"])
@access(Permission.ANYONE)
def enter_code() -> AnyResponse:
    form = CodeForm()
    if form.validate_on_submit():
        return redirect(url_for("reporting.story_withdraw", code=normal_code(form.code.data or "") or "none"), code=303)
    return page("reporting/enter_code.html", form)


@bp.route("/stories/<code>/withdraw", methods=["GET", "POST"])
@access(Permission.ANYONE)
def story_withdraw(code: str) -> Response:
    found = queries.story_by_code(code)
    form = ActionForm()

    def work() -> Done:
        service.withdraw_story(code=code, now=now())
        return Done("Your story is taken back.", url_for("reporting.story_withdraw", code=code))

    return submit(form, work) or page("reporting/withdraw.html", form, story=found)

"""Pages of the rulebook: what holds, since when, by whose decision; and how officers change it."""

from datetime import date

from flask import Blueprint, Response, request, url_for

from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.errors import NotAllowed, NotFound
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, actor_or_none, now, page, submit
from fund.kernel.settings.catalogue import SPECS, TEXT_KEYS
from fund.kernel.settings.shape import Tier, from_text, range_in_words, show
from fund.kernel.society import society
from fund.rulebook import queries, rules, service
from fund.rulebook.forms import ChangeForm, ReasonForm, StepForm, change_form, clauses_form
from fund.rulebook.models import SettingChange
from fund.rulebook.rules import DECIDED, NEXT_OF_RULES, STATE_NAMES, UNDER_WAY, WAYS, ChangeState
from proposals.principles import PRINCIPLES

bp = Blueprint("rulebook", __name__, url_prefix="/rules-and-policies")


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {"STATE_NAMES": STATE_NAMES, "SPECS": SPECS, "show_value": show, "from_text": from_text}


@bp.get("")
@access(Permission.ANYONE)
def rulebook() -> Response:
    """Everything in force, now or on a day that the address names."""
    written, day, wrong = request.args.get("on", "").strip()[:20], None, ""
    if written:
        try:
            day = date.fromisoformat(written)
            instant = queries.end_of_day(day)
        except (ValueError, OverflowError):
            day, wrong = None, "Write the day as year-month-day, such as 2026-05-01. This is what holds today."
    groups = queries.lines_at(instant if day else now())
    return page(
        "rulebook/rulebook.html",
        groups=groups,
        ways=WAYS,
        on=day,
        on_written=written,
        wrong=wrong,
        under_way=[line.under_way for _, lines in groups for line in lines if line.under_way],
        to_come=day is not None and day > london_day(now()),
    )


@bp.get("/settings/<key>")
@access(Permission.ANYONE)
def setting(key: str) -> Response:
    spec = queries.spec_of(key)
    reader = actor_or_none()
    rows = queries.rows_of(key)
    value = spec.fixed if spec.tier is Tier.FIXED else show(spec, queries.values_at(now())[key])
    return page(
        "rulebook/setting.html",
        spec=spec,
        value=value,
        rows=rows,
        overtaken={row.id for row in rows if queries.overtaken(row, rows)},
        changes=queries.changes_of(key),
        texts=queries.texts(key) if key in TEXT_KEYS else [],
        built_in=list(PRINCIPLES) if key == "coproduction_principles_version" else [],
        way=WAYS.get(spec.tier),
        range=range_in_words(spec),
        may_enter=reader is not None and rules.may_enter(spec, reader.roles),
    )


@bp.route("/settings/<key>/change", methods=["GET", "POST"])
@access(Permission.KEEP_RULES)
def enter(key: str) -> Response:
    spec = queries.spec_of(key)
    if not rules.may_enter(spec, actor().roles):
        raise NotAllowed(rules.who_enters(spec))
    rows, present = queries.rows_of(key), queries.values_at(now())[key]
    form: ChangeForm = change_form(spec, present, queries.known_versions(key), rows[0].id if rows else 0)

    def work() -> Done:
        change = service.enter_change(
            key=key,
            typed=str(form["value"].data or ""),
            body=str(form["body"].data or "") if "body" in form else "",
            effective_on=form["effective_on"].data if "effective_on" in form else None,
            reason=form.reason.data or "",
            resolution=form.resolution.data or "",
            resolution_link=form.resolution_link.data or "",
            seen=form.seen_id(),
            actor=actor(),
            now=now(),
        )
        done = f"{change.reference} is entered. {WAYS[spec.tier].next_step}"
        return Done(done, url_for("rulebook.change", reference=change.reference))

    return submit(form, work) or page(
        "rulebook/enter.html",
        form,
        spec=spec,
        present=show(spec, present),
        way=WAYS[spec.tier],
        range=range_in_words(spec),
    )


def _change_page(found: SettingChange, forms: dict[str, BaseForm], sent: BaseForm | None) -> Response:
    reader = actor_or_none()
    keeps = reader is not None and reader.may(Permission.KEEP_RULES)
    spec, earlier = SPECS[found.key], {step.recorded_by_id for step in found.steps}
    next_state = NEXT_OF_RULES.get(found.state)
    second = found.state is ChangeState.PROPOSED or next_state is ChangeState.REGISTERED
    mine = False
    if keeps and reader is not None:
        mine = reader.person_id not in earlier if second else rules.may_enter(spec, reader.roles)
    return page(
        "rulebook/change.html",
        sent,
        change=found,
        spec=spec,
        way=WAYS[found.tier],
        next_state=next_state,
        second=second,
        mine=mine,
        keeps=keeps,
        is_open=found.state in UNDER_WAY,
        is_decided=found.state in DECIDED,
        ballot=queries.declared_ballot(found.resolution),
        forms_of=forms,
    )


def _blank() -> dict[str, BaseForm]:
    """The forms of a change's page, empty."""
    return {
        "confirm": ActionForm(None, prefix="confirm"),
        "step": StepForm(None, prefix="step"),
        "back": ReasonForm(None, prefix="back"),
        "withdraw": ReasonForm(None, prefix="withdraw"),
    }


@bp.get("/changes/<reference>")
@access(Permission.ANYONE)
def change(reference: str) -> Response:
    return _change_page(queries.change(reference), _blank(), None)


@bp.post("/changes/<reference>/confirm")
@access(Permission.KEEP_RULES)
def confirm(reference: str) -> Response:
    form = ActionForm(prefix="confirm")

    def work() -> Done:
        done = service.confirm(reference=reference, actor=actor(), now=now())
        return Done(f"{done.reference} is confirmed.", url_for("rulebook.change", reference=reference))

    queries.change(reference)
    return submit(form, work) or _change_page(queries.change(reference), _blank() | {"confirm": form}, form)


@bp.post("/changes/<reference>/<to>")
@access(Permission.KEEP_RULES)
def step(reference: str, to: str) -> Response:
    if to not in NEXT_OF_RULES.values():
        raise NotFound
    form = StepForm(prefix="step")

    def work() -> Done:
        done = service.take_step(
            reference=reference,
            to=ChangeState(to),
            happened_on=form.happened_on.data or date.min,
            evidence=form.evidence.data or "",
            actor=actor(),
            now=now(),
        )
        said = "It is in force from now." if done.state is ChangeState.REGISTERED else "Nothing has changed yet."
        return Done(f"Recorded. {said}", url_for("rulebook.change", reference=reference))

    queries.change(reference)
    return submit(form, work) or _change_page(queries.change(reference), _blank() | {"step": form}, form)


@bp.post("/changes/<reference>/back")
@access(Permission.KEEP_RULES)
def back(reference: str) -> Response:
    form = ReasonForm(prefix="back")

    def work() -> Done:
        service.step_back(reference=reference, reason=form.reason.data or "", actor=actor(), now=now())
        return Done("It is one step back.", url_for("rulebook.change", reference=reference))

    queries.change(reference)
    return submit(form, work) or _change_page(queries.change(reference), _blank() | {"back": form}, form)


@bp.post("/changes/<reference>/withdraw")
@access(Permission.KEEP_RULES)
def withdraw(reference: str) -> Response:
    form = ReasonForm(prefix="withdraw")

    def work() -> Done:
        service.withdraw(reference=reference, reason=form.reason.data or "", actor=actor(), now=now())
        return Done("The change is withdrawn.", url_for("rulebook.change", reference=reference))

    queries.change(reference)
    return submit(form, work) or _change_page(queries.change(reference), _blank() | {"withdraw": form}, form)


@bp.get("/texts/<key>/<version>")
@access(Permission.ANYONE)
def text(key: str, version: str) -> Response:
    """A version of a text, as it was recorded."""
    if key not in TEXT_KEYS:
        raise NotFound
    found = queries.text_of(key, version)
    if found is None and not (key == "coproduction_principles_version" and version in PRINCIPLES):
        raise NotFound
    return page(
        "rulebook/text.html",
        spec=SPECS[key],
        version=version,
        found=found,
        lines=PRINCIPLES.get(version, ()) if found is None else (),
    )


@bp.get("/checklist")
@access(Permission.ANYONE)
def checklist() -> Response:
    """Which matters the rules must cover, and in which clause they do."""
    found = society()
    if found is None:
        raise NotFound
    return page(
        "rulebook/checklist.html", matters=rules.matters(found.society_type.value), clauses=queries.clauses(), its=found
    )


@bp.route("/checklist/change", methods=["GET", "POST"])
@access(Permission.KEEP_RULES)
def name_clauses() -> Response:
    found = society()
    if found is None:
        raise NotFound
    matters = rules.matters(found.society_type.value)
    form = clauses_form(matters, queries.clauses())

    def work() -> Done:
        named = {one.code: str(form[one.code].data or "") for one in matters}
        count = service.name_clauses(clauses=named, actor=actor(), now=now())
        return Done(f"{count} answers changed.", url_for("rulebook.checklist"))

    return submit(form, work) or page("rulebook/clauses.html", form, matters=matters)

"""Pages where a steward checks an application, the board decides, and a meeting's answer to an appeal is kept."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, url_for

from fund.kernel.access import Permission, access
from fund.kernel.errors import Conflict, NotFound
from fund.kernel.forms import BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from members import queries as members
from members.models import Organisation
from members.register import admission_service as service
from members.register import queries
from members.register.blueprint import bp
from members.register.forms import AdmitForm, AppealDecisionForm, AppealForm, CheckForm, RefuseForm, SendBackForm
from members.register.rules import EVENT_NAMES, appeal_faults
from members.rules import CONTROL_NAMES, TEST_NAMES, MembershipStatus, Sector


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {"EVENT_NAMES": EVENT_NAMES}


@bp.get("/applications")
@access(Permission.SEE_APPLICATIONS)
def applications() -> Response:
    waiting = members.applications()
    return page(
        "register/applications.html",
        to_check=[one for one in waiting if one.checked_at is None],
        to_decide=[one for one in waiting if one.checked_at is not None],
        decided=members.applications_decided(),
    )


@dataclass(frozen=True)
class _Forms:
    """The forms of an application's page; the one that was sent keeps what was typed in it."""

    check: BaseForm
    admit: BaseForm
    refuse: BaseForm
    back: BaseForm
    appeal: BaseForm


def _check_form(applicant: Organisation, *, sent: bool) -> CheckForm:
    filled = {
        "identity": applicant.identity_check,
        "sector": applicant.sector or applicant.proposed_sector,
        "basis": applicant.sector_basis or applicant.proposed_reason,
        "connections": applicant.connections_check,
    }
    return CheckForm(prefix="check", data=filled) if sent else CheckForm(None, prefix="check", data=filled)


def _page(reference: str, sent: BaseForm | None = None) -> Response:
    applicant = members.organisation(reference)
    if applicant.status is MembershipStatus.PROSPECT:
        raise NotFound  # it never applied
    reader = actor()
    waits = applicant.status is MembershipStatus.APPLIED

    def form(made: Callable[[], BaseForm], prefix: str) -> BaseForm:
        return sent if sent is not None and sent._prefix == f"{prefix}-" else made()

    appeal = queries.appeal_of(applicant.id)
    return page(
        "register/application.html",
        sent,
        applicant=applicant,
        forms_=_Forms(
            form(lambda: _check_form(applicant, sent=False), "check"),
            form(lambda: AdmitForm(None, prefix="admit"), "admit"),
            form(lambda: RefuseForm(None, prefix="refuse"), "refuse"),
            form(lambda: SendBackForm(None, prefix="back"), "back"),
            form(lambda: AppealDecisionForm(None, prefix="appeal"), "appeal"),
        ),
        may_check=waits and applicant.checked_at is None and reader.may(Permission.ADMIT_MEMBERS),
        may_decide=waits
        and applicant.checked_at is not None
        and reader.may(Permission.DECIDE_MEMBERSHIP)
        and applicant.checked_by_id != reader.person_id,
        checked_by_reader=waits and applicant.checked_by_id == reader.person_id,
        may_decide_appeal=appeal is not None
        and appeal.made_at is not None
        and appeal.decided_at is None
        and reader.may(Permission.KEEP_REGISTERS),
        appeal=appeal,
        claims=_claims(applicant),
        same_number=members.same_number(applicant),
        alike=members.alike(applicant),
        suggestions=queries.suggestions(applicant) if waits else [],
        connected=members.connected_with(applicant),
        sector_history=members.sector_history(applicant.id),
        history=queries.history(applicant.id),
    )


def _claims(applicant: Organisation) -> list[str]:
    """What the applicant ticked, in words."""
    controls = [name for control, name in CONTROL_NAMES.items() if control in applicant.claims]
    return controls + [name for test, name in TEST_NAMES.items() if test in applicant.claims]


@bp.get("/applications/<reference>")
@access(Permission.SEE_APPLICATIONS)
def application(reference: str) -> Response:
    return _page(reference)


@bp.post("/applications/<reference>/check")
@access(Permission.ADMIT_MEMBERS)
def check(reference: str) -> Response:
    applicant = members.organisation(reference)
    form, applicant_id = _check_form(applicant, sent=True), applicant.id

    def work() -> Done:
        checked = service.put_to_board(
            organisation_id=applicant_id,
            identity=form.identity.data or "",
            sector=Sector(form.sector.data),
            basis=form.basis.data or "",
            evidence=form.evidence.data or "",
            connections=form.connections.data or "",
            actor=actor(),
            now=now(),
        )
        return Done(f"{checked.name} is before the board.", url_for("register.applications"))

    return submit(form, work) or _page(reference, form)


@bp.post("/applications/<reference>/back")
@access(Permission.DECIDE_MEMBERSHIP)
def send_back(reference: str) -> Response:
    form, applicant_id = SendBackForm(prefix="back"), members.organisation(reference).id

    def work() -> Done:
        found = service.send_back(
            organisation_id=applicant_id, reasons=form.reasons.data or "", actor=actor(), now=now()
        )
        return Done(f"{found.name} is back with the stewards.", url_for("register.applications"))

    return submit(form, work) or _page(reference, form)


@bp.post("/applications/<reference>/admit")
@access(Permission.DECIDE_MEMBERSHIP)
def admit(reference: str) -> Response:
    form, applicant_id = AdmitForm(prefix="admit"), members.organisation(reference).id

    def work() -> Done:
        admitted = service.admit(
            organisation_id=applicant_id, reasons=form.reasons.data or "", actor=actor(), now=now()
        )
        return Done(
            f"{admitted.name} is a member. {admitted.contact_name} has been invited to certify for it.",
            url_for("register.applications"),
        )

    return submit(form, work) or _page(reference, form)


@bp.post("/applications/<reference>/refuse")
@access(Permission.DECIDE_MEMBERSHIP)
def refuse(reference: str) -> Response:
    found = members.organisation(reference)
    form, applicant_id, name = RefuseForm(prefix="refuse"), found.id, found.name

    def work() -> Done:
        service.refuse(organisation_id=applicant_id, reasons=form.reasons.data or "", actor=actor(), now=now())
        return Done(
            f"{name} was refused. Its contact has been told why, and how to appeal.", url_for("register.applications")
        )

    return submit(form, work) or _page(reference, form)


@bp.post("/applications/<reference>/appeal")
@access(Permission.KEEP_REGISTERS)
def decide_appeal(reference: str) -> Response:
    form, applicant_id = AppealDecisionForm(prefix="appeal"), members.organisation(reference).id

    def work() -> Done:
        assert form.met_on.data is not None
        service.decide_appeal(
            organisation_id=applicant_id,
            allowed=form.outcome.data == "allowed",
            met_on=form.met_on.data,
            resolution=form.resolution.data or "",
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        return Done(
            "What the meeting decided is entered, and the applicant has been told.",
            url_for("register.application", reference=reference),
        )

    return submit(form, work) or _page(reference, form)


# --- the applicant's appeal, by the link in its letter


@bp.route("/appeals/<token>", methods=["GET", "POST"])
@access(Permission.ANYONE)
def appeal(token: str) -> Response:
    """A GET shows the form alone: programs that read mail open links too."""
    form = AppealForm()

    def work() -> Done:
        made = service.appeal(token=token, grounds=form.grounds.data or "", now=now())
        return Done(
            f"Your appeal for {made.organisation.name} is made. We write to {made.organisation.contact_email} "
            "when the members have decided.",
            url_for("public.front"),
        )

    answer = submit(form, work)
    if answer is not None:
        return answer
    found = queries.appeal_by_token(token)
    if faults := list(appeal_faults(made_at=found.made_at, expires_at=found.expires_at, now=now())):
        raise Conflict(faults[0].message)
    return page("register/appeal.html", form, appeal=found)

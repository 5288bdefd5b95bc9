"""Pages of joining, of the directory, and of each organisation and its people."""

from collections.abc import Callable

from flask import Response, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Actor, Permission, access
from fund.kernel.errors import Finding, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm, clean
from fund.kernel.once import Done
from fund.kernel.pages import actor, actor_or_none, now, page, submit
from fund.kernel.places import DISTRICTS
from fund.kernel.policy import policy_at
from members import queries, service
from members.accounts import queries as accounts
from members.blueprint import bp
from members.forms import AppointForm, ConnectForm, DisconnectForm, JoinForm, SectorForm, joining_form
from members.models import Organisation
from members.profile.rules import INTERESTS
from members.prospects import queries as prospects
from members.prospects import service as prospects_service
from members.register import queries as register
from members.rules import (
    CONTROL_ASKED,
    CONTROL_NAMES,
    LEGAL_FORM_NAMES,
    NUMBER_ASKED,
    REGISTERS,
    TEST_NAMES,
    TESTS_ASKED,
    PublicControl,
    Sector,
    SocialTest,
    propose_sector,
)

__all__ = ["bp"]


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {"LEGAL_FORM_NAMES": LEGAL_FORM_NAMES, "REGISTERS": REGISTERS}


# --- joining


@bp.route("/join", methods=["GET", "POST"])
@access(Permission.ANYONE)
def join() -> Response:
    """Fill in, check what was written and which sector it leads to, then send. What was typed goes along each time."""
    form = joining_form(_invited())
    step = request.form.get("step", "check")
    if step == "change":
        return _join_page(form)
    if step == "check":
        return _check_answers(form) if form.validate_on_submit() else _join_page(form)

    def work() -> Done:
        applicant = service.apply(
            name=form.name.data or "",
            facts=form.facts(),
            register=form.chosen_register(),
            register_number=form.register_number.data or "",
            district=form.district.data or "",
            address=form.address.data or "",
            contact_name=form.contact_name.data or "",
            contact_email=form.contact_email.data or "",
            actor=actor_or_none(),
            now=now(),
        )
        if token := _invitation():
            prospects_service.applied(token=token, application_id=applicant.id, now=now())
        session["applied"] = applicant.id
        return Done("Thank you. We have your application.", url_for("members.thanks"))

    return submit(form, work) or _join_page(form)


def _invitation() -> str:
    """The secret of the invitation whose link was opened in this browser, if any."""
    invited = session.get("invited")
    return invited if isinstance(invited, str) else ""


def _invited() -> Organisation | None:
    """What is known of the organisation that was invited by that link."""
    return prospects.known_by(_invitation(), now()) if _invitation() else None


def _join_page(form: JoinForm) -> Response:
    """`kinds`: which kinds of organisation a question is for, so that a script may hide it from the others."""
    asked = {"control": CONTROL_ASKED, "tests": TESTS_ASKED, "number": NUMBER_ASKED}
    return page(
        "members/join.html",
        form,
        kinds={name: " ".join(sorted(kinds)) for name, kinds in asked.items()},
        invited=_invitation() if _invited() else None,
        share_pence=policy_at(now()).share_value_pence,
    )


def _check_answers(form: JoinForm) -> Response:
    kept_on, number = form.chosen_register(), form.register_number.data or ""
    return page(
        "members/check.html",
        form,
        facts=form.facts(),
        register=kept_on,
        proposal=propose_sector(form.facts()),
        claims=[CONTROL_NAMES[one] for one in PublicControl if one in (form.control.data or ())]
        + [TEST_NAMES[one] for one in SocialTest if one in (form.tests.data or ())],
        members_already=queries.members_like(form.name.data or "", kept_on, number),
    )


@bp.get("/join/thanks")
@access(Permission.ANYONE)
def thanks() -> AnyResponse:
    """What comes next, for the browser that applied; its cookie remembers which application that was."""
    applied = session.get("applied")
    if not isinstance(applied, int):
        return redirect(url_for("members.join"), code=303)
    return page(
        "members/thanks.html",
        applicant=queries.organisation_by_id(applied),
        share_pence=policy_at(now()).share_value_pence,
    )


# --- the directory, and what stewards keep of an organisation (its page is in `fund.public.organisation_views`)


@bp.get("/members")
@access(Permission.ANYONE)
def directory() -> Response:
    """Members by sector; what is chosen stands in the address, so that a list can be sent to somebody."""
    chosen = request.args.get("sector", "")
    sector = Sector(chosen) if chosen in set(Sector) else None
    district = request.args.get("district", "")
    known = district if any(district == found.code for found in DISTRICTS) else None
    interest = request.args.get("interest", "")
    shared = interest if interest in INTERESTS else None
    text = (clean(request.args.get("q", "")) or "")[:100]
    after = (clean(request.args.get("after", "")) or "")[:40]
    found = queries.directory(sector=sector, district=known, interest=shared, text=text, after=after)
    by_sector = {
        one: [organisation for organisation in found.organisations if organisation.sector is one] for one in Sector
    }
    return page(
        "members/directory.html",
        found=found,
        by_sector=by_sector,
        counts=queries.members_counted(),
        counted_to=queries.COUNTED_TO,
        sector=sector,
        district=known,
        interest=shared,
        text=text,
        after=after,
        districts=DISTRICTS,
    )


@bp.route("/members/<reference>/sector", methods=["GET", "POST"])
@access(Permission.ADMIT_MEMBERS)
def sector(reference: str) -> Response:
    form = SectorForm()
    found = queries.organisation(reference)
    found_id = found.id

    def work() -> Done:
        changed = service.confirm_sector(
            organisation_id=found_id,
            sector=Sector(form.sector.data),
            basis=form.basis.data or "",
            evidence=form.evidence.data or "",
            actor=actor(),
            now=now(),
        )
        return Done(f"The sector of {changed.name} is changed.", url_for("members.organisation", reference=reference))

    return submit(form, work) or page(
        "members/sector.html",
        form,
        organisation=queries.organisation(reference),
        history=queries.sector_history(found_id),
    )


@bp.route("/members/<reference>/connected", methods=["GET", "POST"])
@access(Permission.ADMIT_MEMBERS)
def connected(reference: str) -> Response:
    """Connected organisations have one vote between them. `with` in the address fills in one that was suggested."""
    form = ConnectForm(data={"other": (clean(request.args.get("with", "")) or "")[:20]})
    found_id = queries.organisation(reference).id

    def work() -> Done:
        other = queries.organisations_by_reference([(form.other.data or "").upper()])
        if not other:
            raise RuleBroken(
                [Finding("No organisation has this reference. Look it up in the list of members.", "other")]
            )
        (named,) = other.values()
        service.connect(
            organisation_id=found_id, other_id=named.id, reason=form.reason.data or "", actor=actor(), now=now()
        )
        return Done(
            f"{named.name} is in the group now. The group has one vote.",
            url_for("members.connected", reference=reference),
        )

    return submit(form, work) or _connected_page(reference, form, DisconnectForm(None, prefix="leave"), form)


def _connected_page(reference: str, form: BaseForm, leave_form: BaseForm, sent: BaseForm) -> Response:
    found = queries.organisation(reference)
    return page(
        "members/connected.html",
        sent,
        connect_form=form,
        leave_form=leave_form,
        organisation=found,
        others=queries.connected_with(found),
        suggestions=register.suggestions(found),
        history=queries.group_history(found.id),
    )


@bp.post("/members/<reference>/disconnect")
@access(Permission.ADMIT_MEMBERS)
def disconnect(reference: str) -> Response:
    form, found_id = DisconnectForm(prefix="leave"), queries.organisation(reference).id

    def work() -> Done:
        service.disconnect(organisation_id=found_id, reason=form.reason.data or "", actor=actor(), now=now())
        return Done("It is in no group any more.", url_for("members.organisation", reference=reference))

    return submit(form, work) or _connected_page(reference, ConnectForm(None), form, form)


def _act(form: BaseForm, work: Callable[[], Done], back: str) -> AnyResponse:
    """A button's form has nothing to mend, so what the rules refuse is told on a page of its own."""
    answer = submit(form, work)
    if answer is not None:
        return answer
    if form.form_errors:
        raise RuleBroken([Finding(str(message)) for message in form.form_errors])
    return redirect(back, code=303)


# --- people


def _own(reference: str) -> tuple[Organisation, Actor]:
    return queries.own_organisation(reference, actor()), actor()


@bp.get("/members/<reference>/people")
@access(Permission.SEE_OWN_ORGANISATION)
def people(reference: str) -> Response:
    own, reader = _own(reference)
    held = queries.appointments(own.id)
    offered = accounts.open_invitations(own.id, now())
    return page(
        "members/people.html",
        organisation=own,
        held=held,
        leavers=list(dict.fromkeys((one.person.name, one.person_id) for one in held)),
        offered=offered,
        manages=reader.may(Permission.MANAGE_OWN_ORGANISATION),
        end_forms={one.id: ActionForm(None, prefix=f"end-{one.id}") for one in held},
        withdraw_forms={one.id: ActionForm(None, prefix=f"withdraw-{one.id}") for one in offered},
    )


@bp.route("/members/<reference>/people/invite", methods=["GET", "POST"])
@access(Permission.MANAGE_OWN_ORGANISATION)
def appoint(reference: str) -> Response:
    own, person = _own(reference)
    own_id, form = own.id, AppointForm()

    def work() -> Done:
        service.appoint(
            organisation_id=own_id,
            name=form.name.data or "",
            email=form.email.data or "",
            role=form.chosen_role(),
            actor=person,
            now=now(),
        )
        return Done(
            f"{form.name.data} has been sent an invitation. It works for 14 days.",
            url_for("members.people", reference=reference),
        )

    return submit(form, work) or page("members/appoint.html", form, organisation=queries.organisation(reference))


@bp.post("/members/<reference>/people/<int:appointment_id>/end")
@access(Permission.MANAGE_OWN_ORGANISATION)
def end_appointment(reference: str, appointment_id: int) -> AnyResponse:
    own, person = _own(reference)
    own_id, back = own.id, url_for("members.people", reference=reference)

    def work() -> Done:
        ended = service.end_appointment(appointment_id=appointment_id, organisation_id=own_id, actor=person, now=now())
        return Done(f"{ended.person.name}'s role is ended.", back)

    return _act(ActionForm(prefix=f"end-{appointment_id}"), work, back)


@bp.post("/members/<reference>/people/invitations/<int:invitation_id>/withdraw")
@access(Permission.MANAGE_OWN_ORGANISATION)
def withdraw_invitation(reference: str, invitation_id: int) -> AnyResponse:
    own, person = _own(reference)
    own_id, back = own.id, url_for("members.people", reference=reference)

    def work() -> Done:
        service.withdraw_invitation(invitation_id=invitation_id, organisation_id=own_id, actor=person, now=now())
        return Done("The invitation is withdrawn. Its link no longer works.", back)

    return _act(ActionForm(prefix=f"withdraw-{invitation_id}"), work, back)

"""Pages of joining, of the directory, and of each organisation and its people."""

from collections.abc import Callable

from flask import Response, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Actor, Permission, access
from fund.kernel.errors import Finding, NotFound, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm, clean
from fund.kernel.once import Done
from fund.kernel.pages import actor, actor_or_none, now, page, submit
from fund.kernel.places import DISTRICTS
from members import queries, service
from members.accounts import queries as accounts
from members.blueprint import bp
from members.forms import AppointForm, ConnectForm, RefuseForm, SectorForm, approve_form, joining_form
from members.models import Organisation
from members.profile.rules import INTERESTS
from members.prospects import queries as prospects
from members.prospects import service as prospects_service
from members.rules import (
    CONTROL_NAMES,
    LEGAL_FORM_NAMES,
    REGISTERS,
    TEST_NAMES,
    Register,
    Sector,
)

__all__ = ["bp"]


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {"LEGAL_FORM_NAMES": LEGAL_FORM_NAMES, "REGISTERS": REGISTERS}


# --- joining


@bp.route("/join", methods=["GET", "POST"])
@access(Permission.ANYONE)
def join() -> Response:
    invited = session.get("invited")
    token = invited if isinstance(invited, str) else ""
    known = prospects.known_by(token, now()) if token else None
    form = joining_form(known)

    def work() -> Done:
        applicant = service.apply(
            name=form.name.data or "",
            facts=form.facts(),
            register=Register(form.register.data),
            register_number=form.register_number.data or "",
            district=form.district.data or "",
            address=form.address.data or "",
            contact_name=form.contact_name.data or "",
            contact_email=form.contact_email.data or "",
            actor=actor_or_none(),
            now=now(),
        )
        if token:
            prospects_service.applied(token=token, application_id=applicant.id, now=now())
        session["applied"] = applicant.id
        return Done("Thank you. We have your application.", url_for("members.thanks"))

    return submit(form, work) or page("members/join.html", form, invited=token if known else None)


@bp.get("/join/thanks")
@access(Permission.ANYONE)
def thanks() -> AnyResponse:
    """What comes next, for the browser that applied; its cookie remembers which application that was."""
    applied = session.get("applied")
    if not isinstance(applied, int):
        return redirect(url_for("members.join"), code=303)
    return page("members/thanks.html", applicant=queries.organisation_by_id(applied))


@bp.get("/applications")
@access(Permission.ADMIT_MEMBERS)
def applications() -> Response:
    return page("members/applications.html", waiting=queries.applications(), decided=queries.applications_decided())


def _claims(applicant: Organisation) -> list[str]:
    """What the applicant ticked, in words."""
    controls = [name for control, name in CONTROL_NAMES.items() if control in applicant.claims]
    return controls + [name for test, name in TEST_NAMES.items() if test in applicant.claims]


def _application_page(applicant: Organisation, approve: BaseForm, refuse: BaseForm, sent: BaseForm | None) -> Response:
    return page(
        "members/application.html",
        sent,
        applicant=applicant,
        approve_form=approve,
        refuse_form=refuse,
        claims=_claims(applicant),
        same_number=queries.same_number(applicant),
        alike=queries.alike(applicant),
        history=queries.sector_history(applicant.id),
    )


@bp.get("/applications/<reference>")
@access(Permission.ADMIT_MEMBERS)
def application(reference: str) -> Response:
    applicant = queries.organisation(reference)
    if applicant.status is MembershipStatus.PROSPECT:
        raise NotFound  # it never applied
    return _application_page(applicant, approve_form(applicant), RefuseForm(prefix="refuse"), None)


@bp.post("/applications/<reference>/approve")
@access(Permission.ADMIT_MEMBERS)
def approve(reference: str) -> Response:
    applicant = queries.organisation(reference)
    form = approve_form(applicant)
    applicant_id = applicant.id

    def work() -> Done:
        admitted = service.approve(
            organisation_id=applicant_id,
            sector=Sector(form.sector.data),
            basis=form.basis.data or "",
            evidence=form.evidence.data or "",
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        return Done(
            f"{admitted.name} is a member. {admitted.contact_name} has been invited to certify for it.",
            url_for("members.applications"),
        )

    return submit(form, work) or _application_page(
        queries.organisation(reference), form, RefuseForm(None, prefix="refuse"), form
    )


@bp.post("/applications/<reference>/refuse")
@access(Permission.ADMIT_MEMBERS)
def refuse(reference: str) -> Response:
    form = RefuseForm(prefix="refuse")
    applicant_id = queries.organisation(reference).id

    def work() -> Done:
        refused = service.refuse(
            organisation_id=applicant_id, reasons=form.reasons.data or "", actor=actor(), now=now()
        )
        return Done(f"{refused.name} was refused, and its contact has been told why.", url_for("members.applications"))

    answer = submit(form, work)
    if answer is not None:
        return answer
    applicant = queries.organisation(reference)
    return _application_page(applicant, approve_form(applicant, empty=True), form, form)


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
        counts=queries.members_by_sector(),
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
    """Connected organisations have one vote between them."""
    form = ConnectForm()
    found_id = queries.organisation(reference).id

    def work() -> Done:
        other = queries.organisations_by_reference([(form.other.data or "").upper()])
        if not other:
            raise RuleBroken(
                [Finding("No organisation has this reference. Look it up in the list of members.", "other")]
            )
        (named,) = other.values()
        service.connect(organisation_id=found_id, other_id=named.id, actor=actor(), now=now())
        return Done(
            f"{named.name} is in the group now. The group has one vote.",
            url_for("members.connected", reference=reference),
        )

    answer = submit(form, work)
    if answer is not None:
        return answer
    found = queries.organisation(reference)
    return page(
        "members/connected.html",
        form,
        organisation=found,
        others=queries.connected_with(found),
        leave_form=ActionForm(None, prefix="leave"),
    )


@bp.post("/members/<reference>/disconnect")
@access(Permission.ADMIT_MEMBERS)
def disconnect(reference: str) -> AnyResponse:
    found_id = queries.organisation(reference).id

    def work() -> Done:
        service.disconnect(organisation_id=found_id, actor=actor(), now=now())
        return Done("It is in no group any more.", url_for("members.organisation", reference=reference))

    return _act(ActionForm(prefix="leave"), work, url_for("members.connected", reference=reference))


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

"""Pages of a member's profile and its accreditations."""

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.errors import Finding, RuleBroken
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, actor_or_none, now, page, submit
from members import queries as members
from members.profile import queries, service
from members.profile.forms import MarkSeenForm, accreditation_form, profile_form, revision
from members.profile.rules import CAUSES, INTERESTS, OFFERS, STANDING_NAMES

bp = Blueprint("profile", __name__)


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {"CAUSES": CAUSES, "OFFERS": OFFERS, "INTERESTS": INTERESTS, "STANDING_NAMES": STANDING_NAMES}


@bp.route("/members/<reference>/profile", methods=["GET", "POST"])
@access(Permission.EDIT_PROFILE)
def edit(reference: str) -> Response:
    own = members.own_organisation(reference, actor())
    own_id = own.id
    form = profile_form(queries.profile(own_id), queries.interests(own_id))

    def work() -> Done:
        service.save_profile(
            organisation_id=own_id, said=form.said(), seen=revision(form.seen), actor=actor(), now=now()
        )
        return Done("Saved. Your page shows it now.", url_for("members.organisation", reference=reference))

    return submit(form, work) or page("profile/edit.html", form, organisation=members.organisation(reference))


# --- accreditations


@bp.get("/members/<reference>/accreditations")
@access(Permission.ANYONE)
def accreditations(reference: str) -> Response:
    reader = actor_or_none()
    found = members.public_organisation(reference, reader)
    held = queries.accreditations(found.id, now())
    own = reader is not None and reader.organisation_id == found.id
    may_mark = reader is not None and reader.may(Permission.PREPARE_GRANTS) and not own
    return page(
        "profile/accreditations.html",
        organisation=found,
        held=held,
        own=own and reader is not None and reader.may(Permission.EDIT_PROFILE),
        seen_forms={
            one.accreditation.id: MarkSeenForm(
                None, prefix=f"seen-{one.accreditation.id}", data={"seen": str(one.accreditation.revision)}
            )
            for one in held
            if may_mark and one.accreditation.seen_at is None and one.standing != "expired"
        },
    )


@bp.route("/members/<reference>/accreditations/new", methods=["GET", "POST"])
@access(Permission.EDIT_PROFILE)
def record(reference: str) -> Response:
    own_id = members.own_organisation(reference, actor()).id
    form = accreditation_form()

    def work() -> Done:
        made = service.record_accreditation(organisation_id=own_id, said=form.said(), actor=actor(), now=now())
        return Done(
            f"“{made.name}” is recorded. You won't be asked for it again.",
            url_for("profile.accreditations", reference=reference),
        )

    return submit(form, work) or page(
        "profile/accreditation.html", form, organisation=members.organisation(reference), accreditation=None
    )


@bp.route("/members/<reference>/accreditations/<int:accreditation_id>", methods=["GET", "POST"])
@access(Permission.EDIT_PROFILE)
def change(reference: str, accreditation_id: int) -> Response:
    own_id = members.own_organisation(reference, actor()).id
    form = accreditation_form(queries.accreditation(accreditation_id, own_id))

    def work() -> Done:
        made = service.change_accreditation(
            accreditation_id=accreditation_id,
            organisation_id=own_id,
            said=form.said(),
            seen=revision(form.seen),
            actor=actor(),
            now=now(),
        )
        return Done(f"“{made.name}” is saved.", url_for("profile.accreditations", reference=reference))

    return submit(form, work) or page(
        "profile/accreditation.html",
        form,
        organisation=members.organisation(reference),
        accreditation=queries.accreditation(accreditation_id, own_id),
        remove_form=ActionForm(None, prefix="remove"),
    )


@bp.post("/members/<reference>/accreditations/<int:accreditation_id>/remove")
@access(Permission.EDIT_PROFILE)
def remove(reference: str, accreditation_id: int) -> AnyResponse:
    own_id = members.own_organisation(reference, actor()).id
    back = url_for("profile.accreditations", reference=reference)

    def work() -> Done:
        service.remove_accreditation(
            accreditation_id=accreditation_id, organisation_id=own_id, actor=actor(), now=now()
        )
        return Done("It is off your list.", back)

    return submit(ActionForm(prefix="remove"), work) or redirect(back, code=303)


@bp.post("/members/<reference>/accreditations/<int:accreditation_id>/seen")
@access(Permission.PREPARE_GRANTS)
def mark_seen(reference: str, accreditation_id: int) -> AnyResponse:
    organisation_id = members.organisation(reference).id
    form = MarkSeenForm(prefix=f"seen-{accreditation_id}")
    back = url_for("profile.accreditations", reference=reference)

    def work() -> Done:
        made = service.mark_seen(
            accreditation_id=accreditation_id,
            organisation_id=organisation_id,
            seen=revision(form.seen),
            actor=actor(),
            now=now(),
        )
        return Done(f"The evidence of “{made.name}” is marked as seen today.", back)

    if done := submit(form, work):
        return done
    if form.form_errors:  # a button has nothing to mend, so what the rules refuse is told on a page of its own
        raise RuleBroken([Finding(str(message)) for message in form.form_errors])
    return redirect(back, code=303)

"""Pages of how a membership pauses and ends: a member leaves; the board and the secretary act and see the history."""

from flask import Response, url_for

from fund.kernel.access import Permission, access
from fund.kernel.calendar import in_words, london_day
from fund.kernel.forms import BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from members import queries as members
from members.register import leaving_service as service
from members.register import queries
from members.register.blueprint import bp
from members.register.forms import (
    EndForm,
    ExpulsionForm,
    HearingForm,
    LeaveForm,
    LiftForm,
    NoticeForm,
    SuspendForm,
)
from members.register.rules import EventKind, earliest_expulsion
from members.rules import MembershipStatus


@bp.route("/members/<reference>/leave", methods=["GET", "POST"])
@access(Permission.BIND_ORGANISATION)
def leave(reference: str) -> Response:
    """A certifier takes their own organisation out of the fund."""
    own_id = members.own_organisation(reference, actor()).id
    form = LeaveForm(data={"effective_on": london_day(now())})

    def work() -> Done:
        assert form.effective_on.data is not None
        left = service.resign(
            organisation_id=own_id,
            effective_on=form.effective_on.data,
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        return Done(
            f"{left.name} leaves the fund on {in_words(form.effective_on.data)}. We have written to you.",
            url_for("members.organisation", reference=reference),
        )

    answer = submit(form, work)
    if answer is not None:
        return answer
    own = members.own_organisation(reference, actor())
    return page(
        "register/leave.html",
        form,
        organisation=own,
        may_leave=own.status is MembershipStatus.MEMBER and own.left_on is None,
        last_of_sector=own.sector is not None and queries.is_last_of_its_sector(own, now()),
    )


def _page(reference: str, sent: BaseForm | None = None) -> Response:
    entry = queries.entry(reference)
    organisation, reader = entry.organisation, actor()
    is_member = organisation.status is MembershipStatus.MEMBER
    board, secretary = reader.may(Permission.DECIDE_MEMBERSHIP), reader.may(Permission.KEEP_REGISTERS)
    suspension = queries.open_suspension(organisation.id, london_day(now())) if is_member else None
    expulsion = queries.open_expulsion(organisation.id) if is_member else None
    shown = (
        (LiftForm, "lift", board and suspension is not None),
        (SuspendForm, "suspend", board and is_member and suspension is None),
        (NoticeForm, "notice", secretary and is_member and expulsion is None),
        (HearingForm, "hearing", secretary and expulsion is not None),
        (
            ExpulsionForm,
            "expulsion",
            board and expulsion is not None and expulsion.noticed_by_id != reader.person_id,
        ),
        (EndForm, "end", board and is_member),
    )
    forms_ = {
        prefix: sent if sent is not None and sent._prefix == f"{prefix}-" else made(None, prefix=prefix)
        for made, prefix, show in shown
        if show
    }
    return page(
        "register/membership.html",
        sent,
        organisation=organisation,
        forms_=forms_,
        suspension=suspension,
        expulsion=expulsion,
        earliest=earliest_expulsion(expulsion.noticed_at if expulsion else now()),
        last_of_sector=is_member and queries.is_last_of_its_sector(organisation, now()),
        history=queries.history(organisation.id),
    )


@bp.get("/registers/members/<reference>/membership")
@access(Permission.READ_REGISTERS)
def membership(reference: str) -> Response:
    return _page(reference)


def _back(reference: str, message: str) -> Done:
    return Done(message, url_for("register.membership", reference=reference))


@bp.post("/registers/members/<reference>/suspend")
@access(Permission.DECIDE_MEMBERSHIP)
def suspend(reference: str) -> Response:
    form, member_id = SuspendForm(prefix="suspend"), queries.entry(reference).organisation.id

    def work() -> Done:
        assert form.from_on.data is not None
        assert form.until_on.data is not None
        service.suspend(
            organisation_id=member_id,
            from_on=form.from_on.data,
            until_on=form.until_on.data,
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        return _back(reference, "The member is suspended for these days, and has been told why.")

    return submit(form, work) or _page(reference, form)


@bp.post("/registers/members/<reference>/lift")
@access(Permission.DECIDE_MEMBERSHIP)
def lift(reference: str) -> Response:
    form, member_id = LiftForm(prefix="lift"), queries.entry(reference).organisation.id

    def work() -> Done:
        service.lift_suspension(organisation_id=member_id, reasons=form.reasons.data or "", actor=actor(), now=now())
        return _back(reference, "The suspension is lifted from today, and the member has been told.")

    return submit(form, work) or _page(reference, form)


@bp.post("/registers/members/<reference>/expulsion-notice")
@access(Permission.KEEP_REGISTERS)
def give_expulsion_notice(reference: str) -> Response:
    form, member_id = NoticeForm(prefix="notice"), queries.entry(reference).organisation.id

    def work() -> Done:
        assert form.meeting_on.data is not None
        service.give_expulsion_notice(
            organisation_id=member_id,
            meeting_on=form.meeting_on.data,
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        return _back(reference, "The notice is sent, with the reasons. Write down next what the member says.")

    return submit(form, work) or _page(reference, form)


@bp.post("/registers/members/<reference>/hearing")
@access(Permission.KEEP_REGISTERS)
def record_hearing(reference: str) -> Response:
    form, member_id = HearingForm(prefix="hearing"), queries.entry(reference).organisation.id

    def work() -> Done:
        service.record_hearing(organisation_id=member_id, heard=form.heard.data or "", actor=actor(), now=now())
        return _back(reference, "What the member said is written down.")

    return submit(form, work) or _page(reference, form)


@bp.post("/registers/members/<reference>/expulsion")
@access(Permission.DECIDE_MEMBERSHIP)
def close_expulsion(reference: str) -> Response:
    form, member_id = ExpulsionForm(prefix="expulsion"), queries.entry(reference).organisation.id

    def work() -> Done:
        assert form.decided_on.data is not None
        service.close_expulsion(
            organisation_id=member_id,
            carried=form.outcome.data == "carried",
            resolution=form.resolution.data or "",
            decided_on=form.decided_on.data,
            actor=actor(),
            now=now(),
        )
        return _back(reference, "What the meeting decided is entered.")

    return submit(form, work) or _page(reference, form)


@bp.post("/registers/members/<reference>/end")
@access(Permission.DECIDE_MEMBERSHIP)
def end(reference: str) -> Response:
    form, member_id = EndForm(prefix="end"), queries.entry(reference).organisation.id

    def work() -> Done:
        service.end_by_board(
            organisation_id=member_id,
            kind=EventKind(form.kind.data),
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        return _back(reference, "The membership has ended, and the member has been told.")

    return submit(form, work) or _page(reference, form)

"""Pages of partners: who takes part and on which terms, and each partner's own confirmation."""

from flask import Response, request, url_for

from fund.kernel.access import Permission, access
from fund.kernel.errors import NotFound
from fund.kernel.forms import ActionForm, BaseForm, clean
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from members import queries as members
from proposals import queries, rules, service
from proposals.blueprint import bp, judged_now
from proposals.forms import ConfirmForm, LeaveForm, TermsForm, terms_form
from proposals.models import Partner
from proposals.principles import principles


@bp.get("/proposals/<reference>/partners")
@access(Permission.SIGNED_IN)
def partners(reference: str) -> Response:
    return _partners_page(reference)


def _partners_page(reference: str, form: BaseForm | None = None) -> Response:
    subject = queries.proposal(reference, actor())
    present = queries.partners(subject.id)
    words = (clean(request.args.get("q")) or "")[:100]
    taken = {partner.organisation_id for partner in present}
    may_write = queries.may_write(subject, actor(), now())
    found = members.find_members(words, without=taken) if words and may_write else []
    groups = {partner.organisation.group_id for partner in present if partner.organisation.group_id}
    return page(
        "proposals/partners.html",
        form,
        subject=subject,
        partners=present,
        left=queries.left_partners(subject.id),
        words=words,
        found=[(item, item.group_id in groups, ActionForm(prefix=f"invite-{item.id}")) for item in found],
        requested_pence=queries.requested_pence(subject.id),
        shared_pence=sum(partner.grant_share_pence or 0 for partner in present),
        may_write=may_write,
        role_names=rules.ROLE_NAMES,
        contribution_names=rules.CONTRIBUTION_NAMES,
        until=queries.deadline(subject),
    )


@bp.post("/proposals/<reference>/partners/invite/<int:organisation_id>")
@access(Permission.WRITE_PROPOSAL)
def invite(reference: str, organisation_id: int) -> Response:
    subject, form = queries.proposal(reference, actor()), ActionForm(prefix=f"invite-{organisation_id}")
    proposal_id = subject.id

    def work() -> Done:
        made = service.invite_partner(
            proposal_id=proposal_id, organisation_id=organisation_id, actor=actor(), now=judged_now()
        )
        message = f"{made.organisation.name} is invited. Now say what it does, gives and gets."
        return Done(message, url_for("proposals.partner_terms", partner_id=made.id))

    return submit(form, work) or _partners_page(reference, form)


@bp.route("/partners/<int:partner_id>/terms", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def partner_terms(partner_id: int) -> Response:
    found = queries.partner(partner_id, actor())
    form = terms_form(found.terms, is_lead=found.is_lead)
    back = url_for("proposals.partners", reference=found.proposal.reference)
    seen = form.seen.data

    def work() -> Done:
        was_confirmed = queries.partner(partner_id, actor()).is_confirmed
        made = service.set_partner_terms(
            partner_id=partner_id, terms=form.terms(), seen_terms=seen, actor=actor(), now=judged_now()
        )
        if was_confirmed and not made.is_confirmed:
            return Done(f"Saved. {made.organisation.name} must confirm again, because its terms changed.", back)
        return Done(f"The part of {made.organisation.name} is saved.", back)

    if done := submit(form, work):
        return done
    return _terms_page(partner_id, form, LeaveForm(prefix="leave", formdata=None))


def _terms_page(partner_id: int, form: TermsForm, leave_form: LeaveForm) -> Response:
    found = queries.partner(partner_id, actor())
    answer = page(
        "proposals/partner_terms.html",
        form,
        partner=found,
        subject=found.proposal,
        may_write=queries.may_write(found.proposal, actor(), now()),
        leave_form=leave_form,
    )
    if leave_form.errors:
        answer.status_code = 422
    return answer


@bp.route("/partners/<int:partner_id>/confirm", methods=["GET", "POST"])
@access(Permission.BIND_ORGANISATION)
def partner_confirm(partner_id: int) -> Response:
    found = _own_part(partner_id)
    form = ConfirmForm(data={"seen": found.terms.digest})

    def work() -> Done:
        made = service.confirm_partner(
            partner_id=partner_id,
            seen_terms=form.seen.data or "",
            accepts_principles=bool(form.accepts_principles.data),
            actor=actor(),
            now=judged_now(),
        )
        message = "Your organisation's part is confirmed. If the lead changes it, you are asked again."
        return Done(message, url_for("proposals.proposal", reference=made.proposal.reference))

    return submit(form, work) or _confirm_page(partner_id, form, LeaveForm(prefix="leave", formdata=None))


def _own_part(partner_id: int) -> Partner:
    found = queries.partner(partner_id, actor())
    if found.organisation_id != actor().organisation_id:
        raise NotFound
    return found


def _confirm_page(partner_id: int, form: ConfirmForm, leave_form: LeaveForm) -> Response:
    found = _own_part(partner_id)
    version = found.proposal.round.policy.coproduction_principles_version
    answer = page(
        "proposals/partner_confirm.html",
        form,
        partner=found,
        subject=found.proposal,
        terms=found.terms,
        missing=rules.missing_terms(found.terms),
        principles_version=version,
        principles=principles(version),
        role_names=rules.ROLE_NAMES,
        contribution_names=rules.CONTRIBUTION_NAMES,
        requested_pence=queries.requested_pence(found.proposal_id),
        until=queries.deadline(found.proposal),
        open_to_change=found.proposal.state in rules.EDITABLE and now() < queries.deadline(found.proposal),
        leave_form=leave_form,
    )
    if leave_form.errors:
        answer.status_code = 422
    return answer


@bp.post("/partners/<int:partner_id>/withdraw")
@access(Permission.SIGNED_IN)
def partner_withdraw(partner_id: int) -> Response:
    found, form = queries.partner(partner_id, actor()), LeaveForm(prefix="leave")
    subject, own = found.proposal, found.organisation_id == actor().organisation_id
    path = url_for("tasks.what_needs_you") if own else url_for("proposals.partners", reference=subject.reference)

    def work() -> Done:
        made = service.withdraw_partner(
            partner_id=partner_id, reason=form.reason.data or "", actor=actor(), now=judged_now()
        )
        return Done(f"{made.organisation.name} is no longer a partner, and the other side was told.", path)

    if done := submit(form, work):
        return done
    if own and actor().may(Permission.BIND_ORGANISATION):
        seen = queries.partner(partner_id, actor()).terms.digest
        return _confirm_page(partner_id, ConfirmForm(formdata=None, data={"seen": seen}), form)
    found = queries.partner(partner_id, actor())
    return _terms_page(partner_id, terms_form(found.terms, is_lead=found.is_lead, formdata=None), form)

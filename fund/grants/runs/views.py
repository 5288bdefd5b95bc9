"""Pages of payment runs: the list, a new one, and one with all that people may do with it."""

from flask import Response

from fund.grants.awards import queries as awards
from fund.grants.blueprint import bp
from fund.grants.payments import queries as payments
from fund.grants.payments.rules import STAGE_WORDS, Stage
from fund.grants.runs import queries, service
from fund.grants.runs.forms import ApproveForm, ReasonForm, RunForm
from fund.grants.runs.rules import RUN_WORDS, RunState
from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.policy import policy_at
from ledger.bank.rules import begin_of


@bp.get("/payment-runs")
@access(Permission.READ_BOOKS)
def runs() -> Response:
    return page("runs/list.html", runs=queries.runs(), words=RUN_WORDS, begin_of=begin_of)


@bp.route("/payment-runs/new", methods=["GET", "POST"])
@access(Permission.PREPARE_GRANTS)
def new_run() -> Response:
    """What is ready is ticked; what is held stands below with its reasons."""
    waiting = queries.payable(now())
    offices = awards.offices_of(actor().person_id)
    ready = [one for one in waiting if queries.can_prepare(one, actor(), offices)]
    form = RunForm(data={"day": queries.first_day(now())})
    form.offer(ready)

    def work() -> Done:
        run = service.prepare(instalment_ids=form.payments.data or [], day=form.day.data, actor=actor(), now=now())
        return Done(
            f"Run {run.reference} is prepared, with fingerprint {begin_of(run.sha256)}. Other people approve it now.",
            service.run_path(run.reference),
        )

    return submit(form, work) or page(
        "runs/new.html",
        form,
        ready=ready,
        held=[one for one in waiting if one.stage in (Stage.HELD, Stage.SCHEDULED)],
        others=[one for one in waiting if one.stage in (Stage.READY, Stage.FAILED) and one not in ready],
    )


@bp.get("/payment-runs/ageing")
@access(Permission.READ_BOOKS)
def payments_ageing() -> Response:
    """What is payable and not confirmed by the bank, by how long it waits (handbook §6)."""
    today = london_day(now())
    listed = [((today - one.payable_since).days, one) for one in payments.unpaid(now())]
    return page("runs/ageing.html", listed=listed, words=STAGE_WORDS, today=today, policy=policy_at(now()))


@bp.get("/payment-runs/<reference>")
@access(Permission.READ_BOOKS)
def run(reference: str) -> Response:
    return _run_page(reference)


@bp.post("/payment-runs/<reference>/approve")
@access(Permission.APPROVE_PAYMENTS)
def approve_run(reference: str) -> Response:
    form = ApproveForm(prefix="approve")

    def work() -> Done:
        found = service.approve(reference=reference, sha256=form.sha256.data or "", actor=actor(), now=now())
        told = (
            "Approved by everybody it needs. A steward makes its file for the bank now."
            if found.row.state is RunState.APPROVED
            else f"Your approval is recorded: {len(found.approvals)} of {found.needed}."
        )
        return Done(told, service.run_path(reference))

    return submit(form, work) or _run_page(reference, form)


@bp.post("/payment-runs/<reference>/send-back")
@access(Permission.APPROVE_PAYMENTS)
def send_run_back(reference: str) -> Response:
    form = ReasonForm(prefix="back")

    def work() -> Done:
        run = service.send_back(reference=reference, reason=form.reason.data or "", actor=actor(), now=now())
        return Done(f"Sent back. {run.prepared_by_name} is told why.", service.run_path(reference))

    return submit(form, work) or _run_page(reference, form)


@bp.post("/payment-runs/<reference>/cancel")
@access(Permission.PREPARE_GRANTS)
def cancel_run(reference: str) -> Response:
    form = ReasonForm(prefix="cancel")

    def work() -> Done:
        service.cancel(reference=reference, reason=form.reason.data or "", actor=actor(), now=now())
        return Done("Cancelled. Its payments can be put into another run.", service.run_path(reference))

    return submit(form, work) or _run_page(reference, form)


@bp.post("/payment-runs/<reference>/take-out/<int:instalment_id>")
@access(Permission.PREPARE_GRANTS)
def take_out_of_run(reference: str, instalment_id: int) -> Response:
    form = ActionForm(prefix=f"out-{instalment_id}")

    def work() -> Done:
        run = service.take_out(reference=reference, instalment_id=instalment_id, actor=actor(), now=now())
        return Done(
            f"Taken out. The run's fingerprint is {begin_of(run.sha256)} now; earlier approvals no longer count.",
            service.run_path(reference),
        )

    return submit(form, work) or _run_page(reference, form)


def _run_page(reference: str, sent: BaseForm | None = None) -> Response:
    found = queries.run(reference, now())
    forms: dict[str, BaseForm] = {
        "approve": ApproveForm(None, prefix="approve", data={"sha256": found.sha256}),
        "back": ReasonForm(None, prefix="back"),
        "cancel": ReasonForm(None, prefix="cancel"),
    }
    if sent is not None and sent.errors:
        name = sent._prefix.rstrip("-")
        if name in forms:
            forms[name] = sent
    is_open = found.row.state is RunState.OPEN
    is_mine = found.row.prepared_by_id == actor().person_id
    may_take_out = is_open and is_mine and len(found.payments) > 1 and actor().may(Permission.PREPARE_GRANTS)
    return page(
        "runs/run.html",
        sent,
        run=found,
        row=found.row,
        words=RUN_WORDS[found.row.state],
        begin_of=begin_of,
        forms_of=forms,
        out_forms={
            one.instalment.id: ActionForm(None, prefix=f"out-{one.instalment.id}")
            for one in found.payments
            if may_take_out
        },
        asks_approval=is_open and not found.is_changed,
        why_not_approve=queries.why_not_approve(found, actor()),
        may_send_back=is_open and not is_mine and actor().may(Permission.APPROVE_PAYMENTS),
        may_cancel=found.can_be_cancelled and actor().may(Permission.PREPARE_GRANTS),
    )

"""Pages of a payment: what it waits for, preparing and approving it."""

from flask import Response, url_for

from fund.grants.awards import queries as awards
from fund.grants.blueprint import bp
from fund.grants.payments import queries, service
from fund.grants.payments.forms import ApproveForm
from fund.grants.payments.rules import STAGE_WORDS, Stage
from fund.kernel.access import Permission, access
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit


@bp.get("/grants/<reference>/payments/<int:number>")
@access(Permission.SIGNED_IN)
def instalment(reference: str, number: int) -> Response:
    return _payment_page(reference, number)


@bp.post("/grants/<reference>/payments/<int:number>/prepare")
@access(Permission.PREPARE_GRANTS)
def prepare(reference: str, number: int) -> Response:
    form = ActionForm(prefix="prepare")

    def work() -> Done:
        service.prepare(reference=reference, number=number, actor=actor(), now=now())
        return Done("The payment is prepared. Other people approve it now.", _path(reference, number))

    return submit(form, work) or _payment_page(reference, number, form)


@bp.post("/grants/<reference>/payments/<int:number>/approve")
@access(Permission.APPROVE_PAYMENTS)
def approve(reference: str, number: int) -> Response:
    form = ApproveForm(prefix="approve")

    def work() -> Done:
        found = service.approve(
            reference=reference, number=number, sha256=form.sha256.data or "", actor=actor(), now=now()
        )
        if found.order is not None:
            return Done(
                "Approved by everybody it needs. It goes out with the next payment file.", _path(reference, number)
            )
        return Done(f"Your approval is recorded: {len(found.approvals)} of {found.needed}.", _path(reference, number))

    return submit(form, work) or _payment_page(reference, number, form)


def _path(reference: str, number: int) -> str:
    return url_for("grants.instalment", reference=reference, number=number)


def _payment_page(reference: str, number: int, sent: BaseForm | None = None) -> Response:
    award = awards.award(reference, actor())
    found = queries.payment(award, number, now())
    handles = actor().may(Permission.PREPARE_GRANTS) or actor().may(Permission.APPROVE_PAYMENTS)
    return page(
        "grants/payment.html",
        sent,
        award=award,
        payment=found,
        stage=STAGE_WORDS[found.stage],
        sees_details=awards.is_office(actor()),
        asks_prepare=handles and found.stage in (Stage.READY, Stage.FAILED),
        asks_approve=handles and found.stage is Stage.BEING_APPROVED,
        why_not_prepare=queries.why_not_prepare(found, actor()),
        why_not_approve=queries.why_not_approve(found, actor()),
        prepare_form=ActionForm(prefix="prepare"),
        approve_form=ApproveForm(prefix="approve", data={"sha256": found.sha256}),
        preparer=queries.name_of(found.instalment.prepared_by_id),
    )

"""The page of a payment: what it waits for, and the run that it is in."""

from flask import Response

from fund.grants.awards import queries as awards
from fund.grants.blueprint import bp
from fund.grants.payments import queries
from fund.grants.payments.queries import Payment
from fund.grants.payments.rules import STAGE_WORDS, Stage
from fund.grants.runs import service as runs
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
    """A run of this one payment."""
    form = ActionForm(prefix="prepare")

    def work() -> Done:
        found = queries.payment(awards.award(reference, actor()), number, now())
        run = runs.prepare(instalment_ids=[found.instalment.id], actor=actor(), now=now())
        return Done(
            f"Run {run.reference} is prepared with this payment. Other people approve it now.",
            runs.run_path(run.reference),
        )

    return submit(form, work) or _payment_page(reference, number, form)


def _is_free(found: Payment) -> bool:
    """Whether no run that stands has it: one that failed at the bank leaves its run when it is prepared again."""
    return found.run is None or found.stage is Stage.FAILED


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
        asks_prepare=handles and found.stage in (Stage.READY, Stage.FAILED) and _is_free(found),
        why_not_prepare=queries.why_not_prepare(found, actor()),
        prepare_form=ActionForm(prefix="prepare"),
    )

"""Pages of the bank: statements, payments out, bank details."""

from collections.abc import Sequence

from flask import Blueprint, Response, make_response, request, url_for
from werkzeug.datastructures import FileStorage

from fund.kernel.access import Permission, access
from fund.kernel.errors import NotFound
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.policy import policy_at
from ledger.bank import queries, service
from ledger.bank.forms import BankDetailsForm, FailForm, FileForm, ImportForm, LineForm, NoteForm, PayeeForm
from ledger.bank.models import PaymentOrder, StatementLine
from ledger.bank.rules import OrderState
from ledger.money import format_pence

bp = Blueprint("bank", __name__)


# --- statements


@bp.get("/bank")
@access(Permission.KEEP_BANK)
def statements() -> Response:
    money_in, money_out = queries.open_line_counts()
    return page(
        "bank/statements.html",
        account=queries.own_account(),
        statements=queries.statements(),
        money_in=money_in,
        money_out=money_out,
    )


@bp.route("/bank/import", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def import_statement() -> Response:
    form = ImportForm()

    def work() -> Done:
        sent: FileStorage = form.file.data
        taken = service.import_statement(
            content=sent.stream.read(), filename=sent.filename or "statement", actor=actor(), now=now()
        )
        return Done(
            f"{taken.line_count:,} new {'line' if taken.line_count == 1 else 'lines'} booked. "
            f"{taken.known_count:,} were known from an earlier statement and not booked again.",
            url_for("bank.statement", statement_id=taken.id),
        )

    return submit(form, work) or page("bank/import_statement.html", form, account=queries.own_account())


@bp.route("/bank/account", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def own_account() -> Response:
    form = BankDetailsForm()

    def work() -> Done:
        account = service.set_bank_account(
            name=form.account_name.data or "",
            sort_code=form.sort_code.data or "",
            account_number=form.account_number.data or "",
            actor=actor(),
            now=now(),
        )
        return Done(f"The fund's account is {account.identification.shown}.", url_for("bank.import_statement"))

    return submit(form, work) or page("bank/own_account.html", form, account=queries.own_account())


@bp.get("/bank/statements/<int:statement_id>")
@access(Permission.KEEP_BANK)
def statement(statement_id: int) -> Response:
    found = queries.statement(statement_id)
    after = request.args.get("after", "")
    lines = queries.lines_of(
        found.id, after=int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
    )
    waiting_in, waiting_out = queries.waiting_of(found.id)
    last = lines[-1].position if lines else 0
    return page(
        "bank/statement.html",
        statement=found,
        lines=lines,
        more_after=last if last < found.line_count and lines else None,
        waiting_in=waiting_in,
        waiting_out=waiting_out,
    )


# --- payments out


@bp.route("/bank/payments", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def payments_out() -> Response:
    """Ready payments go into a file; payments in a file are matched to the bank's lines."""
    ready = queries.ready_orders()
    form = FileForm(prefix="file")
    form.offer(ready)

    def work() -> Done:
        made = service.make_payment_file(order_ids=form.orders.data or [], actor=actor(), now=now())
        return Done(
            f"File {made.reference} is made: {format_pence(made.total_pence)} in {made.order_count:,} "
            f"{'payment' if made.order_count == 1 else 'payments'}. Download it and upload it at the bank.",
            url_for("bank.payments_out"),
        )

    return submit(form, work) or _payments_page(form, ready)


def _payments_page(
    form: FileForm, ready: Sequence[PaymentOrder], faulty: tuple[int, LineForm] | None = None
) -> Response:
    open_out = queries.open_lines_out()
    sent = []
    for order in queries.sent_orders():
        lines = _fitting(order, open_out)
        line_form = LineForm(prefix=f"confirm-{order.id}")
        line_form.offer(lines)
        sent.append((order, lines, faulty[1] if faulty and faulty[0] == order.id else line_form))
    return page(
        "bank/payments_out.html",
        faulty[1] if faulty else form,
        file_form=form,
        ready=ready,
        sent=sent,
        confirmed=queries.confirmed_orders(),
        files=queries.files(),
        open_out=open_out,
    )


def _fitting(order: PaymentOrder, lines: Sequence[StatementLine]) -> list[StatementLine]:
    """Open lines of just this sum; those that quote the payment first."""
    same = [line for line in lines if line.amount_pence == -order.pence]
    sent_as = f"{order.file.reference}-{order.id}" if order.file else order.reference
    return sorted(same, key=lambda line: (sent_as != line.end_to_end, order.reference not in line.remittance, line.id))


@bp.post("/bank/payments/<int:order_id>/confirm")
@access(Permission.KEEP_BANK)
def confirm(order_id: int) -> Response:
    order = queries.order(order_id)
    form = LineForm(prefix=f"confirm-{order.id}")
    form.offer(_fitting(order, queries.open_lines_out()))
    pence = order.pence

    def work() -> Done:
        service.confirm_order(order_id=order_id, line_id=form.line.data, actor=actor(), now=now())
        return Done(f"The bank has confirmed {format_pence(pence)}.", url_for("bank.payments_out"))

    done = submit(form, work)
    if done is not None:
        return done
    ready = queries.ready_orders()
    file_form = FileForm(prefix="file")
    file_form.offer(ready)
    return _payments_page(file_form, ready, (order_id, form))


@bp.route("/bank/payments/<int:order_id>/failed", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def failed(order_id: int) -> Response:
    order = queries.order(order_id)
    form = FailForm()
    form.offer([line for line in queries.open_lines_in() if line.amount_pence == order.pence])

    def work() -> Done:
        service.fail_order(
            order_id=order_id, reason=form.reason.data or "", line_id=form.line.data or None, actor=actor(), now=now()
        )
        return Done(
            "The payment is marked as failed, and what it had used is committed to the grant again.",
            url_for("bank.payments_out"),
        )

    return submit(form, work) or page(
        "bank/failed.html", form, order=order, is_confirmed=order.state is OrderState.CONFIRMED
    )


@bp.get("/bank/files/<reference>.xml")
@access(Permission.KEEP_BANK)
def download(reference: str) -> Response:
    found = queries.payment_file(reference)
    response = make_response(found.content)
    response.mimetype = "application/xml"
    response.headers["Content-Disposition"] = f'attachment; filename="{found.reference}.xml"'
    return response


# --- bank details


@bp.get("/bank/payees")
@access(Permission.KEEP_BANK)
def payees() -> Response:
    return page("bank/payees.html", waiting=queries.payees_to_verify(), payees=queries.payees())


@bp.route("/bank/payees/new", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def new_payee() -> Response:
    form = PayeeForm()

    def work() -> Done:
        reference = (form.organisation.data or "").upper()
        _give(form, f"org:{reference}")
        return Done(
            f"Bank details of {reference} are kept. Another steward must now call back to verify them.",
            url_for("bank.payees"),
        )

    return submit(form, work) or page("bank/new_payee.html", form, pause_days=policy_at(now()).bank_detail_pause_days)


@bp.route("/bank/details", methods=["GET", "POST"])
@access(Permission.NAME_BANK_ACCOUNT)
def own_details() -> Response:
    """An organisation's own people say where it is to be paid."""
    if actor().organisation_reference is None:
        raise NotFound
    owner = f"org:{actor().organisation_reference}"
    form = BankDetailsForm()

    def work() -> Done:
        _give(form, owner)
        return Done(
            "Thank you. A steward will call your organisation, on a number that we had before, to check these details.",
            url_for("bank.own_details"),
        )

    return submit(form, work) or page(
        "bank/own_details.html",
        form,
        current=queries.current_payee(owner),
        pause_days=policy_at(now()).bank_detail_pause_days,
    )


def _give(form: BankDetailsForm, owner: str) -> None:
    service.give_payee(
        owner=owner,
        account_name=form.account_name.data or "",
        sort_code=form.sort_code.data or "",
        account_number=form.account_number.data or "",
        actor=actor(),
        now=now(),
    )


@bp.route("/bank/payees/<int:payee_id>", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def payee(payee_id: int) -> Response:
    """One set of bank details: who gave them, and the form to verify them by calling back."""
    form = NoteForm(prefix="verify")

    def work() -> Done:
        verified = service.verify_payee(payee_id=payee_id, note=form.note.data or "", actor=actor(), now=now())
        days = policy_at(now()).bank_detail_pause_days
        return Done(f"{verified.account_name} is verified. It can be paid in {days} days.", url_for("bank.payees"))

    return submit(form, work) or _payee_page(payee_id, form, NoteForm(prefix="reject"), form)


@bp.post("/bank/payees/<int:payee_id>/reject")
@access(Permission.KEEP_BANK)
def reject(payee_id: int) -> Response:
    form = NoteForm(prefix="reject")

    def work() -> Done:
        service.reject_payee(payee_id=payee_id, note=form.note.data or "", actor=actor(), now=now())
        return Done("These bank details will not be used.", url_for("bank.payees"))

    return submit(form, work) or _payee_page(payee_id, NoteForm(prefix="verify"), form, form)


def _payee_page(payee_id: int, verify_form: NoteForm, reject_form: NoteForm, sent: NoteForm) -> Response:
    found = queries.payee(payee_id)
    return page(
        "bank/payee.html",
        sent,
        payee=found,
        verify_form=verify_form,
        reject_form=reject_form,
        is_own=found.given_by_id == actor().person_id,
    )

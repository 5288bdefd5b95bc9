"""Pages of the bank: statements and payments out. Those of bank details are in `payee_views`."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, make_response, request, url_for
from werkzeug.datastructures import FileStorage

from fund.kernel.access import Permission, access
from fund.kernel.errors import Conflict
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from ledger.bank import payee_views as _payee_pages
from ledger.bank import payments, queries, service
from ledger.bank.blueprint import bp
from ledger.bank.forms import BankDetailsForm, FailForm, FileForm, ImportForm, LineForm, WholeForm
from ledger.bank.models import PaymentFile, PaymentOrder, StatementLine
from ledger.bank.questions import service as questions
from ledger.bank.questions.models import WaitingFile
from ledger.bank.questions.queries import waiting
from ledger.bank.questions.rules import booked
from ledger.bank.rules import OrderState, begin_of
from ledger.money import format_pence

__all__ = ["bp"]

_PAGES = (_payee_pages,)
"""Imported for the routes that they add."""


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
        waiting=waiting(),
    )


@bp.route("/bank/import", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def import_statement() -> Response:
    form = ImportForm()

    def work() -> Done:
        sent: FileStorage = form.file.data
        taken = questions.take(
            content=sent.stream.read(), filename=sent.filename or "statement", actor=actor(), now=now()
        )
        if isinstance(taken, WaitingFile):
            path = url_for("bank_questions.question", waiting_id=taken.id)
            return Done("The file is kept. It leaves something open: please answer below.", path)
        return Done(booked(taken.line_count, taken.known_count), url_for("bank.statement", statement_id=taken.id))

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


@bp.route("/bank/lines/<int:line_id>", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def own_line(line_id: int) -> Response:
    """A line that is the bank's own: interest, or a charge."""
    line = queries.line(line_id)
    pence, settled = line.amount_pence, line.settled_at is not None
    form = ActionForm()

    def work() -> Done:
        if pence > 0:
            service.settle_interest(line_id=line_id, actor=actor(), now=now())
            return Done(f"{format_pence(pence)} of interest is in the pot.", url_for("contributions.money_in"))
        short = service.settle_charge(line_id=line_id, actor=actor(), now=now())
        told = f" {format_pence(short)} of it had been awarded: see “Money taken back”." if short else ""
        return Done(f"A charge of {format_pence(-pence)} is booked.{told}", url_for("bank.payments_out"))

    answer = submit(form, work)
    if answer is None and settled:
        raise Conflict("Somebody settled this line first. Go back to the list: what still waits is there.")
    return answer or page("bank/own_line.html", form, line=line)


# --- payments out


@bp.route("/bank/payments", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def payments_out() -> Response:
    """An approved run goes into a file; payments in a file are matched to the bank's lines."""
    ready = queries.ready_orders()
    form = FileForm(prefix="file")
    form.offer(ready)

    def work() -> Done:
        chosen = queries.orders_of_batch(form.run.data or "")
        made = service.make_payment_file(order_ids=[order.id for order in chosen], actor=actor(), now=now())
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
    late = []
    for order in queries.failed_on_the_way():
        if lines := _fitting(order, open_out):
            line_form = LineForm(None, prefix=f"late-{order.id}")
            line_form.offer(lines)
            late.append((order, faulty[1] if faulty and faulty[0] == order.id else line_form))
    return page(
        "bank/payments_out.html",
        faulty[1] if faulty else form,
        file_form=form,
        whole=_whole_files([order for order, _, _ in sent], open_out),
        ready=ready,
        sent=sent,
        others={order.id: _of_another_sum(order, open_out) for order, _, _ in sent},
        late=late,
        confirmed=queries.confirmed_orders(),
        files=queries.files(),
        begin_of=begin_of,
        open_out=open_out,
    )


@dataclass(frozen=True)
class WholeFile:
    """A payment file that one line of the bank may be: what is still on its way in it, or what of that has no line of
    its own, and the line of that sum."""

    file: PaymentFile
    orders: Sequence[PaymentOrder]
    is_part: bool
    pence: int
    line: StatementLine
    form: ActionForm


def _whole_files(sent: Sequence[PaymentOrder], lines: Sequence[StatementLine]) -> list[WholeFile]:
    """Files with several payments on their way, where a line of just their sum waits; or of the sum of those for which
    the bank shows no line apart."""
    found = []
    for file in {order.file.id: order.file for order in sent if order.file}.values():
        orders = [order for order in sent if order.file_id == file.id]
        together = [order for order in orders if not _fitting(order, lines)]
        for part in (orders, together):
            total = sum(order.pence for order in part)
            line = next((line for line in lines if line.amount_pence == -total), None)
            if len(part) > 1 and line is not None:
                form = WholeForm(None, prefix=f"whole-{file.id}")
                form.orders.data = " ".join(str(order.id) for order in part)
                found.append(WholeFile(file, part, len(part) < len(orders), total, line, form))
                break
    return found


@bp.post("/bank/files/<reference>/confirm/<int:line_id>")
@access(Permission.KEEP_BANK)
def confirm_file(reference: str, line_id: int) -> Response:
    """One line of the bank is the whole file, or the payments of it that were shown with the line."""
    form = WholeForm(prefix=f"whole-{queries.payment_file(reference).id}")

    def work() -> Done:
        orders = service.confirm_file(
            reference=reference, line_id=line_id, order_ids=form.chosen(), actor=actor(), now=now()
        )
        total = format_pence(sum(order.pence for order in orders))
        return Done(f"The bank has confirmed {len(orders):,} payments, {total}.", url_for("bank.payments_out"))

    return submit(form, work) or _payments_page(_fresh_file_form(), queries.ready_orders())


def _fresh_file_form() -> FileForm:
    form = FileForm(formdata=None, prefix="file")
    form.offer(queries.ready_orders())
    return form


def _fitting(order: PaymentOrder, lines: Sequence[StatementLine]) -> list[StatementLine]:
    """Open lines of just this sum; those that quote the payment first."""
    same = [line for line in lines if line.amount_pence == -order.pence]
    sent_as = f"{order.file.reference}-{order.id}" if order.file else order.reference
    return sorted(same, key=lambda line: (sent_as != line.end_to_end, order.reference not in line.remittance, line.id))


def _of_another_sum(order: PaymentOrder, lines: Sequence[StatementLine]) -> list[StatementLine]:
    """Open lines that quote the payment and are of another sum: told, never matched."""
    sent_as = f"{order.file.reference}-{order.id}" if order.file else order.reference
    return [
        line
        for line in lines
        if line.amount_pence != -order.pence and (sent_as == line.end_to_end or order.reference in line.remittance)
    ]


@bp.post("/bank/payments/<int:order_id>/late")
@access(Permission.KEEP_BANK)
def late(order_id: int) -> Response:
    """A payment that was called failed left after all."""
    order = queries.order(order_id)
    form = LineForm(prefix=f"late-{order.id}")
    form.offer(_fitting(order, queries.open_lines_out()))
    pence = order.pence

    def work() -> Done:
        service.confirm_late(order_id=order_id, line_id=form.line.data, actor=actor(), now=now())
        return Done(
            f"{format_pence(pence)} left after all, and the bank has confirmed it.", url_for("bank.payments_out")
        )

    return submit(form, work) or _payments_page(_fresh_file_form(), queries.ready_orders(), (order_id, form))


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


@bp.get("/bank/files/<reference>.csv")
@access(Permission.KEEP_BANK)
def download_table(reference: str) -> Response:
    """The same payments for banks whose upload takes a table only."""
    found = queries.payment_file(reference)
    response = make_response(payments.as_table(found))
    response.mimetype = "text/csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{found.reference}.csv"'
    return response

"""Pages of what statement files leave open, and of what is remembered."""

from flask import Blueprint, Response, redirect, url_for

from fund.kernel.access import Permission, access
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from ledger.bank.csv_guess import guess
from ledger.bank.csv_statement import unknown_table
from ledger.bank.models import Statement
from ledger.bank.questions import queries, rules, service
from ledger.bank.questions.forms import AnswerForm
from ledger.bank.reading import NO_ANSWERS, Asking

bp = Blueprint("bank_questions", __name__)

_ROWS_SHOWN = 8


@bp.route("/bank/questions/<int:waiting_id>", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def question(waiting_id: int) -> Response:
    """The first rows of a file, what it leaves open, and the form to answer."""
    waiting = queries.waiting_file(waiting_id)
    if waiting.closed_at is not None:
        form = ActionForm()
        return submit(form, lambda: _answered(waiting_id, None)) or page("bank/question_closed.html", waiting=waiting)
    statement = service.reading(waiting)
    asks_columns = any(one.asking is Asking.COLUMNS for one in statement.questions)
    table = unknown_table(waiting.content) if asks_columns else None
    answer_form = AnswerForm()
    answer_form.ask(statement, table, guess(table) if table else None)
    return submit(answer_form, lambda: _answered(waiting_id, answer_form)) or page(
        "bank/question.html",
        answer_form,
        waiting=waiting,
        statement=statement,
        table=table,
        rows=[row for _, row in table.rows[:_ROWS_SHOWN]] if table else [],
        headings=[rules.column_name(table.heading, place) for place in range(table.width)] if table else [],
        entries=statement.entries[:_ROWS_SHOWN],
        aside_form=ActionForm(None, prefix="aside"),
        until=waiting.sent_at + queries.waits(now()),
    )


def _answered(waiting_id: int, form: AnswerForm | None) -> Done:
    answers = form.answers() if form else NO_ANSWERS
    outcome = service.answer(waiting_id=waiting_id, answers=answers, actor=actor(), now=now())
    if isinstance(outcome, Statement):
        return Done(
            rules.booked(outcome.line_count, outcome.known_count), url_for("bank.statement", statement_id=outcome.id)
        )
    return Done("Thank you. One more thing is open.", url_for("bank_questions.question", waiting_id=waiting_id))


@bp.post("/bank/questions/<int:waiting_id>/aside")
@access(Permission.KEEP_BANK)
def set_aside(waiting_id: int) -> Response:
    def work() -> Done:
        service.set_aside(waiting_id=waiting_id, actor=actor(), now=now())
        return Done("The file is set aside. Nothing of it was booked.", url_for("bank.statements"))

    back = url_for("bank_questions.question", waiting_id=queries.waiting_file(waiting_id).id)
    return submit(ActionForm(prefix="aside"), work) or redirect(back, code=303)  # type: ignore[return-value]


@bp.get("/bank/layouts")
@access(Permission.KEEP_BANK)
def layouts() -> Response:
    """What was answered for every file of a layout."""
    found = queries.layouts()
    return page(
        "bank/layouts.html",
        layouts=[(one, list(rules.told(one.headings, rules.from_row(one.answers)))) for one in found],
        forms_again={one.id: ActionForm(None, prefix=f"again{one.id}") for one in found},
    )


@bp.post("/bank/layouts/<int:layout_id>/again")
@access(Permission.KEEP_BANK)
def ask_again(layout_id: int) -> Response:
    def work() -> Done:
        service.ask_again(layout_id=layout_id, actor=actor(), now=now())
        return Done("Forgotten. The next file of this layout asks again.", url_for("bank_questions.layouts"))

    back = url_for("bank_questions.layouts")
    return submit(ActionForm(prefix=f"again{layout_id}"), work) or redirect(back, code=303)  # type: ignore[return-value]

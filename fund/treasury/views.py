"""Pages of the treasurer's desk, and the papers that the pages of the books show."""

from flask import Blueprint, Response, make_response, request

from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.pages import actor, now, page
from fund.treasury import member, queries, reconciliation, year
from fund.treasury.documents import Document, documents_of
from fund.treasury.rules import drawing, needs, short_pence
from ledger.bank.models import BankAccount
from ledger.bank.reconciliation.queries import record
from ledger.models import Transfer
from ledger.statements import queries as statements

bp = Blueprint("treasury", __name__)


@bp.app_context_processor
def _papers() -> dict[str, object]:
    """For the page of a transfer, which stands below and knows no papers."""

    def papers_of(transfer: Transfer) -> list[Document]:
        return documents_of(transfer.id, transfer.key, actor())

    return {"papers_of": papers_of}


@bp.get("/treasury")
@access(Permission.READ_BOOKS)
def desk() -> Response:
    """What the money needs, where it is, and how far it goes."""
    held = queries.balances()
    cash, funds = queries.cash(held), queries.by_restriction(held)
    forecast = queries.forecast_at(now(), cash.spendable_pence)
    standing = queries.standing(sum(one.short_pence for one in funds), now())
    return page(
        "treasury/desk.html",
        needs=needs(standing, forecast, london_day(now())),
        cash=cash,
        funds=funds,
        forecast=forecast,
        drawing=drawing(forecast),
        short_pence=short_pence,
    )


@bp.get("/members/<reference>/statement")
@access(Permission.SIGNED_IN)
def member_statement(reference: str) -> Response:
    """What a member's money did, for its own people and those who read the books."""
    found = member.statement(reference, actor())
    return page(
        "treasury/member.html",
        statement=found,
        organisation=found.organisation,
        fund_name=member.fund_name,
        most=member.MOST_PAYMENTS,
        rule=member.RULE,
        reads_books=actor().may(Permission.READ_BOOKS),
    )


@bp.get("/members/<reference>/statement.pdf")
@access(Permission.SIGNED_IN)
def member_paper(reference: str) -> Response:
    """The same as a PDF, made when it is asked for: it speaks of that instant."""
    found = member.statement(reference, actor())
    answer = make_response(member.paper(found, now()))
    answer.mimetype = "application/pdf"
    name = f"statement-{found.organisation.reference}-{london_day(now())}.pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@bp.get("/books/statement.pdf")
@access(Permission.READ_STATEMENTS)
def year_paper() -> Response:
    """The statements of a year as a PDF; the same books give the same bytes."""
    found = statements.of_year(request.args.get("year"), now())
    answer = make_response(year.paper(found))
    answer.mimetype = "application/pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="statement-{found.year.number}.pdf"'
    return answer


@bp.get("/books/reconciliations/records/<int:reconciliation_id>.pdf")
@access(Permission.READ_BOOKS)
def reconciliation_paper(reconciliation_id: int) -> Response:
    """A record of a month of the bank, as it was prepared and signed."""
    found = record(reconciliation_id)
    answer = make_response(reconciliation.paper(db.session.get_one(BankAccount, found.bank_account_id), found))
    answer.mimetype = "application/pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="reconciliation-{found.month:%Y-%m}.pdf"'
    return answer

"""Pages of reconciliation: the months of a year, one month, preparing it, and signing or sending it back."""

import re
from datetime import date

from flask import Blueprint, Response, request, url_for

from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.errors import NotFound
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from ledger.bank.models import BankAccount
from ledger.bank.queries import own_account
from ledger.bank.reconciliation import queries, rules, service
from ledger.bank.reconciliation.forms import SendBackForm, prepare_form
from ledger.bank.reconciliation.models import Reconciliation

bp = Blueprint("reconciliation", __name__)
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)
_YEAR = re.compile(r"20[0-9]{2}", re.ASCII)


@bp.get("/books/reconciliations")
@access(Permission.READ_BOOKS)
def months() -> Response:
    """The months of a year: done, due, overdue."""
    account = own_account()
    today = london_day(now())
    written = request.args.get("year", str(today.year))
    if not _YEAR.fullmatch(written):
        raise NotFound
    year = int(written)
    first = queries.first_month(account.id) if account else None
    return page(
        "reconciliation/months.html",
        year=year,
        months=queries.months(account.id, now(), year) if account else [],
        earlier=year - 1 if first and first.year < year else None,
        later=year + 1 if year < today.year else None,
        next_month=queries.next_unsigned(now()),
    )


def asked_month(name: str) -> tuple[BankAccount, date]:
    """The fund's account and the month that an address names.

    Raises:
        NotFound: for what is no month, or one of which the bank has told nothing.
    """
    match, account = _MONTH.fullmatch(name), own_account()
    if match is None or account is None:
        raise NotFound
    month = date(int(match[1]), int(match[2]), 1)
    first = queries.first_month(account.id)
    if first is None or not first <= month <= rules.month_of(london_day(now())):
        raise NotFound
    return account, month


@bp.get("/books/reconciliations/<name>")
@access(Permission.READ_BOOKS)
def month(name: str) -> Response:
    """One month: what the statements say, what the books say, and what lies between."""
    return _month(name, ActionForm(None, prefix="sign"))


def _month(name: str, form: ActionForm) -> Response:
    account, first = asked_month(name)
    newest = queries.newest(account.id, first)
    signed = queries.signed(account.id, first)
    waits = newest is not None and newest.decision is None
    present = queries.figures(account.id, first)
    shown = newest if waits else signed
    why_not = None
    if waits and newest is not None:
        hands = queries.hands(account.id, first, newest.prepared_by_id)
        why_not = next((one.message for one in rules.signing_faults(actor().person_id, hands)), None)
    return page(
        "reconciliation/month.html",
        form,
        account=account,
        month=first,
        name=name,
        figures=shown.figures if shown else present,
        reasons=shown.reasons if shown else {},
        record=shown,
        waits=waits,
        changed=shown is not None and shown.lasting != present.lasting,
        sent_back=newest if newest and newest.decision and not newest.decision.signed else None,
        history=queries.history(account.id, first),
        is_over=london_day(now()) > rules.last_day(first),
        last=rules.last_day(first),
        why_not=why_not,
        between=rules.BETWEEN,
        on_their_way=rules.ON_THEIR_WAY,
        waiting=rules.WAITING,
    )


@bp.route("/books/reconciliations/<name>/prepare", methods=["GET", "POST"])
@access(Permission.PREPARE_RECONCILIATION)
def prepare(name: str) -> Response:
    """The first of two people: a reason for each item that doesn't explain itself."""
    account, first = asked_month(name)
    found = queries.figures(account.id, first)
    signed = queries.signed(account.id, first)
    newest = queries.newest(account.id, first)
    form = prepare_form(
        found.to_explain,
        again=signed is not None,
        seen=found.lasting,
        earlier=_earlier_reasons(account, first, newest),
    )

    def work() -> Done:
        service.prepare(
            month=first,
            reasons={item.key: form[rules.field_of(item)].data or "" for item in found.to_explain},
            seen=form.seen.data or "",
            why=form["why"].data or "" if signed is not None else "",
            actor=actor(),
            now=now(),
        )
        return Done(
            f"{first:%B %Y} is prepared. Somebody who had no hand in the month signs it.",
            url_for("reconciliation.month", name=name),
        )

    return submit(form, work) or page(
        "reconciliation/prepare.html",
        form,
        month=first,
        name=name,
        figures=found,
        fields=[(item, form[rules.field_of(item)]) for item in found.to_explain],
        between=rules.BETWEEN,
        again=signed is not None,
    )


def _earlier_reasons(account: BankAccount, first: date, newest: Reconciliation | None) -> dict[str, str]:
    """Reasons that were given before: in this month's own record, or the signed one of the month before."""
    record = newest or queries.signed(account.id, rules.month_before(first))
    return record.reasons if record else {}


@bp.post("/books/reconciliations/records/<int:reconciliation_id>/sign")
@access(Permission.SIGN_RECONCILIATION)
def sign(reconciliation_id: int) -> Response:
    """The second of two people agrees."""
    form = ActionForm(prefix="sign")
    name = f"{queries.record(reconciliation_id).month:%Y-%m}"

    def work() -> Done:
        service.sign(reconciliation_id=reconciliation_id, actor=actor(), now=now())
        return Done("Signed. Its figures are kept as they are.", url_for("reconciliation.month", name=name))

    return submit(form, work) or _month(name, form)


@bp.route("/books/reconciliations/records/<int:reconciliation_id>/send-back", methods=["GET", "POST"])
@access(Permission.SIGN_RECONCILIATION)
def send_back(reconciliation_id: int) -> Response:
    """The second of two people doesn't agree, and says why."""
    record = queries.record(reconciliation_id)
    month_shown, name = record.month, f"{record.month:%Y-%m}"
    form = SendBackForm()

    def work() -> Done:
        service.send_back(reconciliation_id=reconciliation_id, reason=form.reason.data or "", actor=actor(), now=now())
        return Done("Sent back, with your reason.", url_for("reconciliation.month", name=name))

    return submit(form, work) or page("reconciliation/send_back.html", form, month=month_shown, name=name)

"""Pages of bank details: given, checked by calling back and by name, and the tables that account numbers fit."""

from flask import Response, url_for

from fund.kernel.access import Permission, access
from fund.kernel.errors import Finding, NotFound, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.policy import policy_at
from ledger.bank import queries, service
from ledger.bank.blueprint import bp
from ledger.bank.forms import NameCheckForm, NoteForm, PayeeForm, TwiceForm, VerifyForm, WeightsForm
from ledger.bank.rules import NAME_CHECKS


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
    form = TwiceForm()

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


def _give(form: TwiceForm, owner: str) -> None:
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
    form = VerifyForm(prefix="verify")

    def work() -> Done:
        verified = service.verify_payee(
            payee_id=payee_id, note=form.note.data or "", **form.said(), actor=actor(), now=now()
        )
        days = policy_at(now()).bank_detail_pause_days
        rest = (
            "It can be paid" if verified.name_is_settled else "Once another steward agrees to the name, it can be paid"
        )
        return Done(f"{verified.account_name} is verified. {rest} in {days} days.", url_for("bank.payees"))

    return submit(form, work) or _payee_page(payee_id, form)


@bp.post("/bank/payees/<int:payee_id>/reject")
@access(Permission.KEEP_BANK)
def reject(payee_id: int) -> Response:
    form = NoteForm(prefix="reject")

    def work() -> Done:
        service.reject_payee(payee_id=payee_id, note=form.note.data or "", actor=actor(), now=now())
        return Done("These bank details will not be used.", url_for("bank.payees"))

    return submit(form, work) or _payee_page(payee_id, form)


@bp.post("/bank/payees/<int:payee_id>/name")
@access(Permission.KEEP_BANK)
def name_check(payee_id: int) -> Response:
    """What the bank says of the name, for details that were verified before, or asked once more."""
    form = NameCheckForm(prefix="name")

    def work() -> Done:
        checked = service.record_name_check(payee_id=payee_id, **form.said(), actor=actor(), now=now())
        told = "The name matches." if checked.name_is_settled else "Another steward must now agree to the name."
        return Done(f"The bank's name check is recorded. {told}", url_for("bank.payee", payee_id=payee_id))

    return submit(form, work) or _payee_page(payee_id, form)


@bp.post("/bank/payees/<int:payee_id>/agree")
@access(Permission.KEEP_BANK)
def agree_to_name(payee_id: int) -> Response:
    form = ActionForm(prefix="agree")

    def work() -> Done:
        service.agree_to_name(payee_id=payee_id, actor=actor(), now=now())
        return Done("You agreed. These details can be paid once they have rested.", url_for("bank.payees"))

    return submit(form, work) or _payee_page(payee_id, form)


def _payee_page(payee_id: int, sent: BaseForm) -> Response:
    """The page with the form that was sent as it was sent, and the others fresh."""
    found = queries.payee(payee_id)
    forms = [
        sent if isinstance(sent, kind) and sent._prefix == f"{prefix}-" else kind(formdata=None, prefix=prefix)
        for kind, prefix in (
            (VerifyForm, "verify"),
            (NoteForm, "reject"),
            (NameCheckForm, "name"),
            (ActionForm, "agree"),
        )
    ]
    return page(
        "bank/payee.html",
        sent,
        payee=found,
        verify_form=forms[0],
        reject_form=forms[1],
        name_form=forms[2],
        agree_form=forms[3],
        is_own=found.given_by_id == actor().person_id,
        recorded_name=found.name_checked_by_id == actor().person_id,
        outcome=NAME_CHECKS.get(found.name_check) if found.name_check else None,
        verdict=queries.modulus_verdict(found.sort_code, found.account_number),
    )


@bp.route("/bank/account-numbers", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def weights() -> Response:
    """The tables that account numbers are checked by, and the form to load newer ones."""
    form = WeightsForm()

    def work() -> Done:
        loaded = service.load_weights(
            version=form.version.data or "",
            weights=_text(form.weights.data.stream.read(), "weights"),
            substitutions=_text(form.substitutions.data.stream.read(), "substitutions"),
            actor=actor(),
            now=now(),
        )
        return Done(
            f"Loaded: {loaded.row_count:,} rows. Account numbers are checked by them from now on.",
            url_for("bank.weights"),
        )

    return submit(form, work) or page("bank/weights.html", form, loaded=queries.modulus_weights())


def _text(content: bytes, field: str) -> str:
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        raise RuleBroken([Finding("This is no plain text. Choose the .txt file as it was published.", field)]) from None

"""Forms of the bank: shape only; the rules speak in the services.

Somebody else may have taken a choice since the page was shown: the services say so, and the
fields leave it to them (`validate_choice=False`).
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from flask_wtf.file import FileField
from wtforms import HiddenField, RadioField, SelectField
from wtforms.validators import InputRequired, ValidationError

from fund.kernel.forms import BaseForm, LongTextField, Needed, TextField, UpTo, clean
from ledger.bank.models import PaymentOrder, StatementLine
from ledger.bank.rules import (
    LONGEST_PAYEE_NAME,
    NAME_CHECKS,
    WRITE_ACCOUNT_NUMBER,
    WRITE_SORT_CODE,
    NameCheck,
    account_digits,
    begin_of,
    sort_code_digits,
    totals_sha256,
)
from ledger.money import format_pence


class ImportForm(BaseForm):
    file = FileField(
        "Statement file", validators=[Needed("Choose the statement file that you downloaded from the bank.")]
    )


class BankDetailsForm(BaseForm):
    account_name = TextField(
        "Name on the account",
        validators=[
            Needed("Write the name that the account is held in, as the bank has it."),
            UpTo(LONGEST_PAYEE_NAME),
        ],
    )
    sort_code = TextField("Sort code", validators=[Needed(WRITE_SORT_CODE)])
    account_number = TextField("Account number", validators=[Needed(WRITE_ACCOUNT_NUMBER)])

    def validate_sort_code(self, field: TextField) -> None:
        if sort_code_digits(field.data or "") is None:
            raise ValidationError(WRITE_SORT_CODE)

    def validate_account_number(self, field: TextField) -> None:
        if account_digits(field.data or "") is None:
            raise ValidationError(WRITE_ACCOUNT_NUMBER)


class TwiceForm(BankDetailsForm):
    """Bank details of who is to be paid: the numbers are written twice, because nobody notices a swapped digit."""

    sort_code_again = TextField("Sort code once more", validators=[Needed("Write the sort code once more.")])
    account_number_again = TextField(
        "Account number once more", validators=[Needed("Write the account number once more.")]
    )

    def validate_sort_code_again(self, field: TextField) -> None:
        _same(self.sort_code.data, field.data, sort_code_digits, "sort code")

    def validate_account_number_again(self, field: TextField) -> None:
        _same(self.account_number.data, field.data, account_digits, "account number")


def _same(first: str | None, again: str | None, digits: Callable[[str], str | None], what: str) -> None:
    """Raise where both can be read and differ; one that can't be read is told beside its own field."""
    one, other = digits(first or ""), digits(again or "")
    if one is None:
        return
    if other is None:
        raise ValidationError(f"This is no {what}. Write the same as above once more.")
    if one != other:
        raise ValidationError(f"This is not the {what} above. Read it again, then write it the same in both places.")


class PayeeForm(TwiceForm):
    organisation = TextField(
        "Organisation's reference",
        validators=[Needed("Write the reference of the organisation that is to be paid, such as GM-0012."), UpTo(40)],
    )


class NoteForm(BaseForm):
    note = LongTextField(
        "What you did and what they said",
        validators=[Needed("Write whom you called, on which number, and what they said."), UpTo(1000)],
    )


class NameCheckForm(BaseForm):
    name_check = RadioField(
        "What the bank's name check said",
        choices={outcome.value: label for outcome, label in NAME_CHECKS.items()},
        validators=[InputRequired("Choose what the bank's name check said.")],
    )
    name_returned = TextField("The name that the bank showed", validators=[UpTo(LONGEST_PAYEE_NAME)])
    name_reason = LongTextField("Why this is the right account all the same", validators=[UpTo(1000)])

    def said(self) -> dict[str, Any]:
        """What the services ask for."""
        return {
            "name_check": NameCheck(self.name_check.data),
            "name_returned": self.name_returned.data or "",
            "name_reason": self.name_reason.data or "",
        }


class VerifyForm(NameCheckForm, NoteForm):
    """The call-back and the bank's check of the name, which one person does in one go."""


class WeightsForm(BaseForm):
    version = TextField(
        "Version", validators=[Needed("Write what the publisher calls it, such as “8.50, from May 2026”."), UpTo(100)]
    )
    weights = FileField("Weight table (valacdos.txt)", validators=[Needed("Choose the weight table.")])
    substitutions = FileField("Substitutions (scsubtab.txt)", validators=[Needed("Choose the substitution table.")])


class FileForm(BaseForm):
    run = RadioField(
        "The payment run to make the file of", coerce=lambda sent: clean(str(sent or "")), validate_choice=False
    )

    def offer(self, orders: Sequence[PaymentOrder]) -> None:
        """The approved runs to choose from; the first is ticked when the page is first shown."""
        self.batches: dict[str, list[PaymentOrder]] = {}
        for order in orders:
            self.batches.setdefault(order.batch, []).append(order)
        self.run.choices = [(batch, _told(batch, inside)) for batch, inside in self.batches.items()]
        if self.form_id.raw_data is None:  # else it was sent, or is shown again as it was
            self.run.data = next(iter(self.batches), None)


def _told(batch: str, orders: Sequence[PaymentOrder]) -> str:
    total = format_pence(sum(order.pence for order in orders))
    begin = begin_of(totals_sha256(batch, [order.counted for order in orders]))
    name = orders[0].run or orders[0].reference
    return f"{name}: {len(orders):,} {'payment' if len(orders) == 1 else 'payments'}, {total}, fingerprint {begin}"


class LineForm(BaseForm):
    line = SelectField("Line of the bank's statement", coerce=int, validate_choice=False)

    def offer(self, lines: Sequence[StatementLine]) -> None:
        """The lines to choose from."""
        self.line.choices = [(line.id, line.in_words) for line in lines]


class WholeForm(BaseForm):
    """`orders` are the payments that were shown with the line: their ids, with spaces between."""

    orders = HiddenField()

    def chosen(self) -> list[int]:
        """The payments that were shown."""
        return [int(word) for word in (self.orders.data or "").split()[:1000] if re.fullmatch("[0-9]{1,18}", word)]


class FailForm(BaseForm):
    reason = LongTextField("Why it failed", validators=[Needed("Write why the payment failed."), UpTo(1000)])
    line = SelectField("The line that brought the money back", coerce=int, validate_choice=False)

    def offer(self, lines: Sequence[StatementLine]) -> None:
        """The lines to choose from, and none."""
        self.line.choices = [(0, "None: it never left the bank"), *((line.id, line.in_words) for line in lines)]

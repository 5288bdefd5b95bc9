"""Forms of the bank: shape only; the rules speak in the services.

Somebody else may have taken a choice since the page was shown: the services say so, and the
fields leave it to them (`validate_choice=False`).
"""

from collections.abc import Sequence

from flask_wtf.file import FileField
from wtforms import SelectField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from fund.kernel.forms import BaseForm, LongTextField, Needed, TextField, UpTo
from ledger.bank.models import PaymentOrder, StatementLine
from ledger.bank.rules import LONGEST_PAYEE_NAME
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
    sort_code = TextField("Sort code", validators=[Needed("Write the sort code as six digits, such as 12-34-56.")])
    account_number = TextField("Account number", validators=[Needed("Write the account number as eight digits.")])


class PayeeForm(BankDetailsForm):
    organisation = TextField(
        "Organisation's reference",
        validators=[Needed("Write the reference of the organisation that is to be paid, such as GM-0012."), UpTo(40)],
    )


class NoteForm(BaseForm):
    note = LongTextField(
        "What you did and what they said",
        validators=[Needed("Write whom you called, on which number, and what they said."), UpTo(1000)],
    )


class FileForm(BaseForm):
    orders = SelectMultipleField(
        "Payments to put into the file",
        coerce=int,
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def offer(self, orders: Sequence[PaymentOrder]) -> None:
        """The payments to choose from; all are ticked when the page is first shown."""
        self.orders.choices = [
            (
                order.id,
                f"{format_pence(order.pence)} to {order.payee.account_name}, {order.reference}: {order.description}",
            )
            for order in orders
        ]
        if self.form_id.raw_data is None:  # else it was sent, or is shown again as it was
            self.orders.data = [order.id for order in orders]


class LineForm(BaseForm):
    line = SelectField("Line of the bank's statement", coerce=int, validate_choice=False)

    def offer(self, lines: Sequence[StatementLine]) -> None:
        """The lines to choose from."""
        self.line.choices = [(line.id, describe(line)) for line in lines]


class FailForm(BaseForm):
    reason = LongTextField("Why it failed", validators=[Needed("Write why the payment failed."), UpTo(1000)])
    line = SelectField("The line that brought the money back", coerce=int, validate_choice=False)

    def offer(self, lines: Sequence[StatementLine]) -> None:
        """The lines to choose from, and none."""
        self.line.choices = [(0, "None: it never left the bank"), *((line.id, describe(line)) for line in lines)]


def describe(line: StatementLine) -> str:
    """A line of the bank in one line of text."""
    return f"{line.booked_on:%d/%m/%Y} {format_pence(line.amount_pence)} {line.counterparty} {line.remittance}".strip()[
        :160
    ]

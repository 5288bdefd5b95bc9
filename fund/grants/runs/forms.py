"""Forms of payment runs: shape only; the rules speak in the services."""

from collections.abc import Sequence

from wtforms import HiddenField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from fund.grants.payments.queries import Payment
from fund.kernel.calendar import in_words
from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, UpTo
from ledger.money import format_pence


class RunForm(BaseForm):
    payments = SelectMultipleField(
        "Payments of the run",
        coerce=int,
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    day = DayField(
        "Day on which the bank is to pay", validators=[Needed("Choose the day on which the bank is to pay.")]
    )

    def offer(self, found: Sequence[Payment]) -> None:
        """The payments to choose from; all are ticked when the page is first shown."""
        self.payments.choices = [(one.instalment.id, _told(one)) for one in found]
        if self.form_id.raw_data is None:  # else it was sent, or is shown again as it was
            self.payments.data = [one.instalment.id for one in found]


def _told(one: Payment) -> str:
    row = one.instalment
    return (
        f"{format_pence(row.pence)} to {row.organisation.name}: payment {row.number} of {row.award.reference}, "
        f"pay by {in_words(one.pay_by)}"
    )


class ApproveForm(BaseForm):
    """`sha256` is the fingerprint of the run that the approver saw."""

    sha256 = HiddenField()


class ReasonForm(BaseForm):
    reason = LongTextField("Why", validators=[Needed("Write why, so that the others know what to do."), UpTo(1000)])

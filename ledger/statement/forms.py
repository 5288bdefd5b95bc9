"""The form that sifts a statement. It changes nothing, so its answers are the page's own address."""

from wtforms import Form, SelectField
from wtforms.validators import Optional

from fund.kernel.forms import DayField, TextField, UpTo, clean
from ledger.fields import MoneyField
from ledger.statement.rules import Sieve, sieve_faults


class SieveForm(Form):
    """What to show; every answer may be left out."""

    first = DayField("From", validators=[Optional()])
    last = DayField("To", validators=[Optional()])
    kind = SelectField("Sort", validate_choice=False, filters=[clean])
    least = MoneyField("Least amount", validators=[Optional()])
    most = MoneyField("Most amount", validators=[Optional()])
    text = TextField("Words or key", validators=[UpTo(100)])

    def validate(self, extra_validators: object = None) -> bool:
        if not super().validate():
            return False
        for finding in sieve_faults(self.sieve):
            field = self[finding.field or "last"]
            field.errors = [*field.errors, finding.message]
        return not self.errors

    @property
    def sieve(self) -> Sieve:
        """What was asked for."""
        return Sieve(
            self.first.data,
            self.last.data,
            self.kind.data or None,
            self.least.data,
            self.most.data,
            self.text.data or None,
        )

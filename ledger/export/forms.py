"""The form that asks for a journal. It changes nothing, so its answers are the page's own address."""

from wtforms import Form, SelectField
from wtforms.validators import Optional

from fund.kernel.forms import DayField
from ledger.export.rules import FILES, Format, period_faults


class ExportForm(Form):
    """Format and period."""

    format = SelectField(
        "Kind of file",
        choices={one.value: kind.name for one, kind in FILES.items()},
        default=Format.CSV.value,
    )
    first = DayField("First day", validators=[Optional()])
    last = DayField("Last day", validators=[Optional()])

    def validate(self, extra_validators: object = None) -> bool:
        if not super().validate():
            return False
        for finding in period_faults(self.first.data, self.last.data):
            field = self[finding.field or "last"]
            field.errors = [*field.errors, finding.message]
        return not self.errors

    @property
    def chosen(self) -> Format:
        return Format(self.format.data)

"""The form field for money. (Not `forms.py`: every folder's forms use it.)"""

from typing import Any

from wtforms import Field
from wtforms.validators import ValidationError
from wtforms.widgets import TextInput

from fund.kernel.forms import clean
from ledger.money import format_pence, parse_pounds


class MoneyField(Field):
    """Pounds as people write them; `data` is whole pence, or None when nothing was written."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return format_pence(self.data).removeprefix("£") if self.data is not None else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        written = clean(str(valuelist[0])) if valuelist else ""
        self.data = None
        if written:
            self.data = parse_pounds(written)


class AtLeast:
    """The amount must be at least so many pence."""

    def __init__(self, pence: int) -> None:
        self.pence = pence

    def __call__(self, form: object, field: Any) -> None:
        if field.data is not None and field.data < self.pence:
            raise ValidationError(f"Give at least {format_pence(self.pence)}.")

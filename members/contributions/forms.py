"""Forms of pledging and of matching."""

import re
from datetime import date
from typing import Any

from wtforms import HiddenField, IntegerField, RadioField, SelectField
from wtforms.validators import Optional, ValidationError

from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, TextField, UpTo
from ledger.fields import AtLeast, MoneyField
from members.contributions.models import PledgeInstalment
from members.contributions.rules import SMALLEST_PLEDGE_PENCE
from members.contributions.schedules.rules import KIND_NAMES, MOST_INSTALMENTS, Part, PledgeKind

_COUNT = f"Give a whole number from 2 to {MOST_INSTALMENTS}, in digits."


class CountField(IntegerField):
    """A whole number that reads as a sentence when it is none."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = None
        if valuelist and (written := str(valuelist[0]).strip()):
            if not re.fullmatch(r"[0-9]{1,4}", written, re.ASCII) or not 2 <= int(written) <= MOST_INSTALMENTS:
                raise ValueError(_COUNT)
            self.data = int(written)


class PledgeForm(BaseForm):
    """How much, when, and the payer's own order number."""

    amount = MoneyField("Amount", validators=[Needed("Give the amount in pounds."), AtLeast(SMALLEST_PLEDGE_PENCE)])
    kind = RadioField(
        "How will you pay?",
        choices={kind.value: KIND_NAMES[kind] for kind in PledgeKind},
        default=PledgeKind.ONE_OFF,
    )
    count = CountField("How many instalments, or years", validators=[Optional()])
    months = SelectField(
        "Between two instalments",
        choices={"1": "A month", "3": "Three months", "6": "Six months", "12": "A year"},
        default="3",
    )
    first_on = DayField("When the first payment is due", validators=[Optional()])
    wish = LongTextField("Should this money be kept for a purpose, a place or a time?", validators=[UpTo(1000)])
    po_number = TextField("Your purchase order number", validators=[UpTo(40)])

    def validate_kind(self, field: RadioField) -> None:
        if field.data != PledgeKind.ONE_OFF and self.count.data is None and not self.count.process_errors:
            raise ValidationError("Say below how many payments there will be, such as 4.")

    @property
    def payments(self) -> int:
        """How many payments there will be."""
        return 1 if self.kind.data == PledgeKind.ONE_OFF else self.count.data or 1


class ScheduleForm(BaseForm):
    """Days and amounts of the instalments that may still move; `schedule_form` gives it their fields."""

    def parts(self, count: int) -> list[Part]:
        """What was written, once it is checked."""
        return [Part(self[f"due_{number}"].data, self[f"amount_{number}"].data) for number in range(1, count + 1)]


def schedule_form(moving: list[PledgeInstalment]) -> ScheduleForm:
    """A form with a day and an amount for each of these instalments."""
    fields: dict[str, Any] = {}
    for place, one in enumerate(moving, start=1):
        fields[f"due_{place}"] = DayField(f"Instalment {one.number} is due on", validators=[Needed("Choose a day.")])
        fields[f"amount_{place}"] = MoneyField(
            f"Amount of instalment {one.number}",
            validators=[Needed("Give the amount in pounds."), AtLeast(SMALLEST_PLEDGE_PENCE)],
        )
    values: dict[str, date | int] = {}
    for place, one in enumerate(moving, start=1):
        values |= {f"due_{place}": one.due_on, f"amount_{place}": one.pence}
    made: ScheduleForm = type("ScheduleForm", (ScheduleForm,), fields)(data=values)
    return made


class CancelForm(BaseForm):
    """Why a pledge is taken back."""

    reason = TextField("Reason", validators=[Needed("Say why in a few words."), UpTo(300)])


class ConfirmForm(BaseForm):
    """The suggested pledge, confirmed with one press."""

    pledge = HiddenField(validators=[Needed("Reload the page and choose again.")])


class MatchForm(BaseForm):
    """Another pledge, by its reference."""

    pledge = TextField(
        "Reference of the pledge", validators=[Needed("Give the pledge's reference, such as PL-2026-0007-O."), UpTo(40)]
    )

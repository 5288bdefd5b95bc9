"""The form that prepares a closing."""

from fund.kernel.forms import BaseForm, DayField, Needed, TextField, UpTo


class ClosingForm(BaseForm):
    """From which day on the books stay open, and why."""

    open_from = DayField("First open day", validators=[Needed("Give the first day that stays open.")])
    reason = TextField("Reason", validators=[Needed("Say why, for whoever confirms it."), UpTo(300)])

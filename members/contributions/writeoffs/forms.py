"""The form of a write-off."""

from fund.kernel.forms import BaseForm, Needed, TextField, UpTo


class ProposeForm(BaseForm):
    """Why the money will not come."""

    reason = TextField("Reason", validators=[Needed("Say why the money will not come."), UpTo(300)])

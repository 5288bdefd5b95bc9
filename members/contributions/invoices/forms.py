"""Forms of invoices."""

from fund.kernel.forms import BaseForm, Needed, TextField, UpTo


class CreditForm(BaseForm):
    """Why an invoice is undone."""

    reason = TextField(
        "Reason", validators=[Needed("Say why in a few words; it stands on the credit note."), UpTo(300)]
    )

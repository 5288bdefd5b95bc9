"""The form that signs an agreement."""

from wtforms import BooleanField, HiddenField
from wtforms.validators import DataRequired

from fund.kernel.forms import BaseForm


class SignForm(BaseForm):
    """`sha256` is the hash of the text that the signer saw."""

    sha256 = HiddenField()
    bind = BooleanField(
        "I have read this agreement and may bind my organisation to it",
        validators=[DataRequired("Tick the box to say that you have read it and may bind your organisation.")],
    )

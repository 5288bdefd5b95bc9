"""The form of an approval: of exactly what was shown."""

from wtforms import HiddenField

from fund.kernel.forms import BaseForm


class ApproveForm(BaseForm):
    """`sha256` is the fingerprint of the payment that the approver saw."""

    sha256 = HiddenField()

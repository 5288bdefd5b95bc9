"""Forms of pledging and of matching."""

from wtforms import HiddenField

from fund.kernel.forms import BaseForm, Needed, TextField, UpTo
from ledger.fields import AtLeast, MoneyField
from members.contributions.rules import SMALLEST_PLEDGE_PENCE


class PledgeForm(BaseForm):
    """How much, and the payer's own order number."""

    amount = MoneyField("Amount", validators=[Needed("Give the amount in pounds."), AtLeast(SMALLEST_PLEDGE_PENCE)])
    po_number = TextField("Your purchase order number", validators=[UpTo(40)])


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

"""Forms of refunds, of making good, and of matching payouts."""

from fund.kernel.forms import BaseForm, Needed, TextField, UpTo
from ledger.fields import AtLeast, MoneyField


class RefundForm(BaseForm):
    """How much goes back, and why."""

    amount = MoneyField("Amount to pay back", validators=[Needed("Give the amount in pounds."), AtLeast(1)])
    reason = TextField("Reason", validators=[Needed("Say why in a few words."), UpTo(300)])


class MakeGoodForm(BaseForm):
    """How much of the free money makes good what is short."""

    amount = MoneyField("Amount", validators=[Needed("Give the amount in pounds."), AtLeast(1)])


class PayoutForm(BaseForm):
    """Which line of the bank a payout is."""

    line = TextField("Number of the bank line", validators=[Needed("Give the number of the line."), UpTo(12)])

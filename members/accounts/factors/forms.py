"""Forms of second steps."""

from wtforms import BooleanField, HiddenField, PasswordField, RadioField
from wtforms.validators import InputRequired

from fund.kernel.forms import BaseForm, LongTextField, Needed, TextField, UpTo
from members.accounts.fields import email_field


class CodeForm(BaseForm):
    """A code of an app, or a recovery code."""

    code = TextField("Code from your app, or a recovery code", validators=[Needed("Type the code."), UpTo(60)])


class AppForm(BaseForm):
    """The first code that a new app shows."""

    code = TextField("The six figures that the app shows", validators=[Needed("Type the code."), UpTo(60)])


class PassphraseForm(BaseForm):
    """The passphrase once more."""

    present = PasswordField("Passphrase", validators=[Needed("Give your passphrase.")])


class NewPasskeyForm(BaseForm):
    """A name for a new passkey, and what the browser made."""

    name = TextField("What is this passkey on?", validators=[Needed("Give it a name, such as My phone."), UpTo(60)])
    credential = HiddenField(validators=[Needed("The passkey gave no answer. Try again."), UpTo(60_000)])


class KeptForm(BaseForm):
    """The person says that they have kept their codes."""

    kept = BooleanField(
        "I have printed, saved or written down these codes",
        validators=[InputRequired("Keep the codes first: we can't show them again.")],
    )


class LetInForm(BaseForm):
    """Who lost their second step, and how it was checked that it is them."""

    email = email_field("Their e-mail address", "Give the address that they sign in with.")
    how_checked = LongTextField(
        "How did you check that it is them?",
        validators=[Needed("Say how you checked that it is them."), UpTo(1000)],
    )


class DecideForm(BaseForm):
    """Let somebody in or not, and how the second officer checked."""

    decision = RadioField(
        "What do you decide?",
        choices={
            "yes": "Let them in: remove their second step and sign them out everywhere",
            "no": "Don't let them in: their second step stays",
        },
        validators=[Needed("Choose one.")],
    )
    second_check = LongTextField(
        "How did you check it yourself?", validators=[Needed("Say how you checked it yourself."), UpTo(1000)]
    )

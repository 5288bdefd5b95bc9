"""Forms of signing in and of a person's own account."""

from wtforms import BooleanField, EmailField, HiddenField, IntegerField, PasswordField

from fund.kernel.forms import BaseForm, Needed, UpTo, clean
from members.accounts.fields import email_field


class SignInForm(BaseForm):
    """Who, and the passphrase. Neither is looked at closely: an old account may have anything."""

    email = EmailField("E-mail address", filters=[clean], validators=[Needed("Give your e-mail address."), UpTo(254)])
    passphrase = PasswordField("Passphrase", validators=[Needed("Give your passphrase.")])
    remember = BooleanField("Stay signed in on this browser for 14 days")
    next = HiddenField()


class EnterAsForm(BaseForm):
    """Which of a demonstration's people to become."""

    person = IntegerField(validators=[Needed("Choose a person.")])


class NewPassphraseForm(BaseForm):
    """A new passphrase, typed once and shown to nobody; a typing error is mended by another link."""

    passphrase = PasswordField("New passphrase", validators=[Needed("Choose a passphrase.")])


class ChangePassphraseForm(BaseForm):
    """The present passphrase and a new one."""

    present = PasswordField("Present passphrase", validators=[Needed("Give your present passphrase.")])
    passphrase = PasswordField("New passphrase", validators=[Needed("Choose a new passphrase.")])


class ForgottenForm(BaseForm):
    """Where to mail a link."""

    email = email_field("E-mail address", "Give the e-mail address that you sign in with.")


class EmailForm(BaseForm):
    """Another e-mail address, and the passphrase."""

    email = email_field("New e-mail address", "Give the address that you want to sign in with.")
    present = PasswordField("Passphrase", validators=[Needed("Give your passphrase.")])


class PasskeyForm(BaseForm):
    """What a browser answers when it used a passkey; a script fills it in."""

    credential = HiddenField(validators=[Needed("The passkey gave no answer. Try again."), UpTo(20_000)])
    next = HiddenField()

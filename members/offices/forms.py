"""Forms of giving and ending roles for the fund."""

from wtforms import RadioField

from fund.kernel.access import FUND_ROLES, Role
from fund.kernel.forms import BaseForm, LongTextField, Needed, TextField, UpTo
from members.accounts.fields import email_field
from members.rules import ROLE_NAMES


class ReasonsForm(BaseForm):
    """Why, in words that the person concerned may read."""

    reasons = LongTextField("Reasons", validators=[Needed("Say why. The people concerned read this."), UpTo(2000)])


class WhoForm(ReasonsForm):
    """Who is to be asked, and why."""

    name = TextField("Name", validators=[Needed("Give the person's name."), UpTo(100)])
    email = email_field("E-mail address", "Give the person's e-mail address.")


class GiveForm(WhoForm):
    """Who is to be asked to which role of the fund."""

    role = RadioField(
        "Role",
        choices={role.value: ROLE_NAMES[role] for role in sorted(FUND_ROLES, key=lambda role: ROLE_NAMES[role])},
        validators=[Needed("Choose a role.")],
    )

    def chosen_role(self) -> Role:
        """The role, of a form that was found right."""
        return Role(self.role.data)


class CertifierForm(WhoForm):
    """Who is to certify for an organisation whose own certifier can't."""

    evidence = LongTextField(
        "Evidence",
        validators=[Needed("Say what you saw, such as a letter of its board, and where it is kept."), UpTo(2000)],
    )

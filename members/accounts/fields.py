"""The form field for e-mail addresses. (Not `forms.py`: other folders' forms use it.)"""

from email_validator import EmailNotValidError, validate_email
from wtforms import EmailField
from wtforms.validators import StopValidation

from fund.kernel.forms import Needed, UpTo, clean


class ProperEmail:
    """The address must look like one; whether it is one shows when a mail arrives."""

    def __call__(self, form: object, field: EmailField) -> None:
        try:
            validate_email(field.data or "", check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            raise StopValidation("Write the whole address, such as name@example.org.") from None


def email_field(label: str, message: str = "Give the e-mail address.") -> EmailField:
    """A field for an e-mail address."""
    return EmailField(label, filters=[clean], validators=[Needed(message), UpTo(254), ProperEmail()])

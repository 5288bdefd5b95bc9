"""Forms of lists, prospects and invitations."""

from flask_wtf.file import FileField
from wtforms import IntegerField, RadioField, SelectField
from wtforms.validators import NumberRange, ValidationError
from wtforms.validators import Optional as MayBeEmpty

from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, TextField, UpTo
from fund.kernel.places import DISTRICTS
from members.prospects.models import Prospect
from members.prospects.rules import (
    ANCHOR_NAMES,
    ANSWER_NAMES,
    LONGEST_CELL,
    WAY_NAMES,
    Anchor,
    Answer,
    Details,
    Way,
    typed_number,
)
from members.rules import LEGAL_FORM_NAMES, REGISTERS, LegalForm, Register

MESSAGE = (
    "The fund is one pot that councils, firms and charities in Greater Manchester pay into and own together. "
    "Each member has one vote, whatever it pays in. Joining costs nothing and takes five minutes. "
    "We would like you to be part of it."
)
"""What an invitation says unless a steward writes something better."""


class ListForm(BaseForm):
    """A file with organisations."""

    file = FileField("Your list", validators=[Needed("Choose the CSV or XLSX file that holds your list.")])


class DetailsForm(BaseForm):
    """What is known of an organisation that might join."""

    name = TextField("Name", validators=[Needed("Give the name of the organisation."), UpTo(200)])
    kind = SelectField(
        "Kind of organisation",
        choices={form.value: name for form, name in LEGAL_FORM_NAMES.items()},
        default=LegalForm.OTHER.value,
    )
    register = SelectField(
        "Register",
        choices={register.value: entry.name for register, entry in REGISTERS.items()},
        default=Register.NONE.value,
    )
    register_number = TextField("Number on that register", validators=[UpTo(100)])
    district = SelectField(
        "District where it mostly works",
        choices={"": "Not known"} | {district.code: district.name for district in DISTRICTS},
    )
    address = TextField("Postal address", validators=[UpTo(LONGEST_CELL)])
    contact_name = TextField("Whom we may write to", validators=[UpTo(100)])
    contact_email = TextField("Their e-mail address", validators=[UpTo(254)])
    anchor = SelectField(
        "Is it an anchor?",
        choices={"": "No, or not known"} | {kind.value: name for kind, name in ANCHOR_NAMES.items()},
    )

    def details(self) -> Details:
        """What was typed, of a form that was found right; an emptied field is emptied."""
        register = Register(self.register.data)
        return Details(
            name=self.name.data,
            legal_form=LegalForm(self.kind.data),
            register=register,
            register_number=typed_number(register, self.register_number.data or ""),
            district=self.district.data or "",
            address=" ".join((self.address.data or "").split()),
            contact_name=self.contact_name.data or "",
            contact_email=self.contact_email.data or "",
            anchor=Anchor(self.anchor.data) if self.anchor.data else None,
        )


def details_form(found: Prospect) -> DetailsForm:
    """The form with what we hold."""
    one = found.organisation
    return DetailsForm(
        data={
            "name": one.name,
            "kind": one.legal_form.value,
            "register": one.register or Register.NONE,
            "register_number": one.register_number,
            "district": one.district,
            "address": one.address,
            "contact_name": one.contact_name,
            "contact_email": one.contact_email,
            "anchor": found.anchor.value if found.anchor else "",
        }
    )


class InviteForm(BaseForm):
    """The words of an invitation."""

    message = LongTextField(
        "What the mail says", default=MESSAGE, validators=[Needed("Write what the mail is to say."), UpTo(1500)]
    )


class InviteManyForm(InviteForm):
    """An invitation to all that were chosen. `fewest` is the shortest time between two of them."""

    fewest = 1
    days = IntegerField(
        "Leave out those invited within this many days",
        validators=[
            Needed("Give a number of days, such as 90."),
            NumberRange(1, 3650, "Give a number of days, up to 3,650."),
        ],
    )

    def validate_days(self, field: IntegerField) -> None:
        """Called by WTForms once the number is one."""
        if (field.data or 0) < self.fewest:
            raise ValidationError(f"Give a number of days from {self.fewest} to 3,650.")


class ContactForm(BaseForm):
    """A call, meeting or letter, what was answered, and the next step."""

    way = RadioField(
        "How you spoke",
        choices={way.value: WAY_NAMES[way] for way in Way if way is not Way.MAIL},
        validators=[Needed("Choose how you spoke.")],
    )
    day = DayField("On", validators=[Needed("Give the day, such as 2027-03-31.")])
    note = LongTextField("What was said", validators=[Needed("Write what was said, in a line or two."), UpTo(2000)])
    answer = RadioField(
        "Their answer",
        choices={"": "None yet"} | {answer.value: ANSWER_NAMES[answer] for answer in Answer},
        default="",
    )
    ask_again_on = DayField("Ask again from", validators=[MayBeEmpty()])
    next_step = TextField("Next step", validators=[UpTo(200)])
    next_step_on = DayField("By", validators=[MayBeEmpty()])


class LinkForm(BaseForm):
    """The applicant or member that a prospect has become."""

    member = TextField(
        "Reference of the applicant or member",
        validators=[Needed("Give its reference, such as GM-0012."), UpTo(20)],
    )

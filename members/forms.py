"""Forms of joining, deciding on applications, and naming people."""

from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired

from fund.kernel.access import ORGANISATION_ROLES, Role
from fund.kernel.forms import BaseForm, LongTextField, Needed, TextField, UpTo
from fund.kernel.places import DISTRICTS
from members.accounts.fields import email_field
from members.models import Organisation
from members.rules import (
    CONTROL_NAMES,
    LEGAL_FORM_NAMES,
    REGISTERS,
    REGISTERS_TO_JOIN_BY,
    ROLE_NAMES,
    SECTOR_NAMES,
    TEST_NAMES,
    LegalForm,
    PublicControl,
    Register,
    Sector,
    SectorFacts,
    SocialTest,
    number_faults,
)

_ROLES = sorted(ORGANISATION_ROLES, key=lambda role: ROLE_NAMES[role])


class JoinForm(BaseForm):
    """An application: who you are, where, and whom we may write to."""

    name = TextField("Name of your organisation", validators=[Needed("Give the name of your organisation."), UpTo(200)])
    legal_form = SelectField(
        "What kind of organisation are you?",
        choices={"": "Choose one"} | {form.value: name for form, name in LEGAL_FORM_NAMES.items()},
        validators=[Needed("Choose what kind of organisation you are.")],
    )
    control = SelectMultipleField(
        "Does a council, the NHS or another public body control you?",
        choices={control.value: name for control, name in CONTROL_NAMES.items()},
    )
    tests = SelectMultipleField(
        "Which of these are true of you?",
        choices={test.value: name for test, name in TEST_NAMES.items()},
    )
    register = SelectField(
        "Which public register are you on?",
        choices={"": "Choose one"} | {register.value: REGISTERS[register].name for register in REGISTERS_TO_JOIN_BY},
        validators=[Needed("Choose a register, or say that you are on none.")],
    )
    register_number = TextField("Your number on that register", validators=[UpTo(30)])
    district = SelectField(
        "District where you mostly work",
        choices={"": "Choose one"} | {district.code: district.name for district in DISTRICTS},
        validators=[Needed("Choose the district where you mostly work.")],
    )
    address = LongTextField("Postal address", validators=[Needed("Give your postal address."), UpTo(500)])
    contact_name = TextField(
        "Name of the person we may write to", validators=[Needed("Give a person's name."), UpTo(100)]
    )
    contact_email = email_field("Their e-mail address", "Give their e-mail address.")
    agrees = BooleanField(
        "We share the fund's aim: the three sectors working together on what none can solve alone",
        validators=[InputRequired("Tick this if you share the aim. Only then can you join.")],
    )

    def validate_register_number(self, field: TextField) -> None:
        """The number's format is told together with every other fault."""
        if self.register.data in set(Register):
            field.errors = [
                *field.errors,
                *(fault.message for fault in number_faults(Register(self.register.data), field.data or "")),
            ]

    def facts(self) -> SectorFacts:
        """What the applicant says of itself, of a form that was found right."""
        return SectorFacts(
            LegalForm(self.legal_form.data),
            frozenset(PublicControl(value) for value in self.control.data or ()),
            frozenset(SocialTest(value) for value in self.tests.data or ()),
        )


class SectorForm(BaseForm):
    """A sector with its basis and evidence."""

    sector = RadioField(
        "Sector",
        choices={sector.value: SECTOR_NAMES[sector] for sector in Sector},
        validators=[Needed("Choose the sector.")],
    )
    basis = TextField("Basis", validators=[Needed("Say by which rule it belongs to this sector."), UpTo(300)])
    evidence = LongTextField(
        "Evidence", validators=[Needed("Say what you looked at, such as its entry on the register."), UpTo(2000)]
    )


class ApproveForm(SectorForm):
    """Admitting an applicant."""

    reasons = LongTextField("Reasons", validators=[Needed("Say why it is admitted."), UpTo(2000)])


class RefuseForm(BaseForm):
    """Turning an applicant away."""

    reasons = LongTextField("Reasons", validators=[Needed("Say why. The applicant reads your words."), UpTo(2000)])


class ConnectForm(BaseForm):
    """The other organisation of a connected group, by reference."""

    other = TextField(
        "Reference of the other organisation", validators=[Needed("Give its reference, such as GM-0012."), UpTo(20)]
    )


class AppointForm(BaseForm):
    """Whom to invite, to which role."""

    name = TextField("Name", validators=[Needed("Give the person's name."), UpTo(100)])
    email = email_field("E-mail address", "Give the person's e-mail address.")
    role = RadioField(
        "Role",
        choices={role.value: ROLE_NAMES[role] for role in _ROLES},
        validators=[Needed("Choose a role.")],
    )

    def chosen_role(self) -> Role:
        """The role, of a form that was found right."""
        return Role(self.role.data)


def approve_form(applicant: Organisation, *, empty: bool = False) -> ApproveForm:
    """The form of admission with what the rule proposes filled in; `empty` where another form of the page was sent."""
    proposed = {"sector": applicant.proposed_sector, "basis": applicant.proposed_reason}
    return ApproveForm(None, prefix="approve", data=proposed) if empty else ApproveForm(prefix="approve", data=proposed)


def joining_form(known: Organisation | None) -> JoinForm:
    """The form of joining; for one that was invited, filled in with what is known of it."""
    if known is None:
        return JoinForm()
    by_number = known.org_id is not None and known.register in REGISTERS_TO_JOIN_BY
    return JoinForm(
        data={
            "name": known.name,
            "legal_form": "" if known.legal_form is LegalForm.OTHER else known.legal_form.value,
            "register": known.register if by_number else "",
            "register_number": known.register_number if by_number else "",
            "district": known.district,
            "address": known.address,
            "contact_name": known.contact_name,
            "contact_email": known.contact_email,
        }
    )

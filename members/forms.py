"""Forms of joining, deciding on applications, and naming people."""

from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, ValidationError

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
    register_meant,
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
    register_number = TextField("Your number on a public register", validators=[UpTo(30)])
    register = SelectField(
        "Which register is it from?",
        choices={"": "The usual one for our kind"}
        | {register.value: REGISTERS[register].name for register in REGISTERS_TO_JOIN_BY},
    )
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

    def chosen_register(self) -> Register:
        """The register that was named, or the usual one for the kind of organisation."""
        if self.register.data:
            return Register(self.register.data)
        return register_meant(LegalForm(self.legal_form.data), self.register_number.data or "")

    def validate_register_number(self, field: TextField) -> None:
        """The number's format is told together with every other fault."""
        if self.legal_form.data in set(LegalForm) and self.register.data in {"", *Register}:
            faults = number_faults(self.chosen_register(), field.data or "")
            field.errors = [*field.errors, *(fault.message for fault in faults)]

    def validate_legal_form(self, field: SelectField) -> None:
        """Told before anything is sent."""
        if field.data == LegalForm.POLITICAL_PARTY:
            raise ValidationError("Political parties can't join the fund.")

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


class ConnectForm(BaseForm):
    """The other organisation of a connected group, by reference."""

    other = TextField(
        "Reference of the other organisation", validators=[Needed("Give its reference, such as GM-0012."), UpTo(20)]
    )
    reason = LongTextField(
        "Why they are connected", validators=[Needed("Say why, such as who controls both. It is kept."), UpTo(1000)]
    )


class DisconnectForm(BaseForm):
    """Taking an organisation out of its group."""

    reason = LongTextField(
        "Why it is no longer connected", validators=[Needed("Say what has changed. It is kept."), UpTo(1000)]
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

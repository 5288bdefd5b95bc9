"""Forms of deciding on applications, of keeping the registers, and of how a membership pauses and ends."""

from collections.abc import Sequence

from wtforms import BooleanField, HiddenField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired

from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, TextField, UpTo
from ledger.bank.models import StatementLine
from ledger.fields import MoneyField
from members.accounts.fields import email_field
from members.models import Organisation
from members.register.queries import PAGE
from members.register.rules import ENDINGS_BY_BOARD, EVENT_NAMES
from members.rules import SECTOR_NAMES, Sector


class CheckForm(BaseForm):
    """What a steward found, before the board decides."""

    identity = LongTextField(
        "How you checked who it is",
        validators=[Needed("Say how you checked who it is, such as its entry on the register."), UpTo(2000)],
    )
    sector = RadioField(
        "Sector",
        choices={sector.value: SECTOR_NAMES[sector] for sector in Sector},
        validators=[Needed("Choose the sector.")],
    )
    basis = TextField("Basis", validators=[Needed("Say by which rule it belongs to this sector."), UpTo(300)])
    evidence = LongTextField(
        "Evidence for the sector",
        validators=[Needed("Say what you looked at, such as its rules or its board."), UpTo(2000)],
    )
    connections = LongTextField(
        "Connected organisations",
        validators=[
            Needed("Say whether it is connected with another organisation, or that you found none."),
            UpTo(2000),
        ],
    )


class AdmitForm(BaseForm):
    """The board admits."""

    reasons = LongTextField("Reasons", validators=[Needed("Say why it is admitted."), UpTo(2000)])


class RefuseForm(BaseForm):
    """The board refuses."""

    reasons = LongTextField("Reasons", validators=[Needed("Say why. The applicant reads your words."), UpTo(2000)])


class SendBackForm(BaseForm):
    """The board asks the steward to look again."""

    reasons = LongTextField("What to look at again", validators=[Needed("Say what to look at again."), UpTo(2000)])


class AppealForm(BaseForm):
    """Why a general meeting should decide otherwise."""

    grounds = LongTextField(
        "Why should the members decide otherwise?",
        validators=[Needed("Say why the members should decide otherwise. They read your words."), UpTo(4000)],
    )


class AppealDecisionForm(BaseForm):
    """What the meeting decided on an appeal."""

    outcome = RadioField(
        "What did the meeting decide?",
        choices={"allowed": "It is admitted", "dismissed": "It stays refused"},
        validators=[Needed("Choose what the meeting decided.")],
    )
    met_on = DayField("Day of the meeting", validators=[Needed("Give the day of the meeting.")])
    resolution = TextField(
        "Resolution", validators=[Needed("Give the reference of the resolution, such as GM 2027/4."), UpTo(60)]
    )
    reasons = LongTextField("Reasons", validators=[Needed("Give the meeting's reasons."), UpTo(2000)])


class PaidForm(BaseForm):
    """When a share was paid for."""

    line = SelectField("The bank's line that brought it", coerce=int, validate_choice=False)
    paid_on = DayField("Paid on", validators=[Needed("Give the day on which the money came.")])

    def offer(self, lines: Sequence[StatementLine]) -> None:
        """Lines of just the share's value, and none."""
        none = (0, "None: it came in another way, such as cash")
        self.line.choices = [none, *((line.id, line.in_words) for line in lines)]


class AddressForm(BaseForm):
    """An officer's address."""

    address = LongTextField("Address for the register", validators=[Needed("Give an address."), UpTo(500)])


class EntryForm(BaseForm):
    """A member's addresses, as the register has them."""

    address = LongTextField("Postal address", validators=[Needed("Give the postal address."), UpTo(500)])
    contact_name = TextField("Name of the contact", validators=[Needed("Give a person's name."), UpTo(100)])
    contact_email = email_field("Electronic address", "Give the e-mail address.")


class PropertyForm(BaseForm):
    """Other property of a member in the society."""

    description = TextField(
        "What it is", validators=[Needed("Say what it is, such as “Loan of 4 May 2027”."), UpTo(200)]
    )
    amount = MoneyField("Amount", validators=[Needed("Give the amount in pounds.")])
    held_from = DayField("Held from", validators=[Needed("Give the first day.")])


class LeaveForm(BaseForm):
    """A member leaves."""

    effective_on = DayField("The membership ends on", validators=[Needed("Give the day.")])
    reasons = LongTextField("Why you leave", validators=[UpTo(2000)])
    understood = BooleanField(
        "I may decide this for my organisation, and I have read what happens then",
        validators=[InputRequired("Tick this once you have read what happens then.")],
    )


class SuspendForm(BaseForm):
    """The board pauses a membership."""

    from_on = DayField("First day", validators=[Needed("Give the first day.")])
    until_on = DayField("Last day", validators=[Needed("Give the last day.")])
    reasons = LongTextField("Reasons", validators=[Needed("Say why. The member reads your words."), UpTo(2000)])


class LiftForm(BaseForm):
    """The board ends a suspension early."""

    reasons = LongTextField("Reasons", validators=[Needed("Say why it is lifted. The member reads it."), UpTo(2000)])


class NoticeForm(BaseForm):
    """Notice of an expulsion."""

    meeting_on = DayField("Day of the general meeting", validators=[Needed("Give the day of the meeting.")])
    reasons = LongTextField("Reasons", validators=[Needed("Say why. The member reads your words."), UpTo(4000)])


class HearingForm(BaseForm):
    """What the member said about an expulsion."""

    heard = LongTextField(
        "What the member said",
        validators=[Needed("Write down what it said, or that it chose not to speak."), UpTo(4000)],
    )


class ExpulsionForm(BaseForm):
    """What the meeting decided on an expulsion."""

    outcome = RadioField(
        "What did the meeting decide?",
        choices={"carried": "To expel the member", "dropped": "Not to expel it"},
        validators=[Needed("Choose what the meeting decided.")],
    )
    decided_on = DayField("Day of the decision", validators=[Needed("Give the day of the decision.")])
    resolution = TextField(
        "Special resolution",
        validators=[Needed("Give the reference of the special resolution, such as SR 2027/1."), UpTo(60)],
    )


class EndForm(BaseForm):
    """The board finds that a membership has ended."""

    kind = RadioField(
        "What happened?",
        choices={kind.value: EVENT_NAMES[kind] for kind in ENDINGS_BY_BOARD},
        validators=[Needed("Choose what happened.")],
    )
    reasons = LongTextField("Reasons", validators=[Needed("Say how you know. The member reads it."), UpTo(2000)])


class ExistingSharesForm(BaseForm):
    """Shares of members that joined before shares were kept here: who was shown, and who has paid."""

    shown = HiddenField(validators=[Needed("Open the page again, so that you see whose shares are entered.")])
    paid = SelectMultipleField("Whose shares were paid for when they joined?")

    def show(self, found: Sequence[Organisation]) -> None:
        """Show these members, and offer those whom a sent form was about."""
        if not self.is_submitted():
            self.shown.data = " ".join(one.reference for one in found)
        names = {one.reference: f"{one.name} ({one.reference})" for one in found}
        self.paid.choices = [(one, names.get(one, one)) for one in self.references()]

    def references(self) -> list[str]:
        """The members that were shown."""
        return (self.shown.data or "").split()[:PAGE]

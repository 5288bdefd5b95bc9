"""Forms of changing a setting and of its steps."""

from wtforms import HiddenField, RadioField, SelectField

from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, TextField, UpTo
from fund.kernel.settings.shape import SettingSpec, Tier, Value, ValueKind, as_typed
from fund.rulebook.rules import WAYS, Matter, has_text

LONGEST_BODY = 100_000


class ChangeForm(BaseForm):
    """What every change is asked for; `change_form` adds the value."""

    reason = LongTextField("Why it is changed", validators=[UpTo(2000)])
    resolution = TextField("Decided by", validators=[UpTo(300)])
    resolution_link = TextField("Address of the resolution", validators=[UpTo(500)])
    seen = HiddenField()

    def seen_id(self) -> int:
        """The newest value that the page showed."""
        written = str(self.seen.data or "")
        return int(written) if written.isascii() and written.isdecimal() and len(written) < 19 else -1


def change_form(spec: SettingSpec, present: Value, versions: list[str], seen: int) -> ChangeForm:
    """The form for a setting: its field fits the kind of value, and holds the present one at first."""

    class Form(ChangeForm):
        value = _field(spec, versions)

    if has_text(spec):
        Form.body = LongTextField("Text of this version", validators=[UpTo(LONGEST_BODY)])
    if spec.tier is not Tier.RULES:
        Form.effective_on = DayField("First day on which it holds")
    form = Form(data={"value": as_typed(spec, present), "seen": seen})
    if spec.tier is not Tier.RULES:
        form.resolution.label.text = f"Reference of the {WAYS[spec.tier].proof}"
    return form


def _field(spec: SettingSpec, versions: list[str]) -> RadioField | SelectField | LongTextField | TextField:
    needed = [Needed("Give the new value.")]
    match spec.kind:
        case ValueKind.CHOICE:
            return RadioField("New value", choices=dict(spec.choices or {}), validators=needed)
        case ValueKind.YES_NO:
            return RadioField("New value", choices={"yes": "Yes", "no": "No"}, validators=needed)
        case ValueKind.VERSION if not has_text(spec):
            return SelectField("New value", choices={one: one for one in versions}, validators=needed)
        case ValueKind.LINES | ValueKind.TEXT:
            return LongTextField("New value", validators=[*needed, UpTo(5000)])
        case _:
            return TextField("New version" if has_text(spec) else "New value", validators=[*needed, UpTo(200)])


class StepForm(BaseForm):
    """A step of a change of the rules: when it happened, and what shows it."""

    happened_on = DayField("Day", validators=[Needed("Give the day on which it happened.")])
    evidence = LongTextField("What shows it", validators=[Needed("Say what shows it."), UpTo(2000)])


class ReasonForm(BaseForm):
    """Why a change goes back or is withdrawn."""

    reason = LongTextField("Reason", validators=[Needed("Say why. Everybody can read it."), UpTo(2000)])


def clauses_form(matters: tuple[Matter, ...], held: dict[str, str]) -> BaseForm:
    """A line for each matter that the rules must cover."""

    class Form(BaseForm):
        pass

    for matter in matters:
        setattr(Form, matter.code, TextField(matter.title, validators=[UpTo(100)]))
    return Form(data=held)

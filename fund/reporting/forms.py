"""Forms of reports: shape only; what a value or a consent must be is in `rules.py`."""

from collections.abc import Sequence
from typing import Any

from wtforms import BooleanField, RadioField, SelectField
from wtforms.validators import InputRequired, Optional, ValidationError

from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, TextField, UpTo
from fund.kernel.places import DISTRICTS
from fund.reporting.models import Measure
from fund.reporting.rules import (
    NOTE_LIMIT,
    REASON_LIMIT,
    STORY_LIMIT,
    WORDS_LIMIT,
    Basis,
    Consent,
    ConsentHow,
    Voice,
    consent_missing,
    parse_value,
    relation_missing,
)

_PLACES = {"": "Greater Manchester as a whole"} | {place.code: place.name for place in DISTRICTS}
_BASES = {
    Basis.COUNTED.value: "Counted: we counted each one",
    Basis.SAMPLED.value: "Sampled: we asked or checked some, and worked it out from them",
    Basis.ESTIMATED.value: "Estimated: our best guess, with reasons in the note",
}
_SHARES = {"100": "All of it, or nearly", "75": "Most of it", "50": "About half", "25": "Some of it"}
_VOICES = {
    Voice.OWN_WORDS.value: "The person tells it in their own words",
    Voice.TOLD_BY_ANOTHER.value: "Somebody else tells it",
}
_HOW = {
    "": "Choose one",
    ConsentHow.SIGNED_FORM.value: "They signed a form",
    ConsentHow.WRITTEN_MESSAGE.value: "They wrote to say so",
    ConsentHow.RECORDED_VOICE.value: "They said so in a recording",
    ConsentHow.SAID_TO_WORKER.value: "They said so to somebody, who noted it",
}


class ReadingForm(BaseForm):
    """One number."""

    value = TextField("The number", validators=[Needed("Write the number. Nought is a good answer.")])
    basis = RadioField("How do you know?", choices=_BASES, validators=[InputRequired("Choose how you know.")])
    attribution = SelectField("How much of this is down to your work?", choices=_SHARES, default="100")
    district = SelectField("Where is it about?", choices=_PLACES)
    note = LongTextField("Note", validators=[UpTo(NOTE_LIMIT)])

    measure: Measure

    def validate_value(self, field: TextField) -> None:
        """Whether the number can be read, so that this fault shows with the others."""
        try:
            parse_value(field.data or "", self.measure.kind, self.measure.decimals)
        except ValueError as fault:
            raise ValidationError(str(fault)) from None


class StoryForm(BaseForm):
    """One story, with the consent it stands on."""

    title = TextField("A title", validators=[Needed("Give the story a title of a few words."), UpTo(120)])
    before = LongTextField(
        "What was it like before?", validators=[Needed("Say what it was like before."), UpTo(STORY_LIMIT)]
    )
    changed = LongTextField("What changed?", validators=[Needed("Say what changed."), UpTo(STORY_LIMIT)])
    matters = LongTextField(
        "Why does that matter?", validators=[Needed("Say why it matters to the person."), UpTo(STORY_LIMIT)]
    )
    voice = RadioField(
        "Whose words are these?", choices=_VOICES, validators=[InputRequired("Say whose words these are.")]
    )
    relation = TextField("If somebody else tells it, who?", validators=[UpTo(120)])
    district = SelectField("Where did it happen?", choices=_PLACES)
    use_fund = BooleanField("The fund's own people may read it")
    use_members = BooleanField("Members of the fund may read it")
    use_public = BooleanField("Anyone may read it on the fund's website")
    use_press = BooleanField("The fund may pass it to the press and put it on social media")
    consent_by = TextField("Who agreed?", validators=[UpTo(120)])
    consent_how = SelectField("How did they agree?", choices=_HOW)
    named = BooleanField("They want to be named")
    shown_name = TextField("Name as they want it shown", validators=[UpTo(120)])
    review_on = DayField("Ask them again by", validators=[Optional()])

    def validate(self, extra_validators: Any = None) -> bool:
        """Shape and rules together, so that all faults show at once."""
        shaped = super().validate(extra_validators)
        voice = Voice(self.voice.data) if self.voice.data in list(Voice) else None
        findings = [*relation_missing(voice, self.relation.data or ""), *consent_missing(self.consent())]
        self.add_findings(tuple(findings))
        return shaped and not findings

    def consent(self) -> Consent:
        """What was ticked and written about consent."""
        how = self.consent_how.data
        return Consent(
            by=self.consent_by.data or "",
            how=ConsentHow(how) if how in list(ConsentHow) else None,
            fund=bool(self.use_fund.data),
            members=bool(self.use_members.data),
            public=bool(self.use_public.data),
            press=bool(self.use_press.data),
            named=bool(self.named.data),
            shown_name=self.shown_name.data or "",
            review_on=self.review_on.data,
        )


class WhyNoneForm(BaseForm):
    """Why there is no number, or no story."""

    reason = LongTextField("Why is there none this time?", validators=[UpTo(REASON_LIMIT)])


class SendForm(BaseForm):
    """Sending a report in."""

    unwanted_change = LongTextField("What changed that you did not want or expect?", validators=[UpTo(WORDS_LIMIT)])


class QueryForm(BaseForm):
    """A question to the writers of a report."""

    words = LongTextField(
        "Your question", validators=[Needed("Write the question, and what would answer it."), UpTo(WORDS_LIMIT)]
    )


class AcceptForm(BaseForm):
    """Acceptance of a report, always with feedback."""

    words = LongTextField(
        "Your feedback",
        validators=[Needed("Write a sentence or two: what you learned, and what happens next."), UpTo(WORDS_LIMIT)],
    )


class CodeForm(BaseForm):
    """A withdraw code, from its card."""

    code = TextField("The code on your card", validators=[Needed("Type the code from your card."), UpTo(40)])


def measures_form(measures: Sequence[Measure], chosen: dict[int, tuple[str, str]]) -> BaseForm:
    """The form to choose measures: for each a tick, today's figure and the hope.

    Args:
        chosen: measure id → (baseline, intention) of those chosen already.
    """
    fields: dict[str, Any] = {}
    for measure in measures:
        baseline, intention = chosen.get(measure.id, ("", ""))
        fields[f"chosen_{measure.id}"] = BooleanField(measure.title, default=measure.id in chosen)
        fields[f"baseline_{measure.id}"] = TextField("How things stand today", default=baseline, validators=[UpTo(24)])
        fields[f"intention_{measure.id}"] = TextField("What you hope for", default=intention, validators=[UpTo(24)])
    form: BaseForm = type("MeasuresForm", (BaseForm,), fields)()
    return form

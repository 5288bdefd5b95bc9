"""Forms: shape and types."""

from typing import Any

from wtforms import HiddenField, RadioField, SelectField
from wtforms.validators import StopValidation

from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, TextField, UpTo
from proposals.assessment.rules import ASKED, GATE_CODES, OUTCOMES, SCORES
from proposals.assessment.service import Judgement
from proposals.evidence.words import LEVELS

NONE, SOME = "none", "some"


class Shown:
    """The value must be one of those that the page showed."""

    def __call__(self, form: object, field: Any) -> None:
        if field.data and field.data not in field.choices:
            raise StopValidation("Choose one of the answers shown.")


class DeclarationForm(BaseForm):
    """Interests, before anything else. "None" is an answer."""

    link = RadioField(
        "Do you have a link to this proposal or to anybody in it?",
        choices={NONE: "No, none", SOME: "Yes"},
        validate_choice=False,
        validators=[Needed("Say whether you have a link. “None” is an answer."), Shown()],
    )
    what = LongTextField("If so, what is the link?", validators=[UpTo(1000)])

    def validate_what(self, field: LongTextField) -> None:
        if self.link.data == SOME and not field.data:
            raise StopValidation("Say in a few words what the link is.")

    def conflict(self) -> str:
        """What was declared; "" for none."""
        return (self.what.data or "") if self.link.data == SOME else ""


class AssessmentForm(BaseForm):
    """Scores and reasons. What must be complete is the service's business: a draft need not be."""

    found_level = SelectField(
        "Which level of co-production does the evidence show?",
        choices={"": "Choose a level", **{str(n): f"{n} {name}: {test}" for n, (name, test) in enumerate(LEVELS)}},
        validate_choice=False,
        validators=[Shown()],
    )
    seen = HiddenField()

    @property
    def revision(self) -> int:
        """The revision that the page showed; anything else than a number is a page too old to trust."""
        text = str(self.seen.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else -1

    def judgement(self) -> Judgement:
        """What was written so far."""
        return Judgement(
            scores={code: _number(self[f"{code}_score"].data) for code in GATE_CODES},
            reasons={code: self[f"{code}_reasons"].data or "" for code in GATE_CODES},
            found_level=_number(self.found_level.data),
        )


def _number(text: str | None) -> int | None:
    return int(text) if text else None


for _code in GATE_CODES:
    setattr(
        AssessmentForm,
        f"{_code}_score",
        RadioField(
            f"Your score for {ASKED[_code][0].lower()}",
            choices={str(score): label for score, label in enumerate(SCORES)},
            validate_choice=False,
            validators=[Shown()],
        ),
    )
    setattr(
        AssessmentForm,
        f"{_code}_reasons",
        LongTextField(f"Your reasons for {ASKED[_code][0].lower()}", validators=[UpTo(2000)]),
    )


class ModerationForm(BaseForm):
    """A talk about scores that don't pass."""

    held_on = DayField("On which day did you talk?", validators=[Needed("Give the day on which you talked.")])
    took_part = TextField("Who took part?", validators=[Needed("Name who took part."), UpTo(500)])
    notes = LongTextField("What was said?", validators=[Needed("Write what was said."), UpTo(4000)])
    outcome = RadioField(
        "What did it come to?",
        choices={key.value: label for key, label in OUTCOMES.items()},
        validate_choice=False,
        validators=[Needed("Choose what the talk came to."), Shown()],
    )

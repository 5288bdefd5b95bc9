"""Forms: shape and types. What is allowed is the services' business."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField
from wtforms.validators import StopValidation, ValidationError

from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, TextField, UpTo
from proposals.evidence.service import Activity, Claim
from proposals.evidence.words import (
    CHANGED,
    DECISIONS,
    LEVELS,
    LEVER_NAMES,
    OFFERED,
    PHASE_QUESTIONS,
    TOOK_PART,
    VERDICTS,
    WHO_ANSWERS,
    LeverKind,
    Phase,
)

SHORT, LONG = 200, 1000


class CountField(IntegerField):
    """A whole number from 0, written with or without commas; empty is 0."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        written = str(valuelist[0]).strip().replace(",", "") if valuelist else ""
        self.data = 0
        if not written:
            return
        if not (written.isascii() and written.isdigit() and len(written) <= 9):
            self.data = None
            raise ValueError("Write a whole number, such as 12.")
        self.data = int(written)


class Shown:
    """The value must be one of those that the page showed; nothing chosen is for `Needed` to speak of."""

    def __call__(self, form: object, field: Any) -> None:
        if field.data and field.data not in field.choices:
            raise StopValidation("Choose one of the answers shown.")


class SeenForm(BaseForm):
    """A form that remembers the revision of what its page showed."""

    seen = HiddenField()

    @property
    def revision(self) -> int:
        """That revision; anything else than a number is a page too old to trust."""
        text = str(self.seen.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else -1


class ActivityForm(SeenForm):
    """One engagement activity."""

    on = DayField("On which day was it?", validators=[Needed("Give the day on which it happened.")])
    method = TextField("What did you do together?", validators=[Needed("Say what you did together."), UpTo(SHORT)])
    place = TextField("Where was it?", validators=[Needed("Say where it was, or how you met."), UpTo(SHORT)])
    people = CountField("How many of the people to be supported spoke?", default=0)
    carers = CountField("How many of their carers or relatives spoke?", default=0)
    staff = CountField("How many staff or professionals spoke?", default=0)

    def activity(self) -> Activity:
        """What was written; call on a form that validates."""
        return Activity(
            self.on.data or date.min,
            self.method.data or "",
            self.place.data or "",
            self.people.data or 0,
            self.carers.data or 0,
            self.staff.data or 0,
        )


class PairForm(SeenForm):
    """Something heard and what was changed because of it."""

    heard = LongTextField("What did you hear?", validators=[Needed("Write what you heard."), UpTo(LONG)])
    changed = LongTextField(
        "What did you change because of it?", validators=[Needed("Write what you changed."), UpTo(LONG)]
    )


LADDER = {str(level): f"{level} {name}: {test}" for level, (name, test) in enumerate(LEVELS)}


class PhaseForm(SeenForm):
    """A level for each phase. Fields are named "define-level" and "define-evidence" and so on."""

    def claims(self) -> dict[Phase, Claim]:
        """What was claimed, by phase."""
        return {
            phase: Claim(
                int(self[f"{phase}-level"].data) if self[f"{phase}-level"].data else None,
                self[f"{phase}-evidence"].data or "",
            )
            for phase in Phase
        }


for _phase in Phase:
    setattr(
        PhaseForm,
        f"{_phase}-level",
        SelectField(
            PHASE_QUESTIONS[_phase],
            choices={"": "Not claimed yet", **LADDER},
            validate_choice=False,
            validators=[Shown()],
        ),
    )
    setattr(
        PhaseForm,
        f"{_phase}-evidence",
        LongTextField(f"What shows it? ({PHASE_QUESTIONS[_phase].lower()})", validators=[UpTo(LONG)]),
    )


class CardRequestForm(BaseForm):
    """The lead asks for cards."""

    cards = CountField("How many people should get a card?", validators=[Needed("Give the number of cards.")])
    where = LongTextField(
        "Where and when can the fund meet them, or who can hand the cards out?",
        validators=[Needed("Say how the cards can reach people."), UpTo(LONG)],
    )


class LeverForm(SeenForm):
    """Something in the system that will be different."""

    kind = SelectField(
        "What kind of thing will be different?",
        choices={"": "Choose one", **{kind.value: LEVER_NAMES[kind] for kind in LeverKind}},
        validate_choice=False,
        validators=[Needed("Choose what kind of thing will be different."), Shown()],
    )
    today = LongTextField("How is it today?", validators=[Needed("Say how it is today."), UpTo(LONG)])
    after = LongTextField("How will it be afterwards?", validators=[Needed("Say how it will be."), UpTo(LONG)])
    owner = SelectField(
        "Which partner is able to make this change?", choices={}, validate_choice=False, validators=[Shown()]
    )


class ConfirmLeverForm(BaseForm):
    """The owner's own word. `terms` are those that the page showed."""

    terms = HiddenField()


# --- attestation


class CodeForm(BaseForm):
    """The code on a card."""

    code = TextField("Your code", validators=[Needed("Type the code from your card."), UpTo(40)])


def _said(words: Mapping[Any, str]) -> dict[str, str]:
    return {key.value: label for key, label in words.items()}


class AnswersForm(SeenForm):
    """The five taps, and what somebody may add."""

    who = RadioField(
        "Who is answering?",
        choices=_said(WHO_ANSWERS),
        default="myself",
        validate_choice=False,
        validators=[Needed("Tap who is answering."), Shown()],
    )
    took_part = RadioField(
        "Did you take part?",
        choices=_said(TOOK_PART),
        validate_choice=False,
        validators=[Needed("Tap whether you took part."), Shown()],
    )
    changed = RadioField(
        "Did what you said change the plan?",
        choices=_said(CHANGED),
        validate_choice=False,
        validators=[Needed("Tap one answer about the plan."), Shown()],
    )
    decisions = RadioField(
        "Could you see or join decisions?",
        choices=_said(DECISIONS),
        validate_choice=False,
        validators=[Needed("Tap one answer about decisions."), Shown()],
    )
    offered = RadioField(
        "Were you offered expenses or payment?",
        choices=_said(OFFERED),
        validate_choice=False,
        validators=[Needed("Tap one answer about expenses."), Shown()],
    )
    verdict = RadioField(
        "Do you agree with what they say?",
        choices=_said(VERDICTS),
        validate_choice=False,
        validators=[Needed("Tap whether you agree or disagree."), Shown()],
    )
    told = LongTextField("Is there anything you want to tell the fund?", validators=[UpTo(2000)])
    concern = BooleanField("Somebody is being harmed or may be at risk: show this only to the safeguarding lead")
    reach_me = TextField("How can the safeguarding lead reach you?", validators=[UpTo(SHORT)])


class IssueForm(BaseForm):
    """A steward makes cards."""

    cards = CountField("How many cards?", validators=[Needed("Give the number of cards.")])
    help_phone = TextField(
        "Which phone number can people ring for help?",
        validators=[Needed("Give a phone number that somebody answers."), UpTo(40)],
    )

    def validate_help_phone(self, field: TextField) -> None:
        if sum(sign.isdigit() for sign in field.data or "") < 5:
            raise ValidationError("Give a phone number, such as 0161 496 0000.")


class NoteForm(BaseForm):
    """A few words for the record."""

    note = LongTextField("What was done, and why?", validators=[Needed("Write what was done, and why."), UpTo(2000)])

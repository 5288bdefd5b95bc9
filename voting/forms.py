"""Forms of ballots: shape only."""

from datetime import datetime, time
from typing import Any

from wtforms import RadioField, SelectField, SelectMultipleField
from wtforms.validators import ValidationError

from fund.kernel.clock import LONDON
from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, UpTo
from voting.methods.resolution import Choice
from voting.rules import CHOICE_NAMES

_OPENING_HOURS = {"00": "midnight, as the day begins", "09": "9am", "12": "midday"}
_CLOSING_HOURS = {"12": "midday", "17": "5pm", "20": "8pm"}

LONGEST_REASON = 1000


class NoticeForm(BaseForm):
    """When a ballot opens and closes."""

    opens_on = DayField("On which day does voting open?", validators=[Needed("Give the day on which voting opens.")])
    opens_hour = SelectField("At what time does it open?", choices=_OPENING_HOURS, default="09")
    closes_on = DayField("On which day does voting close?", validators=[Needed("Give the day on which voting closes.")])
    closes_hour = SelectField("At what time does it close?", choices=_CLOSING_HOURS, default="17")

    @property
    def opens_at(self) -> datetime:
        """The opening as an instant."""
        return _instant(self.opens_on.data, self.opens_hour.data)

    @property
    def closes_at(self) -> datetime:
        """The closing as an instant."""
        return _instant(self.closes_on.data, self.closes_hour.data)


def _instant(day: Any, hour: str) -> datetime:
    return datetime.combine(day, time(int(hour)), tzinfo=LONDON)


NONE, SOME = "none", "some"


class ConflictForm(BaseForm):
    """A voter's answer about conflicts of interest. The choices of `items` are given when it is made."""

    answer = RadioField(
        "Do you, or your organisation, have a conflict of interest in any of these decisions?",
        choices={NONE: "No, none", SOME: "Yes, in those ticked below"},
        validators=[Needed("Say whether there is a conflict of interest. “None” is an answer too.")],
    )
    items = SelectMultipleField("Which decisions?", coerce=int)
    note = LongTextField("What is the interest?", validators=[UpTo(LONGEST_REASON)])

    def validate_answer(self, field: Any) -> None:
        if field.data == NONE and self.items.data:
            raise ValidationError("You said “none” but ticked a decision. Untick it, or choose “yes”.")

    def validate_items(self, field: Any) -> None:
        if self.answer.data == SOME and not field.data:
            raise ValidationError("Tick each decision in which there is a conflict of interest.")

    def validate_note(self, field: Any) -> None:
        if self.answer.data == SOME and not field.data:
            raise ValidationError("Say in a few words what the interest is. Only the secretary sees this.")

    @property
    def chosen(self) -> list[int]:
        """Ids of the items with a conflict; none for "none"."""
        return list(self.items.data or []) if self.answer.data == SOME else []


class VoteForm(BaseForm):
    """A vote on one item. The choice comes from the button that is pressed."""

    reason = LongTextField("Why?", validators=[UpTo(LONGEST_REASON)])
    choice = RadioField(
        "Your organisation's vote",
        choices={choice.value: CHOICE_NAMES[choice] for choice in Choice},
        validators=[Needed("Press For, Against or Abstain.")],
    )


class VoidForm(BaseForm):
    """Why a ballot should be void."""

    reasons = LongTextField(
        "Why should this ballot be void?",
        validators=[Needed("Give the reasons. Members will read them."), UpTo(LONGEST_REASON)],
    )

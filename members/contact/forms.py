"""Forms of choosing how to hear from the fund."""

from collections.abc import Mapping

from wtforms import RadioField, StringField
from wtforms.validators import AnyOf

from fund.kernel.forms import BaseForm, Needed
from fund.kernel.topics import CHOICES, KINDS, Mode, Topic
from members.contact.rules import MODE_NAMES


class ChoicesForm(BaseForm):
    """One question for each kind that may be had in more than one way."""

    def modes(self) -> dict[Topic, Mode]:
        """What was chosen, by kind."""
        return {topic: Mode(self[topic.value].data) for topic in CHOICES if topic.value in self}


def choices_form(present: Mapping[Topic, Mode]) -> ChoicesForm:
    """The form, showing how each kind is had now."""

    class Form(ChoicesForm):
        pass

    for topic in CHOICES:
        kind = KINDS[topic]
        if not kind.is_urgent:
            field = RadioField(
                kind.name,
                choices={mode.value: MODE_NAMES[mode] for mode in kind.modes},
                default=present[topic].value,
                validators=[Needed(f"Choose how you want “{kind.name}”.")],
            )
            setattr(Form, topic.value, field)
    return Form()


class ByLinkForm(BaseForm):
    """Buttons, each for one way of having the messages of a link; `mode` is the button that was pressed."""

    mode = StringField(validators=[AnyOf(list(Mode), message="Press one of the buttons on this page.")])

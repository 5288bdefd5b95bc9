"""Forms about personal data."""

from wtforms import RadioField, SelectField

from fund.kernel.forms import BaseForm, LongTextField, Needed, TextField, UpTo
from fund.privacy.queries import WISH_NAMES
from fund.privacy.rules import LONGEST_NAME, LONGEST_WORDS
from members.accounts.fields import email_field


class NameForm(BaseForm):
    """One's own name."""

    name = TextField("Your name", validators=[Needed("Write your name."), UpTo(LONGEST_NAME)])


class CorrectionForm(BaseForm):
    """What is wrong, in one's own words."""

    words = LongTextField(
        "What is wrong, and what is right", validators=[Needed("Say what to correct."), UpTo(LONGEST_WORDS)]
    )


class ErasureForm(BaseForm):
    """Anything that the office should know; nobody has to give a reason."""

    words = LongTextField("Anything we should know", validators=[UpTo(LONGEST_WORDS)])


class WriteDownForm(BaseForm):
    """What somebody asked by letter, by phone or in person."""

    email = email_field("Their e-mail address", "Give the e-mail address of their account.")
    wish = SelectField(
        "What they ask",
        choices={"": "Choose one"} | {wish.value: name for wish, name in WISH_NAMES.items()},
        validators=[Needed("Choose what they ask.")],
    )
    words = LongTextField(
        "What they said, and how you know who they are",
        validators=[Needed("Say how you know who they are."), UpTo(LONGEST_WORDS)],
    )


class AnswerForm(BaseForm):
    """Yes or no, and why."""

    agreed = RadioField(
        "Your answer",
        choices={"yes": "Yes, done or to be done", "no": "No"},
        validators=[Needed("Choose yes or no.")],
    )
    reasons = LongTextField(
        "What was done, or why not", validators=[Needed("Say it in a sentence or two."), UpTo(LONGEST_WORDS)]
    )

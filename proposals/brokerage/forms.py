"""Forms of requests for partners and answers to them: shape only."""

from wtforms import SelectMultipleField

from fund.kernel.forms import BaseForm, LongTextField, Needed, TextField, UpTo
from fund.kernel.places import DISTRICT_NAMES
from members.profile.rules import INTERESTS
from proposals.brokerage.rules import LONGEST_CONTACT, LONGEST_MESSAGE, LONGEST_NEED, LONGEST_TITLE, Words


class RequestForm(BaseForm):
    """The words that members will see."""

    title = TextField("Title", validators=[Needed("Give a title that members understand."), UpTo(LONGEST_TITLE)])
    need = LongTextField("What you look for", validators=[Needed("Say what you look for."), UpTo(LONGEST_NEED)])
    districts = SelectMultipleField("Where the work is", choices=DISTRICT_NAMES)
    interests = SelectMultipleField("What it is about, and what would help", choices=INTERESTS)

    def words(self) -> Words:
        """The words, of a form that was found right."""
        return Words(
            title=self.title.data or "",
            need=self.need.data or "",
            districts=frozenset(self.districts.data or ()),
            interests=frozenset(self.interests.data or ()),
        )


def request_form(words: Words) -> RequestForm:
    """The form with the words that it begins with."""
    return RequestForm(
        data={
            "title": words.title,
            "need": words.need,
            "districts": sorted(words.districts),
            "interests": sorted(words.interests),
        }
    )


class ReplyForm(BaseForm):
    """A private answer."""

    message = LongTextField(
        "Your message",
        validators=[Needed("Say in a sentence why you may be interested."), UpTo(LONGEST_MESSAGE)],
    )
    contact = TextField("Your contact, to be exchanged for theirs", validators=[UpTo(LONGEST_CONTACT)])


class ContactForm(BaseForm):
    """The lead's contact, in exchange."""

    contact = TextField(
        "Your contact", validators=[Needed("Give a name and how to reach that person."), UpTo(LONGEST_CONTACT)]
    )


class DeclineForm(BaseForm):
    """A kind no."""

    note = LongTextField("Your own words", validators=[UpTo(LONGEST_MESSAGE)])

"""Forms of a profile and of an accreditation: shape only."""

from wtforms import BooleanField, HiddenField, SelectField, SelectMultipleField

from fund.kernel.forms import ActionForm, BaseForm, DayField, LongTextField, Needed, TextField, UpTo
from members.profile.models import Accreditation, Profile
from members.profile.rules import (
    CAUSES,
    KNOWN_ACCREDITATIONS,
    LONGEST_TEXT,
    LONGEST_WEBSITE,
    OFFERS,
    Description,
    Details,
)


def revision(field: HiddenField) -> int:
    """The revision that a page showed; one that nobody could have seen where it was tampered with."""
    text = str(field.data or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


class ProfileForm(BaseForm):
    """What an organisation says of itself."""

    seen = HiddenField()
    causes = SelectMultipleField("What do you care about?", choices=CAUSES)
    offers_kinds = SelectMultipleField("What could you bring to a proposal?", choices=OFFERS)
    offers = LongTextField("What we can offer, in your words", validators=[UpTo(LONGEST_TEXT)])
    seeks = LongTextField("What we look for", validators=[UpTo(LONGEST_TEXT)])
    networks = LongTextField("Networks we belong to", validators=[UpTo(LONGEST_TEXT)])
    website = TextField("Website", validators=[UpTo(LONGEST_WEBSITE)])
    wants_requests = BooleanField("Write to us when a proposal looks for a partner like us")

    def said(self) -> Description:
        """The description, of a form that was found right."""
        return Description(
            offers=self.offers.data or "",
            seeks=self.seeks.data or "",
            website=self.website.data or "",
            networks=self.networks.data or "",
            interests=frozenset([*(self.causes.data or ()), *(self.offers_kinds.data or ())]),
            wants_requests=bool(self.wants_requests.data),
        )


def profile_form(found: Profile | None, interests: list[str]) -> ProfileForm:
    """The form with what was said before."""
    data: dict[str, object] = {"seen": "0", "causes": interests, "offers_kinds": interests}
    if found is not None:
        data |= {
            "seen": str(found.revision),
            "offers": found.offers,
            "seeks": found.seeks,
            "networks": found.networks,
            "website": found.website,
            "wants_requests": found.wants_requests,
        }
    return ProfileForm(data=data)


class AccreditationForm(BaseForm):
    """An accreditation that another body gave."""

    seen = HiddenField()
    known = SelectField(
        "Accreditation", choices={"": "Another one, named below"} | {name: name for name in KNOWN_ACCREDITATIONS}
    )
    other = TextField("Its name, if it is not in the list", validators=[UpTo(120)])
    issued_by = TextField("Who gave it", validators=[Needed("Say who gave it to you."), UpTo(120)])
    number = TextField("Its number", validators=[UpTo(80)])
    link = TextField("A link where it can be checked", validators=[UpTo(LONGEST_WEBSITE)])
    valid_from = DayField("Valid from")
    valid_until = DayField("Valid until")
    evidence = LongTextField("Note on the evidence", validators=[UpTo(LONGEST_TEXT)])

    def said(self) -> Details:
        """The accreditation, of a form that was found right."""
        return Details(
            name=self.known.data or self.other.data or "",
            issued_by=self.issued_by.data or "",
            number=self.number.data or "",
            link=self.link.data or "",
            valid_from=self.valid_from.data,
            valid_until=self.valid_until.data,
            evidence=self.evidence.data or "",
        )


def accreditation_form(found: Accreditation | None = None) -> AccreditationForm:
    """The form, with what was recorded before."""
    if found is None:
        return AccreditationForm(data={"seen": "0"})
    is_known = found.name in KNOWN_ACCREDITATIONS
    return AccreditationForm(
        data={
            "seen": str(found.revision),
            "known": found.name if is_known else "",
            "other": "" if is_known else found.name,
            "issued_by": found.issued_by,
            "number": found.number,
            "link": found.link,
            "valid_from": found.valid_from,
            "valid_until": found.valid_until,
            "evidence": found.evidence,
        }
    )


class MarkSeenForm(ActionForm):
    """A steward's button beside an accreditation, which remembers what was shown."""

    seen = HiddenField()

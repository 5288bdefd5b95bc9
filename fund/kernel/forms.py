"""What every form has: clean text, a token against forgery, and an id made when the form was shown.

The id is the idempotency key of what the form does (`fund.kernel.once`): twelve presses of one button have one effect.
"""

import re
import secrets
import unicodedata
from datetime import date
from typing import Any, ClassVar

from flask import g, has_app_context
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from werkzeug.datastructures import MultiDict
from wtforms import DateField, HiddenField, StringField, TextAreaField
from wtforms.validators import Length, StopValidation, ValidationError

from fund.kernel.errors import Finding

_KEPT_CONTROLS = {"\n", "\t"}


def clean(text: str | None) -> str | None:
    """Text as a person meant it: line ends as \\n, no control characters, no white space around it, NFC."""
    if text is None:
        return None
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(c for c in text if c in _KEPT_CONTROLS or unicodedata.category(c) not in {"Cc", "Cs"}).strip()


class Needed:
    """A value must be given. The message says what to give, because "this field is required" helps nobody."""

    field_flags: ClassVar = {"required": True}

    def __init__(self, message: str) -> None:
        self.message = message

    def __call__(self, form: object, field: Any) -> None:
        if field.process_errors:
            raise StopValidation  # something was written that can't be read: why is said already, and says more
        if field.data is None or (isinstance(field.data, str) and not field.data.strip()) or field.data == []:
            field.errors[:] = []
            raise StopValidation(self.message)


class UpTo(Length):
    """At most `max` characters, counted as the browser's counter and the database count them."""

    def __init__(self, max: int) -> None:
        super().__init__(max=max)

    def __call__(self, form: object, field: Any) -> None:
        length = len(field.data or "")
        if length > self.max:
            raise ValidationError(f"Shorten this by {length - self.max:,} characters; {self.max:,} fit.")


class TextField(StringField):
    """One line of text, cleaned."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("filters", [clean])
        super().__init__(*args, **kwargs)


class LongTextField(TextAreaField):
    """Several lines of text, cleaned."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("filters", [clean])
        super().__init__(*args, **kwargs)


class DayField(DateField):
    """A day, from the browser's own calendar or typed as year-month-day."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = None
        if valuelist and (written := str(valuelist[0]).strip()):
            try:
                self.data = date.fromisoformat(written)
            except ValueError:
                raise ValueError("Write the day as year-month-day, such as 2027-03-31.") from None


def new_form_id() -> str:
    """An id for a form about to be shown. It ends with the organisation that the person acts for when they open it."""
    actor = g.get("actor") if has_app_context() else None
    return secrets.token_urlsafe(16) + (f"~{actor.organisation_id}" if actor and actor.organisation_id else "")


def opened_for(form_id: str) -> int | None:
    """The organisation that a form was opened for; None where its id names none."""
    _, _, organisation_id = form_id.partition("~")
    return int(organisation_id) if re.fullmatch(r"[1-9][0-9]{0,17}", organisation_id, re.ASCII) else None


class BaseForm(FlaskForm):
    """Base of every form. `form_id` is made when the form is first shown and comes back with it."""

    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """What was sent; or, when a page is opened again, what its reader had typed before they were asked to sign
            in or to show that it's them."""
            sent = super().wrap_formdata(form, formdata)
            kept: MultiDict[str, str] | None = g.get("kept_form")
            if sent is None and formdata is _Auto and kept is not None and f"{form._prefix}form_id" in kept:
                return kept
            return sent

    form_id = HiddenField(default=new_form_id, validators=[Needed("Reload the page and send this again.")])

    def add_findings(self, findings: tuple[Finding, ...]) -> None:
        """Put what a service found beside its field, or above the form where it has none."""
        for finding in findings:
            field = self._fields.get(finding.field) if finding.field else None
            if field is None:
                self.form_errors.append(finding.message)
            else:
                field.errors = [*field.errors, finding.message]


class ActionForm(BaseForm):
    """A button: nothing to fill in."""

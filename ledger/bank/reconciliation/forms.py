"""The forms of reconciliation: a reason for each item that needs one, and why a record is sent back."""

from collections.abc import Sequence
from typing import Any

from wtforms import HiddenField

from fund.kernel.forms import BaseForm, LongTextField, Needed, TextField, UpTo
from ledger.bank.reconciliation.rules import Item, field_of

LONGEST_REASON = 500


class PrepareForm(BaseForm):
    """What every month asks; `prepare_form` adds a field for each item. `seen` is what the page showed."""

    seen = HiddenField()


def prepare_form(items: Sequence[Item], *, again: bool, seen: str, earlier: dict[str, str]) -> PrepareForm:
    """The form of one month.

    Args:
        items: those that need a reason.
        again: whether the month was signed before.
        seen: `Figures.lasting` of what the page shows.
        earlier: reasons that were given before, by item's key.
    """
    fields: dict[str, Any] = {
        field_of(item): TextField(
            f"Why: {item.what}",
            default=earlier.get(item.key),
            validators=[Needed(f"Say why: {item.what}."), UpTo(LONGEST_REASON)],
        )
        for item in items
    }
    if again:
        fields["why"] = LongTextField(
            "Why this month is done again",
            validators=[Needed("This month was signed before. Say why it is done again."), UpTo(LONGEST_REASON)],
        )
    form: PrepareForm = type("PrepareForm", (PrepareForm,), fields)()
    if not form.is_submitted():
        form.seen.data = seen
    return form


class SendBackForm(BaseForm):
    """Why somebody doesn't sign."""

    reason = LongTextField(
        "What is to be looked at again",
        validators=[Needed("Say what is to be looked at again."), UpTo(LONGEST_REASON)],
    )

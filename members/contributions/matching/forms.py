"""Forms of matching: shape only; the rules speak in the services."""

from collections.abc import Sequence
from typing import Any

from wtforms import SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from fund.kernel.errors import Finding
from fund.kernel.forms import BaseForm, LongTextField, Needed, TextField, UpTo
from ledger.fields import MoneyField
from ledger.money import format_pence
from members.contributions.matching.queries import WaitingLine

ROWS = 6
"""Pledges that the form of sharing out has room for."""


class UndoForm(BaseForm):
    """Why a match was wrong."""

    reason = LongTextField("Why the match was wrong", validators=[Needed("Write why the match was wrong."), UpTo(500)])


class ProposalsForm(BaseForm):
    """Proposals to confirm together."""

    proposals = SelectMultipleField(
        "Payments to confirm",
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[Needed("Tick the payments that you confirm.")],
    )

    def offer(self, waiting: Sequence[WaitingLine]) -> None:
        """The best proposal of each line. None is ticked: a person has looked at what they tick."""
        self.proposals.choices = [
            (
                f"{one.line.id}:{best.pledge.reference}",
                f"{format_pence(one.line.amount_pence)} on {one.line.booked_on:%d/%m/%Y} "
                f"from {one.line.counterparty or one.line.remittance or 'an unnamed payer'}, "
                f"for {best.pledge.reference} of {best.pledge.organisation_name}. {best.reason}",
            )
            for one in waiting
            for best in one.suggestions[:1]
        ]

    def chosen(self) -> dict[int, str]:
        """The ticked ones: line (by key) to reference; what is no proposal is left out."""
        found = {}
        for value in self.proposals.data or []:
            line_id, _, reference = value.partition(":")
            if line_id.isascii() and line_id.isdigit() and len(line_id) < 19:
                found[int(line_id)] = reference
        return found


class ShareForm(BaseForm):
    """Pledges and amounts; `share_form` gives it its rows."""

    def rows(self) -> list[tuple[int, str, int]]:
        """What was written, as (number of the row, reference, pence), without the empty rows."""
        return [
            (number, self[f"pledge_{number}"].data.strip(), self[f"amount_{number}"].data or 0)
            for number in range(1, ROWS + 1)
            if (self[f"pledge_{number}"].data or "").strip()
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        """Also hold each row's two halves against one another, so that every fault is told at once."""
        is_right = super().validate(extra_validators)
        found = []
        for number in range(1, ROWS + 1):
            reference, amount = self[f"pledge_{number}"], self[f"amount_{number}"]
            has_reference = bool((reference.data or "").strip())
            if has_reference and amount.data is None and not amount.errors:
                found.append(Finding("Give the amount that goes to this pledge.", f"amount_{number}"))
            if amount.data is not None and not has_reference:
                found.append(Finding("Give the pledge that this amount is for, or empty the row.", f"pledge_{number}"))
        if is_right and not found and not self.rows():
            found.append(Finding("Give at least one pledge and its amount.", "pledge_1"))
        self.add_findings(tuple(found))
        return bool(is_right) and not found


def share_form() -> ShareForm:
    """A form with a reference and an amount in each row."""
    fields: dict[str, Any] = {}
    for number in range(1, ROWS + 1):
        fields[f"pledge_{number}"] = TextField(f"Pledge {number}: its reference", validators=[UpTo(40)])
        fields[f"amount_{number}"] = MoneyField(f"Amount for pledge {number}")
    made: ShareForm = type("ShareForm", (ShareForm,), fields)()
    return made

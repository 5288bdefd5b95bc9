"""Forms of an award: its terms with the schedule, and the lead's answer. Shape only; sums are judged by `rules`."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from wtforms import RadioField, SelectField
from wtforms.validators import InputRequired, Optional

from fund.grants.awards.rules import Line, PayBasis, Terms
from fund.kernel.errors import Finding
from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, UpTo
from ledger.fields import MoneyField

MOST_REPORTS = 20


class TermsForm(BaseForm):
    """The terms of an award. `terms_form` adds as many lines of payments as the page shows."""

    start_on = DayField("First day of the work", validators=[Needed("Give the first day of the work.")])
    end_on = DayField("Last day of the work", validators=[Needed("Give the last day of the work.")])
    special_conditions = LongTextField("Special conditions of this award", validators=[UpTo(6000)])

    line_count: int
    basis: PayBasis

    def lines(self) -> list[dict[str, Any]]:
        """The fields of each line, for the page."""
        return [
            {name: self[f"line{number}_{name}"] for name in ("payee", "amount", "due", "after")} | {"number": number}
            for number in range(1, self.line_count + 1)
        ]

    def half_filled(self) -> list[Finding]:
        """Lines with an amount and no day, or the other way round. Lines without both are left out."""
        found = []
        for line in self.lines():
            number, amount, due = line["number"], line["amount"].data, line["due"].data
            if amount is not None and due is None:
                found.append(Finding(f"Payment {number}: give the day on which it is due.", f"line{number}_due"))
            if amount is None and due is not None:
                found.append(Finding(f"Payment {number}: give its amount, or clear its day.", f"line{number}_amount"))
        return found

    def terms(self) -> Terms:
        """What was filled in."""
        return Terms(
            start_on=self.start_on.data or date.min,
            end_on=self.end_on.data or date.min,
            basis=self.basis,
            lines=tuple(
                Line(
                    int(line["payee"].data),
                    line["amount"].data,
                    line["due"].data,
                    int(line["after"].data) if line["after"].data else None,
                )
                for line in self.lines()
                if line["amount"].data is not None and line["due"].data is not None
            ),
            special_conditions=self.special_conditions.data or "",
        )


def terms_form(terms: Terms, payees: Sequence[tuple[int, str]], *, spare_lines: int) -> TermsForm:
    """The form of an award's terms, showing `terms` and some empty lines.

    Args:
        payees: (organisation id, name) of those who may be paid.
    """
    count = len(terms.lines) + spare_lines
    fields: dict[str, Any] = {"line_count": count, "basis": terms.basis}
    values: dict[str, Any] = {
        "start_on": terms.start_on,
        "end_on": terms.end_on,
        "special_conditions": terms.special_conditions,
    }
    who = [(str(organisation_id), name) for organisation_id, name in payees]
    reports = [("", "No report")] + [(str(number), f"Report {number}") for number in range(1, MOST_REPORTS + 1)]
    for number in range(1, count + 1):
        line = terms.lines[number - 1] if number <= len(terms.lines) else None
        fields |= {
            f"line{number}_payee": SelectField(f"Payment {number}: to whom", choices=dict(who)),
            f"line{number}_amount": MoneyField(f"Payment {number}: amount", validators=[Optional()]),
            f"line{number}_due": DayField(f"Payment {number}: due on", validators=[Optional()]),
            f"line{number}_after": SelectField(f"Payment {number}: after which report", choices=dict(reports)),
        }
        if line is not None:
            values |= {
                f"line{number}_payee": str(line.organisation_id),
                f"line{number}_amount": line.pence,
                f"line{number}_due": line.due_on,
                f"line{number}_after": str(line.after_report or ""),
            }
    form: TermsForm = type("TermsForm", (TermsForm,), fields)(data=values)
    return form


class AnswerForm(BaseForm):
    """The lead's answer to an offer."""

    answer = RadioField(
        "Your answer",
        choices={"accept": "We accept the grant on these terms", "decline": "We decline the grant"},
        validators=[InputRequired("Choose whether you accept or decline.")],
    )
    reason = LongTextField("If you decline, why?", validators=[UpTo(2000)])

    def missing_reason(self) -> bool:
        """Whether it declines without saying why."""
        return self.answer.data == "decline" and not self.reason.data


class JudgeForm(BaseForm):
    """Whether a proposal serves what restricted money was given for."""

    serves = RadioField(
        "Does the proposal serve what the money was given for?",
        choices={"yes": "Yes", "no": "No"},
        validators=[Needed("Choose yes or no.")],
    )
    reasons = LongTextField("Why", validators=[Needed("Say why in a sentence or two."), UpTo(1000)])


class OtherMoneyForm(BaseForm):
    """Why other money is promised to a grant."""

    reason = LongTextField("Why", validators=[Needed("Say why, for the contributor and the auditor."), UpTo(1000)])

"""Forms of due diligence and subsidy: shape only; what an outcome or a confirmation needs is in `rules`."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from wtforms import RadioField, SelectField
from wtforms.validators import InputRequired

from fund.grants.checks.rules import JUDGEMENTS, ROUTE_NAMES, Answer, Assistance, Check, CheckResult, Outcome, Route
from fund.kernel.errors import Finding
from fund.kernel.forms import BaseForm, LongTextField, Needed, UpTo
from ledger.money import parse_pounds

_RESULTS = [
    ("", "Not looked at yet"),
    (CheckResult.MET.value, "Met"),
    (CheckResult.NOT_MET.value, "Not met"),
    (CheckResult.NOT_NEEDED.value, "Not needed here"),
]
_OUTCOMES = {
    Outcome.CLEAR: "Clear",
    Outcome.CLEAR_WITH_CONDITIONS: "Clear with conditions",
    Outcome.NOT_CLEAR: "Not clear",
}


class DueDiligenceForm(BaseForm):
    """The outcome of due diligence; `due_diligence_form` adds the checks of a band."""

    outcome = RadioField(
        "Outcome",
        choices={outcome.value: _OUTCOMES[outcome] for outcome in JUDGEMENTS},
        validators=[InputRequired("Choose the outcome.")],
    )
    conditions = LongTextField("Conditions, if it is clear with conditions", validators=[UpTo(3000)])
    reasons = LongTextField("Reasons, if it is not clear", validators=[UpTo(3000)])

    checks: tuple[Check, ...]

    def rows(self) -> list[tuple[Check, Any, Any]]:
        """Each check with its two fields, for the page."""
        return [(check, self[f"{check.code}_result"], self[f"{check.code}_note"]) for check in self.checks]

    def results(self) -> dict[str, tuple[CheckResult | None, str]]:
        """Check code → result and note."""
        return {
            check.code: (CheckResult(result.data) if result.data else None, note.data or "")
            for check, result, note in self.rows()
        }


def due_diligence_form(checks: Sequence[Check]) -> DueDiligenceForm:
    """The form with the checks of a band."""
    fields: dict[str, Any] = {"checks": tuple(checks)}
    for check in checks:
        fields[f"{check.code}_result"] = SelectField(check.label, choices=dict(_RESULTS))
        fields[f"{check.code}_note"] = LongTextField(f"{check.label}: evidence and note", validators=[UpTo(1500)])
    form: DueDiligenceForm = type("DueDiligenceForm", (DueDiligenceForm,), fields)()
    return form


class SecondReviewForm(BaseForm):
    """The second reviewer's word."""

    agrees = RadioField(
        "Your view",
        choices={"yes": "I agree with the outcome", "no": "I send it back to be done again"},
        validators=[InputRequired("Choose whether you agree.")],
    )
    note = LongTextField(
        "Your note", validators=[Needed("Write what you looked at and why you agree or not."), UpTo(2000)]
    )


class RouteForm(BaseForm):
    """A person's decision on the subsidy route."""

    route = RadioField(
        "Route",
        choices={route.value: ROUTE_NAMES[route] for route in Route},
        validators=[InputRequired("Choose the route.")],
    )
    reasons = LongTextField(
        "Reasons", validators=[Needed("Write the reasons; the route is your decision."), UpTo(3000)]
    )


class MfaAnswerForm(BaseForm):
    """A recipient's answer to an MFA notification. `prior` holds one earlier grant a line."""

    answer = RadioField(
        "Your answer",
        choices={
            Answer.CONFIRMED.value: "I confirm that our whole group stays within the limit, this grant included",
            Answer.DECLINED.value: "I can't confirm that",
        },
        validators=[InputRequired("Choose whether you confirm.")],
    )
    prior = LongTextField("What your group has had", validators=[UpTo(20_000)])
    note = LongTextField("If you can't confirm, why?", validators=[UpTo(2000)])

    def listed(self) -> tuple[list[Assistance], list[Finding]]:
        """The lines of `prior`, and a finding for each that can't be read."""
        read: list[Assistance] = []
        faults: list[Finding] = []
        for number, line in enumerate((self.prior.data or "").splitlines(), start=1):
            if not line.strip():
                continue
            try:
                read.append(read_assistance(line))
            except ValueError as fault:
                faults.append(Finding(f"Line {number}: {fault}", "prior"))
        return read, faults


_LINE = re.compile(
    r"(?P<day>[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4})\s*[,;\t]\s*"
    r"(?P<amount>£?[0-9][0-9, ]*(?:\.[0-9]{2})?)\s*[,;\t]\s*(?P<giver>.+)"
)


def read_assistance(line: str) -> Assistance:
    """ "1/4/2023; £200,000; Examplebury Council" as earlier assistance.

    Raises:
        ValueError: with a sentence that says how to write it.
    """
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise ValueError("write the day, the amount and who gave it, such as 31/3/2024; £12,000; Examplebury Council.")
    return Assistance(_day(match["day"]), parse_pounds(match["amount"].strip().rstrip(",")), match["giver"].strip())


def _day(text: str) -> date:
    first, second, third = (int(part) for part in re.split("[-/]", text))
    year, month, day = (first, second, third) if first > 31 else (third, second, first)
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"{text} is no day. Write it as day/month/year, such as 31/3/2024.") from None

"""Forms of rounds, drafts and partners: shape only. Forms over questions and budget rows are made from data."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    TimeField,
)

from fund.kernel.clock import LONDON
from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, TextField, UpTo
from ledger.fields import AtLeast, MoneyField
from proposals.models import Answer
from proposals.questions import Kind, Question, chosen
from proposals.rules import CONTRIBUTION_NAMES, MOST_LINES, ROLE_NAMES, CostLine, PartnerRole, RoundPlan, Terms

_NONE = {"": "Choose one"}


class ClockField(TimeField):
    """A time of day."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = None
        if valuelist and (written := str(valuelist[0]).strip()):
            try:
                self.data = datetime.strptime(written, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone
            except ValueError:
                raise ValueError("Write the time as hours:minutes, such as 09:00 or 17:30.") from None


def _instant(day: date | None, at: time | None) -> datetime:
    """The instant of a day and a time in England; both are needed fields of a form that was checked."""
    assert day is not None
    assert at is not None
    return datetime.combine(day, at, tzinfo=LONDON).astimezone(UTC)


class RoundForm(BaseForm):
    """What a steward plans for a round; times are London's."""

    title = TextField("Title", validators=[Needed("Give the round a title."), UpTo(120)])
    purpose = LongTextField("Purpose", validators=[Needed("Say what the round is for."), UpTo(2000)])
    written_case = LongTextField("Written case", validators=[Needed("Say why this round is run."), UpTo(4000)])
    senior_officer = TextField("Senior officer", validators=[Needed("Name who answers for the round."), UpTo(120)])
    budget = MoneyField("Budget", validators=[Needed("Give the round's budget."), AtLeast(1)])
    smallest = MoneyField("Smallest grant", validators=[Needed("Give the smallest grant."), AtLeast(1)])
    largest = MoneyField("Largest grant", validators=[Needed("Give the largest grant."), AtLeast(1)])
    opens_day = DayField("Opens on", validators=[Needed("Give the day it opens.")])
    opens_time = ClockField("Opens at", validators=[Needed("Give the time it opens.")], default=time(9))
    closes_day = DayField("Closes on", validators=[Needed("Give the day it closes.")])
    closes_time = ClockField("Closes at", validators=[Needed("Give the time it closes.")], default=time(17))
    decide_by = DayField("Decided by", validators=[Needed("Give the day by which members decide.")])

    def plan(self) -> RoundPlan:
        """The plan, in UTC, of a form that was checked."""
        assert self.decide_by.data is not None
        return RoundPlan(
            title=self.title.data or "",
            purpose=self.purpose.data or "",
            written_case=self.written_case.data or "",
            senior_officer=self.senior_officer.data or "",
            budget_pence=self.budget.data,
            smallest_pence=self.smallest.data,
            largest_pence=self.largest.data,
            opens_at=_instant(self.opens_day.data, self.opens_time.data),
            closes_at=_instant(self.closes_day.data, self.closes_time.data),
            decide_by=self.decide_by.data,
        )

    @staticmethod
    def shown(plan: Any) -> dict[str, object]:
        """What the form shows of a round as it is."""
        opens, closes = plan.opens_at.astimezone(LONDON), plan.closes_at.astimezone(LONDON)
        return {
            "title": plan.title,
            "purpose": plan.purpose,
            "written_case": plan.written_case,
            "senior_officer": plan.senior_officer,
            "budget": plan.budget_pence,
            "smallest": plan.smallest_pence,
            "largest": plan.largest_pence,
            "opens_day": opens.date(),
            "opens_time": opens.time(),
            "closes_day": closes.date(),
            "closes_time": closes.time(),
            "decide_by": plan.decide_by,
        }


class StartForm(BaseForm):
    """A proposal begins with its name."""

    title = TextField(
        "What is the proposal called?",
        validators=[Needed("Give the proposal a name. You can change it later."), UpTo(120)],
    )


class EligibilityForm(BaseForm):
    """A steward's look at a proposal."""

    outcome = RadioField(
        "What do you find?",
        choices={
            "eligible": "Eligible: it goes on to assessment",
            "returned": "Return it once, so that the lead can fix it",
            "ineligible": "Not eligible: it can't go on in this round",
        },
        validate_choice=False,
        validators=[Needed("Choose what you find.")],
    )
    reasons = LongTextField(
        "Your reasons", validators=[Needed("Give your reasons; the lead is told them."), UpTo(2000)]
    )
    fix_by = DayField("If you return it: to be sent again by the end of")


class TermsForm(BaseForm):
    """What a partner does, gives and gets. Everything may stay empty while drafting."""

    seen = HiddenField()
    role = SelectField("Role", choices=_NONE | {role.value: name for role, name in ROLE_NAMES.items()})
    contribution_kind = SelectField(
        "What does it give?",
        choices=_NONE | {kind.value: name for kind, name in CONTRIBUTION_NAMES.items()},
    )
    contribution_description = LongTextField("Describe what it gives", validators=[UpTo(1000)])
    contribution = MoneyField("What is that worth?")
    valuation_basis = TextField("How was the value worked out?", validators=[UpTo(300)])
    grant_share = MoneyField("Its share of the grant")

    def terms(self) -> Terms:
        """The terms as sent."""
        return Terms(
            role=self.role.data or None,
            contribution_kind=self.contribution_kind.data or None,
            contribution_description=self.contribution_description.data or "",
            contribution_pence=self.contribution.data,
            valuation_basis=self.valuation_basis.data or "",
            grant_share_pence=self.grant_share.data,
        )


def terms_form(terms: Terms, *, is_lead: bool, **sent: None) -> TermsForm:
    """The form over the present terms; `formdata=None` where another form of the page was sent.

    Only the lead is offered, and only has, the role of lead.
    """
    form = TermsForm(
        data={
            "seen": terms.digest,
            "role": terms.role or "",
            "contribution_kind": terms.contribution_kind or "",
            "contribution_description": terms.contribution_description,
            "contribution": terms.contribution_pence,
            "valuation_basis": terms.valuation_basis,
            "grant_share": terms.grant_share_pence,
        },
        **sent,
    )
    offered = [role for role in ROLE_NAMES if (role is PartnerRole.LEAD) == is_lead]
    form.role.choices = ({} if is_lead else _NONE) | {role.value: ROLE_NAMES[role] for role in offered}
    return form


class ConfirmForm(BaseForm):
    """The partner's own confirmation of the terms shown."""

    seen = HiddenField()
    accepts_principles = BooleanField("We accept these principles of co-production")


class LeaveForm(BaseForm):
    """The end of a part, with its reason."""

    reason = TextField("Reason", validators=[Needed("Give a reason in a sentence."), UpTo(500)])


# --- forms made from data


def _field_of(question: Question) -> Field:
    label = question.label
    if question.kind is Kind.LONG:
        return LongTextField(label)
    if question.kind is Kind.MULTI:
        return SelectMultipleField(label, choices=dict(question.choices), validate_choice=False)
    if question.kind in (Kind.CHOICE, Kind.YES_NO):
        choices = dict(question.choices) or {"yes": "Yes", "no": "No"}
        return RadioField(label, choices=choices, validate_choice=False)
    return TextField(label)


def revision_field(code: str) -> str:
    """The name of the hidden field that holds the revision shown of an answer."""
    return f"{code}_revision"


def section_form(questions: Sequence[Question], present: Mapping[str, Answer]) -> BaseForm:
    """A form over the questions of a section, holding the present answers and the revision of each."""
    fields: dict[str, Field] = {}
    data: dict[str, object] = {}
    for question in questions:
        row = present.get(question.code)
        value = row.value if row else ""
        fields[question.code] = _field_of(question)
        fields[revision_field(question.code)] = HiddenField()
        data[question.code] = list(chosen(value)) if question.kind is Kind.MULTI else value
        data[revision_field(question.code)] = str(row.revision if row else 0)
    made: type[BaseForm] = type("SectionForm", (BaseForm,), fields)
    return made(data=data)


def given_answers(form: BaseForm, questions: Sequence[Question]) -> dict[str, str]:
    """Question code → answer as sent."""
    given = {}
    for question in questions:
        value = form[question.code].data
        given[question.code] = " ".join(value or ()) if question.kind is Kind.MULTI else (value or "")
    return given


def seen_revisions(form: BaseForm, questions: Sequence[Question]) -> dict[str, int]:
    """Question code → revision that the page showed. What is no number was never shown."""
    return {question.code: revision_number(form[revision_field(question.code)].data) for question in questions}


def revision_number(text: str | None) -> int:
    """A revision as it comes back from a page."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


SPARE_ROWS = 3


def budget_form(lines: Sequence[CostLine], rows: int, digest: str) -> BaseForm:
    """A form of `rows` budget rows (`heading_1`, `amount_1`, `grant_1`, `for_1`, …), the first ones filled."""
    fields: dict[str, Field] = {"seen": HiddenField(), "rows": HiddenField()}
    data: dict[str, object] = {"seen": digest, "rows": str(rows)}
    for row in range(1, rows + 1):
        fields[f"heading_{row}"] = TextField(f"Line {row}: what it pays for", validators=[UpTo(120)])
        fields[f"amount_{row}"] = MoneyField(f"Line {row}: whole cost")
        fields[f"grant_{row}"] = MoneyField(f"Line {row}: of that, from the grant")
        fields[f"for_{row}"] = BooleanField(f"Line {row} pays or supports co-producers")
        if row <= len(lines):
            line = lines[row - 1]
            data |= {
                f"heading_{row}": line.heading,
                f"amount_{row}": line.amount_pence,
                f"grant_{row}": line.grant_pence,
                f"for_{row}": line.for_coproducers,
            }
    made: type[BaseForm] = type("BudgetForm", (BaseForm,), fields)
    return made(data=data)


def rows_of(text: str | None, lines: int) -> int:
    """How many rows a budget form has: those sent, or those filled and a few to spare."""
    sent = revision_number(text)
    return min(max(sent, lines) if sent else lines + SPARE_ROWS, MOST_LINES)


def given_lines(form: BaseForm, rows: int) -> list[tuple[int, CostLine]]:
    """The rows that hold anything, each with its number. A grant left empty means that the grant pays all of it."""
    given = []
    for row in range(1, rows + 1):
        heading, amount = form[f"heading_{row}"].data or "", form[f"amount_{row}"].data
        grant = form[f"grant_{row}"].data
        if heading or amount is not None or grant is not None:
            cost = amount or 0
            line = CostLine(heading, cost, cost if grant is None else grant, bool(form[f"for_{row}"].data))
            given.append((row, line))
    return given

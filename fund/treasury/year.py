"""The statements of a year as a paper, for meetings and for the auditor's file."""

from datetime import datetime, time

from fund.documents.layer import Block, Heading, Paper, Table, Text, render
from fund.kernel.calendar import in_words
from fund.kernel.clock import LONDON
from fund.kernel.society import society
from ledger.money import format_pence
from ledger.queries import last_posted_at
from ledger.statements.queries import YearStatement
from ledger.statements.rules import FundSheet, Row

_COLUMNS = (("Heading", 6), ("Unrestricted", 3), ("Restricted", 3), ("Total", 3), ("Last year", 3))


def paper(statement: YearStatement) -> bytes:
    """The PDF. It speaks of the instant at which the books changed last, so that the same books give the same bytes."""
    owned, year, what = society(), statement.year, statement.activities
    rows = [
        *((f"Income: {one.words}", line) for one, line in what.lines.items() if one.is_income),
        ("Total income", what.income),
        *((f"Spent on: {one.words}", line) for one, line in what.lines.items() if not one.is_income),
        ("Total expenditure", what.expenditure),
        ("Net movement in funds", what.movement),
        ("Funds brought forward", what.brought_forward),
        ("Funds carried forward", what.carried_forward),
    ]
    trial = [(kind.name, format_pence(pence)) for kind, pence in statement.trial]
    trial.append(("All accounts together", format_pence(sum(pence for _, pence in statement.trial))))
    return render(
        Paper(
            title=f"Statement of the year to {in_words(year.to_on)}",
            reference=f"Year {year.number}",
            issuer=owned.name if owned else "",
            issuer_address=owned.address if owned else "",
            made_at=last_posted_at() or datetime.combine(year.from_on, time(), LONDON),
            blocks=(
                Heading("Statement of financial activities"),
                Table(_COLUMNS, tuple(_row(*one) for one in rows), figures=frozenset({1, 2, 3, 4}), total=True),
                *(block for sheet in statement.sheets for block in _sheet(sheet)),
                Heading("Trial balance"),
                Table((("Account", 6), ("Holds", 3)), tuple(trial), figures=frozenset({1}), total=True),
                Text(
                    "Headings follow the Charities SORP (FRS 102). A grant is a cost once it is owed without "
                    "condition; what agreements reserve under conditions is told in a note.",
                    quiet=True,
                ),
            ),
        )
    )


def _row(name: str, line: Row) -> tuple[str, ...]:
    sums = (line.unrestricted_pence, line.restricted_pence, line.total_pence, line.last_year_pence)
    return (name, *(format_pence(pence) for pence in sums))


def _sheet(sheet: FundSheet) -> list[Block]:
    rows = [(name, format_pence(pence)) for name, pence in sheet.lines.items()]
    rows += [
        ("Net assets", format_pence(sheet.net_assets_pence)),
        ("Funds carried forward", format_pence(sheet.funds_pence)),
    ]
    note = (
        f"Committed to signed agreements under conditions that are still open, and so not owed yet: "
        f"{format_pence(sheet.committed_pence)}."
    )
    if sheet.difference_pence:
        note = f"These differ by {format_pence(sheet.difference_pence)}: ask a steward. {note}"
    fund = f"Restricted fund {sheet.restriction}" if sheet.restriction else "Unrestricted money"
    return [
        Heading(f"Balance sheet: {fund}"),
        Table((("What we hold and owe", 6), ("At the year's end", 3)), tuple(rows), frozenset({1}), total=True),
        Text(note),
    ]

"""Which answers hold for later files, and how they are told again. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from ledger.bank.csv_table import Columns, DayOrder, Money
from ledger.bank.reading import NO_ANSWERS, Answers, ReadStatement

MONEY_WORDS = {
    Money.SIGNED: "One column; minus is money out",
    Money.REVERSED: "One column; minus is money in",
    Money.APART: "Two columns: one for money in, one for money out",
    Money.MARKED: "One column; another column says in or out, such as CR and DR",
    Money.BALANCE: "One column without signs; the balance shows which way",
}
DAY_WORDS = {
    DayOrder.DAY_FIRST: "Day first: 02/03 is the 2nd of March",
    DayOrder.MONTH_FIRST: "Month first: 02/03 is the 3rd of February",
}
_COLUMN_WORDS = {
    "day": "Day",
    "text": "Text",
    "who": "Who paid or was paid",
    "amount": "Amount",
    "money_in": "Money in",
    "money_out": "Money out",
    "mark": "In or out",
    "balance": "Balance",
    "reference": "The bank's own id",
}


def layout_of(statement: ReadStatement) -> str:
    """The fingerprint of the layout that is asked about; "" where nothing of it could be remembered."""
    return next((question.fingerprint for question in statement.questions if question.fingerprint), "")


def lasting(answers: Answers) -> Answers:
    """The answers that hold for every later file: not what one file's balance or end was."""
    return replace(NO_ANSWERS, columns=answers.columns, day_first=answers.day_first, is_ours=answers.is_ours)


def as_row(answers: Answers) -> dict[str, object]:
    """Answers as they are kept."""
    return asdict(answers)


def from_row(kept: dict[str, object]) -> Answers:
    """Kept answers."""
    return Answers(**kept)  # type: ignore[arg-type]


def both(earlier: Answers, later: Answers) -> Answers:
    """Earlier answers, with those that were given later."""
    given = {name: value for name, value in asdict(later).items() if value != getattr(NO_ANSWERS, name)}
    return replace(earlier, **given)


def told(headings: Sequence[str], answers: Answers) -> Iterator[tuple[str, str]]:
    """What was answered, as (term, words)."""
    if answers.columns:
        columns = Columns.of(answers.columns)
        for name, words in _COLUMN_WORDS.items():
            place = getattr(columns, name)
            if place is not None:
                yield words, column_name(headings, place)
        yield "Amounts", MONEY_WORDS[columns.money] + (", with a decimal comma" if columns.comma else "")
        yield "Dates", DAY_WORDS[columns.day_order]
    elif answers.day_first is not None:
        yield "Dates", DAY_WORDS[DayOrder.DAY_FIRST if answers.day_first else DayOrder.MONTH_FIRST]
    if answers.is_ours:
        yield "Account", "The fund's own"


def column_name(headings: Sequence[str], place: int) -> str:
    """A column by its heading, or by its number."""
    heading = headings[place] if place < len(headings) else ""
    return heading or f"Column {place + 1}"


def booked(line_count: int, known_count: int) -> str:
    """What a file brought, in a sentence."""
    return (
        f"{line_count:,} new {'line' if line_count == 1 else 'lines'} booked. "
        f"{known_count:,} were known from an earlier statement and not booked again."
    )

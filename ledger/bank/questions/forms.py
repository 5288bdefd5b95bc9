"""The form of a file's questions: only what this file leaves open stands in it."""

from typing import Any

from wtforms import BooleanField, RadioField, SelectField
from wtforms.validators import ValidationError

from fund.kernel.errors import Finding
from fund.kernel.forms import BaseForm, Needed
from ledger.bank.csv_columns import faults
from ledger.bank.csv_table import Columns, DayOrder, Money, Table
from ledger.bank.questions.rules import DAY_WORDS, MONEY_WORDS, column_name
from ledger.bank.reading import Answers, Asking, ReadStatement
from ledger.fields import MoneyField

NONE = -1
_FIELDS = {
    Asking.ACCOUNT: ("is_ours",),
    Asking.CLOSING: ("closing", "is_overdrawn"),
    Asking.DATES: ("day_order",),
    Asking.WHOLE: ("is_whole",),
    Asking.ALL_REAL: ("all_real",),
    Asking.FIRST: ("first_way",),
    Asking.COLUMNS: (
        *("day", "day_order", "text", "who", "money", "amount", "money_in", "money_out", "mark", "balance"),
        *("reference", "mark_of_pence"),
    ),
}
_PLACES = ("day", "text", "who", "amount", "money_in", "money_out", "mark", "balance", "reference")


class Ticked:
    """A box that must be ticked; the message says what to do where it can't be."""

    def __init__(self, message: str) -> None:
        self.message = message

    def __call__(self, form: object, field: Any) -> None:
        if not field.data:
            raise ValidationError(self.message)


def _column(label: str) -> SelectField:
    """Which column of the file something is."""
    return SelectField(label, coerce=int, choices={str(NONE): "No column"}, default=NONE)


class AnswerForm(BaseForm):
    day = _column("Day of booking")
    day_order = RadioField(
        "How are its dates written?",
        choices={order.value: words for order, words in DAY_WORDS.items()},
        validators=[Needed("Say whether the day or the month stands first.")],
    )
    text = _column("Text")
    who = _column("Who paid or was paid")
    money = RadioField(
        "How does it say which way money went?",
        choices={way.value: words for way, words in MONEY_WORDS.items()},
        validators=[Needed("Say how the file tells money in from money out.")],
    )
    amount = _column("Amount")
    money_in = _column("Money in")
    money_out = _column("Money out")
    mark = _column("In or out")
    balance = _column("Balance after each entry")
    reference = _column("The bank's own id of each entry")
    mark_of_pence = RadioField(
        "What stands before the pence?",
        choices={"point": "A point: 1,250.00", "comma": "A comma: 1.250,00"},
        validators=[Needed("Say whether a point or a comma stands before the pence.")],
    )
    is_ours = BooleanField(
        "Yes, this is a statement of the fund's own account",
        validators=[Ticked("Tick this if it is the fund's own account. If it isn't, set the file aside.")],
    )
    is_whole = BooleanField(
        "Yes, I have compared the last entry with the bank's site, and nothing is missing",
        validators=[
            Ticked("Tick this if nothing is missing. If something is, set the file aside and download it again.")
        ],
    )
    all_real = BooleanField(
        "Yes, I have compared them with the bank's site, and all are real",
        validators=[Ticked("Tick this if all are real. If one isn't, set the file aside and ask the bank.")],
    )
    first_way = RadioField(
        "Which way did the first entry go?",
        choices={"in": "Money came in", "out": "Money went out"},
        validators=[Needed("Say which way the first entry went.")],
    )
    closing = MoneyField(
        "Balance after the last entry",
        validators=[Needed("Write the balance after the last entry, as the bank's site shows it for that day.")],
    )
    is_overdrawn = BooleanField("The account was overdrawn: it owed this to the bank")

    _table: Table | None = None

    def ask(self, statement: ReadStatement, table: Table | None, guessed: Columns | None) -> None:
        """Keep the fields that this file needs; fill in what its columns seem to be when the page is first shown."""
        asked = {name for question in statement.questions for name in _FIELDS[question.asking]}
        for name in [name for group in _FIELDS.values() for name in group]:
            if name not in asked and name in self:
                del self[name]
        self._table = table
        if table is None:
            return
        choices = {place: column_name(table.heading, place) for place in range(table.width)}
        for name in _PLACES:
            self[name].choices = {NONE: "No column", **choices}
        if guessed is not None and self.form_id.raw_data is None:
            for name in _PLACES:
                place = getattr(guessed, name)
                self[name].data = NONE if place is None else place
            self.day_order.data, self.money.data = guessed.day_order.value, guessed.money.value
            self.mark_of_pence.data = "comma" if guessed.comma else "point"

    def validate(self, extra_validators: Any = None) -> bool:
        """Also hold the columns against the file, so that every fault is told at once."""
        is_right = super().validate(extra_validators)
        if self._table is None or not (self.money.data and self.day_order.data and self.mark_of_pence.data):
            return bool(is_right)
        found = [Finding(sentence, name) for name, sentence in faults(self._table, self._columns())]
        self.add_findings(tuple(found))
        return bool(is_right) and not found

    def answers(self) -> Answers:
        """What was answered."""
        closing = self._value("closing")
        order = self._value("day_order")
        first = self._value("first_way")
        return Answers(
            is_ours=bool(self._value("is_ours")),
            closing_pence=-closing if closing is not None and self._value("is_overdrawn") else closing,
            day_first=None if order is None or "day" in self else order == DayOrder.DAY_FIRST,
            is_whole=bool(self._value("is_whole")),
            all_real=bool(self._value("all_real")),
            first_is_in=None if first is None else first == "in",
            columns=self._columns().written() if "day" in self else "",
        )

    def _columns(self) -> Columns:
        places = {name: None if self[name].data in (NONE, None) else self[name].data for name in _PLACES}
        money = Money(self.money.data)
        if money is Money.APART:
            places["amount"] = None
        else:
            places["money_in"] = places["money_out"] = None
        if money is not Money.MARKED:
            places["mark"] = None
        return Columns(
            **places, money=money, day_order=DayOrder(self.day_order.data), comma=self.mark_of_pence.data == "comma"
        )

    def _value(self, name: str) -> Any:
        return self[name].data if name in self else None

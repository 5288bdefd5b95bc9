"""Which answers last."""

from ledger.bank.csv_table import Columns, Money
from ledger.bank.questions import rules
from ledger.bank.reading import NO_ANSWERS, Answers


def test_what_one_file_held_is_not_remembered_for_others() -> None:
    given = Answers(
        is_ours=True, closing_pence=5, day_first=False, is_whole=True, all_real=True, first_is_in=True, columns="{}"
    )
    assert rules.lasting(given) == Answers(is_ours=True, day_first=False, columns="{}")


def test_later_answers_join_earlier_ones_and_no_counts_as_an_answer() -> None:
    first = Answers(is_ours=True, day_first=True)
    assert rules.both(first, Answers(closing_pence=0)) == Answers(is_ours=True, day_first=True, closing_pence=0)
    assert rules.both(first, Answers(day_first=False, first_is_in=False)) == Answers(
        is_ours=True, day_first=False, first_is_in=False
    )
    assert rules.from_row(rules.as_row(first)) == first


def test_answers_are_told_in_words() -> None:
    columns = Columns(day=0, money=Money.SIGNED, text=1, amount=4)
    told = dict(rules.told(["Date", "Words"], Answers(columns=columns.written(), is_ours=True)))
    assert told["Day"] == "Date"
    assert told["Amount"] == "Column 5"
    assert told["Amounts"] == "One column; minus is money out"
    assert told["Account"] == "The fund's own"
    assert list(rules.told([], NO_ANSWERS)) == []
    assert dict(rules.told([], Answers(day_first=False)))["Dates"].startswith("Month first")

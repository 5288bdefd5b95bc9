"""What has to be settled first, and by when a request is answered."""

from datetime import date

import pytest

from fund.kernel.access import Role
from fund.privacy.rules import Duties, answer_by, blockers, emptied_address, pseudonym


@pytest.mark.parametrize(
    ("duties", "words"),
    [
        (Duties(), []),
        (Duties(only_certifier_of=(("GM-0001", "Bee Bikes"),)), ["bind Bee Bikes"]),
        (Duties(only_holder_of=(Role.SECRETARY,)), ["Nobody else is secretary"]),
        (Duties(open_assessments=1), ["1 assessment is"]),
        (Duties(open_assessments=2), ["2 assessments are"]),
        (Duties(waiting_payments=1), ["1 payment waits"]),
        (Duties((("GM-0001", "A"), ("GM-0002", "B")), (Role.BOARD,), 1, 3), ["A.", "B.", "board", "1 ass", "3 pay"]),
    ],
)
def test_everything_that_has_to_be_done_first_is_said_at_once(duties: Duties, words: list[str]) -> None:
    found = [finding.message for finding in blockers(duties)]
    assert len(found) == len(words)
    assert all(part in message for part, message in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("asked", "answered"), [("2026-06-01", "2026-07-01"), ("2026-01-31", "2026-02-28"), ("2026-12-31", "2027-01-31")]
)
def test_an_answer_comes_within_a_month(asked: str, answered: str) -> None:
    assert answer_by(date.fromisoformat(asked)) == date.fromisoformat(answered)


def test_a_former_person_is_told_apart_and_can_get_no_mail() -> None:
    assert pseudonym(41) == "Former person 41"
    assert emptied_address(41).endswith(".invalid")
    assert emptied_address(41) != emptied_address(42)

"""Which names of a list are asked about, and which are plainly others."""

from itertools import product

import pytest

from members.prospects import likeness
from members.prospects.likeness import Named, Question, questions
from members.prospects.rules import Details, Row
from members.rules import Register, keys_alike, name_key


def row(number: int, name: str, register: Register | None = None, of: str | None = None) -> Row:
    return Row(number, None, Details(name=name, register=register, register_number=of))


def held(name: str, register: Register | None = None, of: str | None = None) -> Named:
    return Named(name, name_key(name), "GM-0007", register, of)


@pytest.mark.parametrize(
    ("new", "other", "asks"),
    [
        ("Bolton CVS", "Bolton Community & Voluntary Services", True),
        ("Bolton Council for Voluntary Service", "Bolton CVS", True),
        ("Bolton Comunity Larder", "Bolton Community Larder", True),
        ("Bolton Foodbank", "Bolton Food Bank", True),
        ("Bolton Communities Voluntary Service", "Bolton Community Voluntary Services", True),
        ("Larder Community Bolton", "Bolton Community Larder", True),
        ("Bury CVS", "Bolton Community & Voluntary Services", False),
        ("Bolton CVS", "Bolton Care Homes", False),
        ("Bury Community Larder", "Wigan Community Larder", False),
        ("1st Bury Scouts", "2nd Bury Scouts", False),
        ("Bolton AC", "Bolton Athletic Club", False),
        ("City of Sycamores", "City of Sycamores UK", True),
        ("Alder Works", "Birch House", False),
    ],
)
def test_what_is_asked(new: str, other: str, asks: bool) -> None:
    for one, two in ((new, other), (other, new)):
        assert [(q.row, q.name, q.other) for q in questions([row(2, one)], [held(two)])] == (
            [(2, one, f"{two} (GM-0007)")] if asks else []
        )
        assert [(q.row, q.other) for q in questions([row(2, one), row(3, two)], [])] == (
            [(3, f"{one} (row 2)")] if asks and sorted(name_key(one).split()) != sorted(name_key(two).split()) else []
        )


def test_why_is_said() -> None:
    (short,) = questions([row(2, "Bolton CVS")], [held("Bolton Community & Voluntary Services")])
    (near,) = questions([row(2, "Bolton Comunity Larder")], [held("Bolton Community Larder")])
    assert (short.why, near.why) == ("One may be short for the other.", "The names are nearly the same.")


@pytest.mark.parametrize(
    ("own", "other", "asks"),
    [
        ((Register.CHARITY_COMMISSION, "1234567"), (Register.CHARITY_COMMISSION, "7654321"), False),
        ((Register.CHARITY_COMMISSION, "1234567"), (Register.COMPANIES_HOUSE, "01234567"), True),
        ((Register.CHARITY_COMMISSION, "1234567"), (Register.NONE, None), True),
        ((None, None), (Register.CHARITY_COMMISSION, "7654321"), True),
        ((Register.NONE, None), (Register.NONE, None), True),
    ],
)
def test_two_numbers_of_one_register_are_two_organisations(
    own: tuple[Register | None, str | None], other: tuple[Register | None, str | None], asks: bool
) -> None:
    assert bool(questions([row(2, "Bolton Comunity Larder", *own)], [held("Bolton Community Larder", *other)])) is asks


def test_the_same_name_is_told_elsewhere() -> None:
    assert questions([row(2, "Bolton Larder Ltd"), row(3, "Larder Bolton")], [held("The Bolton Larder")]) == [
        Question(3, "Larder Bolton", "The Bolton Larder (GM-0007)", "The names are nearly the same.")
    ]


def test_few_questions_for_one_row_each_once() -> None:
    others = [held(f"Bolton Community Larde{end}") for end in "sntlx"]
    assert len(questions([row(2, "Bolton Community Larder")], [*others, *others])) == 3


def test_a_long_list_compares_each_name_with_few(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [f"{a}{b}{c}" for a, b, c in product("bcdfghlmnprst", "aeiou", "klmnrst")]
    names = [f"{parts[n % 400]} {parts[n // 400 + 7]} Community Trust" for n in range(1_600)]
    compared = 0

    def counted(one: str, other: str) -> bool:
        nonlocal compared
        compared += 1
        return keys_alike(one, other)

    monkeypatch.setattr(likeness, "keys_alike", counted)
    took = []
    for many in (200, 800):
        compared = 0
        questions([row(n, name) for n, name in enumerate(names[:many])], [held(name) for name in names[-many:]])
        took.append(compared)
    assert 0 < took[1] < 10 * took[0]  # four times as many names; comparing each with each would be sixteen

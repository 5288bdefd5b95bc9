"""Where a member's money went: to the penny, and nobody's money twice."""

from hypothesis import given
from hypothesis import strategies as st

from fund.public.tracing import TracedYear, filled, together, trace

_OWNERS = ("org:A", "org:B", "org:C")
_AWARDS = ("G-1", "G-2", "G-3")
_PAID_IN = st.dictionaries(
    st.integers(2025, 2029), st.dictionaries(st.sampled_from(_OWNERS), st.integers(0, 10_000)), max_size=5
)
_WANTED = st.dictionaries(
    st.integers(2025, 2029), st.dictionaries(st.sampled_from(_AWARDS), st.integers(0, 10_000)), max_size=5
)


def _within_the_pot(paid_in: dict[int, dict[str, int]], wanted: dict[int, dict[str, int]]) -> dict[int, dict[str, int]]:
    """What could really be paid: never more than came in by then."""
    there, paid = 0, {}
    for year in range(2025, 2030):
        there += sum(paid_in.get(year, {}).values())
        for award, pence in sorted(wanted.get(year, {}).items()):
            pence = min(pence, there)
            there -= pence
            paid.setdefault(year, {})[award] = pence
    return paid


@given(_PAID_IN, _WANTED)
def test_the_members_parts_come_to_what_was_paid_out(
    paid_in: dict[int, dict[str, int]], wanted: dict[int, dict[str, int]]
) -> None:
    paid_out = _within_the_pot(paid_in, wanted)
    traced = {owner: {year.year: year for year in trace(paid_in, paid_out, owner)} for owner in _OWNERS}
    for year in range(2025, 2030):
        rows = [found[year] for found in traced.values() if year in found]
        assert sum(row.used_pence for row in rows) == sum(paid_out.get(year, {}).values())
        for row in rows:
            assert sum(pence for _, pence in row.awards) == row.used_pence
    for owner, found in traced.items():
        gave = sum(held.get(owner, 0) for held in paid_in.values())
        used = sum(row.used_pence for row in found.values())
        assert used <= gave
        assert sum(row.paid_in_pence for row in found.values()) == gave
        if found:
            assert found[max(found)].left_pence == gave - used


def test_a_year_by_hand() -> None:
    """£100 and £50 in the pot; £30 paid out is shared two to one, and what is left carries over."""
    paid_in = {2025: {"org:A": 100_00, "org:B": 50_00}, 2026: {"org:C": 100_00}}
    paid_out = {2025: {"G-1": 20_00, "G-2": 10_00}, 2026: {"G-1": 22_00}}
    (first, second) = trace(paid_in, paid_out, "org:A")
    assert (first.paid_in_pence, first.used_pence, first.left_pence) == (100_00, 20_00, 80_00)
    assert first.awards == (("G-1", 13_33), ("G-2", 6_67))
    # 80 + 40 + 100 are in the pot in the second year
    assert (second.paid_in_pence, second.used_pence, second.left_pence) == (0, 8_00, 72_00)
    assert trace(paid_in, paid_out, "org:D") == []


def test_money_that_came_back_never_paid_for_anything() -> None:
    """A contribution that was undone after it was spent: nobody's part goes below nought."""
    (only,) = trace({2025: {"org:A": -5_00, "org:B": 10_00}}, {2025: {"G-1": 20_00}}, "org:B")
    assert (only.used_pence, only.left_pence) == (10_00, 0)


def test_restricted_money_pays_for_its_own_awards_and_the_years_are_summed() -> None:
    apart = {
        None: trace({2025: {"org:A": 100, "org:B": 100}}, {2026: {"G-1": 100}}, "org:A"),
        "RF-001": trace({2025: {"org:A": 40}}, {2027: {"G-2": 10, "G-1": 5}}, "org:A"),
    }
    assert filled(apart)["RF-001"] == [
        TracedYear(2025, 40, 0, 40, ()),
        TracedYear(2026, 0, 0, 40, ()),
        TracedYear(2027, 0, 15, 25, (("G-1", 5), ("G-2", 10))),
    ]
    assert together(apart) == [
        TracedYear(2025, 140, 0, 140, ()),
        TracedYear(2026, 0, 50, 90, (("G-1", 50),)),
        TracedYear(2027, 0, 15, 75, (("G-1", 5), ("G-2", 10))),
    ]


@given(_PAID_IN, _PAID_IN, _WANTED, _WANTED)
def test_the_parts_of_each_year_are_its_whole(
    free_in: dict[int, dict[str, int]],
    tied_in: dict[int, dict[str, int]],
    free_out: dict[int, dict[str, int]],
    tied_out: dict[int, dict[str, int]],
) -> None:
    apart = {None: trace(free_in, free_out, "org:A"), "RF-001": trace(tied_in, tied_out, "org:A")}
    whole = together(apart)
    parts = filled(apart)
    for year in whole:
        own = [one for known in parts.values() for one in known if one.year == year.year]
        assert year.paid_in_pence == sum(one.paid_in_pence for one in own)
        assert year.left_pence == sum(one.left_pence for one in own)
        assert year.used_pence == sum(one.used_pence for one in own) == sum(pence for _, pence in year.awards)
    assert (whole[-1].left_pence if whole else 0) == sum(
        sum(year.paid_in_pence - year.used_pence for year in known) for known in apart.values()
    )

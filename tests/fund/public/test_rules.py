"""Drawings and words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.public.drawing import BAR_WIDTH, POT_LEFT, POT_WIDTH, bar_widths, pot
from fund.public.words import WORDS
from members.rules import Sector

sums = st.fixed_dictionaries({sector: st.integers(0, 10**13) for sector in Sector})


@given(sums)
def test_the_pot_is_cut_without_gap_or_overlap(amounts: dict[Sector, int]) -> None:
    bands = pot(amounts)
    if not any(amounts.values()):
        assert bands == []
        return
    assert [band.sector for band in bands] == list(Sector)
    assert sum(band.width for band in bands) == POT_WIDTH
    assert sum(band.percent for band in bands) == 100
    assert [band.pence for band in bands] == [amounts[sector] for sector in Sector]
    at = POT_LEFT
    for band in bands:
        assert band.x == at
        at += band.width
        assert (band.stream_width > 0) == (band.pence > 0)


def test_equal_money_makes_equal_bands_and_no_sector_is_favoured() -> None:
    bands = pot(dict.fromkeys(Sector, 5_00))
    assert len({band.width for band in bands}) == 1
    assert len({band.stream_width for band in bands}) == 1
    assert [band.stream_x for band in bands] == [60, 180, 300]


@pytest.mark.parametrize(
    ("pence", "widths"),
    [([0, 0, 0], [0, 0, 0]), ([1, 10**9, 0], [1, BAR_WIDTH, 0]), ([50, 100], [100, 200]), ([], [])],
)
def test_bars(pence: list[int], widths: list[int]) -> None:
    assert bar_widths(pence) == widths


def test_every_word_of_the_handbook_is_explained_once() -> None:
    terms = [word.term for word in WORDS]
    assert len(set(terms)) == len(terms)
    assert len({word.anchor for word in WORDS}) == len(terms)
    asked = {
        *("Society", "Member", "Representative", "Deputy", "Sector", "VCSE", "Steward", "Secretary", "Rules"),
        *("Policies", "Contribution", "Pledge", "In-kind", "Restricted", "Unrestricted", "Programme", "Round"),
        *("Strand", "Proposal", "Partner", "Co-producer", "Attestation", "Gate", "Assessment", "Ballot", "Roll"),
        *("Award", "Instalment", "Milestone", "Retention", "Variation", "Underspend", "Suspension", "Clawback"),
        *("Closure", "Theme", "Outcome", "Measure", "Story", "MFA"),
    }
    phrases = ["Expression of interest", "Lead partner", "People to be supported", "Due diligence", "Legacy check"]
    phrases += ["Conflict of interest", "Grant agreement", "Conditions precedent", "Special conditions", "Proxy value"]
    assert {*asked, *phrases, "Social value"} <= set(terms)
    for word in WORDS:
        for avoided in ("beneficiar", "end user", "hard to reach", "service user"):
            assert avoided not in word.meaning.lower() + word.unlike.lower()

"""Which sector a proposal lacks, and what fits in a request."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.rules import Sector
from proposals.brokerage.rules import LONGEST_TITLE, Words, gaps, suggested, words_faults
from proposals.evidence.case import PartnerCase
from proposals.evidence.collaboration import independent_sectors

PRIVATE, PUBLIC, VCSE = Sector


def part(sector: Sector, *, group: int | None = None, confirmed: bool = True, lead: bool = False) -> PartnerCase:
    part.count += 1  # type: ignore[attr-defined]
    return PartnerCase(
        id=part.count,  # type: ignore[attr-defined]
        organisation_id=part.count,  # type: ignore[attr-defined]
        name="Somebody",
        sector=sector,
        group_id=group,
        is_lead=lead,
        confirmed=confirmed,
        role=None,
        contribution_kind=None,
        contribution_description="",
        contribution_pence=None,
        valuation_basis="",
        grant_share_pence=None,
        principles_version=None,
    )


part.count = 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("partners", "lacking"),
    [
        ([part(VCSE, lead=True, confirmed=False)], [PRIVATE, PUBLIC]),
        ([part(VCSE, lead=True), part(PUBLIC)], [PRIVATE]),
        ([part(VCSE, lead=True), part(PUBLIC), part(PRIVATE, confirmed=False)], [PRIVATE]),
        ([part(VCSE, lead=True), part(PUBLIC), part(PRIVATE)], []),
        # under one owner both count as one, so another firm or another charity would help
        ([part(VCSE, lead=True, group=1), part(PRIVATE, group=1), part(PUBLIC)], [PRIVATE, VCSE]),
        ([], []),
    ],
)
def test_the_sectors_that_gate_1_lacks(partners: list[PartnerCase], lacking: list[Sector]) -> None:
    assert gaps(partners, 3) == lacking


def test_a_round_that_asks_for_two_sectors_lacks_nothing_with_two() -> None:
    assert gaps([part(VCSE, lead=True), part(PUBLIC)], 2) == []


@given(
    st.lists(
        st.builds(part, st.sampled_from(Sector), group=st.sampled_from([None, 1, 2]), confirmed=st.booleans()),
        min_size=1,
        max_size=6,
    )
)
def test_a_partner_of_a_lacking_sector_always_brings_gate_1_nearer(others: list[PartnerCase]) -> None:
    partners = [part(VCSE, lead=True), *others]
    counted = [one for one in partners if one.confirmed or one.is_lead]
    now = len(independent_sectors(counted))
    lacking = gaps(partners, 3)
    assert bool(lacking) == (now < 3)
    for sector in Sector:
        nearer = len(independent_sectors([*counted, part(sector)])) > now
        assert nearer == (sector in lacking)


def test_only_the_title_is_taken_from_the_draft() -> None:
    words = suggested("Warm rooms " * 30, PRIVATE, ["E08000001", "gone"])
    assert len(words.title) == LONGEST_TITLE
    assert "Private" in words.need
    assert words.districts == {"E08000001"}
    assert list(words_faults(words)) == []


GOOD = Words("Warm rooms", "We look for a firm.")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (replace(GOOD, title=""), "title"),
        (replace(GOOD, need=""), "need"),
        (replace(GOOD, districts=frozenset({"E09000001"})), "districts"),
        (replace(GOOD, interests=frozenset({"ranking"})), "interests"),
    ],
)
def test_words_that_can_not_be_posted(words: Words, field: str) -> None:
    assert [fault.field for fault in words_faults(words)] == [field]

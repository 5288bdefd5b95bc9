"""What scores add up to, and whom a conflict shuts out."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.kernel.policy import Policy
from proposals.assessment.rules import GATE_CODES, Scores, conflict_of_interest, means_of, shown_mean, standing_of

POLICY = Policy()


def scores(*by_gate: int, lived: bool = False) -> Scores:
    return Scores(dict(zip(GATE_CODES, by_gate, strict=True)), lived)


GOOD = scores(3, 3, 3, 3)
LIVED = scores(2, 3, 4, 3, lived=True)


def test_two_assessors_one_with_lived_experience_are_enough() -> None:
    found = standing_of([GOOD, LIVED], POLICY, talked_about=False)
    assert found.complete
    assert found.means["g1"] == Fraction(5, 2)
    assert found.mean == Fraction(3)
    assert not found.needs_moderation


@pytest.mark.parametrize(
    ("given_scores", "words"),
    [
        ([], "0 of at least 2"),
        ([LIVED], "1 of at least 2"),
        ([GOOD, GOOD], "lived experience"),
        ([GOOD, scores(0, 4, 4, 4, lived=True)], "scored 0"),
        ([scores(1, 3, 3, 3), scores(2, 3, 3, 3, lived=True)], "mean below 2"),
    ],
)
def test_each_reason_alone_keeps_it_off_the_ballot(given_scores: list[Scores], words: str) -> None:
    found = standing_of(given_scores, POLICY, talked_about=False)
    assert not found.complete
    assert any(words in finding.message for finding in found.findings)


def test_a_mean_of_exactly_two_passes() -> None:
    assert standing_of([scores(1, 2, 2, 2), scores(3, 2, 2, 2, lived=True)], POLICY, talked_about=False).complete


def test_a_nought_asks_for_a_talk_only_when_all_scores_are_in() -> None:
    nought = scores(0, 4, 4, 4, lived=True)
    assert not standing_of([nought], POLICY, talked_about=False).needs_moderation
    assert standing_of([GOOD, nought], POLICY, talked_about=False).needs_moderation


def test_a_talk_never_lets_scores_pass_that_do_not() -> None:
    found = standing_of([GOOD, scores(0, 4, 4, 4, lived=True)], POLICY, talked_about=True)
    assert not found.complete
    assert not found.needs_moderation


def test_the_policy_says_how_many() -> None:
    strict = replace(POLICY, assessors_min=3)
    assert not standing_of([GOOD, LIVED], strict, talked_about=False).complete
    lax = replace(POLICY, lived_experience_min=0)
    assert standing_of([GOOD, GOOD], lax, talked_about=False).complete
    high = replace(POLICY, gate_human_min_mean=3)
    assert not standing_of([GOOD, LIVED], high, talked_about=False).complete


some_scores = st.lists(
    st.builds(lambda four, lived: scores(*four, lived=lived), st.tuples(*[st.integers(0, 4)] * 4), st.booleans()),
    min_size=1,
    max_size=6,
)


@given(some_scores)
def test_means_are_exact_and_passing_is_what_the_handbook_says(given_scores: list[Scores]) -> None:
    means = means_of(given_scores)
    for code in GATE_CODES:
        assert means[code] * len(given_scores) == sum(one.by_gate[code] for one in given_scores)
    passes = (
        len(given_scores) >= 2
        and any(one.lived_experience for one in given_scores)
        and all(mean >= 2 for mean in means.values())
        and all(score for one in given_scores for score in one.by_gate.values())
    )
    assert standing_of(given_scores, POLICY, talked_about=False).complete is passes


@pytest.mark.parametrize(
    ("mean", "words"),
    [(None, "—"), (Fraction(2), "2"), (Fraction(5, 2), "2.5"), (Fraction(7, 3), "2.33"), (Fraction(8, 3), "2.67")],
)
def test_means_are_shown_to_two_places(mean: Fraction | None, words: str) -> None:
    assert shown_mean(mean) == words


def test_conflicts_come_from_roles_in_partners_and_in_bodies_connected_to_them() -> None:
    assert conflict_of_interest({1: "A"}, {}, {2}, set()) is None
    assert "A, which is a partner" in (conflict_of_interest({1: "A"}, {}, {1}, set()) or "")
    assert "A, which is connected" in (conflict_of_interest({1: "A"}, {9: "A"}, {2}, {9}) or "")
    assert conflict_of_interest({1: "A"}, {9: "A"}, {2}, {8}) is None

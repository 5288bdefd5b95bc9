"""The pure counts, against the handbook's printed numbers, shared cases, and properties that must always hold."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fund.kernel.policy import Policy
from voting.methods.ballots import tally, with_proxies
from voting.methods.funding_order import Passed, fund, in_order
from voting.methods.meetings import (
    adjourns_for_want_of_quorum,
    board_seats_to_retire,
    clear_days_for_adjourned_meeting,
    meeting_required,
    short_notice_agreed,
)
from voting.methods.resolution import (
    MAJORITY,
    THREE_QUARTERS,
    TWO_THIRDS,
    Base,
    Chambers,
    Choice,
    Outcome,
    Quorum,
    Rule,
    Tally,
    Verdict,
    count,
)
from voting.rules import Kind, rule_for

SECTORS = ("private", "public", "vcse")
POLICY = Policy()


def run(kind: Kind, private: tuple[int, ...], public: tuple[int, ...], vcse: tuple[int, ...]) -> Outcome:
    """Count with each sector as (for, against, abstain, absent, recused)."""
    sectors = zip(SECTORS, (Tally(*private), Tally(*public), Tally(*vcse)), strict=True)
    return count(dict(sectors), rule_for(kind, POLICY))


# --- handbook §5.3


def test_two_of_three_sectors_in_favour_passes() -> None:
    outcome = run(Kind.GRANT, (1, 4), (4, 1), (15, 2))
    assert outcome.verdict is Verdict.PASSED
    assert outcome.supporting == ("public", "vcse")


def test_20_to_8_over_all_but_one_sector_fails_test_a() -> None:
    outcome = run(Kind.GRANT, (1, 4), (1, 4), (18, 0))
    assert (outcome.total.votes_for, outcome.total.against) == (20, 8)
    assert (outcome.verdict, outcome.reasons) == (Verdict.FAILED, ("chambers",))


def test_5_to_5_is_lost() -> None:
    outcome = run(Kind.GRANT, (2, 1), (2, 1), (1, 3))
    assert (outcome.total.votes_for, outcome.total.against) == (5, 5)
    assert (outcome.verdict, outcome.reasons) == (Verdict.FAILED, ("tie",))


def test_nobody_can_break_a_tie_in_the_fund() -> None:
    """R23: the chair's vote changes nothing in any of the fund's own kinds."""
    sectors = dict(zip(SECTORS, (Tally(2, 1), Tally(2, 1), Tally(1, 3)), strict=True))
    for kind in Kind:
        outcome = count(sectors, rule_for(kind, POLICY), chair=Choice.FOR)
        assert not outcome.passed


@pytest.mark.parametrize(
    ("private", "public", "vcse", "passes"), [((5, 1), (5, 2), (5, 2), True), ((5, 1), (5, 2), (4, 2), False)]
)
def test_special_15_to_5_passes_and_14_to_5_fails(
    private: tuple[int, int], public: tuple[int, int], vcse: tuple[int, int], passes: bool
) -> None:
    outcome = run(Kind.SPECIAL, private, public, vcse)
    assert outcome.total.votes_for == (15 if passes else 14)
    assert outcome.total.against == 5
    assert outcome.passed is passes
    assert outcome.reasons == (() if passes else ("threshold",))


def test_special_needs_all_three_sectors() -> None:
    outcome = run(Kind.SPECIAL, (1, 1), (10, 0), (10, 0))
    assert outcome.reasons == ("chamber:private",)


def test_20_vcse_votes_alone_pass_nothing() -> None:
    """R04."""
    for kind in Kind:
        assert not run(kind, (0, 3), (0, 3), (20, 0)).passed
        assert not run(kind, (0, 0, 3), (0, 0, 3), (20, 0)).passed
        assert not run(kind, (0, 0, 0, 3), (0, 0, 0, 3), (20, 0)).passed


def test_written_resolutions_are_measured_against_all_members() -> None:
    assert run(Kind.WRITTEN_ORDINARY, (4, 0, 0, 2), (4, 0, 0, 2), (3, 0, 0, 6)).passed  # 11 of 21
    assert run(Kind.WRITTEN_ORDINARY, (4, 0, 0, 2), (4, 0, 0, 2), (2, 0, 0, 6)).reasons == ("threshold",)  # 10 of 20
    assert run(Kind.WRITTEN_SPECIAL, (5, 0, 0, 1), (5, 0, 0, 1), (5, 0, 0, 3)).passed  # 15 of 20
    assert run(Kind.WRITTEN_SPECIAL, (5, 0, 0, 1), (5, 0, 0, 1), (4, 0, 0, 4)).reasons == ("threshold",)  # 14 of 20


# --- quorum, abstentions, recusal


def test_quorum_is_20_percent_of_the_unconflicted() -> None:
    assert run(Kind.GRANT, (2, 0, 0, 8), (2, 0, 0, 8), (2, 0, 0, 8)).passed  # 6 of 30 is 20 %
    short = run(Kind.GRANT, (2, 0, 0, 8), (2, 0, 0, 8), (2, 0, 0, 9))  # 6 of 31: 7 must
    assert (short.verdict, short.reasons) == (Verdict.INQUORATE, ("quorum",))
    assert run(Kind.GRANT, (2, 0, 0, 8), (2, 0, 0, 8), (2, 0, 0, 8, 100)).passed  # recused are in no base


def test_quorum_is_never_fewer_than_five() -> None:
    assert run(Kind.GRANT, (2, 0), (1, 0), (1, 0)).reasons == ("quorum_minimum",)
    assert run(Kind.GRANT, (2, 0), (2, 0), (1, 0)).passed


def test_quorum_is_two_in_each_sector_or_all_where_there_are_fewer() -> None:
    assert run(Kind.GRANT, (1, 0, 0, 1), (5, 0), (5, 0)).reasons == ("quorum_sector:private",)
    assert run(Kind.GRANT, (1, 0), (5, 0), (5, 0)).passed
    assert run(Kind.GRANT, (0, 0, 0, 1), (5, 0), (5, 0)).reasons == ("quorum_sector:private",)


def test_abstentions_make_quorum_and_no_majority() -> None:
    assert run(Kind.GRANT, (1, 0, 1), (1, 0, 1), (0, 0, 2)).passed
    assert run(Kind.GRANT, (0, 0, 2), (0, 0, 2), (0, 0, 2)).reasons == ("chambers", "threshold")


def test_one_sector_wholly_recused_leaves_two_that_must_agree() -> None:
    outcome = run(Kind.GRANT, (0, 0, 0, 0, 3), (5, 0), (5, 0))
    assert outcome.passed
    assert outcome.notes == ("sector wholly recused: private",)
    assert not run(Kind.GRANT, (0, 0, 0, 0, 3), (1, 4), (9, 0)).passed


def test_a_sector_without_members_does_not_consent_to_a_special_resolution() -> None:
    assert run(Kind.SPECIAL, (), (9, 0), (9, 0)).reasons == ("chamber:private",)


def test_every_check_says_its_numbers() -> None:
    outcome = run(Kind.GRANT, (1, 4), (4, 1), (15, 2))
    sentences = {check.code: check.sentence for check in outcome.checks}
    assert sentences["threshold"] == "20 for and 7 against; more than half of the votes for and against must be for."
    assert sentences["chambers"] == "2 of 3 sectors voted more for than against; at least 2 must."


# --- shared cases

_THRESHOLDS = {"ordinary": MAJORITY, "two_thirds": TWO_THIRDS, "three_quarters": THREE_QUARTERS}


def _rule(written: dict[str, Any]) -> Rule:
    quorum = written.get("quorum", {})
    weights = written.get("weights")
    return Rule(
        threshold=_THRESHOLDS[written["threshold"]],
        base=Base(written.get("base", "cast")),
        quorum=Quorum(
            overall=Fraction(quorum.get("overall", 0)),
            minimum=quorum.get("minimum", 1),
            sector=Fraction(quorum.get("sector", 0)),
        ),
        chambers=Chambers(written.get("chambers", "none")),
        k=written.get("k", 0),
        weights={sector: Fraction(share) for sector, share in weights.items()} if weights else None,
        turnout=Fraction(written.get("turnout", 0)),
        chair_breaks_ties="casting" in written,
    )


def _sectors(case: dict[str, Any]) -> dict[str, Tally]:
    if "sectors" in case:
        return {
            sector: Tally(row["for"], row["against"], row["abstain"], row["absent"], row["recused"])
            for sector, row in case["sectors"].items()
        }
    recused = case.get("recused", [])
    ballots = with_proxies(
        {member: Choice(choice) for member, choice in case["ballots"].items()},
        [(giver, holder) for giver, holder in case["proxies"]],
        recused=recused,
        most_per_holder=case["rule"].get("max_proxies", 5),
    )
    return tally(dict(case["members"]), ballots, sectors=SECTORS, recused=recused)


def test_every_shared_case_is_reproduced(shared_data: Path) -> None:
    cases = json.loads((shared_data / "voting" / "resolutions" / "cases.json").read_text())["cases"]
    assert len(cases) == 38
    for case in cases:
        chair = Choice(case["chair"]) if "chair" in case else None
        outcome = count(_sectors(case), _rule(case["rule"]), chair=chair)
        got = {
            "outcome": outcome.verdict.value,
            "reasons": list(outcome.reasons),
            "notes": list(outcome.notes),
            "for": outcome.total.votes_for,
            "against": outcome.total.against,
            "abstain": outcome.total.abstain,
            "eligible": outcome.total.eligible,
            "weighted_for": str(outcome.weighted_for),
        }
        assert {name: got[name] for name in case["expect"]} == case["expect"], case["id"]


# --- properties

_small = st.integers(0, 6)
_tallies = st.builds(Tally, _small, _small, _small, _small, _small)
_worlds = st.fixed_dictionaries(dict.fromkeys(SECTORS, _tallies))
_rules = st.one_of(
    st.sampled_from([rule_for(kind, POLICY) for kind in Kind]),
    st.builds(
        Rule,
        threshold=st.sampled_from([MAJORITY, TWO_THIRDS, THREE_QUARTERS]),
        base=st.sampled_from(Base),
        quorum=st.builds(
            Quorum, overall=st.sampled_from([Fraction(0), Fraction(1, 3)]), sector=st.just(Fraction(1, 3))
        ),
        chambers=st.sampled_from(Chambers),
        k=st.integers(0, 3),
        turnout=st.sampled_from([Fraction(0), Fraction(1, 2)]),
    ),
)


def _moved(tallied: Tally, source: str) -> Tally | None:
    """One member of the sector moves from `source` to for."""
    if getattr(tallied, source) == 0:
        return None
    return tallied + Tally(1) + Tally(**{source: -1})


@given(_worlds, _rules, st.sampled_from(SECTORS), st.sampled_from(["against", "abstain", "absent"]))
@settings(max_examples=400, deadline=None)
def test_a_new_supporter_never_hurts(sectors: dict[str, Tally], rule: Rule, sector: str, source: str) -> None:
    changed = _moved(sectors[sector], source)
    if changed is not None and count(sectors, rule).passed:
        assert count(sectors | {sector: changed}, rule).passed


@given(st.lists(st.tuples(st.sampled_from(SECTORS), st.sampled_from(Choice)), max_size=12), st.randoms())
@settings(deadline=None)
def test_the_order_of_ballots_and_the_names_of_members_change_nothing(
    said: list[tuple[str, Choice]], random: Any
) -> None:
    members = {f"m{number}": sector for number, (sector, _) in enumerate(said)}
    ballots = {f"m{number}": choice for number, (_, choice) in enumerate(said)}
    shuffled = list(ballots.items())
    random.shuffle(shuffled)
    renamed = {f"x{key}": value for key, value in shuffled}
    first = tally(members, ballots, sectors=SECTORS)
    assert first == tally(members, dict(shuffled), sectors=SECTORS)
    assert first == tally({f"x{key}": value for key, value in members.items()}, renamed, sectors=SECTORS)


@given(_worlds)
@settings(deadline=None)
def test_no_sector_is_favoured(sectors: dict[str, Tally]) -> None:
    """Exchanging the sectors' votes never changes whether a grant passes."""
    results = {
        count(dict(zip(SECTORS, order, strict=True)), rule_for(Kind.GRANT, POLICY)).verdict
        for order in permutations(sectors.values())
    }
    assert len(results) == 1


def test_votes_of_strangers_and_of_the_recused_are_not_counted() -> None:
    members = {"a": "private", "b": "public"}
    found = tally(members, {"a": Choice.FOR, "b": Choice.FOR, "z": Choice.FOR}, sectors=SECTORS, recused={"b"})
    assert found == {"private": Tally(1), "public": Tally(recused=1), "vcse": Tally()}


# --- the funding order (handbook §5.4)

SENT = datetime(2026, 5, 1, tzinfo=UTC)


def passed(
    key: str,
    pence: int = 10,
    *,
    sectors: int = 2,
    votes: tuple[int, int] = (10, 5),
    score: Fraction | None = Fraction(3),
    minutes: int = 0,
) -> Passed:
    return Passed(key, pence, sectors, votes[0], votes[1], score, SENT + timedelta(minutes=minutes))


def test_the_order_is_sectors_then_share_then_score_then_earlier() -> None:
    expected = [
        passed("three sectors", sectors=3, votes=(6, 5), score=Fraction(1), minutes=9),
        passed("larger share", votes=(11, 5), score=Fraction(1), minutes=9),
        passed("same share of more votes, better score", votes=(20, 10), score=Fraction(7, 2), minutes=9),
        passed("earlier", minutes=1),
        passed("later", minutes=2),
        passed("no score", score=None),
    ]
    for order in (expected, expected[::-1], sorted(expected, key=lambda item: item.key)):
        assert [item.key for item in in_order(order)] == [item.key for item in expected]


def test_all_are_funded_where_the_money_reaches() -> None:
    assert [line.funded for line in fund([passed("a", 60), passed("b", 40, minutes=1)], 100)] == [True, True]


def test_the_first_that_does_not_fit_ends_the_funding() -> None:
    """ "Fund down the list while the next fits; the rest go on a reserve list": nobody overtakes."""
    lines = fund([passed("a", 60), passed("b", 50, minutes=1), passed("c", 30, minutes=2)], 100)
    assert [(line.key, line.funded, line.left_before_pence) for line in lines] == [
        ("a", True, 100),
        ("b", False, 40),
        ("c", False, 40),
    ]


@given(st.lists(st.integers(1, 100), max_size=8), st.integers(0, 300))
@settings(deadline=None)
def test_never_more_than_the_money_and_the_funded_come_first(asks: list[int], budget: int) -> None:
    items = [passed(f"p{number}", pence, minutes=number) for number, pence in enumerate(asks)]
    lines = fund(items, budget)
    pence = {item.key: item.requested_pence for item in items}
    assert sum(pence[line.key] for line in lines if line.funded) <= budget
    assert [line.funded for line in lines] == sorted((line.funded for line in lines), reverse=True)
    assert [line.place for line in lines] == list(range(1, len(items) + 1))


# --- meetings and board (handbook §5.2)


@pytest.mark.parametrize(("size", "retiring"), [(7, 2), (8, 3), (9, 3), (10, 3)])
def test_a_third_of_the_board_retires(size: int, retiring: int) -> None:
    assert board_seats_to_retire(size, Fraction(1, 3)) == retiring


def test_a_meeting_without_quorum_is_adjourned_after_30_minutes() -> None:
    after = {"starts_at": SENT, "quorate": False}
    assert not adjourns_for_want_of_quorum(now=SENT + timedelta(minutes=29, seconds=59), **after)  # type: ignore[arg-type]
    assert adjourns_for_want_of_quorum(now=SENT + timedelta(minutes=30), **after)  # type: ignore[arg-type]
    assert not adjourns_for_want_of_quorum(starts_at=SENT, now=SENT + timedelta(hours=1), quorate=True)


def test_a_meeting_put_off_by_14_days_needs_7_clear_days_notice() -> None:
    assert clear_days_for_adjourned_meeting(13) == 0
    assert clear_days_for_adjourned_meeting(14) == 7


def test_shorter_notice_needs_90_percent_and_a_requisition_10() -> None:
    assert short_notice_agreed(agreeing=18, votes=20, percent=90)
    assert not short_notice_agreed(agreeing=17, votes=20, percent=90)
    assert not short_notice_agreed(agreeing=0, votes=0, percent=90)
    assert meeting_required(asking=2, members=20, percent=10)
    assert not meeting_required(asking=2, members=21, percent=10)

"""Notice arithmetic, the roll, conflicts, and the words of results."""

from datetime import UTC, date, datetime, timedelta

import pytest

from fund.kernel.calendar import deemed_delivered_by_email, earliest_after_clear_days
from fund.kernel.policy import Policy
from members.rules import Sector
from voting.methods.resolution import Choice, Tally, Verdict, count
from voting.rules import (
    ConflictKind,
    Enrolled,
    Kind,
    automatic_conflict,
    count_item,
    earliest_opening,
    explanation,
    make_roll,
    notice_findings,
    outcome_record,
    roll_text,
    rule_for,
    text_hash,
    thin_sectors,
)

POLICY = Policy()


def test_14_clear_days_from_1_june_allow_16_june() -> None:
    """The handbook's own numbers (§5.2)."""
    assert earliest_after_clear_days(date(2026, 6, 1), 14) == date(2026, 6, 16)
    assert deemed_delivered_by_email(date(2026, 6, 1)) == date(2026, 6, 2)


def test_a_grant_ballot_opens_after_7_clear_days_from_the_day_of_delivery() -> None:
    """Given on 1 June, delivered on the 2nd, clear from the 3rd to the 9th."""
    given = datetime(2026, 6, 1, 9, tzinfo=UTC)
    assert earliest_opening(given, POLICY) == datetime(2026, 6, 9, 23, tzinfo=UTC)  # midnight of 10 June in England


def test_the_day_of_notice_is_the_day_in_england() -> None:
    before_midnight = datetime(2026, 6, 1, 22, 59, 59, tzinfo=UTC)
    after_midnight = datetime(2026, 6, 1, 23, 0, tzinfo=UTC)
    assert earliest_opening(after_midnight, POLICY) - earliest_opening(before_midnight, POLICY) == timedelta(days=1)
    assert earliest_opening(before_midnight, POLICY) == datetime(2026, 6, 9, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "earliest"),
    [
        # clocks go forward on 29 March 2026 and back on 25 October 2026
        (datetime(2026, 3, 24, 12, tzinfo=UTC), datetime(2026, 4, 1, 23, tzinfo=UTC)),
        (datetime(2026, 3, 18, 12, tzinfo=UTC), datetime(2026, 3, 27, 0, tzinfo=UTC)),
        (datetime(2026, 3, 20, 12, tzinfo=UTC), datetime(2026, 3, 29, 0, tzinfo=UTC)),
        (datetime(2026, 10, 16, 12, tzinfo=UTC), datetime(2026, 10, 24, 23, tzinfo=UTC)),
        (datetime(2026, 10, 17, 12, tzinfo=UTC), datetime(2026, 10, 26, 0, tzinfo=UTC)),
    ],
)
def test_clear_days_across_the_change_of_clocks(given: datetime, earliest: datetime) -> None:
    assert earliest_opening(given, POLICY) == earliest


def _findings(opens: datetime, closes: datetime) -> list[str | None]:
    given = datetime(2026, 6, 1, 9, tzinfo=UTC)
    return [f.field for f in notice_findings(given_at=given, opens_at=opens, closes_at=closes, policy=POLICY)]


def test_too_early_an_opening_is_found_with_the_earliest_day() -> None:
    lawful = datetime(2026, 6, 9, 23, tzinfo=UTC)
    closes = datetime(2026, 6, 20, 16, tzinfo=UTC)
    assert _findings(lawful, closes) == []
    early = notice_findings(
        given_at=datetime(2026, 6, 1, 9, tzinfo=UTC),
        opens_at=lawful - timedelta(seconds=1),
        closes_at=closes,
        policy=POLICY,
    )
    assert early[0].field == "opens_on"
    assert "before Wednesday 10 June 2026" in early[0].message


@pytest.mark.parametrize(("days", "fits"), [(9, False), (10, True), (28, True), (29, False), (-1, False)])
def test_a_ballot_is_open_for_10_to_28_days(days: int, fits: bool) -> None:
    opens = datetime(2026, 6, 10, 8, tzinfo=UTC)
    assert _findings(opens, opens + timedelta(days=days)) == ([] if fits else ["closes_on"])


def enrolled(reference: str, group: int | None = None, joined: date = date(2025, 4, 1)) -> Enrolled:
    return Enrolled(reference, f"Member {reference}", Sector.VCSE, group, joined)


def test_one_vote_for_each_member_and_one_for_each_group() -> None:
    roll = make_roll(
        [
            enrolled("GM-0003", group=7, joined=date(2024, 1, 1)),
            enrolled("GM-0001", group=7, joined=date(2025, 1, 1)),
            enrolled("GM-0002"),
            enrolled("GM-0005", group=8),
            enrolled("GM-0004", group=8),
        ]
    )
    assert [(line.reference, line.votes_through) for line in roll] == [
        ("GM-0001", "GM-0003"),
        ("GM-0002", None),
        ("GM-0003", None),
        ("GM-0004", None),
        ("GM-0005", "GM-0004"),
    ]


def test_connected_members_vote_each_where_the_rules_say_so() -> None:
    roll = make_roll([enrolled("GM-0001", group=7), enrolled("GM-0002", group=7)], groups_share=False)
    assert [(line.group_id, line.votes_through) for line in roll] == [(7, None), (7, None)]


def test_the_roll_has_one_text_whatever_the_order_and_a_changed_member_changes_its_hash() -> None:
    roll = make_roll([enrolled("GM-0002"), enrolled("GM-0001", group=3)])
    assert roll_text(roll) == "GM-0001\tvcse\t3\tvotes\tMember GM-0001\nGM-0002\tvcse\t-\tvotes\tMember GM-0002\n"
    assert roll_text(roll[::-1]) == roll_text(roll)
    other = make_roll([enrolled("GM-0002"), enrolled("GM-0001")])
    assert text_hash(roll_text(other)) != text_hash(roll_text(roll))


@pytest.mark.parametrize(
    ("organisation", "group", "kind"),
    [
        (1, None, ConflictKind.PARTNER),
        (2, 9, ConflictKind.CONNECTED),
        (2, 8, None),
        (2, None, None),
        (1, 9, ConflictKind.PARTNER),
    ],
)
def test_partners_and_those_connected_to_them_are_conflicted(
    organisation: int, group: int | None, kind: ConflictKind | None
) -> None:
    assert (
        automatic_conflict(organisation_id=organisation, group_id=group, partner_ids={1}, partner_group_ids={9}) is kind
    )


ROLL = {f"{sector.value}{number}": sector for sector in Sector for number in range(4)}


def test_results_say_why_in_plain_words() -> None:
    all_for = dict.fromkeys(ROLL, Choice.FOR)
    good = count_item(roll=ROLL, recused=set(), votes=all_for, policy=POLICY)
    assert explanation(good) == (
        "It passed: 12 for and 0 against over all, and more for than against in 3 of 3 sectors "
        "(Private, Public and VCSE). Enough members took part."
    )
    one_sector = {m: Choice.FOR if s is Sector.VCSE else Choice.ABSTAIN for m, s in ROLL.items()}
    assert explanation(count_item(roll=ROLL, recused=set(), votes=one_sector, policy=POLICY)) == (
        "It did not pass (4 for and 0 against over all): only VCSE had more for than against, "
        "and at least 2 sectors must."
    )
    tied = {m: Choice.FOR if m.endswith(("0", "1")) else Choice.AGAINST for m in ROLL}
    assert "a tie is lost" in explanation(count_item(roll=ROLL, recused=set(), votes=tied, policy=POLICY))
    few = count_item(roll=ROLL, recused=set(), votes={"vcse0": Choice.FOR}, policy=POLICY)
    assert few.verdict is Verdict.INQUORATE
    assert "It is not a refusal" in explanation(few)
    assert "Private: 0 members of 4 took part in this sector; 2 must." in explanation(few)


def test_a_sector_that_conflicts_left_thin_is_named() -> None:
    recused = {"public0", "public1", "public2"}
    outcome = count_item(roll=ROLL, recused=recused, votes=dict.fromkeys(ROLL, Choice.FOR), policy=POLICY)
    assert thin_sectors(outcome, POLICY) == ["public"]
    assert outcome.passed
    assert outcome.total.eligible == 9
    assert outcome_record(outcome, POLICY)["sectors"]["public"] == {  # type: ignore[index]
        "for": 1,
        "against": 0,
        "abstain": 0,
        "absent": 0,
        "recused": 3,
    }
    assert thin_sectors(count_item(roll=ROLL, recused={"public0"}, votes={}, policy=POLICY), POLICY) == []


@pytest.mark.parametrize(
    ("safeguard", "passes"), [("two_of_three", True), ("all_three", False), ("equal_thirds_weight", True)]
)
def test_the_safeguard_between_sectors_is_a_setting(safeguard: str, passes: bool) -> None:
    """Public and VCSE for, private against: two of three is enough, all three is not, thirds weigh 1 + 0 + 1."""
    policy = Policy(sector_safeguard=safeguard)
    tally = {
        Sector.PRIVATE.value: Tally(votes_for=1, against=4),
        Sector.PUBLIC.value: Tally(votes_for=4, against=1),
        Sector.VCSE.value: Tally(votes_for=15, against=2),
    }
    outcome = count(tally, rule_for(Kind.GRANT, policy))
    assert outcome.passed is passes
    assert passes or "every sector must" in explanation(outcome)

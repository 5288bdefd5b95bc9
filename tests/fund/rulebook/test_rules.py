"""Settings as data: ranges at both ends, what goes together, the ways of change."""

from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.kernel.access import Role
from fund.kernel.policy import POLICY_KEYS, Policy
from fund.kernel.settings.catalogue import SOCIETY_FACTS, SPECS, together
from fund.kernel.settings.shape import (
    SettingSpec,
    Tier,
    Value,
    ValueKind,
    as_typed,
    from_text,
    range_in_words,
    read,
    show,
    to_text,
)
from fund.rulebook import rules
from fund.rulebook.rules import WAYS, ChangeState

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
TODAY = date(2026, 6, 1)
CHANGEABLE = [spec for spec in SPECS.values() if spec.tier is not Tier.FIXED]
BOUNDED = [spec for spec in CHANGEABLE if spec.kind in (ValueKind.NUMBER, ValueKind.MONEY)]
DEFAULTS: dict[str, Value] = asdict(Policy()) | {
    "society_name": "Irwell Collaboration Fund",
    "society_type": "community_benefit",
    "society_address": "1 Example Street",
    "year_end": "03-31",
}


def names(specs: list[SettingSpec]) -> list[str]:
    return [spec.key for spec in specs]


def test_every_setting_of_the_policy_is_explained_and_every_explanation_has_a_setting() -> None:
    fixed = {spec.key for spec in SPECS.values() if spec.tier is Tier.FIXED}
    assert set(SPECS) - fixed == POLICY_KEYS | set(SOCIETY_FACTS)
    assert fixed == {"votes_per_member", "vote_depends_on_money", "tie"}
    assert all(spec.why_fixed and spec.fixed for spec in SPECS.values() if spec.tier is Tier.FIXED)
    assert all(spec.sentence.endswith(".") and range_in_words(spec) for spec in SPECS.values())


@pytest.mark.parametrize("spec", CHANGEABLE, ids=names(CHANGEABLE))
def test_a_default_is_within_its_own_range(spec: SettingSpec) -> None:
    value = DEFAULTS[spec.key]
    if value != "":  # no text of the rules is kept at first
        assert read(spec, as_typed(spec, value)) == value
        assert from_text(to_text(value)) == value
    assert show(spec, value)


def test_defaults_go_together() -> None:
    assert together(DEFAULTS) == []


@pytest.mark.parametrize("spec", BOUNDED, ids=names(BOUNDED))
def test_both_ends_of_a_range_are_allowed_and_one_beyond_is_not(spec: SettingSpec) -> None:
    for end, beyond in ((spec.low, spec.low - 1), (spec.high, spec.high + 1)):
        assert read(spec, as_typed(spec, end)) == end
        with pytest.raises(ValueError):
            read(spec, as_typed(spec, beyond))


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("special_majority_percent", ["67", "90", "75 %"], ["66", "91", "7 5", "1e1", "٧٥", "", "-75", "75.5"]),
        ("notice_clear_days_general", ["14"], ["13"]),
        ("proxies_per_holder", ["0", "5"], ["6"]),
        ("pay_within_days", ["30"], ["31"]),
        ("approvals_per_payment", ["2"], ["1"]),
        ("consent_review_months", ["6", "36"], ["5", "37"]),
        ("sector_weight_cap", ["1/3", "1/2", "2/6"], ["2/3", "1/0", "0.4", "/", "1/4"]),
        ("year_end", ["31 March", "28 february"], ["29 February", "31 June", "March", "0 May", "31 3"]),
        ("legacy_check_months", ["12, 36", "6"], ["36, 12", "12, 12", "", "0", "121", "a"]),
        (
            "priorities",
            ["One", "\n".join(map(str, range(20)))],
            ["", "\n".join(map(str, range(21))), "A\na", "x" * 121],
        ),
        ("sector_safeguard", ["all_three"], ["none", ""]),
        ("mfa_limit_pence", ["£315,000", "315000.50"], ["315000.5", "NaN", "1e5", "-1", "£", "0"]),
        ("pot_all_sectors_required", ["yes", "no"], ["maybe"]),
        ("dissolution", ["To a like body"], ["", "x" * 501]),
    ],
)
def test_what_may_be_typed(key: str, good: list[str], bad: list[str]) -> None:
    for typed in good:
        read(SPECS[key], typed)
    for typed in bad:
        with pytest.raises(ValueError, match=r"\.$"):
            read(SPECS[key], typed)


@given(st.sampled_from(CHANGEABLE), st.text(max_size=30))
def test_anything_typed_is_read_the_same_again_or_refused(spec: SettingSpec, typed: str) -> None:
    with suppress(ValueError):
        value = read(spec, typed)
        assert read(spec, as_typed(spec, value)) == value
        assert from_text(to_text(value)) == value


@pytest.mark.parametrize(
    "wrong",
    [
        {"due_diligence_light_to_pence": 60_000_00},
        {"report_one_to_pence": 60_000_00},
        {"g3_min_planned": 5, "g3_min_planned_once": 4},
        {"lived_experience_min": 3},
        {"sector_safeguard": "equal_thirds_weight"},
        {"board_size": 6, "board_per_sector_min": 3},
        {"board_size": 6, "board_max_sector_share": "1/3", "board_per_sector_min": 3},
    ],
    ids=str,
)
def test_settings_that_go_ill_together(wrong: dict[str, Value]) -> None:
    assert together(DEFAULTS | wrong)


def test_only_a_co_operative_may_weigh_sectors_by_thirds() -> None:
    weighted = DEFAULTS | {"sector_safeguard": "equal_thirds_weight"}
    assert together(weighted | {"society_type": "co_operative"}) == []
    for other in ("community_benefit", "charitable_cbs", "hosted"):
        assert "co-operative" in together(weighted | {"society_type": other})[0]


def test_a_change_never_reaches_back() -> None:
    assert rules.date_faults(TODAY, Tier.POLICY, NOW) == []
    assert "never reaches back" in rules.date_faults(date(2026, 5, 31), Tier.POLICY, NOW)[0].message
    assert rules.date_faults(None, Tier.BOARD, NOW)
    assert rules.date_faults(date(2037, 1, 1), Tier.BOARD, NOW)
    assert rules.date_faults(None, Tier.RULES, NOW) == []


def test_steps_are_recorded_after_they_happened_and_in_order() -> None:
    assert rules.happened_faults(TODAY, TODAY, NOW) == []
    assert rules.happened_faults(date(2026, 6, 2), TODAY, NOW)
    assert rules.happened_faults(date(2026, 5, 31), TODAY, NOW)


@pytest.mark.parametrize(
    ("tier", "state", "enters"),
    [
        (Tier.RULES, ChangeState.DRAFTED, {Role.SECRETARY}),
        (Tier.POLICY, ChangeState.PROPOSED, {Role.SECRETARY}),
        (Tier.BOARD, ChangeState.PROPOSED, {Role.BOARD}),
        (Tier.STEWARD, ChangeState.CONFIRMED, {Role.STEWARD}),
    ],
)
def test_who_enters_a_change_and_where_it_begins(tier: Tier, state: ChangeState, enters: set[Role]) -> None:
    assert rules.first_state(tier) is state
    assert WAYS[tier].enters == enters
    assert bool(WAYS[tier].confirms) is (tier is not Tier.STEWARD)


def test_every_change_says_why_and_who_decided() -> None:
    assert {one.field for one in rules.proof_faults(Tier.POLICY, "", "", "javascript:alert(1)")} == {
        "reason",
        "resolution",
        "resolution_link",
    }
    assert rules.proof_faults(Tier.RULES, "Because", "", "") == []


@pytest.mark.parametrize(
    ("society_type", "count"), [("co_operative", 14), ("community_benefit", 16), ("charitable_cbs", 16), ("hosted", 4)]
)
def test_what_the_rules_must_cover(society_type: str, count: int) -> None:
    codes = [one.code for one in rules.matters(society_type)]
    assert len(codes) == len(set(codes)) == count

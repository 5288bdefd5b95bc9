"""Which roles are kept apart, and which take two people: every pair, as a table."""

from itertools import combinations

import pytest

from fund.kernel.access import FUND_ROLES, MATRIX, Permission, Role
from members.offices.rules import (
    KEEPERS,
    KEPT_APART,
    TAKES_TWO,
    may_confirm_restoring,
    needs_two,
    separation_faults,
)

S, Y, B, A, L, U, G = (
    Role.STEWARD,
    Role.SECRETARY,
    Role.BOARD,
    Role.ASSESSOR,
    Role.LIVED_EXPERIENCE_ASSESSOR,
    Role.AUDITOR,
    Role.SAFEGUARDING_LEAD,
)
APART = {
    frozenset(pair) for pair in ((S, Y), (S, B), (Y, B), (S, A), (S, L), *((U, other) for other in FUND_ROLES - {U}))
}


@pytest.mark.parametrize("pair", list(combinations(sorted(FUND_ROLES), 2)), ids=" and ".join)
def test_every_pair_of_roles(pair: tuple[Role, Role]) -> None:
    one, other = pair
    expected = int(frozenset(pair) in APART)
    assert len(list(separation_faults(one, {other}))) == expected
    assert len(list(separation_faults(other, {one}))) == expected


def test_each_pair_is_written_once_with_a_reason() -> None:
    assert len({frozenset((pair.one, pair.other)) for pair in KEPT_APART}) == len(KEPT_APART)
    assert all(pair.why.endswith(".") and len(pair.why) > 20 for pair in KEPT_APART)


def test_every_reason_is_told_at_once() -> None:
    assert len(list(separation_faults(U, {S, B}))) == 2


def test_no_role_that_is_kept_apart_approves_and_prepares_or_counts_alone() -> None:
    """Nobody may prepare grants, run ballots and void them: these permissions need different people."""
    for one, other in combinations((Permission.PREPARE_GRANTS, Permission.RUN_BALLOTS, Permission.VOID_BALLOTS), 2):
        for first in MATRIX[one]:
            for second in MATRIX[other]:
                assert list(separation_faults(first, {second})), (one, other)


@pytest.mark.parametrize("role", sorted(FUND_ROLES))
def test_roles_that_touch_money_or_votes_take_two(role: Role) -> None:
    touching = {
        Permission.KEEP_BANK,
        Permission.PREPARE_GRANTS,
        Permission.APPROVE_PAYMENTS,
        Permission.RUN_BALLOTS,
        Permission.VOID_BALLOTS,
        Permission.MANAGE_OFFICES,
    }
    assert needs_two(role) is any(role in MATRIX[permission] for permission in touching)


def test_keepers_are_those_whom_the_matrix_lets_change_roles() -> None:
    assert MATRIX[Permission.MANAGE_OFFICES] == KEEPERS <= TAKES_TWO


@pytest.mark.parametrize(
    ("first", "second", "right"),
    [({S}, {B}, True), ({B}, {S}, True), ({S}, {S}, False), ({B}, {B}, False), ({Y}, {B}, False), (set(), {B}, False),
     ({S, G}, {B, A}, True)],
)  # fmt: skip
def test_a_new_certifier_takes_a_steward_and_a_board_member(first: set[Role], second: set[Role], right: bool) -> None:
    assert may_confirm_restoring(first, second) is right

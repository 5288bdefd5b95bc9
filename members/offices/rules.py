"""Which roles take two people to give, and which one person may not hold together (handbook §6 and §14)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from fund.kernel.access import FUND_ROLES, Role
from fund.kernel.errors import Finding


class ChangeKind(StrEnum):
    """What a change does with a role."""

    GIVE = "give"
    END = "end"


class ChangeState(StrEnum):
    """Where a change stands. What takes one person only is confirmed as it is written down."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


@dataclass(frozen=True)
class Apart:
    """Two roles that one person may not hold together, and why, in a sentence for people."""

    one: Role
    other: Role
    why: str


_AUDITOR_APART = "An auditor checks what the others do, so takes no part in it."
_JUDGES = "Stewards check whether a proposal may go forward; those who score it must be other people."

KEPT_APART: tuple[Apart, ...] = (
    *(Apart(Role.AUDITOR, role, _AUDITOR_APART) for role in sorted(FUND_ROLES - {Role.AUDITOR})),
    Apart(Role.STEWARD, Role.BOARD, "A steward prepares payments and the board approves them, so they are two people."),
    Apart(
        Role.STEWARD,
        Role.SECRETARY,
        "A steward prepares what members decide and the secretary runs the ballot, so no one person does both.",
    ),
    Apart(
        Role.SECRETARY,
        Role.BOARD,
        "A ballot is made void by the secretary and a board member together, so they are two people.",
    ),
    Apart(Role.STEWARD, Role.ASSESSOR, _JUDGES),
    Apart(Role.STEWARD, Role.LIVED_EXPERIENCE_ASSESSOR, _JUDGES),
)
"""Separation of duties as data (handbook §6 controls; §14: no one role does the whole of a decision)."""

TAKES_TWO = frozenset({Role.STEWARD, Role.SECRETARY, Role.BOARD})
"""Roles that touch money or votes: giving or ending one is proposed by one person and confirmed by another."""

KEEPERS = frozenset({Role.SECRETARY, Role.BOARD})
"""Who may change roles of the fund."""

FEWEST_KEEPERS = 2
"""As many as it takes to change a role; fewer would lock the fund out of its own offices."""

RESTORERS = frozenset({Role.STEWARD, Role.BOARD})
"""A new certifier for an organisation takes one of each."""


def separation_faults(role: Role, held: Collection[Role]) -> Iterator[Finding]:
    """Why somebody who holds (or is about to hold) `held` can't have `role` too."""
    for pair in KEPT_APART:
        if (pair.one is role and pair.other in held) or (pair.other is role and pair.one in held):
            yield Finding(f"{pair.why} End the other role first, or name somebody else.", "role")


def needs_two(role: Role) -> bool:
    """Whether giving or ending `role` takes two people."""
    return role in TAKES_TWO


def may_confirm_restoring(proposer: Collection[Role], confirmer: Collection[Role]) -> bool:
    """Whether the two who give an organisation a new certifier are a steward and a board member."""
    return any(
        one in proposer and other in confirmer
        for one, other in ((Role.STEWARD, Role.BOARD), (Role.BOARD, Role.STEWARD))
    )

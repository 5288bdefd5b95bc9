"""What must be settled before somebody can be erased, and by when a request is answered. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from fund.kernel.access import Role
from fund.kernel.calendar import add_months
from fund.kernel.errors import Finding
from members.rules import ROLE_NAMES

OFFICES = (Role.STEWARD, Role.SECRETARY, Role.BOARD, Role.SAFEGUARDING_LEAD)
"""Roles of the fund that somebody must always hold."""

LONGEST_WORDS = 2000
LONGEST_NAME = 200


@dataclass(frozen=True)
class Duties:
    """What rests on one person alone.

    Attributes:
        only_certifier_of: (reference, name) of organisations that nobody else may bind.
        only_holder_of: roles of the fund that nobody else holds.
        open_assessments: proposals they agreed to assess and haven't.
        waiting_payments: how many payments wait for a second person after their approval.
    """

    only_certifier_of: tuple[tuple[str, str], ...] = ()
    only_holder_of: tuple[Role, ...] = ()
    open_assessments: int = 0
    waiting_payments: int = 0


def blockers(duties: Duties) -> Iterator[Finding]:
    """What to do first, each thing at once (art. 17(3): duties to others outlast the wish)."""
    for reference, name in duties.only_certifier_of:
        yield Finding(
            f"Only this person can bind {name}. It appoints another certifier first, who must accept.",
            fix=f"/members/{reference}/people",
        )
    for role in duties.only_holder_of:
        yield Finding(f"Nobody else is {ROLE_NAMES[role].lower()} of the fund. Somebody else takes the role first.")
    if duties.open_assessments:
        yield Finding(
            f"{duties.open_assessments} {'assessment is' if duties.open_assessments == 1 else 'assessments are'} "
            "begun and not sent in. Send in each first.",
            fix="/assessments",
        )
    if duties.waiting_payments:
        yield Finding(
            f"{duties.waiting_payments} {'payment waits' if duties.waiting_payments == 1 else 'payments wait'} for a "
            "second person after this one's approval. Finish each first."
        )


def answer_by(asked_on: date) -> date:
    """The last day for an answer: one month after the day of asking (UK GDPR art. 12(3))."""
    return add_months(asked_on, 1)


def pseudonym(person_id: int) -> str:
    """What a person is called once erased."""
    return f"Former person {person_id}"


def emptied_address(person_id: int) -> str:
    """In place of an address: unique, and by RFC 2606 nobody's."""
    return f"former-person-{person_id}@erased.invalid"

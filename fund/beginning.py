"""The first steps of a new fund: what its stewards do before a first round can open, and what of it is done.

It shows on the page that a steward lands on, until a round has opened.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import members.queries
from fund.kernel.access import Actor, Permission, Role
from fund.public.queries import paid_in_by_sector
from ledger.bank.queries import own_account
from members.accounts.queries import fund_roles_held
from members.rules import SECTOR_NAMES, Sector
from proposals.queries import public_rounds
from proposals.rules import RoundState


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        title: what to do, starting with a verb.
        why: one sentence; while the step is open it may name what is missing.
        endpoint: the page where it is done, if there is one.
    """

    title: str
    why: str
    endpoint: str | None
    is_done: bool


def steps(person: Actor) -> list[Step]:
    """The steps, in the order in which they are best taken; none for other people, or once a round has opened."""
    if not person.may(Permission.RUN_ROUNDS):
        return []
    rounds = public_rounds()
    if any(one.state is not RoundState.PUBLISHED for one in rounds):
        return []
    return [_people(), _bank(), _members(), _money(), _round(bool(rounds))]


def _people() -> Step:
    held = fund_roles_held()
    missing = missing_people(held)
    return Step(
        "Ask the others who run the fund",
        f"Still missing: {', '.join(missing)}." if missing else "Everybody who is needed has a role.",
        None,
        not missing,
    )


def missing_people(held: Collection[Role]) -> list[str]:
    """Who is still needed to decide and to pay, in words. `held` has a role once for each person who holds it.

    Two assess, one of them with lived experience; one gives notice and declares; nobody approves a payment that they
    prepared, so a payment needs a steward and two others who may approve (handbook §8).
    """
    count = Counter(held)
    wanted = {
        "a secretary": count[Role.SECRETARY] >= 1,
        "two more stewards or members of the board, to approve payments": count[Role.STEWARD] + count[Role.BOARD] >= 3,
        "two assessors": count[Role.ASSESSOR] + count[Role.LIVED_EXPERIENCE_ASSESSOR] >= 2,
        "one of the assessors with lived experience": count[Role.LIVED_EXPERIENCE_ASSESSOR] >= 1,
    }
    return [words for words, is_there in wanted.items() if not is_there]


def _bank() -> Step:
    return Step(
        "Tell the fund's own bank account",
        "Pledges then say where to pay, and statements can be read in.",
        "bank.own_account",
        own_account() is not None,
    )


def _members() -> Step:
    counted = members.queries.members_by_sector()
    return Step(
        "Admit the first members",
        _without("There is no member yet from: ", counted)
        or "Each sector has a member. Organisations ask to join on this site.",
        "register.applications",
        all(counted[sector] for sector in Sector),
    )


def _money() -> Step:
    paid = paid_in_by_sector()
    return Step(
        "Bring in money from all three sectors",
        _without("Nothing has been paid in yet by: ", {sector: paid.get(sector, 0) for sector in Sector})
        or "Every sector has paid in.",
        "contributions.money_in",
        all(paid.get(sector) for sector in Sector),
    )


def _round(is_published: bool) -> Step:
    return Step(
        "Publish the first round",
        "It says how much there is to share and by when to propose. It opens by itself.",
        "proposals.rounds",
        is_published,
    )


def _without(words: str, amounts: dict[Sector, int]) -> str:
    names = [SECTOR_NAMES[sector] for sector, amount in amounts.items() if not amount]
    return f"{words}{', '.join(names)}." if names else ""

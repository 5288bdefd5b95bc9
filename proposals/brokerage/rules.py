"""Requests for partners (R29): which sector would help, when a request is over, and what fits in one. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from fund.kernel.errors import Finding
from fund.kernel.places import DISTRICT_NAMES
from members.profile.rules import INTERESTS
from members.rules import SECTOR_NAMES, Sector
from proposals.evidence.case import PartnerCase
from proposals.evidence.collaboration import independent_sectors

LONGEST_TITLE = 120
LONGEST_NEED = 1_000
LONGEST_MESSAGE = 1_000
LONGEST_CONTACT = 200
MOST_REPLIES = 200
"""How many answers a request holds; the lead reads every one."""


class ClosedBecause(StrEnum):
    """Why a request is over."""

    BY_LEAD = "by_lead"
    FILLED = "filled"
    SENT = "sent"
    TIME_RAN_OUT = "time_ran_out"


CLOSED_WORDS: dict[ClosedBecause, str] = {
    ClosedBecause.BY_LEAD: "The lead closed it.",
    ClosedBecause.FILLED: "A partner of this sector has confirmed.",
    ClosedBecause.SENT: "The proposal was sent.",
    ClosedBecause.TIME_RAN_OUT: "The time for changing the proposal ran out.",
}


class ReplyState(StrEnum):
    """Where an answer to a request stands."""

    WAITING = "waiting"
    INVITED = "invited"
    DECLINED = "declined"
    TAKEN_BACK = "taken_back"


REPLY_WORDS: dict[ReplyState, str] = {
    ReplyState.WAITING: "Waits for the lead",
    ReplyState.INVITED: "Invited as a partner",
    ReplyState.DECLINED: "Not this time",
    ReplyState.TAKEN_BACK: "Taken back",
}


def gaps(partners: Sequence[PartnerCase], min_sectors: int) -> list[Sector]:
    """The sectors that gate 1 lacks: one more partner of them, with an owner of its own, would count for more.

    The lead counts whether or not it has confirmed its own part; others count once they confirmed, because an
    invitation may be declined. Nothing is lacking once enough sectors take part (handbook §8, G1).
    """
    counted = [partner for partner in partners if partner.confirmed or partner.is_lead]
    so_far = len(independent_sectors(counted))
    if so_far >= min_sectors or not counted:
        return []
    newcomer = replace(counted[0], organisation_id=0, group_id=None)
    return [
        sector for sector in Sector if len(independent_sectors([*counted, replace(newcomer, sector=sector)])) > so_far
    ]


@dataclass(frozen=True)
class Words:
    """What a lead agrees to show to members: nothing else of the draft is shown.

    `districts` are codes, none for all of the city region; `interests` are codes of what is looked for.
    """

    title: str
    need: str
    districts: frozenset[str] = frozenset()
    interests: frozenset[str] = frozenset()


def suggested(title: str, sector: Sector, districts: Sequence[str]) -> Words:
    """The words that a request begins with. The lead may change each; only its title is taken from the draft."""
    return Words(
        title=title[:LONGEST_TITLE],
        need=f"We look for a partner from the {SECTOR_NAMES[sector]} sector. What you could do with us, and what you "
        "would get from it, we would like to work out together.",
        districts=frozenset(districts) & DISTRICT_NAMES.keys(),
    )


def words_faults(words: Words) -> Iterator[Finding]:
    """Why a request can't be posted in these words."""
    if not words.title:
        yield Finding("Give a title that members understand.", "title")
    if not words.need:
        yield Finding("Say what you look for.", "need")
    if words.districts - DISTRICT_NAMES.keys():
        yield Finding("Choose districts from the list.", "districts")
    if words.interests - INTERESTS.keys():
        yield Finding("Choose from the list.", "interests")

"""Interests, websites and accreditations (R21, R28–R30). Pure."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from fund.kernel.errors import Finding

INTERESTS_VERSION = "1.0"
"""Of the two lists below. A word that changes its meaning gets a new code and the list a new version."""

CAUSES: dict[str, str] = {
    "children": "Children ready for school",
    "young_people": "Young people equipped for life",
    "good_jobs": "Good jobs",
    "local_economy": "An economy that works everywhere",
    "connections": "Getting about and getting online",
    "homes": "Decent homes that people can afford",
    "green": "A green place, with culture for all",
    "safe": "Safe and strong communities",
    "health": "Healthy lives and good care",
    "ageing": "Growing older well",
}
"""What a member cares about: the fund's priorities in short (handbook §10.7, R46)."""

OFFERS: dict[str, str] = {
    "buying_power": "Buying power",
    "data": "Data",
    "equipment": "Equipment",
    "expertise": "Expertise",
    "money": "Money for a proposal",
    "space": "Space",
    "staff_time": "Staff time",
    "volunteering": "Volunteering",
}
"""What a member could bring to a proposal (R48, handbook §8 G1), in the order of the alphabet."""

INTERESTS = CAUSES | OFFERS

LONGEST_TEXT = 600
LONGEST_WEBSITE = 200


@dataclass(frozen=True)
class Description:
    """What a member says of itself. `interests` are codes of INTERESTS; `networks` has one network in each line."""

    offers: str = ""
    seeks: str = ""
    website: str = ""
    networks: str = ""
    interests: frozenset[str] = frozenset()
    wants_requests: bool = False


def in_order(codes: Sequence[str] | frozenset[str]) -> list[str]:
    """Known codes in the order of the lists; one that a newer list dropped is left out."""
    held = set(codes)
    return [code for code in INTERESTS if code in held]


def description_faults(said: Description) -> Iterator[Finding]:
    """Why a description can't be kept."""
    if said.interests - INTERESTS.keys():
        yield Finding("Choose interests from the list.", "causes")
    if said.wants_requests and not said.interests:
        yield Finding("Tick at least one interest, so that we know which requests fit you.", "causes")
    if said.website:
        yield from website_faults(said.website)


def website_faults(address: str) -> Iterator[Finding]:
    """Why this can't be shown as a member's website: only https, a public name, nobody's sign-in inside it."""
    advice = "Give the whole address, such as https://www.example.org."
    if len(address) > LONGEST_WEBSITE or any(c.isspace() or c in "\\<>\"'" or not c.isprintable() for c in address):
        yield Finding(f"That is not an address of a website. {advice}", "website")
        return
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        yield Finding(f"That is not an address of a website. {advice}", "website")
        return
    if parts.scheme != "https":
        yield Finding(f"The address must begin with https://, so that visitors are safe. {advice}", "website")
    elif "@" in parts.netloc or port is not None or "." not in host.strip(".") or _is_number(host):
        yield Finding(f"Give a website by its public name, without a port or a sign-in. {advice}", "website")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


# --- accreditations (R21: record what there is, invent none)

KNOWN_ACCREDITATIONS = (
    "Armed Forces Covenant",
    "Cyber Essentials",
    "Disability Confident",
    "GM Good Employment Charter",
    "Investors in People",
    "ISO 14001 (environment)",
    "ISO 9001 (quality)",
    "Living Wage employer",
    "Social Enterprise Mark",
    "Trusted Charity",
)
"""Names to choose from, so that one thing has one name; any other may be written. The fund gives none itself."""

MOST_ACCREDITATIONS = 50
REMIND_DAYS = 30
"""How long before an accreditation ends its organisation is reminded."""


@dataclass(frozen=True)
class Details:
    """An accreditation as its organisation records it. Without `valid_until` it has no end."""

    name: str
    issued_by: str
    number: str = ""
    link: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    evidence: str = ""


class Standing(StrEnum):
    """How an accreditation stands on a day."""

    TO_COME = "to_come"
    CURRENT = "current"
    ENDING = "ending"
    EXPIRED = "expired"


STANDING_NAMES = {
    Standing.TO_COME: "Not yet in force",
    Standing.CURRENT: "In force",
    Standing.ENDING: "Ends soon",
    Standing.EXPIRED: "Expired",
}


def standing(valid_from: date | None, valid_until: date | None, today: date) -> Standing:
    """How it stands today: the last day of validity still counts."""
    if valid_until is not None and today > valid_until:
        return Standing.EXPIRED
    if valid_from is not None and today < valid_from:
        return Standing.TO_COME
    if valid_until is not None and valid_until - today <= timedelta(days=REMIND_DAYS):
        return Standing.ENDING
    return Standing.CURRENT


def details_faults(said: Details) -> Iterator[Finding]:
    """Why an accreditation can't be recorded so."""
    if not said.name:
        yield Finding("Choose the accreditation, or write its name below.", "known")
    if said.valid_from and said.valid_until and said.valid_until < said.valid_from:
        yield Finding("It can't end before it begins. Check both days.", "valid_until")
    if not (said.number or said.link or said.evidence):
        yield Finding("Give its number, a link or a note, so that a steward can check it.", "number")
    if said.link:
        for fault in website_faults(said.link):
            yield Finding(fault.message, "link")

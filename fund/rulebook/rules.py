"""How a change of a setting goes, by who decides it (handbook §13); what the rules must cover (§5.1). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from fund.kernel.access import Role
from fund.kernel.calendar import london_day
from fund.kernel.errors import Finding
from fund.kernel.settings.shape import SettingSpec, Tier, ValueKind


class ChangeState(StrEnum):
    """The life of a change. A change of the rules is drafted, resolved, sent, registered; any other is proposed and
    confirmed. Only `confirmed` and `registered` have an effect."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DRAFTED = "drafted"
    RESOLVED = "resolved"
    SENT = "sent"
    REGISTERED = "registered"
    WITHDRAWN = "withdrawn"


UNDER_WAY = frozenset({ChangeState.PROPOSED, ChangeState.DRAFTED, ChangeState.RESOLVED, ChangeState.SENT})
DECIDED = frozenset({ChangeState.CONFIRMED, ChangeState.REGISTERED})
STATE_NAMES = {
    ChangeState.PROPOSED: "Waits for a second person",
    ChangeState.CONFIRMED: "Confirmed",
    ChangeState.DRAFTED: "Drafted",
    ChangeState.RESOLVED: "Resolved by the members",
    ChangeState.SENT: "Sent for registration",
    ChangeState.REGISTERED: "Registered",
    ChangeState.WITHDRAWN: "Withdrawn",
}

NEXT_OF_RULES = {
    ChangeState.DRAFTED: ChangeState.RESOLVED,
    ChangeState.RESOLVED: ChangeState.SENT,
    ChangeState.SENT: ChangeState.REGISTERED,
}
"""A change of the rules goes this way and no other; it has no effect before it is registered (2014 Act s.16)."""

_OFFICERS = frozenset({Role.STEWARD, Role.SECRETARY, Role.BOARD})


@dataclass(frozen=True)
class Way:
    """How a tier's settings are changed.

    Attributes:
        enters: the roles that may enter a change.
        entered_by: those, in words.
        confirms: the roles of the second person; empty where one person is enough.
        decided_by: who decides, in words.
        proof: what the person who enters it names.
        next_step: what is needed after it was entered.
    """

    enters: frozenset[Role]
    entered_by: str
    confirms: frozenset[Role]
    decided_by: str
    proof: str
    next_step: str


WAYS: Mapping[Tier, Way] = {
    Tier.RULES: Way(
        frozenset({Role.SECRETARY}),
        "the secretary",
        _OFFICERS,
        "Members, by special resolution; in force only once registered",
        "special resolution",
        "Members pass a special resolution, the change is sent to the registrar, and a second person records the "
        "registration. Until then nothing changes.",
    ),
    Tier.POLICY: Way(
        frozenset({Role.SECRETARY}),
        "the secretary",
        _OFFICERS,
        "Members, by ordinary resolution",
        "ordinary resolution",
        "A second officer compares it with the resolution and confirms it.",
    ),
    Tier.BOARD: Way(
        frozenset({Role.BOARD}),
        "a member of the board",
        _OFFICERS,
        "The board",
        "minute of the board",
        "A second officer compares it with the minute and confirms it.",
    ),
    Tier.STEWARD: Way(
        frozenset({Role.STEWARD}),
        "a steward",
        frozenset(),
        "A steward, from a published source",
        "published source, such as the law that sets it",
        "It is in force from its date; nobody else needs to confirm it.",
    ),
}


def first_state(tier: Tier) -> ChangeState:
    """Where a change of a setting of this tier begins."""
    if tier is Tier.RULES:
        return ChangeState.DRAFTED
    return ChangeState.PROPOSED if WAYS[tier].confirms else ChangeState.CONFIRMED


def date_faults(effective_on: date | None, tier: Tier, now: datetime) -> list[Finding]:
    """No change reaches back: it takes effect today at the earliest (handbook §13).

    A change of the rules has no date of its own; it is in force once it is registered.
    """
    today = london_day(now)
    if tier is Tier.RULES:
        return []
    if effective_on is None:
        return [Finding("Give the day from which it holds.", "effective_on")]
    if effective_on < today:
        return [
            Finding(
                "A change never reaches back, because what was decided under the old value stands. "
                "Choose today or a later day.",
                "effective_on",
            )
        ]
    if effective_on.year > today.year + 10:
        return [Finding("This is more than ten years ahead. Choose an earlier day.", "effective_on")]
    return []


def proof_faults(tier: Tier, reason: str, resolution: str, link: str) -> list[Finding]:
    """Every change says why and names who decided it; a draft of the rules names its resolution when it is passed."""
    found = []
    if not reason:
        found.append(Finding("Say why it is changed.", "reason"))
    if tier is not Tier.RULES and not resolution:
        found.append(Finding(f"Name the {WAYS[tier].proof}.", "resolution"))
    if link and not link.startswith(("https://", "http://")):
        found.append(Finding("Give a whole address that begins with https://, or leave it empty.", "resolution_link"))
    return found


def version_faults(spec: SettingSpec, version: str, body: str, known: list[str]) -> list[Finding]:
    """A version in force has a text that is kept; a text that is kept never changes."""
    if not has_text(spec):
        if version in known:
            return []
        return [Finding("No published framework has this version. Publish it first, or choose another.", "value")]
    if version in known:
        if not body:
            return []
        return [Finding("This version is kept already, and a text never changes. Give yours a new version.", "value")]
    return [] if body else [Finding("Paste the text of this version; it isn't kept here yet.", "body")]


def happened_faults(happened_on: date, earliest: date, now: datetime) -> list[Finding]:
    """A step is recorded after it was taken, and not before the step that comes before it."""
    if happened_on > london_day(now):
        return [Finding("This day is still to come. Record the step once it is done.", "happened_on")]
    if happened_on < earliest:
        return [Finding("This is before the step before it. Choose that day or a later one.", "happened_on")]
    return []


def second_person_faults(person_id: int, earlier: frozenset[int]) -> list[Finding]:
    """Two people for every change that isn't a steward's alone."""
    if person_id in earlier:
        return [Finding("You took an earlier step of this change yourself, so another officer must take this one.")]
    return []


def may_enter(spec: SettingSpec, roles: frozenset[Role]) -> bool:
    """Whether these roles may enter a change of this setting."""
    return spec.tier in WAYS and bool(roles & WAYS[spec.tier].enters)


def who_enters(spec: SettingSpec) -> str:
    """What to tell somebody who may not enter a change of it."""
    if spec.tier is Tier.FIXED:
        return f"“{spec.title}” can't be changed. {spec.why_fixed}"
    return f"A change of “{spec.title}” is entered by {WAYS[spec.tier].entered_by}. Ask them to enter it."


def has_text(spec: SettingSpec) -> bool:
    """Whether a version of this setting is a text that is kept here."""
    return spec.kind is ValueKind.VERSION and spec.key != "framework_version"


@dataclass(frozen=True)
class Matter:
    """Something that the rules of a registered society must say."""

    code: str
    title: str


MATTERS = (
    Matter("name", "The society's name"),
    Matter("objects", "What the society is for"),
    Matter("office", "Where its registered office is, to which all letters go"),
    Matter("membership", "Who may become a member and how, investing bodies included"),
    Matter("meetings", "How meetings are held, how votes count, and how rules are made and changed"),
    Matter("officers", "How the board, managers and officers are chosen and removed, their powers and their pay"),
    Matter("holding", "The most that one member may hold in shares"),
    Matter("borrowing", "Whether it may borrow or take deposits, from whom, and within what limits"),
    Matter("shares", "Whether shares can be passed on or withdrawn, and how"),
    Matter("audit", "How the accounts are audited"),
    Matter("leaving", "Whether and how members leave, and what happens on death or bankruptcy"),
    Matter("profits", "How profits are used"),
    Matter("seal", "Who keeps the seal and how it is used, if there is one"),
    Matter("investment", "Whether and how its money may be invested"),
)
"""The list of the Co-operative and Community Benefit Societies Act 2014, section 14."""

_LOCK = Matter("asset_lock", "That its property stays with purposes of benefit to the community")
_NO_DIVIDEND = Matter("no_distribution", "That no profit goes to members")
_CHARITY = Matter("charity", "That its objects are charitable only, and what is left goes to a like charity")
_HOST = (
    Matter("host", "Which body hosts the fund, and under which of its powers"),
    Matter("host_votes", "That the host follows the members' ballots"),
    Matter("host_money", "That the pot is kept apart from the host's own money"),
    Matter("host_end", "What happens to the pot when the hosting ends"),
)


def matters(society_type: str) -> tuple[Matter, ...]:
    """What the rules must cover, for a kind of society (2014 Act s.14; handbook §5.1).

    A hosted fund is no society of its own: it needs an agreement with its host instead of registered rules.
    """
    more = {
        "co_operative": (),
        "community_benefit": (_NO_DIVIDEND, _LOCK),
        "charitable_cbs": (_NO_DIVIDEND, _CHARITY),
    }
    return _HOST if society_type == "hosted" else MATTERS + more[society_type]

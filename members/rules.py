"""Sectors, legal forms and membership (handbook §4). Pure."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from fund.kernel.access import Role
from fund.kernel.errors import Finding
from fund.kernel.places import DISTRICT_NAMES


class Sector(StrEnum):
    """The three sectors, always listed in this (alphabetical) order so that none comes first by favour (R31)."""

    PRIVATE = "private"
    PUBLIC = "public"
    VCSE = "vcse"


SECTOR_NAMES = {Sector.PRIVATE: "Private", Sector.PUBLIC: "Public", Sector.VCSE: "VCSE"}


class MembershipStatus(StrEnum):
    """Where an organisation stands. Only MEMBER is on rolls."""

    PROSPECT = "prospect"
    APPLIED = "applied"
    MEMBER = "member"
    REFUSED = "refused"
    LEFT = "left"


class LegalForm(StrEnum):
    """What kind of body an organisation is: the cases of the handbook's table §4.1."""

    COUNCIL = "council"
    OTHER_PUBLIC_AUTHORITY = "other_public_authority"
    SCHOOL_OR_COLLEGE = "school_or_college"
    UNIVERSITY = "university"
    PUBLICLY_CONTROLLED_COMPANY = "publicly_controlled_company"
    CHARITY = "charity"
    COMMUNITY_INTEREST_COMPANY = "community_interest_company"
    COMMUNITY_BENEFIT_SOCIETY = "community_benefit_society"
    FAITH_BODY = "faith_body"
    NON_PROFIT_HOUSING_ASSOCIATION = "non_profit_housing_association"
    FOR_PROFIT_HOUSING_PROVIDER = "for_profit_housing_provider"
    LOCKED_MUTUAL = "locked_mutual"
    UNINCORPORATED_GROUP = "unincorporated_group"
    COMPANY = "company"
    SOCIAL_ENTERPRISE_COMPANY = "social_enterprise_company"
    SOLE_TRADER_OR_PARTNERSHIP = "sole_trader_or_partnership"
    CO_OPERATIVE = "co_operative"
    MUTUAL = "mutual"
    TRADE_BODY = "trade_body"
    TRADE_UNION = "trade_union"
    JOINT_VENTURE = "joint_venture"
    POLITICAL_PARTY = "political_party"
    OTHER = "other"


LEGAL_FORM_NAMES: dict[LegalForm, str] = {
    LegalForm.COUNCIL: "Council or combined authority",
    LegalForm.OTHER_PUBLIC_AUTHORITY: "NHS body, police, fire or other public authority",
    LegalForm.SCHOOL_OR_COLLEGE: "State school, academy trust or college",
    LegalForm.UNIVERSITY: "University",
    LegalForm.PUBLICLY_CONTROLLED_COMPANY: "Company or trust run by a council or another public body",
    LegalForm.CHARITY: "Registered charity",
    LegalForm.COMMUNITY_INTEREST_COMPANY: "Community interest company (CIC)",
    LegalForm.COMMUNITY_BENEFIT_SOCIETY: "Community benefit society",
    LegalForm.FAITH_BODY: "Church, mosque, synagogue, temple or other faith body",
    LegalForm.NON_PROFIT_HOUSING_ASSOCIATION: "Housing association that makes no profit",
    LegalForm.LOCKED_MUTUAL: "Independent leisure trust, or a mutual whose assets are locked",
    LegalForm.UNINCORPORATED_GROUP: "Community or action group that isn't registered",
    LegalForm.COMPANY: "Company (Ltd or PLC)",
    LegalForm.SOCIAL_ENTERPRISE_COMPANY: "Company that trades for a social purpose",
    LegalForm.SOLE_TRADER_OR_PARTNERSHIP: "Sole trader or partnership",
    LegalForm.CO_OPERATIVE: "Co-operative that trades for its members or workers",
    LegalForm.MUTUAL: "Building society or mutual insurer",
    LegalForm.FOR_PROFIT_HOUSING_PROVIDER: "Housing provider that makes a profit",
    LegalForm.TRADE_BODY: "Chamber of commerce or trade body",
    LegalForm.TRADE_UNION: "Trade union",
    LegalForm.JOINT_VENTURE: "Joint venture that nobody controls alone",
    LegalForm.POLITICAL_PARTY: "Political party",
    LegalForm.OTHER: "Something else",
}
"""The question of the joining form, in plain words."""

ROLE_NAMES: dict[Role, str] = {role: role.value.replace("_", " ").capitalize() for role in Role} | {
    Role.LIVED_EXPERIENCE_ASSESSOR: "Assessor with lived experience",
    Role.BOARD: "Board member",
}

ROLE_MEANINGS: dict[Role, str] = {
    Role.REPRESENTATIVE: "Votes for the organisation. The vote belongs to the organisation, not to the person.",
    Role.DEPUTY: "Votes when the representative can't. Up to two people.",
    Role.FINANCE: "Pledges and pays in, gets receipts, and helps with reports.",
    Role.CERTIFIER: "May bind the organisation: names its people, signs and confirms. At least one, always.",
    Role.EDITOR: "Writes proposals and reports with others.",
}
"""What each role inside an organisation does, shown where it is given and accepted."""


# --- sector (handbook §4.1)


class PublicControl(StrEnum):
    """The control test of the national accounts: any one of these makes a body public."""

    BOARD = "board"
    OWNERSHIP = "ownership"
    STATUTE = "statute"


class SocialTest(StrEnum):
    """The four tests that make any independent body VCSE when all are met, and what makes a group a body."""

    MISSION = "mission"
    SURPLUS = "surplus"
    LOCK = "lock"
    INDEPENDENT = "independent"
    GROUP = "group"


CONTROL_NAMES = {
    PublicControl.BOARD: "Public bodies can appoint or remove most of our board",
    PublicControl.OWNERSHIP: "Public bodies own more than half of us",
    PublicControl.STATUTE: "A law puts us under a public body",
}
TEST_NAMES = {
    SocialTest.MISSION: "We exist for a clear social purpose",
    SocialTest.SURPLUS: "More than half of any surplus goes back into that purpose",
    SocialTest.LOCK: "Our rules lock the purpose and the assets in",
    SocialTest.INDEPENDENT: "We are independent of government",
    SocialTest.GROUP: "We are three or more people who aren't related, with written rules or terms of reference",
}
FOUR_TESTS = frozenset({SocialTest.MISSION, SocialTest.SURPLUS, SocialTest.LOCK, SocialTest.INDEPENDENT})


@dataclass(frozen=True)
class SectorFacts:
    """What an applicant says of itself, as far as its sector depends on it."""

    legal_form: LegalForm
    control: frozenset[PublicControl] = frozenset()
    tests: frozenset[SocialTest] = frozenset()


@dataclass(frozen=True)
class Proposal:
    """A sector proposed by rule, with the reason in a sentence. No sector: the board decides."""

    sector: Sector | None
    reason: str


_PUBLIC_FORMS = {
    LegalForm.COUNCIL: "Councils and combined authorities are public bodies.",
    LegalForm.OTHER_PUBLIC_AUTHORITY: "The NHS, police, fire and other authorities are public bodies.",
    LegalForm.SCHOOL_OR_COLLEGE: "State schools, academy trusts and colleges are public bodies.",
    LegalForm.UNIVERSITY: "The fund counts universities as public, because partners see them as public anchors.",
    LegalForm.PUBLICLY_CONTROLLED_COMPANY: "A public body runs it, and control counts more than legal form.",
}
_VCSE_FORMS = {
    LegalForm.CHARITY: "Registered charities are VCSE, unless a public body controls them.",
    LegalForm.COMMUNITY_INTEREST_COMPANY: "Community interest companies are VCSE: their assets are locked by law.",
    LegalForm.COMMUNITY_BENEFIT_SOCIETY: "Community benefit societies are VCSE.",
    LegalForm.FAITH_BODY: "Faith bodies are VCSE.",
    LegalForm.NON_PROFIT_HOUSING_ASSOCIATION: "The fund counts housing associations that make no profit as VCSE.",
    LegalForm.LOCKED_MUTUAL: "Independent trusts and mutuals whose assets are locked are VCSE.",
}
_PRIVATE_FORMS = {
    LegalForm.SOLE_TRADER_OR_PARTNERSHIP: "People who trade for themselves are private.",
    LegalForm.FOR_PROFIT_HOUSING_PROVIDER: "Housing providers that make a profit are private.",
    LegalForm.TRADE_BODY: "Chambers and trade bodies act for business, so they are private.",
}
_BY_TEST = {
    LegalForm.COMPANY: "Public bodies don't control this company, and it hasn't shown all four social tests.",
    LegalForm.SOCIAL_ENTERPRISE_COMPANY: (
        "A company that trades for a social purpose is private until it shows all four social tests."
    ),
    LegalForm.CO_OPERATIVE: (
        "A co-operative that trades for its members is private, unless its assets are locked "
        "and it shows the other social tests."
    ),
    LegalForm.MUTUAL: "A mutual is private, unless its assets are locked and it shows the other social tests.",
}
_CONTROL_REASONS = {
    PublicControl.BOARD: "public bodies can appoint or remove most of its board",
    PublicControl.OWNERSHIP: "public bodies own more than half of it",
    PublicControl.STATUTE: "a law puts it under a public body",
}


def propose_sector(facts: SectorFacts) -> Proposal:
    """The sector of an organisation by control and purpose first, then legal form (handbook §4.1).

    A person confirms or changes it; what the rule can't tell goes to the board.
    """
    form = facts.legal_form
    if form is LegalForm.POLITICAL_PARTY:
        return Proposal(None, "Political parties can't join the fund.")
    if form in _PUBLIC_FORMS:
        return Proposal(Sector.PUBLIC, _PUBLIC_FORMS[form])
    if facts.control:
        why = " and ".join(_CONTROL_REASONS[control] for control in PublicControl if control in facts.control)
        return Proposal(Sector.PUBLIC, f"It counts as public because {why}.")
    if form in _VCSE_FORMS:
        return Proposal(Sector.VCSE, _VCSE_FORMS[form])
    if form is LegalForm.UNINCORPORATED_GROUP:
        if SocialTest.GROUP in facts.tests:
            return Proposal(
                Sector.VCSE, "Groups of three or more people who aren't related, with written rules, are VCSE."
            )
        return Proposal(
            None, "A group needs three or more people who aren't related, and written rules. The board decides."
        )
    if form in _PRIVATE_FORMS:
        return Proposal(Sector.PRIVATE, _PRIVATE_FORMS[form])
    if form in _BY_TEST:
        if facts.tests >= FOUR_TESTS:
            return Proposal(
                Sector.VCSE,
                "It has a social purpose, puts most of its surplus into it, locks its assets and is independent.",
            )
        return Proposal(Sector.PRIVATE, _BY_TEST[form])
    return Proposal(None, "No rule fits this kind of organisation, so the board decides.")


# --- registers (handbook §11): format only; a person checks the register


class Register(StrEnum):
    """Public registers, named as org-id.guide does, and `none`."""

    COMPANIES_HOUSE = "GB-COH"
    CHARITY_COMMISSION = "GB-CHC"
    MUTUALS = "GB-MPR"
    HOUSING = "GB-SHPE"
    NHS = "GB-NHS"
    LEARNING_PROVIDERS = "GB-UKPRN"
    SCHOOLS = "GB-EDU"
    COUNCILS = "GB-LAE"
    GOVERNMENT = "GB-GOR"
    DEPARTMENTS = "GB-GOV"
    CHARITIES_NI = "GB-NIC"
    CHARITIES_SCOTLAND = "GB-SC"
    PUBLISHER = "360G"
    NONE = "none"


@dataclass(frozen=True)
class NumberFormat:
    """How numbers of a register look: its name for people, a pattern over the normal form, and how to write one."""

    name: str
    pattern: str
    example: str


REGISTERS: dict[Register, NumberFormat] = {
    Register.COMPANIES_HOUSE: NumberFormat(
        "Companies House", r"[0-9]{8}|[A-Z]{2}[0-9]{6}", "8 characters, such as 01234567 or OC123456"
    ),
    Register.CHARITY_COMMISSION: NumberFormat(
        "Charity Commission", r"[0-9]{6,7}(-[0-9]{1,4})?", "6 or 7 digits, such as 1234567"
    ),
    Register.MUTUALS: NumberFormat(
        "Mutuals register",
        r"(IP|SP|RS)?[0-9]{3,6}[RS]?",
        "digits, with letters if it has any, such as IP12345R or 7123",
    ),
    Register.HOUSING: NumberFormat(
        "Register of social housing providers",
        r"[A-Z]{0,3}[0-9]{4}",
        "4 digits, with letters if it has any, such as L1234",
    ),
    Register.NHS: NumberFormat("NHS organisation code", r"[A-Z0-9]{3,6}", "3 to 6 letters and digits, such as R0A"),
    Register.LEARNING_PROVIDERS: NumberFormat("UK provider number (UKPRN)", r"1[0-9]{7}", "8 digits that begin with 1"),
    Register.SCHOOLS: NumberFormat("School number (URN)", r"[0-9]{6}", "6 digits, such as 123456"),
    Register.COUNCILS: NumberFormat("Code for English councils", r"[A-Z]{3}", "3 letters, such as MAN"),
    Register.GOVERNMENT: NumberFormat(
        "Government register", r"[A-Z]{1,3}[0-9]{1,4}", "letters then digits, such as D1234"
    ),
    Register.DEPARTMENTS: NumberFormat(
        "Government departments", r"[A-Z]{0,3}[0-9]{1,5}", "a number, with letters if it has any, such as 9"
    ),
    Register.CHARITIES_NI: NumberFormat("Charity Commission for Northern Ireland", r"[0-9]{6}", "6 digits"),
    Register.CHARITIES_SCOTLAND: NumberFormat(
        "Scottish Charity Register", r"SC[0-9]{6}", "SC and 6 digits, such as SC012345"
    ),
    Register.PUBLISHER: NumberFormat(
        "A funder's own list", r"[A-Za-z0-9]+-\S+", "the funder's prefix, a hyphen and its own number"
    ),
    Register.NONE: NumberFormat("Not on a register", r"", ""),
}

REGISTERS_TO_JOIN_BY = tuple(register for register in Register if register is not Register.PUBLISHER)
"""What an applicant may choose from: a funder's own list names an organisation, but proves nothing of it."""


def normal_number(register: Register, number: str) -> str:
    """A register number as it is kept: capitals, no spaces, leading noughts of a company put back."""
    plain = "".join(number.split())
    if register is Register.PUBLISHER:
        return plain  # others' own numbers may tell capitals from small letters
    plain = plain.upper()
    if register is Register.COMPANIES_HOUSE and plain.isascii() and plain.isdigit():
        return plain.zfill(8)
    return plain


def split_org_id(org_id: str) -> tuple[Register, str] | None:
    """The register and number that an org-id names, such as "GB-COH-01234567"; None for a list we don't know."""
    for register in (*REGISTERS_TO_JOIN_BY, Register.PUBLISHER):
        head = f"{register}-"
        if register is not Register.NONE and org_id.upper().startswith(head):
            return register, normal_number(register, org_id[len(head) :])
    return None


def number_faults(register: Register, number: str) -> Iterator[Finding]:
    """Why `number` can't be a number of `register`."""
    plain = normal_number(register, number)
    if register is Register.NONE:
        if plain:
            yield Finding("Choose the register that this number is from, or leave the number empty.", "register_number")
    elif not plain:
        yield Finding(f"Give the number: {REGISTERS[register].example}.", "register_number")
    elif not re.fullmatch(REGISTERS[register].pattern, plain, re.ASCII):
        yield Finding(
            f"That doesn't look like a number of {REGISTERS[register].name}: {REGISTERS[register].example}.",
            "register_number",
        )


_USUAL_REGISTER = {
    LegalForm.COUNCIL: Register.COUNCILS,
    LegalForm.OTHER_PUBLIC_AUTHORITY: Register.NHS,
    LegalForm.SCHOOL_OR_COLLEGE: Register.SCHOOLS,
    LegalForm.UNIVERSITY: Register.LEARNING_PROVIDERS,
    LegalForm.PUBLICLY_CONTROLLED_COMPANY: Register.COMPANIES_HOUSE,
    LegalForm.CHARITY: Register.CHARITY_COMMISSION,
    LegalForm.COMMUNITY_INTEREST_COMPANY: Register.COMPANIES_HOUSE,
    LegalForm.COMMUNITY_BENEFIT_SOCIETY: Register.MUTUALS,
    LegalForm.NON_PROFIT_HOUSING_ASSOCIATION: Register.HOUSING,
    LegalForm.FOR_PROFIT_HOUSING_PROVIDER: Register.HOUSING,
    LegalForm.LOCKED_MUTUAL: Register.MUTUALS,
    LegalForm.COMPANY: Register.COMPANIES_HOUSE,
    LegalForm.SOCIAL_ENTERPRISE_COMPANY: Register.COMPANIES_HOUSE,
    LegalForm.CO_OPERATIVE: Register.MUTUALS,
    LegalForm.MUTUAL: Register.MUTUALS,
}


CONTROL_ASKED = (
    frozenset(LegalForm)
    - set(_PUBLIC_FORMS)
    - {
        LegalForm.POLITICAL_PARTY,
        LegalForm.SOLE_TRADER_OR_PARTNERSHIP,
    }
)
TESTS_ASKED = frozenset(_BY_TEST) | {LegalForm.UNINCORPORATED_GROUP}
NUMBER_ASKED = frozenset(LegalForm) - {
    LegalForm.POLITICAL_PARTY,
    LegalForm.SOLE_TRADER_OR_PARTNERSHIP,
    LegalForm.UNINCORPORATED_GROUP,
}
"""Which kinds of organisation a question of the joining form is for: the others leave it empty, and needn't see it."""


def register_meant(legal_form: LegalForm, number: str) -> Register:
    """The register of a number whose register was not named: the usual one for the kind of organisation."""
    return _USUAL_REGISTER.get(legal_form, Register.NONE) if number.strip() else Register.NONE


def joining_faults(facts: SectorFacts, register: Register, number: str, district: str) -> Iterator[Finding]:
    """Why an application can't be sent: shown before it is sent, and enforced when it is."""
    yield from number_faults(register, number)
    if district not in DISTRICT_NAMES:
        yield Finding("Choose the district where you mostly work.", "district")
    if facts.legal_form is LegalForm.POLITICAL_PARTY:
        yield Finding("Political parties can't join the fund.", "legal_form")


# --- doubles

_EMPTY_WORDS = {"the", "a", "of", "and", "ltd", "limited", "plc", "llp", "cic", "cio", "company", "gm"}
_ALIKE = 0.87


def name_key(name: str) -> str:
    """A name for finding and comparing: small letters and digits, no accents, marks or words like "Ltd"."""
    folded = unicodedata.normalize("NFKD", name).casefold().replace("&", " and ").replace("'", "").replace("’", "")
    words = re.findall(r"[a-z0-9]+", "".join(c for c in folded if not unicodedata.combining(c)))
    kept = [word for word in words if word not in _EMPTY_WORDS]
    return " ".join(kept or words)


def name_words(name: str) -> list[str]:
    """The words by which a name is found, each once, in order of the alphabet."""
    return sorted(set(name_key(name).split()))


def words_from(beginning: str) -> tuple[str, str | None]:
    """The range of words that begin so: from the first, up to but not with the second (None: to the end).

    Words are made of a–z and 0–9 only, which every collation puts in one order, digits first.
    """
    letters = "0123456789abcdefghijklmnopqrstuvwxyz"
    stem = beginning.rstrip("z")
    if not stem:
        return beginning, None
    return beginning, stem[:-1] + letters[letters.index(stem[-1]) + 1]


def names_alike(one: str, other: str) -> bool:
    """Whether two names are so near that a person should look: misspelt, or the same words in another order."""
    return keys_alike(name_key(one), name_key(other))


def keys_alike(first: str, second: str) -> bool:
    """`names_alike` of two names that are keys already, where many are compared."""
    if sorted(first.split()) == sorted(second.split()):
        return True
    found = SequenceMatcher(None, first, second, autojunk=False)
    return found.real_quick_ratio() >= _ALIKE and found.quick_ratio() >= _ALIKE and found.ratio() >= _ALIKE


# --- who acts for an organisation (handbook §4.2)

MOST_DEPUTIES = 2
VOTING_ROLES = frozenset({Role.REPRESENTATIVE, Role.DEPUTY})


@dataclass(frozen=True)
class Seat:
    """A role that somebody holds, or has been offered."""

    role: Role
    name: str
    email_key: str
    offered: bool = False


def appointment_faults(role: Role, email_key: str, seats: Sequence[Seat], *, elsewhere: bool) -> Iterator[Finding]:
    """Why a person can't be given `role`: one representative, two deputies, one member for each person who votes.

    Args:
        email_key: whose role it is to be.
        seats: what is held and offered in the organisation now.
        elsewhere: whether the person votes for another member already.
    """
    own = [seat for seat in seats if seat.email_key == email_key]
    for seat in own:
        if seat.role is role:
            state = (
                "has been invited to this role. Withdraw that invitation first"
                if seat.offered
                else "has this role already"
            )
            yield Finding(f"{seat.name} {state}.", "email")
    if role not in VOTING_ROLES:
        return
    if any(seat.role in VOTING_ROLES - {role} for seat in own):
        yield Finding("A person is either representative or deputy. End or withdraw the other role first.", "role")
    others = [seat for seat in seats if seat.role is role and seat.email_key != email_key]
    if role is Role.REPRESENTATIVE and others:
        other = others[0]
        state, way = ("has been invited as", "Withdraw the invitation") if other.offered else ("is", "End that role")
        yield Finding(f"{other.name} {state} representative, and there is only one. {way} first.", "role")
    if role is Role.DEPUTY and len(others) >= MOST_DEPUTIES:
        yield Finding(f"There are {MOST_DEPUTIES} deputies already. End one's role first.", "role")
    if elsewhere:
        yield Finding("This person votes for another member, and may vote for only one. Name somebody else.", "email")

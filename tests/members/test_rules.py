"""Sectors by rule, register numbers, doubles, and who may be given which role."""

import pytest

from fund.kernel.access import Role
from members.rules import (
    FOUR_TESTS,
    LEGAL_FORM_NAMES,
    REGISTERS,
    LegalForm,
    PublicControl,
    Register,
    Seat,
    Sector,
    SectorFacts,
    SocialTest,
    appointment_faults,
    name_key,
    names_alike,
    normal_number,
    number_faults,
    propose_sector,
)

PUBLIC, PRIVATE, VCSE = Sector.PUBLIC, Sector.PRIVATE, Sector.VCSE
BOARD, OWNED, STATUTE = PublicControl.BOARD, PublicControl.OWNERSHIP, PublicControl.STATUTE

# The table of handbook §4.1: case, legal form, who controls it, what it has shown, sector (None: the board decides).
CASES = [
    ("council, GMCA, TfGM", LegalForm.COUNCIL, set(), set(), PUBLIC),
    ("police, fire, NHS trust, ICB", LegalForm.OTHER_PUBLIC_AUTHORITY, set(), set(), PUBLIC),
    ("maintained school, academy trust, FE college", LegalForm.SCHOOL_OR_COLLEGE, set(), set(), PUBLIC),
    ("university", LegalForm.UNIVERSITY, set(), set(), PUBLIC),
    ("university that shows every social test", LegalForm.UNIVERSITY, set(), FOUR_TESTS, PUBLIC),
    ("council-owned company", LegalForm.COMPANY, {OWNED}, set(), PUBLIC),
    ("council-owned company, by its own form", LegalForm.PUBLICLY_CONTROLLED_COMPANY, set(), set(), PUBLIC),
    ("ALMO set up under statute", LegalForm.COMPANY, {STATUTE}, set(), PUBLIC),
    ("leisure trust controlled by a council, a charity", LegalForm.CHARITY, {BOARD}, set(), PUBLIC),
    ("leisure trust controlled by a council, locked", LegalForm.LOCKED_MUTUAL, {BOARD}, FOUR_TESTS, PUBLIC),
    ("joint venture in public control", LegalForm.JOINT_VENTURE, {OWNED}, set(), PUBLIC),
    ("independent leisure trust, spun-out mutual with lock", LegalForm.LOCKED_MUTUAL, set(), set(), VCSE),
    ("non-profit registered provider", LegalForm.NON_PROFIT_HOUSING_ASSOCIATION, set(), set(), VCSE),
    ("for-profit registered provider", LegalForm.FOR_PROFIT_HOUSING_PROVIDER, set(), set(), PRIVATE),
    ("for-profit provider that says otherwise", LegalForm.FOR_PROFIT_HOUSING_PROVIDER, set(), FOUR_TESTS, PRIVATE),
    ("CIC", LegalForm.COMMUNITY_INTEREST_COMPANY, set(), set(), VCSE),
    ("charitable company, CIO, club's foundation", LegalForm.CHARITY, set(), set(), VCSE),
    ("community benefit society", LegalForm.COMMUNITY_BENEFIT_SOCIETY, set(), set(), VCSE),
    ("faith body", LegalForm.FAITH_BODY, set(), set(), VCSE),
    ("social enterprise that shows the four tests", LegalForm.SOCIAL_ENTERPRISE_COMPANY, set(), FOUR_TESTS, VCSE),
    *(
        (
            f"social enterprise without {left_out}",
            LegalForm.SOCIAL_ENTERPRISE_COMPANY,
            set(),
            FOUR_TESTS - {left_out},
            PRIVATE,
        )
        for left_out in sorted(FOUR_TESTS)
    ),
    ("company, football club", LegalForm.COMPANY, set(), set(), PRIVATE),
    ("company that shows the four tests", LegalForm.COMPANY, set(), FOUR_TESTS, VCSE),
    ("co-operative that trades for its members", LegalForm.CO_OPERATIVE, set(), {SocialTest.MISSION}, PRIVATE),
    ("co-operative, locked", LegalForm.CO_OPERATIVE, set(), FOUR_TESTS, VCSE),
    ("building society", LegalForm.MUTUAL, set(), set(), PRIVATE),
    ("mutual with every test but the lock", LegalForm.MUTUAL, set(), FOUR_TESTS - {SocialTest.LOCK}, PRIVATE),
    ("sole trader", LegalForm.SOLE_TRADER_OR_PARTNERSHIP, set(), FOUR_TESTS, PRIVATE),
    ("chamber of commerce", LegalForm.TRADE_BODY, set(), FOUR_TESTS, PRIVATE),
    ("action group of three with terms", LegalForm.UNINCORPORATED_GROUP, set(), {SocialTest.GROUP}, VCSE),
    ("group of two", LegalForm.UNINCORPORATED_GROUP, set(), FOUR_TESTS, None),
    ("trade union", LegalForm.TRADE_UNION, set(), FOUR_TESTS, None),
    ("joint venture without control", LegalForm.JOINT_VENTURE, set(), set(), None),
    ("political party", LegalForm.POLITICAL_PARTY, set(), FOUR_TESTS, None),
    ("anything else", LegalForm.OTHER, set(), FOUR_TESTS, None),
]


@pytest.mark.parametrize(
    ("form", "control", "tests", "sector"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_sector_by_the_handbooks_table(
    form: LegalForm, control: set[PublicControl], tests: set[SocialTest], sector: Sector | None
) -> None:
    proposed = propose_sector(SectorFacts(form, frozenset(control), frozenset(tests)))
    assert proposed.sector is sector
    assert proposed.reason.endswith(".")


def test_every_form_has_a_place_in_the_table_and_a_name_in_plain_words() -> None:
    assert {case[1] for case in CASES} == set(LegalForm) == set(LEGAL_FORM_NAMES)


@pytest.mark.parametrize("control", list(PublicControl))
def test_any_one_kind_of_control_makes_a_charity_public_and_says_why(control: PublicControl) -> None:
    proposed = propose_sector(SectorFacts(LegalForm.CHARITY, frozenset({control})))
    assert proposed.sector is PUBLIC
    told = {BOARD: "appoint or remove most", OWNED: "more than half", STATUTE: "a law"}
    assert told[control] in proposed.reason


@pytest.mark.parametrize(
    ("register", "number", "kept"),
    [
        (Register.COMPANIES_HOUSE, "01234567", "01234567"),
        (Register.COMPANIES_HOUSE, "1234567", "01234567"),
        (Register.COMPANIES_HOUSE, " oc 123456 ", "OC123456"),
        (Register.CHARITY_COMMISSION, "1 234 567", "1234567"),
        (Register.CHARITY_COMMISSION, "234567-1", "234567-1"),
        (Register.MUTUALS, "ip12345r", "IP12345R"),
        (Register.MUTUALS, "7123", "7123"),
        (Register.HOUSING, "L1234", "L1234"),
        (Register.NHS, "r0a", "R0A"),
        (Register.LEARNING_PROVIDERS, "10001234", "10001234"),
        (Register.SCHOOLS, "123456", "123456"),
        (Register.COUNCILS, "man", "MAN"),
        (Register.GOVERNMENT, "D1234", "D1234"),
        (Register.NONE, "", ""),
    ],
)
def test_numbers_that_fit_their_register(register: Register, number: str, kept: str) -> None:
    assert list(number_faults(register, number)) == []
    assert normal_number(register, number) == kept


@pytest.mark.parametrize(
    ("register", "number"),
    [
        (Register.COMPANIES_HOUSE, "123456789"),
        (Register.COMPANIES_HOUSE, "O1234567"),
        (Register.COMPANIES_HOUSE, "٠١٢٣٤٥٦٧"),
        (Register.COMPANIES_HOUSE, ""),
        (Register.CHARITY_COMMISSION, "12345"),
        (Register.CHARITY_COMMISSION, "12345678"),
        (Register.MUTUALS, "RS"),
        (Register.HOUSING, "123"),
        (Register.NHS, "R0"),
        (Register.LEARNING_PROVIDERS, "20001234"),
        (Register.SCHOOLS, "12345"),
        (Register.COUNCILS, "M1N"),
        (Register.GOVERNMENT, "1234"),
        (Register.NONE, "1234567"),
    ],
)
def test_numbers_that_do_not_fit_are_told_beside_the_field(register: Register, number: str) -> None:
    (fault,) = number_faults(register, number)
    assert fault.field == "register_number"


def test_every_register_has_a_format() -> None:
    assert set(REGISTERS) == set(Register)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Alder Works Ltd", "ALDER WORKS LIMITED", True),
        ("The Alder & Elm Trust", "Alder and Elm Trust", True),
        ("Elm and Alder Trust", "Alder Elm Trust", True),
        ("Bolton Comunity Larder", "Bolton Community Larder", True),
        ("Café Société", "Cafe Societe", True),
        ("Bury Community Larder", "Wigan Community Larder", False),
        ("Alder Works", "Birch House", False),
    ],
)
def test_names_that_are_nearly_the_same(one: str, other: str, alike: bool) -> None:
    assert names_alike(one, other) is alike
    assert names_alike(other, one) is alike


def test_a_name_of_empty_words_keeps_them() -> None:
    assert name_key("The Company Ltd") == "the company ltd"
    assert name_key("!!!") == ""


REP, DEP, FIN = Role.REPRESENTATIVE, Role.DEPUTY, Role.FINANCE


@pytest.mark.parametrize(
    ("role", "who", "seats", "elsewhere", "field"),
    [
        (REP, "new", [], False, None),
        (REP, "new", [Seat(REP, "Ann", "ann")], False, "role"),
        (REP, "new", [Seat(REP, "Ann", "ann", offered=True)], False, "role"),
        (REP, "new", [Seat(DEP, "Ann", "ann")], False, None),
        (REP, "ann", [Seat(REP, "Ann", "ann")], False, "email"),
        (REP, "ann", [Seat(DEP, "Ann", "ann")], False, "role"),
        (DEP, "ann", [Seat(REP, "Ann", "ann", offered=True)], False, "role"),
        (DEP, "new", [Seat(DEP, "Ann", "ann")], False, None),
        (DEP, "new", [Seat(DEP, "Ann", "ann"), Seat(DEP, "Bob", "bob", offered=True)], False, "role"),
        (REP, "new", [], True, "email"),
        (DEP, "new", [], True, "email"),
        (FIN, "new", [Seat(FIN, "Ann", "ann")], True, None),
        (FIN, "ann", [Seat(FIN, "Ann", "ann")], False, "email"),
        (FIN, "ann", [Seat(REP, "Ann", "ann")], False, None),
    ],
)
def test_who_may_be_given_a_role(role: Role, who: str, seats: list[Seat], elsewhere: bool, field: str | None) -> None:
    found = [fault.field for fault in appointment_faults(role, who, seats, elsewhere=elsewhere)]
    assert found == ([field] if field else [])

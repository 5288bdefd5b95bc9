"""Who lives in the demonstration fund: every organisation and person is invented, none is on a real register."""

from dataclasses import dataclass

from fund.kernel.access import Role
from members.rules import LegalForm, Sector

PASSPHRASE = "three sectors one pot"
"""The passphrase of everybody in the demonstration."""


@dataclass(frozen=True)
class Official:
    """Somebody who works for the fund."""

    name: str
    email: str
    roles: tuple[Role, ...]


OFFICIALS = (
    Official("Amina Holt", "amina.holt@fund.example", (Role.STEWARD,)),
    Official("Piotr Lees", "piotr.lees@fund.example", (Role.STEWARD,)),
    Official("Grace Okoro", "grace.okoro@fund.example", (Role.SECRETARY,)),
    Official("Denise Fairhurst", "denise.fairhurst@fund.example", (Role.BOARD,)),
    Official("Samir Rahman", "samir.rahman@fund.example", (Role.BOARD, Role.SAFEGUARDING_LEAD)),
    Official("Ellen Moss", "ellen.moss@fund.example", (Role.ASSESSOR,)),
    Official("Tariq Vale", "tariq.vale@fund.example", (Role.ASSESSOR,)),
    Official("Josie Kerr", "josie.kerr@fund.example", (Role.LIVED_EXPERIENCE_ASSESSOR,)),
    Official("Winston Bright", "winston.bright@fund.example", (Role.LIVED_EXPERIENCE_ASSESSOR,)),
    Official("Harriet Lumb", "harriet.lumb@audit.example", (Role.AUDITOR,)),
)


@dataclass(frozen=True)
class Cast:
    """An organisation: what it is, where, what it pays each year (pounds), and the people who act for it."""

    name: str
    sector: Sector
    form: LegalForm
    district: str
    pays_pounds: int
    certifier: str
    representative: str
    deputy: str | None = None
    group: str | None = None

    @property
    def domain(self) -> str:
        """Where its people's addresses are."""
        letters = "".join(c if c.isalnum() else "-" for c in self.name.lower())
        return f"{'-'.join(part for part in letters.split('-') if part)}.example"


def email(name: str, organisation: Cast) -> str:
    """first.last@organisation.example"""
    return f"{name.lower().replace(' ', '.').replace(chr(39), '')}@{organisation.domain}"


_P, _C, _V = Sector.PRIVATE, Sector.PUBLIC, Sector.VCSE

ORGANISATIONS = (
    Cast("Irwellside Council", _C, LegalForm.COUNCIL, "E08000006", 60_000, "Ruth Hanley", "Colin Marsh", "Bev Tan"),
    Cast("Medlock Vale Council", _C, LegalForm.COUNCIL, "E08000003", 50_000, "Omar Siddiq", "Jean Pickup"),
    Cast("Croal Bridge Council", _C, LegalForm.COUNCIL, "E08000001", 20_000, "Linda Ashe", "Neil Farrow"),
    Cast(
        "Tame Valley Health Trust", _C, LegalForm.OTHER_PUBLIC_AUTHORITY, "E08000008", 30_000, "Priya Nair", "Joe Stott"
    ),
    Cast("Etherow College", _C, LegalForm.SCHOOL_OR_COLLEGE, "E08000007", 8_000, "Mary Okafor", "Dan Lister"),
    Cast("University of Weaver Hall", _C, LegalForm.UNIVERSITY, "E08000009", 15_000, "Alan Fitch", "Sonia Webb"),
    Cast(
        "Pennine Edge Leisure", _C, LegalForm.PUBLICLY_CONTROLLED_COMPANY, "E08000004", 4_000, "Kay Dunn", "Imran Yusuf"
    ),
    Cast("Copperleaf Café", _P, LegalForm.SOLE_TRADER_OR_PARTNERSHIP, "E08000002", 250, "Rosa Marin", "Rosa Marin"),
    Cast("Mosslane Engineering", _P, LegalForm.COMPANY, "E08000010", 25_000, "Geoff Tyldesley", "Anita Rowe"),
    Cast("Beewing Digital", _P, LegalForm.COMPANY, "E08000003", 18_000, "Leah Stone", "Marcus Adeyemi", "Yan Li"),
    Cast("Hollin Housebuilders", _P, LegalForm.COMPANY, "E08000005", 40_000, "Peter Crane", "Shabnam Ali"),
    Cast("Northlight Mutual", _P, LegalForm.MUTUAL, "E08000007", 30_000, "Clare Whitworth", "Tom Hesketh"),
    Cast("Calder and Finch Solicitors", _P, LegalForm.COMPANY, "E08000001", 10_000, "Nadia Finch", "Will Calder"),
    Cast(
        "Rook Street Football Club",
        _P,
        LegalForm.COMPANY,
        "E08000010",
        12_000,
        "Barry Platt",
        "Jo Speak",
        group="Rook Street",
    ),
    Cast("Loom and Lantern Print", _P, LegalForm.CO_OPERATIVE, "E08000004", 1_200, "Hetty Shaw", "Idris Cole"),
    Cast("Canalside Logistics", _P, LegalForm.COMPANY, "E08000009", 9_000, "Stuart Penn", "Mina Kaur"),
    Cast("Open Door Kersal", _V, LegalForm.CHARITY, "E08000006", 500, "Maureen Duffy", "Kwame Boateng"),
    Cast("Women's Thread", _V, LegalForm.COMMUNITY_INTEREST_COMPANY, "E08000005", 300, "Saira Malik", "Helen Croft"),
    Cast("Roch Valley Food Network", _V, LegalForm.CHARITY, "E08000005", 1_000, "Ben Ogden", "Fatima Noor"),
    Cast("Second Chapter", _V, LegalForm.CHARITY, "E08000003", 2_500, "Gill Ramsden", "Lenny Foster", "Ana Costa"),
    Cast(
        "Hearth and Home Trust",
        _V,
        LegalForm.NON_PROFIT_HOUSING_ASSOCIATION,
        "E08000008",
        20_000,
        "Derek Wood",
        "Uma Patel",
    ),
    Cast("Tandem Youth", _V, LegalForm.CHARITY, "E08000002", 400, "Carys Bell", "Reece Doyle"),
    Cast(
        "Rook Street Foundation",
        _V,
        LegalForm.CHARITY,
        "E08000010",
        1_500,
        "Pauline Gee",
        "Jo Marsden",
        group="Rook Street",
    ),
    Cast(
        "Wharfside Community Land",
        _V,
        LegalForm.COMMUNITY_BENEFIT_SOCIETY,
        "E08000001",
        800,
        "Ifeoma Eze",
        "Ted Barlow",
    ),
)

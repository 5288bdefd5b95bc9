"""Where the fund works: Greater Manchester and its ten districts (handbook §11)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class District:
    """A metropolitan district: its Government Statistical Service code and its council's org-id."""

    code: str
    name: str
    council_id: str


CITY_REGION_CODE = "E47000001"
CITY_REGION = "Greater Manchester"

DISTRICTS = (
    District("E08000001", "Bolton", "GB-LAE-BOL"),
    District("E08000002", "Bury", "GB-LAE-BUR"),
    District("E08000003", "Manchester", "GB-LAE-MAN"),
    District("E08000004", "Oldham", "GB-LAE-OLD"),
    District("E08000005", "Rochdale", "GB-LAE-RCH"),
    District("E08000006", "Salford", "GB-LAE-SLF"),
    District("E08000007", "Stockport", "GB-LAE-SKP"),
    District("E08000008", "Tameside", "GB-LAE-TAM"),
    District("E08000009", "Trafford", "GB-LAE-TRF"),
    District("E08000010", "Wigan", "GB-LAE-WGN"),
)

DISTRICT_NAMES = {district.code: district.name for district in DISTRICTS}

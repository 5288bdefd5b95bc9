"""All settings, in the order in which people read them, and what must be true of them together."""

from collections.abc import Mapping
from fractions import Fraction

from fund.kernel.settings import funding, governance, grants
from fund.kernel.settings.shape import SettingSpec, Value

GROUPS: tuple[tuple[str, tuple[SettingSpec, ...]], ...] = (
    ("The society", governance.SOCIETY),
    ("Votes", governance.VOTES),
    ("The board", governance.BOARD),
    ("Texts", governance.TEXTS),
    ("The pot and the plan", funding.PLAN),
    ("Finding members and partners", funding.REACH),
    ("The four gates and assessment", funding.GATES),
    ("Grants and payments", grants.GRANTS),
    ("The statement of the year", grants.STATEMENT),
    ("Figures set by law", grants.LAW),
    ("Records", grants.RECORDS),
)
SPECS = {spec.key: spec for _, specs in GROUPS for spec in specs}
SOCIETY_FACTS = ("society_name", "society_type", "society_address", "year_end")
TEXT_KEYS = tuple(spec.key for spec in governance.TEXTS)

_IN_ORDER = (
    ("due_diligence_light_to_pence", "due_diligence_standard_to_pence"),
    ("report_one_to_pence", "report_two_to_pence"),
    ("g3_min_planned", "g3_min_planned_once"),
    ("lived_experience_min", "assessors_min"),
    ("invite_again_fewest_days", "invite_again_days"),
)
"""(lower, higher): the first is never more than the second."""


def together(values: Mapping[str, Value]) -> list[str]:
    """What is wrong with settings that are right one by one; `values` holds every setting that can change.

    Weighted votes are for co-operative societies alone: the registrar doesn't expect a community benefit society to
    give a group of members greater rights (handbook §5.1).
    """
    found = [
        f"“{SPECS[lower].title}” must not be more than “{SPECS[higher].title}”. Choose another value, or change the "
        "other one first."
        for lower, higher in _IN_ORDER
        if int(str(values[lower])) > int(str(values[higher]))
    ]
    if values["sector_safeguard"] == "equal_thirds_weight" and values["society_type"] != "co_operative":
        found.append("Only a co-operative society may let each sector count for a third. Choose another safeguard.")
    size, least = int(str(values["board_size"])), int(str(values["board_per_sector_min"]))
    if 3 * least > size:
        found.append(f"A board of {size} can't give each of three sectors {least} seats. Choose fewer seats each.")
    if int(size * Fraction(str(values["board_max_sector_share"]))) < least:
        found.append(f"No sector could have its {least} seats under its largest share. Choose fewer seats each.")
    return found

"""The principles of co-production that every partner accepts with its part, by version (R40). Our own words."""

PRINCIPLES: dict[str, tuple[str, ...]] = {
    "1.0": (
        "People who live with the issue are in from the start, before the plan is made.",
        "What people know from living it counts as much as what people know from their work.",
        "Decisions, delivery and review are shared; nobody is asked only to approve.",
        "Taking part is made possible: access, expenses up front, and an offer of payment.",
        "Everybody hears back what was done with what they said, and why.",
        "Anybody may say no, change their mind or leave, and nothing is held against them.",
    )
}


def principles(version: str) -> tuple[str, ...]:
    """The principles of a version; a round's policy names which."""
    return PRINCIPLES[version]

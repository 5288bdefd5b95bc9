"""The principles of co-production that every partner accepts with its part, by version (R40).

The first version is ours and comes with the software; later ones are recorded by the fund, one principle a line.
"""

from fund.kernel.policy import rule_text

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
    if version in PRINCIPLES:
        return PRINCIPLES[version]
    text = rule_text("coproduction_principles_version", version) or ""
    return tuple(line.strip() for line in text.splitlines() if line.strip())

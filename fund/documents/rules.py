"""What documents there are and how they are named. Pure."""

from enum import StrEnum

LONGEST_REFERENCE = 40


class Kind(StrEnum):
    """A kind of document, as it stands in addresses and in the outbox ("receipt:RC-2026-001")."""

    RECEIPT = "receipt"
    PROPOSAL = "proposal"
    AGREEMENT = "agreement"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


def parse_name(name: str) -> tuple[Kind, str]:
    """Kind and reference of an outbox name such as "proposal:P-2026-001-v1".

    Raises:
        ValueError: when there is no such kind, or no reference.
    """
    kind, _, reference = name.partition(":")
    if not reference or len(reference) > LONGEST_REFERENCE:
        raise ValueError(f"{name!r} does not name a document")
    return Kind(kind), reference


def split_version(reference: str) -> tuple[str, int] | None:
    """ "P-2026-001-v2" → ("P-2026-001", 2); None where it is no version's name."""
    proposal, mark, number = reference.rpartition("-v")
    if (
        not proposal
        or not mark
        or not number.isascii()
        or not number.isdecimal()
        or len(number) > 6
        or number.startswith("0")
    ):
        return None
    return proposal, int(number)

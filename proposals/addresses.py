"""What an address names: ids and references as they come in, refused before they reach the database."""

import re

from fund.kernel.access import Actor, Permission
from fund.kernel.errors import NotFound

_REFERENCE = re.compile(r"[A-Z]{1,4}(-[0-9]{1,9}){1,3}", re.ASCII)
_LARGEST_ID = 2**63 - 1


def known_id(number: int) -> int:
    """An id from an address, if a database could hold it; else NotFound."""
    if not 0 < number <= _LARGEST_ID:
        raise NotFound
    return number


def known_reference(reference: str) -> str:
    """A reference from an address, if it has the form of one; else NotFound."""
    if not _REFERENCE.fullmatch(reference):
        raise NotFound
    return reference


def is_office(actor: Actor | None) -> bool:
    """Stewards, secretary, board and auditor."""
    return actor is not None and actor.may(Permission.READ_AUDIT)

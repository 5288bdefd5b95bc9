"""Codes on attestation cards: how they look, how they are read back, what is kept of them, and where guessing stops.

Pure, but for randomness.
"""

import hmac
import secrets
from datetime import timedelta
from hashlib import sha256

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Thirty signs that can't be mistaken for one another: no 0 and O, no 1, I and L, no U beside V."""

LENGTH = 8

WRONG_CODES_ALLOWED = 30
WRONG_CODES_WITHIN = timedelta(hours=1)
"""Thirty wrong codes an hour from one bucket: a hall full of people may mistype, a machine gets nowhere. Of 30**8
(656,100,000,000) codes a thousand open ones would take it about 2,500 years to meet one."""

BUCKETS = 4096
"""How many buckets addresses fall into."""

_LOOKALIKES = str.maketrans({" ": None, "-": None, "–": None, "\u00a0": None})


def new_code() -> str:
    """A code that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def as_printed(code: str) -> str:
    """In two groups, which people copy with fewer slips: "7KQM 2XWP"."""
    return f"{code[:4]} {code[4:]}"


def read(typed: str) -> str | None:
    """The code that somebody typed, or None where it can't be one: small letters, spaces and hyphens are fine."""
    code = typed.upper().translate(_LOOKALIKES)
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None


def digest(code: str, secret: str) -> str:
    """What is kept of a code: without the secret, which is not in the database, nobody can try codes against it."""
    return hmac.new(secret.encode(), f"attestation:{code}".encode(), sha256).hexdigest()


def bucket(address: str, salt: str) -> int:
    """The bucket of an address for the day of `salt`."""
    return int.from_bytes(sha256(f"{salt}:{address}".encode()).digest()[:4]) % BUCKETS

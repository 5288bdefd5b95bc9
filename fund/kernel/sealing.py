"""Text that must be read again, by this fund's processes alone: sealed with a key that is drawn from SECRET_KEY.

A copy of the database without SECRET_KEY opens none of it. With another SECRET_KEY it can't be opened either: who
reads sealed text says what to do then.
"""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


class CannotOpen(Exception):
    """The text was sealed under another SECRET_KEY, or altered."""


def seal(text: str, purpose: str) -> str:
    """`text` encrypted and signed; it opens for the same purpose only."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, purpose: str) -> str:
    """What was sealed.

    Raises:
        CannotOpen: when it was sealed under another SECRET_KEY or for another purpose, or was altered.
    """
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotOpen from None


def _box(purpose: str) -> Fernet:
    # HKDF (RFC 5869) draws a key for each purpose, so that the key which signs cookies encrypts nothing itself.
    secret = str(current_app.config["SECRET_KEY"]).encode()
    drawn = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"sicf {purpose}".encode()).derive(secret)
    return Fernet(urlsafe_b64encode(drawn))

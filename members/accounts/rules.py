"""Passphrases, tokens, throttling and safe addresses. Pure: no database, no request."""

import ipaddress
import secrets
import string
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from urllib.parse import urlsplit, urlunsplit

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fund.kernel.errors import Finding

SESSION_LENGTH = timedelta(days=14)
"""How long a browser that is to remember somebody does. NIST SP 800-63B-4 §2.1.3 allows up to 30 days."""
BROWSER_SESSION_LENGTH = timedelta(hours=24)
"""The longest that any other browser stays signed in (NIST SP 800-63B-4 §2.2.3: 24 hours)."""
IDLE_LENGTH = timedelta(hours=1)
"""Such a browser is signed out when nothing came from it for so long (same section: one hour): it may be shared."""
SEEN_EVERY = timedelta(minutes=5)
"""How often at most it is written down that a browser was seen: reading pages must not become writing."""
FACTOR_LENGTH = timedelta(minutes=30)
"""How long a passphrase or second step just given counts for acts that need one: one sitting at a desk, but not a
screen left alone over lunch (OWASP ASVS 5.0 §7.5.3 asks for it again before such acts)."""
HALF_LENGTH = timedelta(minutes=10)
"""How long after the passphrase the second step may take: time to find a phone."""
DEVICE_LENGTH = timedelta(days=365)
"""How long a browser is known after it was last signed in from."""
HOLD_LENGTH = timedelta(hours=24)
"""How long a form is kept for somebody who has to sign in again: till the next working day, and no longer."""
LARGEST_HELD_BYTES = 500_000
MOST_HELD = 20
EMAIL_CONFIRM_LENGTH = timedelta(days=2)
EMAIL_UNDO_LENGTH = timedelta(days=7)
"""Time to come back from a holiday to one's old mailbox."""
INVITATION_LENGTH = timedelta(days=14)
RESET_LENGTH = timedelta(hours=2)
RESET_PAUSE = timedelta(minutes=5)
"""No second mail with a reset link within this time, so that nobody's mailbox can be flooded."""

SHORTEST_PASSPHRASE = 15
"""NIST SP 800-63B-4 §3.1.1.2 asks for 15 characters where a passphrase may be the only thing asked for."""
LONGEST_PASSPHRASE = 200

FREE_ATTEMPTS = 4
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
NETWORK_FREE_ATTEMPTS = 100
NETWORK_WAIT = timedelta(minutes=1)
FORGET_FAILURES_AFTER = timedelta(hours=24)

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's minimum for argon2id


def email_key(email: str) -> str:
    """What makes an e-mail address unique: letter case, spaces and forms of one character make no other person."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def new_token() -> str:
    """A secret for a link or a cookie: 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a secret token."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _normal(passphrase: str) -> bytes:
    # The same phrase typed on another keyboard may come as other characters (NIST SP 800-63B asks for NFKC).
    return unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")


def hash_passphrase(passphrase: str) -> str:
    """argon2id at 19 MiB, two passes, one lane."""
    return _hasher.hash(_normal(passphrase))


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return hash_passphrase(new_token())


def passphrase_matches(stored: str | None, passphrase: str) -> bool:
    """Whether `passphrase` is the one stored. Takes as long where nothing is stored, so that time tells nothing."""
    try:
        return _hasher.verify(stored or _nobodys_hash(), _normal(passphrase)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def common_passphrases() -> frozenset[str]:
    """Long passphrases that people choose often, in lower case, one a line of a file beside this one."""
    text = (files("members.accounts") / "common_passphrases.txt").read_text(encoding="utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


_PADDING = string.digits + string.punctuation


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    """The common ones without the figures and signs around them: a year after a football club is no secret."""
    bare = {phrase.strip(_PADDING) for phrase in common_passphrases()}
    return frozenset(word for word in bare if len(word) >= 8)


def passphrase_faults(passphrase: str, *, known: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Why a passphrase can't be used. Length and commonness only: rules of composition make people predictable.

    Args:
        passphrase: as typed.
        known: what others know of the person (name, e-mail address), which alone is no secret.
    """
    folded = unicodedata.normalize("NFKC", passphrase).casefold()
    plain = "".join(folded.split())
    if len(folded) < SHORTEST_PASSPHRASE:
        yield Finding(
            f"Use at least {SHORTEST_PASSPHRASE} characters. Three or four words that you will remember do well.",
            "passphrase",
        )
    elif len(passphrase) > LONGEST_PASSPHRASE:
        yield Finding(f"Use at most {LONGEST_PASSPHRASE} characters.", "passphrase")
    elif plain in common_passphrases() or plain.strip(_PADDING) in _common_words() or len(set(plain)) < 5:
        yield Finding("Many people use this passphrase, so it is easy to guess. Choose other words.", "passphrase")
    elif plain in {"".join(item.casefold().split()) for item in known}:
        yield Finding("Others know your name and address. Choose words that only you would put together.", "passphrase")


def session_is_live(*, expires_at: datetime, last_seen_at: datetime | None, is_remembered: bool, now: datetime) -> bool:
    """Whether a session still opens anything: its time isn't over, and it wasn't left alone for too long."""
    if expires_at <= now:
        return False
    return is_remembered or last_seen_at is None or now - last_seen_at < IDLE_LENGTH


def is_fresh(shown_at: datetime | None, now: datetime) -> bool:
    """Whether a passphrase or second step given at `shown_at` still counts for acts that need one."""
    return shown_at is not None and now - shown_at <= FACTOR_LENGTH


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "a Chromebook"),
    ("Macintosh", "a Mac"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str | None) -> str:
    """A browser in plain words, such as "Firefox on Windows". It is what the browser says of itself, so only a hint."""
    text = user_agent or ""
    browser = next((name for mark, name in _BROWSERS if mark in text), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in text), None)
    return f"{browser} on {system}" if system else browser


def coarse_network(address: str | None) -> str:
    """Where from, roughly: enough to tell home from abroad, too little to follow somebody about."""
    try:
        parsed = ipaddress.ip_address((address or "").split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, ipaddress.IPv6Address):
        return ":".join(parsed.exploded.split(":")[:2]) + ":x"
    return ".".join(str(parsed).split(".")[:2]) + ".x.x"


_SECRET_FIELDS = frozenset({"csrf_token", "passphrase", "present", "code", "credential"})


def held_fields(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of a sent form may be kept for its sender: all but passphrases, codes and the token against forgery."""
    return [(name, value) for name, value in pairs if name.rsplit("-", 1)[-1] not in _SECRET_FIELDS]


def wait_after(failures: int) -> timedelta:
    """How long one network waits before it may try one account again.

    Grows with each failure and stops at a quarter of an hour, so that nobody can be locked out for good; another
    network (the owner's) doesn't wait at all.
    """
    if failures < FREE_ATTEMPTS:
        return timedelta(0)
    doublings = min(failures - FREE_ATTEMPTS, 20)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def network_wait_after(failures: int) -> timedelta:
    """How long one network waits after failures over all accounts together: one phrase tried on many people."""
    return NETWORK_WAIT if failures >= NETWORK_FREE_ATTEMPTS else timedelta(0)


def waiting_words(wait: timedelta) -> str:
    """A wait, roughly, for people."""
    seconds = max(1, round(wait.total_seconds()))
    if seconds < 90:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{round(seconds / 60)} minutes"


def network_of(address: str | None) -> str:
    """What counts as one network: an IPv4 address, or the /64 that one IPv6 household or office has."""
    try:
        parsed = ipaddress.ip_address((address or "").split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def safe_path(target: str | None) -> str | None:
    """`target` if it is a path on this site, rebuilt from its parts; else None.

    The usual test (join, then compare hosts) lets "////evil" and "http:/evil" through to a browser.
    """
    if not target or not target.startswith("/") or target.startswith("//"):
        return None
    if any(c == "\\" or c.isspace() or unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in target):
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or parts.path.startswith("//"):
        return None
    return urlunsplit(("", "", parts.path, parts.query, ""))

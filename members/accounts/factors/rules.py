"""Codes of authenticator apps, recovery codes, waiting after wrong ones, and who may let somebody back in. Pure."""

import secrets
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta

import pyotp

from fund.kernel.access import FUND_ROLES, Role
from fund.kernel.errors import Finding

STEP_SECONDS = 30
"""How long a code of an app stands (RFC 6238 §5.2)."""
STEPS_ASIDE = 1
"""Codes of the step before and after count too: clocks of phones differ, and typing takes time (RFC 6238 §5.2)."""
CODE_DIGITS = 6

RECOVERY_CODES = 10
_RECOVERY_GROUPS, _RECOVERY_GROUP_LENGTH = 4, 4
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without figures and letters that are mistaken for one another when they are copied by hand."""

MOST_PASSKEYS = 10
CHALLENGE_LENGTH = timedelta(minutes=5)
SET_UP_LENGTH = timedelta(hours=1)
"""How long a new app's secret waits for its first code."""

FREE_ELSEWHERE = 20
"""Wrong codes, over all networks together, after which unknown browsers have to wait. A code of six figures would else
be found by trying from many networks at once."""
WAIT_ELSEWHERE = timedelta(minutes=15)

RECOVERY_LENGTH = timedelta(days=7)
_LETTING_IN = frozenset({Role.STEWARD, Role.SECRETARY, Role.BOARD})


def new_secret() -> str:
    """A secret for an authenticator app: 160 random bits, as RFC 4226 §4 recommends."""
    return pyotp.random_base32(32)


def in_fours(text: str) -> str:
    """Groups of four, to be typed from a screen."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def provisioning_uri(secret: str, *, account: str, fund: str) -> str:
    """What the picture for an authenticator app says."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=fund)


def step_of(now: datetime) -> int:
    """The number of the step that an instant lies in."""
    return int(now.timestamp()) // STEP_SECONDS


def code_at(secret: str, step: int) -> str:
    """The code of a step."""
    return pyotp.TOTP(secret, digits=CODE_DIGITS, interval=STEP_SECONDS).generate_otp(step)


def matching_step(secret: str, code: str, *, last_step: int | None, now: datetime) -> int | None:
    """The step whose code this is, if it was not used before; None when the code is wrong, too old or used.

    A step at or below `last_step` never counts again: a code that somebody read over a shoulder is worth nothing
    (RFC 6238 §5.2).
    """
    present = step_of(now)
    found = None
    for step in range(present - STEPS_ASIDE, present + STEPS_ASIDE + 1):
        is_same = secrets.compare_digest(code_at(secret, step).encode(), code.encode("utf-8", "surrogatepass"))
        if is_same and (last_step is None or step > last_step):
            found = step
    return found


def tidy_code(typed: str) -> str:
    """A code as it was meant: without spaces and hyphens, in capitals."""
    return "".join(c for c in unicodedata.normalize("NFKC", typed).upper() if c.isalnum())


def is_app_code(tidy: str) -> bool:
    """Whether this looks like a code of an app; else it is taken for a recovery code."""
    return len(tidy) == CODE_DIGITS and tidy.isascii() and tidy.isdigit()


def new_recovery_codes() -> list[str]:
    """Ten codes of 78 random bits each. A code begins with its own number, so that only one hash needs checking."""
    return [
        "-".join(
            [
                f"{number}{''.join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_GROUP_LENGTH))}",
                *(
                    "".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_GROUP_LENGTH))
                    for _ in range(_RECOVERY_GROUPS - 1)
                ),
            ]
        )
        for number in range(RECOVERY_CODES)
    ]


def recovery_number(tidy: str) -> int | None:
    """Which of the ten codes this would be."""
    if len(tidy) != 1 + _RECOVERY_GROUPS * _RECOVERY_GROUP_LENGTH or tidy[0] not in "0123456789":
        return None
    return int(tidy[0])


def wait_elsewhere_after(failures: int) -> timedelta:
    """How long unknown browsers wait after wrong codes from all networks together. A known browser never does."""
    return WAIT_ELSEWHERE if failures >= FREE_ELSEWHERE else timedelta(0)


def may_let_in(roles: frozenset[Role]) -> bool:
    """Whether somebody may be one of the two who let a person back in."""
    return bool(roles & _LETTING_IN)


def confirm_faults(
    *, person_id: int, first_id: int, first_roles: frozenset[Role], second_id: int, second_roles: frozenset[Role]
) -> Iterator[Finding]:
    """Why two people together may not let a person back in: a steward and another officer, neither that person."""
    if second_id == first_id:
        yield Finding("You asked for this yourself. Another officer has to confirm it: ask one of them.")
    if person_id in (first_id, second_id):
        yield Finding("This is about your own account. Two other officers have to let you back in.")
    if not (may_let_in(first_roles & FUND_ROLES) and may_let_in(second_roles & FUND_ROLES)):
        yield Finding("Both have to be officers of the fund now. Ask a steward to begin again.")
    elif Role.STEWARD not in first_roles | second_roles:
        yield Finding("One of the two has to be a steward. Ask a steward to confirm this.")

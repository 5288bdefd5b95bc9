"""Checking a code or passkey that a request brings, and what comes of it. Used by the pages that ask for one."""

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import current_app, request, session

from fund.kernel.db import db, transaction
from fund.kernel.errors import Finding, RuleBroken
from fund.kernel.pages import now
from members.accounts import browser
from members.accounts.factors import passkey_service, queries, rules, service
from members.accounts.factors.passkey_service import Site
from members.accounts.rules import hash_passphrase, passphrase_matches, waiting_words

_WRONG = "That code is wrong, or was used before. Wait for the next one, or use a recovery code."


def site() -> Site:
    """The site that passkeys are made for. With HTTPS it is always BASE_URL, whatever a request says."""
    settings = current_app.extensions["sicf_settings"]
    address = settings.base_url if settings.secure_cookies else request.host_url.rstrip("/")
    return Site(urlsplit(address).hostname or "", address)


def remember_challenge(challenge: str) -> None:
    """Keep in this browser which riddle it was given."""
    session["challenge"] = challenge


def taken_challenge() -> str | None:
    """The riddle that this browser was given, once."""
    found = session.pop("challenge", None)
    return str(found) if found is not None else None


def prove_by_code(*, person_id: int, typed: str, on_right: Callable[[], None]) -> None:
    """Check a code of an app or a recovery code. `on_right` runs in the transaction that uses the code up.

    Raises:
        RuleBroken: when the code is wrong or it is too soon to try again.
    """
    with transaction():
        tried = service.claim_try(
            person_id=person_id, network=browser.network(), device_token=browser.device_token(), now=now()
        )
    if tried.wait_until is not None:
        wait = waiting_words(tried.wait_until - now())
        raise RuleBroken([Finding(f"There were too many wrong codes. Wait {wait}, then try again.", "code")])
    code = rules.tidy_code(typed)
    if rules.is_app_code(code):
        with transaction():
            if service.use_app_code(person_id=person_id, code=code, tried=tried, now=now()):
                on_right()
                return
    elif (number := rules.recovery_number(code)) is not None:
        stored = queries.recovery_hash(person_id, number)
        db.session.rollback()
        # Outside any transaction: the check takes its time on purpose, as that of a passphrase does.
        if passphrase_matches(stored, code) and stored is not None:
            with transaction():
                if service.use_recovery_code(
                    person_id=person_id, number=number, code_hash=stored, tried=tried, now=now()
                ):
                    on_right()
                    return
    raise RuleBroken([Finding(_WRONG, "code")])


def prove_by_passkey(*, person_id: int, credential: str, on_right: Callable[[], None]) -> None:
    """Check a passkey of a person who is known already.

    Raises:
        RuleBroken: when it didn't solve the riddle.
    """
    with transaction():
        passkey_service.use_passkey(
            site=site(), credential=credential, challenge=taken_challenge(), person_id=person_id, now=now()
        )
        on_right()


def new_codes() -> tuple[list[str], list[str]]:
    """Ten recovery codes and their hashes. Takes some 300 ms: outside any transaction."""
    codes = rules.new_recovery_codes()
    return codes, [hash_passphrase(rules.tidy_code(code)) for code in codes]

"""Passkeys (W3C Web Authentication, level 3): made, used, removed.

A passkey needs a finger, a face or a PIN on the device that holds it, so it is both steps in one and may stand alone.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import Finding, NotFound, RuleBroken
from members.accounts.factors import queries, rules
from members.accounts.factors.models import Passkey, PasskeyChallenge
from members.accounts.factors.service import is_id, tell, write_recovery_codes
from members.accounts.models import Person

_FAILED = "The passkey didn't work here. Try again, or use another way below."


@dataclass(frozen=True)
class Site:
    """Whom browsers make passkeys for: a host name, and the origin that pages come from."""

    host: str
    origin: str


def new_passkey_options(*, site: Site, actor: Actor, fund: str, now: datetime) -> tuple[str, str]:
    """What a browser needs to make a passkey, as JSON, and the riddle in it."""
    person = db.session.get_one(Person, actor.person_id)
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=fund,
        user_id=f"person:{person.id}".encode(),
        user_name=person.email,
        user_display_name=person.name,
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id))
            for passkey in queries.passkeys_of(person.id)
        ],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return options_to_json(options), _remember(options.challenge, person.id, now)


def use_options(*, site: Site, person_id: int | None, now: datetime) -> tuple[str, str]:
    """What a browser needs to use a passkey, as JSON, and the riddle in it. Without a person, any passkey will do."""
    known = queries.passkeys_of(person_id) if person_id is not None else []
    options = generate_authentication_options(
        rp_id=site.host,
        allow_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id)) for passkey in known
        ],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options), _remember(options.challenge, person_id, now)


def _remember(challenge: bytes, person_id: int | None, now: datetime) -> str:
    kept = bytes_to_base64url(challenge)
    db.session.add(PasskeyChallenge(challenge=kept, person_id=person_id, expires_at=now + rules.CHALLENGE_LENGTH))
    db.session.flush()
    return kept


def _take(challenge: str | None, person_id: int | None, now: datetime) -> bytes:
    """The riddle, which thereby is used up."""
    taken = db.session.execute(
        delete(PasskeyChallenge)
        .where(
            PasskeyChallenge.challenge == (challenge or ""),
            PasskeyChallenge.person_id.is_(None) if person_id is None else PasskeyChallenge.person_id == person_id,
            PasskeyChallenge.expires_at > now,
        )
        .returning(PasskeyChallenge.challenge)
    ).scalar_one_or_none()
    if taken is None:
        raise RuleBroken("That took too long. Press the button again.")
    return base64url_to_bytes(taken)


def add_passkey(
    *,
    site: Site,
    credential: str,
    challenge: str | None,
    name: str,
    code_hashes: list[str] | None,
    actor: Actor,
    now: datetime,
) -> Passkey:
    """Keep the public half of a passkey that the browser has just made.

    Args:
        credential: the browser's answer, as JSON.
        challenge: the riddle that this browser was given.
        name: what the person calls it.
        code_hashes: hashes of new recovery codes, where the person has none left.

    Raises:
        RuleBroken: when the answer isn't right, or there are too many passkeys.
    """
    person = db.session.execute(select(Person).where(Person.id == actor.person_id).with_for_update()).scalar_one()
    if len(queries.passkeys_of(person.id)) >= rules.MOST_PASSKEYS:
        raise RuleBroken(f"You have {rules.MOST_PASSKEYS} passkeys. Remove one that you no longer use.")
    expected = _take(challenge, person.id, now)
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=expected,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        raise RuleBroken("The passkey wasn't made. Try again, or use an authenticator app.") from None
    credential_id = bytes_to_base64url(made.credential_id)
    if db.session.scalar(select(func.count()).select_from(Passkey).where(Passkey.credential_id == credential_id)):
        raise RuleBroken("This passkey is known already. Choose another device, or remove it and make it again.")
    passkey = Passkey(
        person_id=person.id,
        credential_id=credential_id,
        public_key=bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        name=name,
        created_at=now,
    )
    db.session.add(passkey)
    db.session.flush()
    if code_hashes:
        write_recovery_codes(person_id=person.id, code_hashes=code_hashes, now=now)
    audit.record(actor, "second_step.passkey_added", f"person:{person.id}", at=now, after={"name": name})
    tell(person, f"A passkey, “{name}”, was added to your account.", f"passkey:{passkey.id}", now)
    return passkey


def use_passkey(*, site: Site, credential: str, challenge: str | None, person_id: int | None, now: datetime) -> Person:
    """Whose passkey this is, if it solved the riddle.

    The count that a device keeps of its uses must have grown (§7.2 step 22): one that stood still or fell back may be
    a copy, and is refused. Devices that keep none always say 0.

    Args:
        person_id: who must be the owner; None where nobody is known yet.

    Raises:
        RuleBroken: when the answer isn't right.
    """
    expected = _take(challenge, person_id, now)
    try:
        named = bytes_to_base64url(parse_authentication_credential_json(credential).raw_id)
    except (WebAuthnException, ValueError):
        raise RuleBroken([Finding(_FAILED)]) from None
    passkey = db.session.execute(
        select(Passkey).where(Passkey.credential_id == named, Passkey.ended_at.is_(None)).with_for_update()
    ).scalar_one_or_none()
    if passkey is None or (person_id is not None and passkey.person_id != person_id):
        raise RuleBroken([Finding(_FAILED)])
    try:
        used = verify_authentication_response(
            credential=credential,
            expected_challenge=expected,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        raise RuleBroken([Finding(_FAILED)]) from None
    person = passkey.person
    if person.disabled_at is not None:
        raise RuleBroken([Finding(_FAILED)])
    passkey.sign_count, passkey.last_used_at = used.new_sign_count, now
    return person


def remove_passkey(*, passkey_id: int, actor: Actor, now: datetime) -> Passkey:
    """Stop accepting one of one's own passkeys.

    Raises:
        NotFound: when it is not the person's own, or removed already.
    """
    if not is_id(passkey_id):
        raise NotFound
    passkey = db.session.execute(
        select(Passkey)
        .where(Passkey.id == passkey_id, Passkey.person_id == actor.person_id, Passkey.ended_at.is_(None))
        .with_for_update()
    ).scalar_one_or_none()
    if passkey is None:
        raise NotFound
    passkey.ended_at = now
    audit.record(
        actor, "second_step.passkey_removed", f"person:{actor.person_id}", at=now, after={"name": passkey.name}
    )
    tell(
        passkey.person, f"The passkey “{passkey.name}” was removed from your account.", f"passkey-end:{passkey.id}", now
    )
    return passkey

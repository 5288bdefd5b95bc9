"""Second steps for tests."""

from datetime import datetime

from fund.kernel.db import db, transaction
from fund.kernel.sealing import seal
from members.accounts.factors import rules
from members.accounts.factors.models import AuthenticatorApp, RecoveryCode
from members.accounts.rules import hash_passphrase

RECOVERY = "0ABCD-EFGH-JKMN-PQRS"


def give_app(person_id: int, now: datetime) -> str:
    """Set up an authenticator app and one recovery code for somebody; returns the app's secret."""
    secret = rules.new_secret()
    with transaction() as session:
        session.add(
            AuthenticatorApp(
                person_id=person_id,
                sealed_secret=seal(secret, "authenticator apps"),
                created_at=now,
                confirmed_at=now,
            )
        )
        session.add(
            RecoveryCode(
                person_id=person_id, number=0, code_hash=hash_passphrase(rules.tidy_code(RECOVERY)), created_at=now
            )
        )
    db.session.rollback()
    return secret


def code_of(secret: str, now: datetime, aside: int = 0) -> str:
    """What the app shows."""
    return rules.code_at(secret, rules.step_of(now) + aside)

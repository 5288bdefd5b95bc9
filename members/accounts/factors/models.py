"""Tables of second steps. No secret can be read from them without SECRET_KEY, and recovery codes not even with it."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key
from members.accounts.models import Person


class AuthenticatorApp(Base):
    """An app that shows a code of six figures. `sealed_secret` opens with SECRET_KEY; it counts once confirmed."""

    __tablename__ = "authenticator_app"
    __table_args__ = (
        Index(
            "uq_authenticator_app_current",
            "person_id",
            unique=True,
            sqlite_where=text("confirmed_at IS NOT NULL AND ended_at IS NULL"),
            postgresql_where=text("confirmed_at IS NOT NULL AND ended_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    sealed_secret: Mapped[str]
    last_step: Mapped[int | None] = mapped_column(BigInteger())
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Passkey(Base):
    """A key pair in somebody's phone, computer or stick; only the public half is here, in base64url."""

    __tablename__ = "passkey"

    id: Mapped[Id]
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    credential_id: Mapped[str] = mapped_column(unique=True)
    public_key: Mapped[str]
    sign_count: Mapped[int] = mapped_column(BigInteger())
    name: Mapped[str]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()


class PasskeyChallenge(Base):
    """A riddle given to a browser, to be solved once with a passkey. `person_id` is empty where nobody is known yet."""

    __tablename__ = "passkey_challenge"

    id: Mapped[Id]
    challenge: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class RecoveryCode(Base):
    """One of the ten codes for a day without phone and key: argon2id hash, and whether it was used."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("person_id", "number"),)

    id: Mapped[Id]
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    number: Mapped[int]
    code_hash: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LettingIn(Base):
    """Two officers let back in somebody who lost every second step. `how_checked` says how they knew the person."""

    __tablename__ = "letting_in"
    __table_args__ = (
        Index(
            "uq_letting_in_open",
            "person_id",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    asked_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    how_checked: Mapped[str]
    asked_at: Mapped[datetime]
    decided_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    is_granted: Mapped[bool | None]
    second_check: Mapped[str | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])

"""Tables of people, their sessions, their roles for the fund, and invitations."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.access import Role
from fund.kernel.db import Base, Id, Key


class Person(Base):
    """Somebody with an account. `email` is kept as typed; `email_key` is what must be unique."""

    __tablename__ = "person"

    id: Mapped[Id]
    name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]


class FundAppointment(Base):
    """A role for the fund itself: steward, secretary, assessor and so on."""

    __tablename__ = "fund_appointment"
    __table_args__ = (
        Index(
            "uq_fund_appointment_current",
            "person_id",
            "role",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[Role]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    appointed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    appointed_by: Mapped[Person | None] = relationship(foreign_keys=[appointed_by_id])


class PersonSession(Base):
    """A signed-in browser. Only the hash of its token is kept; it dies on sign-out, disabling and a new password.

    `is_half` says that the passphrase was right and the second step is still to come: it opens nothing yet.
    `passphrase_at` and `factor_at` say when the person last gave their passphrase and their second step in it.
    """

    __tablename__ = "person_session"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    acting_for_id: Mapped[Key | None] = mapped_column(ForeignKey("organisation.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    is_remembered: Mapped[bool | None]
    device: Mapped[str | None]
    network: Mapped[str | None]
    last_seen_at: Mapped[datetime | None]
    passphrase_at: Mapped[datetime | None]
    factor_at: Mapped[datetime | None]
    is_half: Mapped[bool | None]
    is_by_demo_door: Mapped[bool | None]

    person: Mapped[Person] = relationship()


class Invitation(Base):
    """An invitation to a role, accepted once by the invited person through a link; only the token's hash is kept."""

    __tablename__ = "invitation"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    email: Mapped[str]
    organisation_id: Mapped[Key | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[Role]
    invited_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class PassphraseReset(Base):
    """A link to choose a new passphrase, mailed on request, used once; only the token's hash is kept."""

    __tablename__ = "passphrase_reset"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()


class SignInThrottle(Base):
    """Failed sign-ins from one network: for one account, or (with an empty `account_hash`) for all together.

    The account is kept as a hash of the address that was typed, which may be nobody's.
    """

    __tablename__ = "sign_in_throttle"
    __table_args__ = (UniqueConstraint("account_hash", "network"),)

    id: Mapped[Id]
    account_hash: Mapped[str]
    network: Mapped[str]
    failures: Mapped[int]
    last_attempt_at: Mapped[datetime] = mapped_column(index=True)
    wait_until: Mapped[datetime]


class KnownDevice(Base):
    """A browser that somebody signed in from before. It holds the token in a cookie; only the hash is kept."""

    __tablename__ = "known_device"
    __table_args__ = (UniqueConstraint("person_id", "token_hash"),)

    id: Mapped[Id]
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    token_hash: Mapped[str] = mapped_column(index=True)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)


class HeldForm(Base):
    """What somebody had typed when they were asked to sign in again or to give their second step.

    `fields` is sealed JSON: the pairs of the form in order. It is that person's alone, for the organisation they acted
    for, and is forgotten after `rules.HOLD_LENGTH`.
    """

    __tablename__ = "held_form"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    acting_for_id: Mapped[Key | None] = mapped_column(ForeignKey("organisation.id"))
    path: Mapped[str]
    fields: Mapped[str]
    had_files: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(index=True)


class EmailChange(Base):
    """A new e-mail address asked for. The new one confirms it; the old one may undo it for a week."""

    __tablename__ = "email_change"

    id: Mapped[Id]
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    old_email: Mapped[str]
    new_email: Mapped[str]
    confirm_hash: Mapped[str] = mapped_column(unique=True)
    undo_hash: Mapped[str] = mapped_column(unique=True)
    asked_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()

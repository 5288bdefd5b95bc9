"""The table of changes that take two people."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.access import Role
from fund.kernel.db import Base, Id, Key
from members.accounts.models import Person
from members.models import Organisation
from members.offices.rules import ChangeKind, ChangeState


class RoleChange(Base):
    """A role given or ended: for the fund, or (with an organisation) a certifier given back to it.

    `proposed_by_id` is empty where the server's own command asked. Who is to hold a role is known by address, because
    they may have no account yet.
    """

    __tablename__ = "role_change"
    __table_args__ = (
        Index(
            "uq_role_change_open_of_fund",
            "email_key",
            "role",
            unique=True,
            sqlite_where=text("state = 'proposed' AND organisation_id IS NULL"),
            postgresql_where=text("state = 'proposed' AND organisation_id IS NULL"),
        ),
        Index(
            "uq_role_change_open_of_organisation",
            "organisation_id",
            unique=True,
            sqlite_where=text("state = 'proposed'"),
            postgresql_where=text("state = 'proposed'"),
        ),
    )

    id: Mapped[Id]
    kind: Mapped[ChangeKind]
    state: Mapped[ChangeState]
    role: Mapped[Role]
    organisation_id: Mapped[Key | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    reasons: Mapped[str]
    evidence: Mapped[str] = mapped_column(default="")
    proposed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    proposer_roles: Mapped[str] = mapped_column(default="")
    proposed_at: Mapped[datetime]
    decided_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decline_reasons: Mapped[str | None]

    organisation: Mapped[Organisation | None] = relationship()
    proposed_by: Mapped[Person | None] = relationship(foreign_keys=[proposed_by_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])

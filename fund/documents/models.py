"""The table of issued documents."""

from datetime import datetime

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column

from fund.documents.rules import Kind
from fund.kernel.db import Base, Id


class Document(Base):
    """A document as it was issued: these bytes are what is served and mailed, ever after. Append-only.

    `edition` tells apart what one reference may be issued as: an agreement is another paper after each signature.
    `sha256` is of `content`.
    """

    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("kind", "reference", "edition"),)

    id: Mapped[Id]
    kind: Mapped[Kind]
    reference: Mapped[str]
    edition: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary()))
    issued_at: Mapped[datetime]

    @property
    def filename(self) -> str:
        """What it is called when saved: "receipt-RC-2026-001.pdf"."""
        return f"{self.kind.value}-{self.reference}.pdf"

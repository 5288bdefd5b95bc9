"""Ways into the fund for tests: an application, checked by a steward and admitted by the board."""

from typing import Any

from sqlalchemy import select

from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from members import service
from members.models import Organisation
from members.register import admission_service as admission
from members.rules import LegalForm, Register, Sector, SectorFacts
from tests.world import official


def applied(clock: MovableClock, **more: Any) -> Organisation:
    """Alder Works asks to join."""
    said: dict[str, Any] = {
        "name": "Alder Works Ltd",
        "facts": SectorFacts(LegalForm.COMPANY),
        "register": Register.COMPANIES_HOUSE,
        "register_number": "1234567",
        "district": "E08000001",
        "address": "1 Mill Lane",
        "contact_name": "Ada Alder",
        "contact_email": "ada@alder.example",
    }
    with transaction():
        return service.apply(**(said | more), actor=None, now=clock.now())


def checked(organisation: Organisation, steward: Actor, clock: MovableClock, **more: Any) -> Organisation:
    """A steward puts it to the board."""
    said: dict[str, Any] = {
        "identity": "Called back", "sector": Sector.PRIVATE, "basis": "A company", "evidence": "Register",
        "connections": "None found",
    }  # fmt: skip
    organisation_id = organisation.id
    with transaction():
        return admission.put_to_board(organisation_id=organisation_id, **(said | more), actor=steward, now=clock.now())


def admitted(organisation: Organisation, board: Actor, clock: MovableClock, reasons: str = "Fits") -> Organisation:
    """The board admits it."""
    organisation_id = organisation.id
    with transaction():
        return admission.admit(organisation_id=organisation_id, reasons=reasons, actor=board, now=clock.now())


def approved(organisation: Organisation, steward: Actor, clock: MovableClock, **more: Any) -> Organisation:
    """Both steps, the second by a member of the board made for it."""
    board = official("Bo Board", Role.BOARD)[1]
    return admitted(checked(organisation, steward, clock, **more), board, clock)


def last_link(email: str) -> str:
    """The token in the newest mail to an address."""
    path = db.session.scalars(
        select(OutboxMessage.path).where(OutboxMessage.recipient == email).order_by(OutboxMessage.id.desc())
    ).first()
    assert path is not None
    return path.rsplit("/", 1)[1]

"""Tells the demonstration fund's story: lets its people do things at the times they did them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from sqlalchemy import select

from fund.demo.bank_statement import Line, statement
from fund.demo.cast import ORGANISATIONS, PASSPHRASE, Cast, email
from fund.kernel.access import Actor, Role
from fund.kernel.clock import LONDON
from fund.kernel.db import db, transaction
from ledger.bank import service as bank
from ledger.bank.models import StatementLine
from members.accounts import queries as accounts
from members.models import Organisation

Answer = TypeVar("Answer")


class Teller:
    """Where the story has come to. `day` counts from the day of the telling, which is 0: the past is below it."""

    def __init__(self, now: datetime, tell: Callable[[str], None]) -> None:
        self._today = now.astimezone(LONDON).date()
        self._now = now
        self.tell = tell
        self.organisations: dict[str, int] = {}
        self._actors: dict[tuple[str, str | None], Actor] = {}
        self._statements = 0
        self._bank_pence = 0
        self._bank_to: date | None = None

    def date(self, day: int) -> date:
        return self._today + timedelta(days=day)

    def at(self, day: int, hour: int = 10, minute: int = 0) -> datetime:
        """An hour of a day in England, never later than now."""
        instant = datetime.combine(self.date(day), time(hour, minute), tzinfo=LONDON).astimezone(UTC)
        return min(instant, self._now)

    def plan_at(self, day: int, hour: int) -> datetime:
        """An hour of a day in England, which may be to come."""
        return datetime.combine(self.date(day), time(hour), tzinfo=LONDON).astimezone(UTC)

    def do(self, act: Callable[[], Answer]) -> Answer:
        """Let one thing happen, whole."""
        with transaction():
            return act()

    def official(self, address: str) -> Actor:
        """One of the fund's own people, by e-mail address."""
        return self._actor(address, None)

    def person(self, cast: Cast, name: str) -> Actor:
        """Somebody of an organisation, acting for it."""
        return self._actor(email(name, cast), cast.name)

    def certifier(self, organisation: str) -> Actor:
        cast = CAST[organisation]
        return self.person(cast, cast.certifier)

    def representative(self, organisation: str) -> Actor:
        cast = CAST[organisation]
        return self.person(cast, cast.representative)

    def _actor(self, address: str, organisation: str | None) -> Actor:
        key = (address, organisation)
        if key not in self._actors:
            somebody = accounts.person_by_email(address)
            assert somebody is not None, address
            acting_for = self.organisations[organisation] if organisation else None
            self._actors[key] = accounts.actor_of(somebody.id, somebody.name, acting_for)
        return self._actors[key]

    def forget_roles(self) -> None:
        """Roles have changed: read them again."""
        self._actors.clear()

    def import_statement(self, day: int, lines: list[Line]) -> list[StatementLine]:
        """The bank's statement up to `day` arrives and Amina Holt imports it; its lines in order."""
        first = self._bank_to + timedelta(days=1) if self._bank_to else min(line.booked_on for line in lines)
        last = self.date(day)
        self._statements += 1
        content = statement(self._statements, first, last, self._bank_pence, lines)
        self._bank_pence += sum(line.pence for line in lines)
        self._bank_to = last
        taken = self.do(
            lambda: (
                bank.import_statement(
                    content=content,
                    filename=f"statement-{self._statements}.xml",
                    actor=self.official(STEWARD),
                    now=self.at(day, 20),
                ).id
            )
        )
        return list(
            db.session.scalars(
                select(StatementLine).where(StatementLine.statement_id == taken).order_by(StatementLine.id)
            )
        )

    def organisation(self, name: str) -> Organisation:
        return db.session.get_one(Organisation, self.organisations[name])


CAST = {cast.name: cast for cast in ORGANISATIONS}
STEWARD = "amina.holt@fund.example"
SECOND_STEWARD = "piotr.lees@fund.example"
SECRETARY = "grace.okoro@fund.example"
BOARD_MEMBER = "denise.fairhurst@fund.example"
ASSESSORS = ("ellen.moss@fund.example", "josie.kerr@fund.example")
SIGN_IN = PASSPHRASE
ORGANISATION_ROLES = (Role.CERTIFIER, Role.REPRESENTATIVE, Role.DEPUTY)

"""How finding members, the page of tasks and signing in keep their time as the fund grows.

    python -m tests.benchmarks.members                    # SQLite and PostgreSQL, 500 against 50,000 organisations
    python -m tests.benchmarks.members sqlite 500 5000    # one database, other sizes

Each page is opened by the test client on a fund of each size by turns, and the median time of some openings is told
with the number of queries and the ratio of the two sizes. What must hold: as many queries at both sizes, and at most
twice the time. PostgreSQL is a throwaway server, or the one that SICF_TEST_POSTGRES names. Three people act for each
organisation.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import psycopg
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event, insert, text

from fund.app import create_app
from fund.config import Settings
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.places import DISTRICTS
from fund.kernel.policy import Policy
from members import queries as members
from members.accounts.models import FundAppointment, Person
from members.accounts.rules import hash_passphrase
from members.models import Appointment, Organisation, OrganisationWord
from members.rules import LegalForm, MembershipStatus, Register, Sector, name_key, name_words
from proposals.models import Proposal, Round
from proposals.rules import ProposalState, RoundState
from tests.postgres import ThrowawayPostgres
from tests.visitor import Visitor
from tests.world import found_society

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
PASSPHRASE = "heather over moorland"
SIZES = (500, 50_000)
TIMES = 15
_FIRST = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fern", "Gorse", "Hazel", "Ivy", "Juniper")
_SECOND = ("Community", "Valley", "Works", "Trust", "Street")
_LAST = ("Choir", "Engineering", "Foundation", "House", "Kitchen", "Network", "Partnership")


def name_of(number: int) -> str:
    """Words that many share, and one that few do."""
    return f"{_FIRST[number % 10]} {_SECOND[number % 5]} {_LAST[number % 7]} {number // 10}"


def fill(size: int) -> None:
    """A society with `size` members and three people for each; the first two people work for the fund, too."""
    found_society()
    passphrase, sectors = hash_passphrase(PASSPHRASE), list(Sector)
    for start in range(1, size + 1, 5000):
        numbers = range(start, min(start + 5000, size + 1))
        people = [3 * number + seat for number in numbers for seat in (0, 1, 2)]
        with transaction() as session:
            session.execute(
                insert(Organisation),
                [
                    {
                        "id": number,
                        "reference": f"GM-{number:04d}",
                        "name": name_of(number),
                        "name_key": name_key(name_of(number)),
                        "legal_form": LegalForm.CHARITY,
                        "register": Register.CHARITY_COMMISSION,
                        "register_number": f"{number:07d}",
                        "district": DISTRICTS[number % 10].code,
                        "address": "1 Example Street",
                        "claims": [],
                        "proposed_reason": "",
                        "sector": sectors[number % 3],
                        "status": MembershipStatus.MEMBER,
                        "applied_at": NOW,
                        "decided_at": NOW,
                        "joined_on": date(2025, 4, 1),
                        "contact_name": "Contact",
                        "contact_email": f"contact{number}@example.org",
                    }
                    for number in numbers
                ],
            )
            session.execute(
                insert(OrganisationWord),
                [
                    {"word": word, "organisation_id": number}
                    for number in numbers
                    for word in name_words(name_of(number))
                ],
            )
            session.execute(
                insert(Person),
                [
                    {
                        "id": key,
                        "name": f"Person {key}",
                        "email": f"person{key}@example.org",
                        "email_key": f"person{key}@example.org",
                        "password_hash": passphrase,
                        "created_at": NOW,
                    }
                    for key in people
                ],
            )
            session.execute(
                insert(Appointment),
                [
                    {
                        "organisation_id": key // 3,
                        "person_id": key,
                        "role": (Role.CERTIFIER, Role.REPRESENTATIVE, Role.DEPUTY)[key % 3],
                        "started_at": NOW,
                    }
                    for key in people
                ],
            )
    with transaction() as session:
        session.execute(insert(FundAppointment), [{"person_id": 3, "role": Role.STEWARD, "started_at": NOW}])
        made = Round(
            reference="R-2026-001",
            title="Warm homes",
            purpose="Homes that people can heat.",
            written_case="The members asked for it.",
            senior_officer="Somebody",
            state=RoundState.OPEN,
            budget_pence=10_000_00,
            smallest_pence=100_00,
            largest_pence=10_000_00,
            opens_at=NOW,
            closes_at=NOW + timedelta(days=28),
            decide_by=NOW.date() + timedelta(days=90),
            policy_json=Policy().as_json(),
            policy_version=Policy().version,
            created_at=NOW,
        )
        lead = size // 2
        session.add(
            Proposal(
                reference="P-2026-001",
                round=made,
                lead_id=lead,
                title="Warm homes together",
                state=ProposalState.DRAFT,
                created_by_id=3 * lead + 1,
                created_at=NOW,
            )
        )
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


@contextmanager
def counted() -> Iterator[list[int]]:
    """Counts the queries of what stands within."""
    count = [0]

    def one(*_: object) -> None:
        count[0] += 1

    event.listen(db.engine, "before_cursor_execute", one)
    yield count
    event.remove(db.engine, "before_cursor_execute", one)


def scenes(app: Flask, size: int) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    anybody = Visitor(app)
    steward = Visitor(app).sign_in(db.session.get_one(Person, 3))
    votes = Visitor(app).sign_in(db.session.get_one(Person, 3 * (size // 2) + 1))
    middle = f"GM-{size // 2:04d}"
    db.session.rollback()

    def get(visitor: Visitor, path: str) -> Callable[[], object]:
        def opened() -> None:
            answer = visitor._run(lambda: visitor.client.get(path))
            assert answer.status_code == 200, f"{path}: {answer.status_code}"

        return opened

    def sign_in() -> None:
        newcomer = Visitor(app)
        page = newcomer.get("/sign-in")
        assert page.send("Sign in", email=f"person{3 * size // 2}@example.org", passphrase=PASSPHRASE).status == 200

    def alike() -> None:
        members.alike(members.organisation(middle))
        db.session.rollback()

    return {
        "directory": get(anybody, "/members"),
        "directory, far down": get(anybody, f"/members?after={middle}"),
        "directory, sector and district": get(anybody, f"/members?sector=vcse&district={DISTRICTS[4].code}"),
        "search, a rare word": get(anybody, f"/members?q=alder+{size // 20}"),
        "search, common words": get(anybody, "/members?q=alder+community"),
        "search, words never together": get(anybody, "/members?q=community+valley"),
        "search, a number": get(anybody, f"/members?q={size // 2:07d}"),
        "search, nothing": get(anybody, "/members?q=zinnia"),
        "partner by common words": get(votes, "/proposals/P-2026-001/partners?q=community+kitchen"),
        "partner by a rare word": get(votes, f"/proposals/P-2026-001/partners?q={size // 20}"),
        "names alike": alike,
        "organisation": get(anybody, f"/members/{middle}"),
        "tasks of a steward": get(steward, "/tasks"),
        "tasks of a representative": get(votes, "/tasks"),
        "organisations to invite": get(steward, "/prospects"),
        "sign in": sign_in,
    }


@dataclass(frozen=True)
class Measured:
    """Median milliseconds of one opening, and its queries, on the small and on the large fund."""

    small_ms: float
    large_ms: float
    small_queries: int
    large_queries: int

    @property
    def ratio(self) -> float:
        return self.large_ms / self.small_ms

    @property
    def holds(self) -> bool:
        return self.ratio <= 2 and self.small_queries == self.large_queries


def measure(small: tuple[Flask, int], large: tuple[Flask, int]) -> Iterator[tuple[str, Measured]]:
    """Each scene on both funds by turns, so that whatever else the machine does weighs on both."""
    funds = [app for app, _ in (small, large)]
    every = []
    for app, size in (small, large):
        with app.app_context():
            every.append(scenes(app, size))
    for name in every[0]:
        times: list[list[float]] = [[], []]
        queries = [0, 0]
        for turn in range(TIMES + 1):
            for number, app in enumerate(funds):
                with app.app_context(), counted() as count:
                    began = time.perf_counter()
                    every[number][name]()
                    if turn:
                        times[number].append((time.perf_counter() - began) * 1000)
                        queries[number] = count[0]
        yield name, Measured(*map(statistics.median, times), *queries)


def _filled(url: str, size: int) -> tuple[Flask, int]:
    app = create_app(Settings(url, "for measuring only", "http://localhost"), clock=MovableClock(NOW))
    with app.app_context():
        upgrade()
        fill(size)
    return app, size


def _let_go(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def _fresh(kind: str, size: int, folder: Path, server: str) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / f'{size}.db'}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS members_{size}")
        connection.execute(f"CREATE DATABASE members_{size}")
    return server.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/members_{size}?")


def main(kinds: list[str], sizes: tuple[int, int]) -> bool:
    """Measure and tell; whether all that must hold does."""
    holds = True
    throwaway = None if os.environ.get("SICF_TEST_POSTGRES") or "postgresql" not in kinds else ThrowawayPostgres()
    server = throwaway.start() if throwaway else os.environ.get("SICF_TEST_POSTGRES", "")
    try:
        with tempfile.TemporaryDirectory() as folder:
            for kind in kinds:
                small, large = (_filled(_fresh(kind, size, Path(folder), server), size) for size in sizes)
                click.echo(f"\n{kind:32}{sizes[0]:>10,} ms{sizes[1]:>10,} ms   ratio  queries")
                for name, found in measure(small, large):
                    holds &= found.holds
                    click.echo(
                        f"{name:32}{found.small_ms:13.1f}{found.large_ms:13.1f}{found.ratio:8.2f}  "
                        f"{found.small_queries} {found.large_queries}{'' if found.holds else '  <- too much'}"
                    )
                _let_go(small[0])
                _let_go(large[0])
    finally:
        if throwaway:
            throwaway.stop()
    return holds


if __name__ == "__main__":
    chosen = [word for word in sys.argv[1:] if not word.isdigit()] or ["sqlite", "postgresql"]
    given = [int(word) for word in sys.argv[1:] if word.isdigit()] or list(SIZES)
    sys.exit(not main(chosen, (given[0], given[-1])))

"""The demonstration fund: a whole story in sound books, a clock that only it can move, its mail."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

import fund.documents.service
import ledger.service
import voting.service
from fund.demo.clock import FundClock
from fund.demo.fill import fill
from fund.demo.models import DemoClock
from fund.demo.service import LONGEST_MOVE, move_clock
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock, SystemClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotFound
from fund.kernel.outbox import OutboxMessage, mail
from fund.kernel.society import Society
from fund.reporting.models import Story
from ledger.queries import pot
from members.models import Organisation
from members.offices.models import RoleChange
from members.offices.rules import ChangeState
from members.profile.models import Accreditation
from members.profile.rules import Standing
from members.rules import MembershipStatus, Sector
from proposals.brokerage.models import PartnerReply, PartnerRequest
from tests.visitor import Visitor
from tests.world import found_society
from voting.models import Ballot
from voting.rules import BallotState


@pytest.fixture
def demonstration(app: Flask) -> None:
    """An empty demonstration: the society alone."""
    found_society()
    with transaction() as session:
        session.get_one(Society, 1).is_demo = True


@pytest.mark.slow
def test_the_story_is_whole_and_the_books_are_sound(app: Flask, clock: MovableClock, visitor: Visitor) -> None:
    chapters: list[str] = []
    fill(clock.now(), chapters.append)
    members = db.session.scalar(
        select(func.count()).select_from(Organisation).where(Organisation.status == MembershipStatus.MEMBER)
    )
    assert members == 24
    assert [*ledger.service.check(), *voting.service.check(), *fund.documents.service.check()] == []
    assert {ballot.state for ballot in db.session.scalars(select(Ballot))} == {BallotState.DECLARED, BallotState.OPEN}
    assert db.session.scalar(select(func.count()).select_from(Story)) == 4
    assert pot().paid_pence > 0 < pot().committed_pence
    assert len(chapters) == 6
    request = db.session.scalars(select(PartnerRequest)).one()
    assert (request.closed_at, request.sector) == (None, Sector.PRIVATE)
    assert db.session.scalar(select(func.count()).select_from(PartnerReply)) == 1
    assert {one.standing(clock.now().date()) for one in db.session.scalars(select(Accreditation))} == {
        Standing.CURRENT,
        Standing.ENDING,
        Standing.EXPIRED,
    }
    assert db.session.scalar(select(func.count()).where(Organisation.status == MembershipStatus.PROSPECT)) == 4
    assert {one.state for one in db.session.scalars(select(RoleChange))} == {ChangeState.PROPOSED}
    handed_on = select(AuditEntry).where(AuditEntry.action == "appointment.handed_over")
    assert len(db.session.scalars(handed_on).all()) == 1
    for path in ("/", "/money", "/awards", "/stories", "/ballots", "/rounds", "/members", "/sign-in", "/demo/mail"):
        visitor.get(path)
    with pytest.raises(Conflict, match="holds a fund already"):
        fill(clock.now(), chapters.append)


@pytest.mark.usefixtures("demonstration")
def test_the_bar_moves_the_clock_and_what_fell_due_happens(app: Flask, visitor: Visitor) -> None:
    app.extensions["sicf_clock"] = FundClock()
    with transaction():
        mail(
            key="k",
            to="sam@example.org",
            subject="Later",
            what="It is time.",
            why="You asked.",
            path="/",
            now=SystemClock().now() + timedelta(hours=3),
        )
    before = FundClock().now()
    page = visitor.get("/").send("1 day", hours="24")
    assert page.heading == "The clock has moved on"
    db.session.rollback()
    assert timedelta(hours=24) <= FundClock().now() - before < timedelta(hours=24, minutes=1)
    assert db.session.scalar(select(OutboxMessage.sent_at)) is not None
    sent = visitor.get("/demo/mail").follow("Later")
    assert "It is time." in sent.text


@pytest.mark.usefixtures("demonstration")
@pytest.mark.parametrize("by", [timedelta(0), timedelta(hours=-1), LONGEST_MOVE + timedelta(seconds=1)])
def test_the_clock_moves_forward_and_not_too_far(by: timedelta) -> None:
    with pytest.raises(ValueError, match="forward"), transaction() as session:
        move_clock(session, by)


def test_nobody_moves_the_time_of_a_real_fund(app: Flask, visitor: Visitor) -> None:
    found_society()
    with pytest.raises(NotFound), transaction() as session:
        move_clock(session, timedelta(days=1))
    with transaction() as session:  # even where somebody wrote an offset
        session.add(DemoClock(id=1, offset_seconds=86_400))
    assert abs(FundClock().now() - SystemClock().now()) < timedelta(minutes=1)
    for path in ("/demo/mail", "/demo/moved"):
        visitor.get(path, status=404)
    assert "Demonstration" not in visitor.get("/").response.text

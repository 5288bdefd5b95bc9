"""What people chose, and what becomes of their messages, through a mail server that is really there."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from fund.delivery import deliver
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import RuleBroken
from fund.kernel.outbox import OutboxMessage, mail
from fund.kernel.topics import Mode, Topic
from fund.mail import Letter, SmtpMailer
from members.accounts.models import Person
from members.contact import queries, service
from members.contact.models import ContactChoice
from tests.fund.smtp_sink import Sink, sink
from tests.world import acting, found_society, person

EIGHT = datetime(2026, 6, 2, 7, 0, tzinfo=UTC)
"""8am in England, the morning after the tests begin."""


@pytest.fixture
def server(app: Flask) -> Iterator[Sink]:
    before = app.extensions["sicf_mailer"]
    found_society()
    with sink() as found:
        app.extensions["sicf_mailer"] = SmtpMailer(f"smtp://127.0.0.1:{found.port}", "fund@example.org")
        yield found
    app.extensions["sicf_mailer"] = before


def write(
    now: datetime, key: str, topic: Topic, to: str = "sam@example.org", *, secret: bool = False, path: str = "/tasks"
) -> None:
    with transaction():
        mail(
            key=key,
            to=to,
            subject=f"About {key}",
            what=f"What of {key}.",
            why=f"Why of {key}.",
            by_when=f"When of {key}.",
            path=path,
            topic=topic,
            holds_secret=secret,
            now=now,
        )


def choose(somebody: Person, topic: Topic, mode: Mode, now: datetime) -> None:
    actor = acting(somebody)
    with transaction():
        service.choose(modes={topic: mode}, actor=actor, now=now)


def row(key: str) -> OutboxMessage:
    db.session.rollback()
    return db.session.scalars(select(OutboxMessage).where(OutboxMessage.key == key)).one()


def subjects(server: Sink) -> list[str]:
    return [letter["Subject"] for letter in server.messages]


def test_progress_waits_for_one_daily_mail_and_urgent_never_waits(server: Sink, clock: MovableClock) -> None:
    for key in ("one", "two"):
        write(clock.now(), key, Topic.PROGRESS)
    write(clock.now(), "ballot", Topic.NOTICE)
    assert deliver(clock.now()) == 1
    assert subjects(server) == ["About ballot"]
    clock.move_to(EIGHT - timedelta(seconds=1))
    assert deliver(clock.now()) == 0
    clock.move_to(EIGHT)
    assert deliver(clock.now()) == 1
    text = server.messages[-1].get_content()
    for part in (
        "1. About one",
        "2. About two",
        "What of one.",
        "Why you get this: Why of two.",
        "By when: When of two.",
        "Next: http://localhost/tasks",
        "/messages/",
    ):
        assert part in text
    assert row("one").sent_at == row("two").sent_at == clock.now()
    assert deliver(clock.now() + timedelta(days=3)) == 0


def test_at_most_one_daily_mail_a_day_and_nothing_lost(server: Sink, clock: MovableClock) -> None:
    write(clock.now(), "one", Topic.PROGRESS)
    clock.move_to(EIGHT)
    deliver(clock.now())
    clock.move(timedelta(minutes=5))
    write(clock.now(), "late", Topic.PROGRESS)
    assert deliver(clock.now()) == 0
    clock.move(timedelta(hours=15))
    assert deliver(clock.now()) == 0
    clock.move_to(EIGHT + timedelta(days=1))
    assert deliver(clock.now()) == 1
    assert len(server.messages) == 2
    assert "About late" in server.messages[1].get_content()
    assert "About one" not in server.messages[1].get_content()


def test_after_a_weeks_outage_one_daily_mail_carries_all(server: Sink, clock: MovableClock) -> None:
    for day in range(7):
        write(clock.now() + timedelta(days=day), f"day-{day}", Topic.PROGRESS)
    clock.move_to(EIGHT + timedelta(days=7, hours=5))
    assert [deliver(clock.now()) for _ in range(3)] == [1, 0, 0]
    assert all(f"About day-{day}" in server.messages[0].get_content() for day in range(7))
    write(clock.now(), "more", Topic.PROGRESS)
    assert deliver(clock.now()) == 0


def test_two_deliverers_make_one_daily_mail(app: Flask, server: Sink, clock: MovableClock) -> None:
    for number in range(12):
        write(clock.now(), f"m{number}", Topic.PROGRESS)
    clock.move_to(EIGHT)
    start = threading.Barrier(3)

    def run() -> None:
        with app.app_context():
            start.wait(10)
            deliver(clock.now())
            db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(server.messages) == 1
    clock.move(timedelta(days=1))
    deliver(clock.now())
    lines = "".join(letter.get_content() for letter in server.messages).splitlines()
    told = sorted(line.partition(". ")[2] for line in lines if ". About m" in line)
    assert told == sorted(f"About m{number}" for number in range(12))


def test_a_choice_counts_for_what_already_waits(server: Sink, clock: MovableClock) -> None:
    sam = person("Sam Example")
    write(clock.now(), "one", Topic.PROGRESS, sam.email)
    deliver(clock.now())
    choose(sam, Topic.PROGRESS, Mode.AT_ONCE, clock.now())
    clock.move_to(EIGHT)
    assert deliver(clock.now()) == 1
    assert subjects(server) == ["About one"]


def test_what_is_off_stays_to_be_read_and_leaves_no_more(server: Sink, clock: MovableClock) -> None:
    sam = person("Sam Example")
    choose(sam, Topic.REMINDER, Mode.OFF, clock.now())
    write(clock.now(), "one", Topic.REMINDER, sam.email)
    assert deliver(clock.now()) == 0
    assert [one.key for one in queries.withheld(sam.email)] == ["one"]
    choose(sam, Topic.REMINDER, Mode.AT_ONCE, clock.now())
    write(clock.now(), "two", Topic.REMINDER, sam.email)
    assert deliver(clock.now()) == 1
    assert subjects(server) == ["About two"]


def test_switched_off_after_gathering_it_leaves_with_no_daily_mail(
    app: Flask, server: Sink, clock: MovableClock
) -> None:
    sam = person("Sam Example")
    write(clock.now(), "one", Topic.PROGRESS, sam.email)
    clock.move_to(EIGHT)
    with transaction() as session:  # gathered, and the deliverer died before it took the daily mail up
        digest_key = f"digest:person:{sam.id}:2026-06-02"
        mail(key=digest_key, to=sam.email, subject="Daily", what="w", why="y", path="/", topic=Topic.DIGEST,
             now=clock.now())  # fmt: skip
        digest_id = session.scalars(select(OutboxMessage.id).where(OutboxMessage.key == digest_key)).one()
        session.scalars(select(OutboxMessage).where(OutboxMessage.key == "one")).one().gathered_into_id = digest_id
    choose(sam, Topic.PROGRESS, Mode.OFF, clock.now())
    assert deliver(clock.now()) == 0
    assert server.messages == []
    assert [one.key for one in queries.withheld(sam.email)] == [digest_key, "one"]


def test_a_link_that_lets_in_is_in_no_daily_mail(server: Sink, clock: MovableClock) -> None:
    write(clock.now(), "way-in", Topic.PROGRESS, secret=True, path="/reset/token")
    assert deliver(clock.now()) == 1
    assert "/messages/" not in server.messages[0].get_content()


def test_headers_for_the_mailboxs_own_button(server: Sink, clock: MovableClock) -> None:
    """RFC 8058; on what may be off and on nothing else."""
    for key, topic in (("remind", Topic.REMINDER), ("money", Topic.MONEY), ("ballot", Topic.NOTICE)):
        write(clock.now(), key, topic)
    deliver(clock.now())
    by_subject = {letter["Subject"]: letter for letter in server.messages}
    remind = by_subject["About remind"]
    address = remind["List-Unsubscribe"].strip("<>")
    assert address.startswith("http://localhost/messages/")
    assert remind["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert address in remind.get_content()
    assert "sam" not in address
    assert by_subject["About money"]["List-Unsubscribe"] is None
    assert "/messages/" in by_subject["About money"].get_content()  # it can still be put in the daily mail
    assert by_subject["About ballot"]["List-Unsubscribe"] is None
    assert "/messages/" not in by_subject["About ballot"].get_content()


def test_the_daily_mail_keeps_its_text_from_try_to_try(app: Flask, server: Sink, clock: MovableClock) -> None:
    write(clock.now(), "one", Topic.PROGRESS)
    clock.move_to(EIGHT)
    letters: list[Letter] = []

    class Away:
        def send(self, letter: Letter) -> None:
            letters.append(letter)
            raise ConnectionRefusedError

    app.extensions["sicf_mailer"] = Away()
    assert deliver(clock.now()) == 0
    write(clock.now(), "two", Topic.PROGRESS)
    clock.move(timedelta(hours=2))
    assert deliver(clock.now()) == 0
    assert [letter.text for letter in letters] == [letters[0].text] * 2
    assert row("one").sent_at is None


def test_a_kind_that_is_a_duty_cannot_be_chosen_away(app: Flask, clock: MovableClock) -> None:
    sam = person("Sam Example")
    for topic, mode in ((Topic.NOTICE, Mode.OFF), (Topic.MONEY, Mode.OFF), (Topic.ACCOUNT, Mode.DIGEST)):
        with pytest.raises(RuleBroken):
            choose(sam, topic, mode, clock.now())
    assert db.session.scalar(select(ContactChoice)) is None


def test_what_was_chosen_without_an_account_holds_with_one(app: Flask, clock: MovableClock) -> None:
    write(clock.now(), "one", Topic.REMINDER, "new@example.org")
    token = queries.token_for(row("one").id, "only for tests")
    found = queries.linked(token, "only for tests")
    assert found is not None
    with transaction():
        service.choose_by_link(found=found, mode=Mode.OFF, now=clock.now())
    with transaction() as session:
        new = Person(name="New Person", email="New@example.org", email_key="new@example.org", created_at=clock.now())
        session.add(new)
    assert queries.choices_of(queries.reader_of(new.email))[Topic.REMINDER] is Mode.OFF
    choose(new, Topic.REMINDER, Mode.AT_ONCE, clock.now() + timedelta(seconds=1))
    assert queries.choices_of(queries.reader_of(new.email))[Topic.REMINDER] is Mode.AT_ONCE
    stored = db.session.scalars(select(ContactChoice.address_hash).where(ContactChoice.person_id.is_(None))).one()
    assert stored is not None
    assert "new" not in stored


def test_choosing_is_written_down_without_an_address(app: Flask, clock: MovableClock) -> None:
    sam = person("Sam Example")
    choose(sam, Topic.REMINDER, Mode.OFF, clock.now())
    choose(sam, Topic.REMINDER, Mode.OFF, clock.now())
    (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "contact.chosen"))
    assert (entry.subject, entry.before, entry.after) == (
        f"person:{sam.id}",
        {"reminder": "at_once"},
        {"reminder": "off"},
    )


def test_a_link_that_we_did_not_sign_opens_nothing(app: Flask, clock: MovableClock) -> None:
    write(clock.now(), "one", Topic.REMINDER)
    message_id = row("one").id
    assert queries.linked(queries.token_for(message_id, "only for tests"), "only for tests") is not None
    good = queries.token_for(message_id, "only for tests")
    elsewhere = queries.token_for(2**70, "only for tests")
    for token in (str(message_id), "", good[:-3], queries.token_for(message_id, "another secret"), elsewhere):
        assert queries.linked(token, "only for tests") is None


def test_what_was_written_before_the_hour_and_found_after_it_waits_a_day(server: Sink, clock: MovableClock) -> None:
    """A slow transaction: today's daily mail has left, so it is never added to that one, and not lost."""
    write(clock.now(), "one", Topic.PROGRESS)
    clock.move_to(EIGHT)
    deliver(clock.now())
    write(EIGHT - timedelta(minutes=1), "slow", Topic.PROGRESS)
    assert deliver(clock.now()) == 0
    clock.move(timedelta(days=1))
    assert deliver(clock.now()) == 1
    assert "About slow" in server.messages[1].get_content()

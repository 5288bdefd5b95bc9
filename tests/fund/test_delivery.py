"""From the outbox to a mail server that is really there, slow, unfriendly, or away."""

import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select, update

from fund import delivery
from fund.delivery import LEASE, deliver, wait_after
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage, mail
from fund.kernel.society import Society
from fund.mail import Letter, Mailer, SmtpMailer
from tests.fund.documents import matter
from tests.fund.smtp_sink import Sink, sink
from tests.world import found_society


@pytest.fixture
def fund(app: Flask) -> Iterator[Flask]:
    """A real fund, whose mailer is put back afterwards."""
    before = app.extensions["sicf_mailer"]
    found_society()
    yield app
    app.extensions["sicf_mailer"] = before


@pytest.fixture
def server(fund: Flask) -> Iterator[Sink]:
    """A mail server that the fund sends by."""
    with sink() as found:
        use(fund, SmtpMailer(f"smtp://127.0.0.1:{found.port}", "fund@example.org", timeout_seconds=10))
        yield found


def use(app: Flask, mailer: Mailer) -> None:
    app.extensions["sicf_mailer"] = mailer


def write(now: datetime, *keys: str, to: str = "sam@example.org", document: str | None = None) -> None:
    with transaction():
        for key in keys:
            mail(
                key=key,
                to=to,
                subject=f"About {key}",
                what="Your payment came.",
                why="You look after your council's contributions.",
                path="/pledges/PL-2026-001",
                by_when="By 4 June 2026.",
                document=document,
                now=now,
            )


def outbox() -> dict[str, OutboxMessage]:
    db.session.rollback()
    return {row.key: row for row in db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))}


def test_a_letter_says_what_why_by_when_and_where(server: Sink, clock: MovableClock) -> None:
    write(clock.now(), "one")
    assert deliver(clock.now()) == 1
    (letter,) = server.messages
    assert (letter["To"], letter["From"], letter["Subject"]) == ("sam@example.org", "fund@example.org", "About one")
    text = letter.get_content().replace("\r\n", "\n")
    for part in (
        "Your payment came.",
        "Why you get this: You look after your council's contributions.",
        "By when: By 4 June 2026.",
        "Next: http://localhost/pledges/PL-2026-001",
        "Irwell Collaboration Fund\n1 Example Street, Manchester",
    ):
        assert part in text
    row = outbox()["one"]
    assert (row.sent_at, row.attempts, row.last_error) == (clock.now(), 1, None)


def test_what_people_typed_is_neither_markup_nor_header(server: Sink, clock: MovableClock) -> None:
    with transaction():
        mail(
            key="k", to="sam@example.org", subject="Fish & chips\r\nBcc: all@example.org",
            what="<b>{{ 7*7 }}</b> & é 🎉", why="w", path="/", now=clock.now(),
        )  # fmt: skip
    assert deliver(clock.now()) == 1
    (letter,) = server.messages
    assert letter["Subject"] == "Fish & chips Bcc: all@example.org"
    assert letter["Bcc"] is None
    assert "<b>{{ 7*7 }}</b> & é 🎉" in letter.get_content()


def test_what_was_sent_is_not_sent_again(server: Sink, clock: MovableClock) -> None:
    write(clock.now(), "one", "two")
    assert [deliver(clock.now()) for _ in range(3)] == [2, 0, 0]
    clock.move(timedelta(days=400))
    assert deliver(clock.now()) == 0
    assert len(server.messages) == 2


@pytest.mark.parametrize("is_demo", [False, True])
def test_a_link_with_a_token_is_forgotten_once_it_has_left(server: Sink, clock: MovableClock, is_demo: bool) -> None:
    with transaction() as session:
        session.execute(update(Society).values(is_demo=is_demo))
        mail(
            key="invitation",
            to="sam@example.org",
            subject="Come in",
            what="You are asked to act for your council.",
            why="Your council named you.",
            path="/invitations/token",
            now=clock.now(),
            holds_secret=True,
        )
    assert deliver(clock.now()) == 1
    assert outbox()["invitation"].path == ("/invitations/token" if is_demo else "")


def test_nothing_leaves_before_its_time(server: Sink, clock: MovableClock) -> None:
    write(clock.now() + timedelta(hours=1), "later")
    assert deliver(clock.now()) == 0
    clock.move(timedelta(hours=1))
    assert deliver(clock.now()) == 1


def test_a_receipt_is_attached_as_issued(server: Sink, clock: MovableClock) -> None:
    reference = matter.receipt(clock.now())
    assert deliver(clock.now()) == 2  # how to pay, and that it came
    assert not list(server.messages[0].iter_attachments())
    (attachment,) = server.messages[1].iter_attachments()
    assert attachment.get_content_type() == "application/pdf"
    assert attachment.get_filename() == f"receipt-{reference}.pdf"
    content = attachment.get_content()
    assert content == matter.issued_bytes("receipt", reference)
    assert "£12,500" in PdfReader(BytesIO(content)).pages[0].extract_text()
    text = server.messages[1].get_body()
    assert text is not None
    assert f"Attached: receipt-{reference}.pdf" in text.get_content()


def test_while_the_server_is_away_all_waits_and_then_leaves_once(fund: Flask, clock: MovableClock) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    use(fund, SmtpMailer(f"smtp://127.0.0.1:{port}", "fund@example.org", timeout_seconds=5))
    write(clock.now(), "one", "two")
    assert deliver(clock.now()) == 0
    tried, untouched = outbox()["one"], outbox()["two"]
    assert (tried.attempts, tried.next_attempt_at) == (1, clock.now() + timedelta(minutes=1))
    assert "refused" in (tried.last_error or "")
    assert (untouched.attempts, untouched.last_error) == (0, None)
    with sink() as server:
        use(fund, SmtpMailer(f"smtp://127.0.0.1:{server.port}", "fund@example.org"))
        assert deliver(clock.now()) == 1  # "one" waits out its minute
        clock.move(timedelta(minutes=1))
        assert deliver(clock.now()) == 1
        assert sorted(letter["Subject"] for letter in server.messages) == ["About one", "About two"]
    assert all(row.sent_at and row.last_error is None for row in outbox().values())


def test_one_bad_address_does_not_keep_the_others_back(server: Sink, clock: MovableClock) -> None:
    server.refuse = {"gone@example.org"}
    write(clock.now(), "bad", to="gone@example.org")
    write(clock.now(), "good")
    assert deliver(clock.now()) == 1
    assert server.recipients == ["sam@example.org"]
    assert "nobody here" in (outbox()["bad"].last_error or "")


def test_a_letter_that_cannot_be_made_does_not_keep_the_others_back(server: Sink, clock: MovableClock) -> None:
    write(clock.now(), "bad", document="receipt:RC-1999-999")
    write(clock.now(), "worse", document="nonsense")
    write(clock.now(), "good")
    assert deliver(clock.now()) == 1
    assert [letter["Subject"] for letter in server.messages] == ["About good"]
    assert "NotFound" in (outbox()["bad"].last_error or "")
    assert outbox()["bad"].sent_at is None


def test_a_server_that_hangs_up_took_nothing(server: Sink, clock: MovableClock) -> None:
    server.hang_up_at = b"DATA"
    write(clock.now(), "one")
    assert deliver(clock.now()) == 0
    server.hang_up_at = None
    clock.move(wait_after(1))
    assert deliver(clock.now()) == 1
    assert len(server.messages) == 1


def test_taken_is_taken_whatever_the_goodbye(server: Sink, clock: MovableClock) -> None:
    server.goodbye = b"421 too busy to say goodbye"
    write(clock.now(), "one")
    assert deliver(clock.now()) == 1
    clock.move(timedelta(days=1))
    assert deliver(clock.now()) == 0
    assert len(server.messages) == 1


def test_waits_grow_and_have_an_end() -> None:
    waits = [wait_after(attempt) for attempt in (1, 2, 3, 11, 1000)]
    assert waits == [
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=4),
        timedelta(hours=12),
        timedelta(hours=12),
    ]


def test_failures_are_tried_ever_more_seldom(server: Sink, clock: MovableClock) -> None:
    server.refuse = {"sam@example.org"}
    write(clock.now(), "one")
    gaps = []
    for _ in range(4):
        assert deliver(clock.now()) == 0
        gap = outbox()["one"].next_attempt_at - clock.now()
        clock.move(gap - timedelta(seconds=1))
        attempts = outbox()["one"].attempts
        deliver(clock.now())
        assert outbox()["one"].attempts == attempts  # not a second early
        clock.move(timedelta(seconds=1))
        gaps.append(gap)
    assert gaps == sorted(set(gaps))
    server.refuse = set()
    assert deliver(clock.now()) == 1


def test_no_transaction_is_open_while_the_server_is_spoken_to(fund: Flask, clock: MovableClock) -> None:
    """Another writer gets through meanwhile, and sees that the message is taken."""
    seen: list[datetime] = []

    class Looking:
        def send(self, letter: Letter) -> None:
            def write_elsewhere() -> None:
                with fund.app_context(), transaction() as session:
                    session.execute(update(Society).values(address="2 Example Street"))
                    seen.append(session.scalars(select(OutboxMessage)).one().next_attempt_at)
                    assert deliver_inside() is None

            def deliver_inside() -> object:
                return db.session.scalar(
                    select(OutboxMessage.id).where(
                        OutboxMessage.sent_at.is_(None), OutboxMessage.next_attempt_at <= clock.now()
                    )
                )

            thread = threading.Thread(target=write_elsewhere)
            thread.start()
            thread.join(10)

    use(fund, Looking())
    write(clock.now(), "one")
    assert deliver(clock.now()) == 1
    assert seen == [clock.now() + LEASE]


def test_two_deliverers_send_each_message_once(fund: Flask, server: Sink, clock: MovableClock) -> None:
    keys = [f"message-{number}" for number in range(30)]
    write(clock.now(), *keys)
    counts: list[int] = []
    start = threading.Barrier(3)

    def run() -> None:
        with fund.app_context():
            start.wait(10)
            counts.append(deliver(clock.now()))
            db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(counts) == 30
    assert sorted(letter["Subject"] for letter in server.messages) == sorted(f"About {key}" for key in keys)
    assert {row.attempts for row in outbox().values()} == {1}


def test_a_deliverer_that_dies_leaves_its_message_to_the_next(
    fund: Flask, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Died after sending, before marking: it is sent again when the lease ends, under the same Message-ID."""
    letters: list[Letter] = []

    class Keeping:
        def send(self, letter: Letter) -> None:
            letters.append(letter)

    use(fund, Keeping())
    write(clock.now(), "one")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "_mark_sent", die)
        with pytest.raises(KeyboardInterrupt):
            deliver(clock.now())
    assert deliver(clock.now()) == 0  # still leased
    clock.move(LEASE)
    assert deliver(clock.now()) == 1
    assert len(letters) == 2
    assert letters[0].message_id == letters[1].message_id


def test_message_ids_differ_between_messages(fund: Flask, clock: MovableClock) -> None:
    letters: list[Letter] = []

    class Keeping:
        def send(self, letter: Letter) -> None:
            letters.append(letter)

    use(fund, Keeping())
    write(clock.now(), "one", "two")
    deliver(clock.now())
    assert len({letter.message_id for letter in letters}) == 2


def test_mail_of_a_demonstration_never_leaves(server: Sink, clock: MovableClock) -> None:
    with transaction() as session:
        session.execute(update(Society).values(is_demo=True))
    write(clock.now(), "one")
    assert deliver(clock.now()) == 1
    assert server.messages == []
    assert outbox()["one"].sent_at == clock.now()


def test_without_a_server_mail_waits(fund: Flask, clock: MovableClock) -> None:
    fund.extensions["sicf_mailer"] = None
    write(clock.now(), "one")
    assert deliver(clock.now()) == 0
    assert (outbox()["one"].attempts, outbox()["one"].sent_at) == (0, None)


def test_before_there_is_a_fund_nothing_is_sent(app: Flask, clock: MovableClock) -> None:
    write(clock.now(), "one")
    assert deliver(clock.now()) == 0

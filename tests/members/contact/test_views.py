"""Pages of choosing how to hear from the fund."""

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage, mail
from fund.kernel.topics import Mode, Topic
from members.contact import queries
from tests.visitor import Visitor
from tests.world import found_society, person


@pytest.fixture(autouse=True)
def society(app: Flask) -> None:
    found_society()


def link(topic: Topic, clock: MovableClock, to: str = "contact@example.org") -> str:
    """The link in a message of this kind."""
    with transaction() as session:
        mail(key=f"k:{topic}", to=to, subject="A word", what="w", why="y", path="/", topic=topic, now=clock.now())
        message_id = session.scalars(select(OutboxMessage.id).where(OutboxMessage.key == f"k:{topic}")).one()
    return f"/messages/{queries.token_for(message_id, 'only for tests')}"


def mode(address: str, topic: Topic) -> Mode | None:
    db.session.rollback()
    return queries.choices_of(queries.reader_of(address)).get(topic)


def test_choosing_signed_in(visitor: Visitor) -> None:
    sam = person("Sam Example")
    page = visitor.sign_in(sam).get("/account").follow("Choose your messages")
    assert page.heading == "How you hear from us"
    assert "Notices and decisions" in page.text
    assert "one daily mail at 8am" in page.text
    page = page.send("Save", reminder="off", progress="at_once")
    assert "Your choice is kept" in page.text
    assert mode(sam.email, Topic.REMINDER) is Mode.OFF
    assert mode(sam.email, Topic.PROGRESS) is Mode.AT_ONCE
    assert mode(sam.email, Topic.MONEY) is None
    assert "You changed nothing" in page.send("Save").text


@pytest.mark.parametrize("bad", ["sometimes", ""])
def test_a_choice_that_is_none(visitor: Visitor, bad: str) -> None:
    sam = person("Sam Example")
    page = visitor.sign_in(sam).get("/account/messages").send("Save", reminder=bad)
    assert page.status == 422
    assert page.errors()
    page = visitor.get("/account/messages").send("Save", money="off")
    assert page.status == 422
    assert mode(sam.email, Topic.MONEY) is None


def test_opening_the_link_changes_nothing_and_a_button_does(visitor: Visitor, clock: MovableClock) -> None:
    path = link(Topic.REMINDER, clock)
    page = visitor.get(path)
    assert mode("contact@example.org", Topic.REMINDER) is None
    page = page.send("Stop these mails")
    assert "“Reminders”: not at all from now on" in page.text
    assert mode("contact@example.org", Topic.REMINDER) is Mode.OFF
    page = page.send("Put these in one daily mail")
    assert mode("contact@example.org", Topic.REMINDER) is Mode.DIGEST
    page.send("Send these at once")
    assert mode("contact@example.org", Topic.REMINDER) is Mode.AT_ONCE


def test_the_mailboxs_own_button_needs_no_token_of_ours(visitor: Visitor, clock: MovableClock) -> None:
    path = link(Topic.REMINDER, clock)
    answer = visitor.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert mode("contact@example.org", Topic.REMINDER) is Mode.OFF


def test_our_own_buttons_still_need_the_token(visitor: Visitor, clock: MovableClock) -> None:
    path = link(Topic.REMINDER, clock)
    visitor.post(path, {"mode": "off", "form_id": "x"}, status=400)
    assert mode("contact@example.org", Topic.REMINDER) is None


def test_a_button_that_is_none(visitor: Visitor, clock: MovableClock) -> None:
    path = link(Topic.REMINDER, clock)
    page = visitor.get(path)
    token = next(f.get("value") for f in page.tree.iter("input") if f.get("name") == "csrf_token")
    page = visitor.post(path, {"mode": "never", "form_id": "x", "csrf_token": token}, status=422)
    assert page.errors() == ["Press one of the buttons on this page."]


@pytest.mark.parametrize("topic", [Topic.NOTICE, Topic.ACCOUNT])
def test_what_always_comes_says_so(visitor: Visitor, clock: MovableClock, topic: Topic) -> None:
    path = link(topic, clock)
    assert "always come" in visitor.get(path).text
    visitor.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert mode("contact@example.org", topic) is None


def test_money_can_wait_but_not_stop(visitor: Visitor, clock: MovableClock) -> None:
    page = visitor.get(link(Topic.MONEY, clock))
    assert "It can’t be switched off" in page.text
    page.send("Put these in one daily mail")
    assert mode("contact@example.org", Topic.MONEY) is Mode.DIGEST


def test_a_link_cut_short_is_answered_kindly(visitor: Visitor, clock: MovableClock) -> None:
    path = link(Topic.REMINDER, clock)
    assert "cut short" in visitor.get(path[:-3], status=404).text
    visitor.post("/messages/none-such", {"List-Unsubscribe": "One-Click"}, status=404)


def test_the_page_does_not_show_whose_address_it_is(visitor: Visitor, clock: MovableClock) -> None:
    answer = visitor.get(link(Topic.REMINDER, clock))
    assert "contact@example.org" not in answer.response.get_data(as_text=True)

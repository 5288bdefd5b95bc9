"""Hearing less from the fund, and seeing what it holds: with a browser, and a mail server that is really there."""

import re
import zipfile
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from fund.kernel.db import transaction
from fund.kernel.outbox import mail
from fund.kernel.topics import Topic
from fund.mail import SmtpMailer
from members.accounts.models import Person as PersonRow
from members.accounts.rules import hash_passphrase
from tests.fund.smtp_sink import Sink, sink
from tests.journeys.person import Site
from tests.world import found_society, person

PASSPHRASE = "heron lantern orchard nine"


@pytest.fixture
def server(site: Site) -> Iterator[Sink]:
    """A mail server that the fund sends by; the mailer is put back afterwards."""
    found_society()
    before = site.app.extensions["sicf_mailer"]
    with sink() as found:
        site.app.extensions["sicf_mailer"] = SmtpMailer(f"smtp://127.0.0.1:{found.port}", "fund@example.org")
        yield found
    site.app.extensions["sicf_mailer"] = before


def write(site: Site, key: str, topic: Topic, to: str) -> None:
    with transaction():
        mail(key=key, to=to, subject=f"About {key}", what="Your partner has written its part.", why="You write it too.",
             by_when="Nothing is needed by a date.", path="/tasks", topic=topic, now=site.clock.now())  # fmt: skip


@pytest.mark.browser
@pytest.mark.slow
def test_one_mail_a_day_then_none_and_a_copy_of_what_is_held(site: Site, server: Sink) -> None:
    sam = person("Sam Example")
    email, key = sam.email, sam.id
    with transaction() as session:
        session.get_one(PersonRow, key).password_hash = hash_passphrase(PASSPHRASE)

    # signed in: reminders go into the daily mail
    reader = site.somebody().sign_in(email, PASSPHRASE)
    reader.open("/account").follow("Choose your messages").sees("How you hear from us", "one daily mail at 8am")
    reader.page.get_by_role("group", name="Reminders").get_by_label("In one daily mail").check()
    reader.press("Save").sees("Your choice is kept").picture("messages")

    # two that can wait and one that can't: one mail now, and one in the morning
    write(site, "the first", Topic.REMINDER, email)
    write(site, "the second", Topic.PROGRESS, email)
    write(site, "the ballot", Topic.NOTICE, email)
    site.wait(minutes=1)
    assert [letter["Subject"] for letter in server.messages] == ["About the ballot"]
    for _ in range(3):
        site.wait(days=1)
    assert len(server.messages) == 2
    text = server.messages[1].get_content()
    assert "1. About the first" in text
    assert "2. About the second" in text

    # on a phone, signed out: the link in the mail
    found = re.search(r"without signing in: (\S+)", text)
    assert found is not None
    phone = site.somebody(width=360).open(urlsplit(found[1]).path)
    phone.sees("Fewer mails from us", "You don’t need an account", "Nothing changes until you press").picture("by-link")
    phone.press("Stop these mails").sees("not at all from now on", "You can undo this below")
    write(site, "the third", Topic.REMINDER, email)
    site.wait(days=1)
    assert len(server.messages) == 2
    reader.open("/account/messages").sees("What we didn’t send you", "About the third")
    phone.press("Send these at once")
    write(site, "the fourth", Topic.REMINDER, email)
    site.wait(minutes=1)
    assert server.messages[-1]["Subject"] == "About the fourth"

    # what is held: a file to take away, a name to mend, and what erasing would mean
    reader.open("/account/data").sees("See it", "Mend your name").picture("own-data")
    with reader.page.expect_download() as download:
        reader.page.get_by_role("button", name="Download your data").click()
    path = download.value.path()
    with zipfile.ZipFile(path) as archive:
        assert "About the first" in archive.read("your-data.html").decode()
    reader.open("/account/data").type("Your name", "Sam Sample").press("Change name").sees("Your name is changed")
    reader.follow("Read what goes and what stays, and ask").sees("What goes", "What stays").picture("erasure")
    reader.press("Ask to be erased").sees("Waits for the secretary")
    site.somebody(width=360).open("/privacy").sees("How we use your data", "Information Commissioner").picture("notice")

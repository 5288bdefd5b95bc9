"""Mail to those who look after an organisation's money."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from fund.kernel.access import Role
from fund.kernel.outbox import Mail, mail_all
from fund.kernel.topics import Topic
from members.accounts.models import Person
from members.models import Organisation
from members.queries import people_with

MONEY_ROLES = frozenset({Role.CERTIFIER, Role.FINANCE})
WHY = "You look after your organisation's money at the fund."


def tell(
    organisation: Organisation,
    key: str,
    *,
    subject: str,
    what: str,
    by_when: str,
    path: str,
    now: datetime,
    document: str | None = None,
    topic: Topic = Topic.MONEY,
) -> None:
    """One mail to each of them; the same key again changes nothing."""
    people = people_with(organisation.id, MONEY_ROLES)
    found = mails(people, key, subject=subject, what=what, by_when=by_when, path=path, document=document, topic=topic)
    mail_all(found, now=now)


def mails(
    people: Iterable[Person],
    key: str,
    *,
    subject: str,
    what: str,
    by_when: str,
    path: str,
    document: str | None = None,
    topic: Topic = Topic.MONEY,
) -> Iterator[Mail]:
    """The mail to each of `people`, for who sends many at once."""
    for person in people:
        yield Mail(f"{key}:{person.id}", person.email, subject, what, WHY, path, by_when, document, topic)

"""Mail to those who look after an organisation's money."""

from datetime import datetime

from fund.kernel.access import Role
from fund.kernel.outbox import mail
from fund.kernel.topics import Topic
from members.models import Organisation
from members.queries import people_with

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
    for person in people_with(organisation.id, {Role.CERTIFIER, Role.FINANCE}):
        mail(
            key=f"{key}:{person.id}",
            to=person.email,
            subject=subject,
            what=what,
            why=WHY,
            by_when=by_when,
            path=path,
            now=now,
            document=document,
            topic=topic,
        )

"""What needs a person: one line of the page that everybody lands on after signing in."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Task:
    """Something that waits for the person.

    Attributes:
        title: what to do, starting with a verb.
        why: one sentence.
        path: the page where it is done.
        due: by when, if there is a date.
    """

    title: str
    why: str
    path: str
    due: datetime | None = None

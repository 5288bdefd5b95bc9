"""The kinds of message that the fund sends, as data: what each is for, and how its reader may have it.

What the law, the rules or somebody's safety asks us to send can't be switched off (UK GDPR art. 6(1)(b) and (c): it is
no marketing). Everything else is the reader's choice, made on a page or by the link in the message itself.
"""

from dataclasses import dataclass
from enum import StrEnum


class Topic(StrEnum):
    """What a message is about. Stored as its value, without a CHECK: kinds come and go, sent messages stay."""

    SAFETY = "safety"
    ACCOUNT = "account"
    NOTICE = "notice"
    ANSWER = "answer"
    MONEY = "money"
    REMINDER = "reminder"
    PROGRESS = "progress"
    DIGEST = "digest"


class Mode(StrEnum):
    """How a reader has the messages of one kind."""

    AT_ONCE = "at_once"
    DIGEST = "digest"
    OFF = "off"


@dataclass(frozen=True)
class Kind:
    """A kind of message.

    Attributes:
        name: what pages call it.
        meaning: one sentence: what comes, and why we send it.
        modes: how it may be had; a kind that never waits has only one.
        usual: how somebody has it who never chose.
        fixed_because: why it can't be switched off, where it can't.
    """

    name: str
    meaning: str
    modes: tuple[Mode, ...]
    usual: Mode = Mode.AT_ONCE
    fixed_because: str = ""

    @property
    def is_urgent(self) -> bool:
        """Whether it always goes at once."""
        return self.modes == (Mode.AT_ONCE,)

    @property
    def may_be_off(self) -> bool:
        return Mode.OFF in self.modes


_ANY = (Mode.AT_ONCE, Mode.DIGEST, Mode.OFF)

KINDS: dict[Topic, Kind] = {
    Topic.SAFETY: Kind(
        "Somebody may be at risk",
        "Word of a safeguarding concern, to the few people who act on it.",
        (Mode.AT_ONCE,),
        fixed_because="A person's safety can't wait.",
    ),
    Topic.ACCOUNT: Kind(
        "Your account and your roles",
        "Invitations, new passphrases and changes of your roles, so that nobody can act as you in secret.",
        (Mode.AT_ONCE,),
        fixed_because="It keeps your account safe.",
    ),
    Topic.NOTICE: Kind(
        "Notices and decisions",
        "Notice of ballots, their results, and what was decided about you, which the society's rules or the law ask "
        "us to send.",
        (Mode.AT_ONCE,),
        fixed_because="The society's rules or the law say that we must tell you.",
    ),
    Topic.ANSWER: Kind(
        "Your answer is needed",
        "Somebody waits for you: an offer, an agreement to sign, or a part in a proposal to confirm.",
        (Mode.AT_ONCE,),
        fixed_because="Other people can't go on without your answer.",
    ),
    Topic.MONEY: Kind(
        "Payments and receipts",
        "How to pay, receipts, and payments on their way, for those who look after the money.",
        (Mode.AT_ONCE, Mode.DIGEST),
        fixed_because="It is the proof of what was paid, which auditors ask for.",
    ),
    Topic.REMINDER: Kind(
        "Reminders",
        "A word before, on and after the day on which something is due, so that nothing is late by mistake.",
        _ANY,
    ),
    Topic.PROGRESS: Kind(
        "Progress",
        "What others did in a proposal, a report or a grant that you work on, so that you needn't look.",
        _ANY,
        usual=Mode.DIGEST,
    ),
    Topic.DIGEST: Kind(
        "Your daily mail",
        "Everything that could wait, gathered into at most one mail a day.",
        (Mode.AT_ONCE,),
    ),
}

CHOICES: tuple[Topic, ...] = tuple(topic for topic in Topic if topic is not Topic.DIGEST)
"""The kinds that people see. The daily mail is the gathering of others and has no setting of its own."""


def topic_of(stored: str | None) -> Topic:
    """The kind of a stored message. One from before there were kinds, or of a kind since given up, is a notice: that
    is the safe reading, for it always leaves."""
    return Topic(stored) if stored in set(Topic) else Topic.NOTICE

"""The mails of a ballot: to every member's representative and deputies, or its contact where it has neither."""

from collections.abc import Sequence
from datetime import datetime

from fund.kernel.calendar import london_day
from fund.kernel.clock import LONDON
from fund.kernel.outbox import mail
from fund.kernel.topics import Topic
from voting import queries
from voting.models import Ballot, RollEntry
from voting.rules import day_in_words


def _moment(instant: datetime) -> str:
    """9:00am on Wednesday 10 June 2026."""
    local = instant.astimezone(LONDON)
    clock = f"{local.hour % 12 or 12}:{local:%M}{'am' if local.hour < 12 else 'pm'}"
    return f"{clock} on {day_in_words(london_day(instant))}"


def _send(
    ballot: Ballot,
    roll: Sequence[RollEntry],
    about: str,
    *,
    subject: str,
    what: str,
    by_when: str,
    path: str,
    now: datetime,
    topic: Topic = Topic.NOTICE,
) -> None:
    entries = {entry.organisation_id: entry for entry in roll}
    for addressee in queries.addressees(ballot.id):
        if (entry := entries.get(addressee.organisation_id)) is None:
            continue
        why = f"You get this because you vote for {entry.name} in the fund."
        if entry.votes_through is not None:
            why = (
                f"You get this for {entry.name}. It belongs to a group of connected organisations with one vote "
                f"between them, which member {entry.votes_through} holds."
            )
        elif addressee.person_id is None:
            why = f"{entry.name} has no representative, so this goes to its contact. Appoint one, so that it can vote."
        mail(
            key=f"ballot-{about}:{ballot.reference}:{entry.reference}:{addressee.person_id or 'contact'}",
            to=addressee.email,
            subject=subject,
            what=what,
            why=why,
            by_when=by_when,
            path=path,
            now=now,
            topic=topic,
        )


def notice(ballot: Ballot, roll: Sequence[RollEntry], now: datetime) -> None:
    """Notice: what is to be decided, when it opens and closes."""
    if ballot.opens_at is None or ballot.closes_at is None:
        raise ValueError("a ballot without dates has no notice")
    titles = "; ".join(f"{item.proposal_reference} {item.title}" for item in ballot.items)
    _send(
        ballot,
        roll,
        "notice",
        subject=f"Notice of ballot {ballot.reference}",
        what=(
            f"The members decide on {len(ballot.items)} proposal{'' if len(ballot.items) == 1 else 's'} of round "
            f"{ballot.round_reference}, “{ballot.round_title}”: {titles}. Voting opens at {_moment(ballot.opens_at)}. "
            "For each, a member can vote for or against, or abstain."
        ),
        by_when=f"Voting closes at {_moment(ballot.closes_at)}.",
        path=f"/ballots/{ballot.reference}",
        now=now,
    )


def opened(ballot: Ballot, roll: Sequence[RollEntry], now: datetime) -> None:
    """Voting is open; only to those that hold a vote."""
    if ballot.closes_at is None:
        raise ValueError("a ballot without dates can't open")
    _send(
        ballot,
        [entry for entry in roll if entry.votes_through is None],
        "open",
        subject=f"Voting is open in ballot {ballot.reference}",
        what="You can vote now, on a phone too. What you save is counted, and you can change it until the close.",
        by_when=f"Vote by {_moment(ballot.closes_at)}.",
        path=f"/ballots/{ballot.reference}/vote",
        topic=Topic.REMINDER,
        now=now,
    )


def declared(ballot: Ballot, roll: Sequence[RollEntry], now: datetime) -> None:
    """The result is there."""
    _send(
        ballot,
        roll,
        "declared",
        subject=f"Result of ballot {ballot.reference}",
        what=f"The result of the ballot of “{ballot.round_title}” has been declared, by sector and with reasons.",
        by_when="Nothing is needed by a date.",
        path=f"/ballots/{ballot.reference}/result",
        now=now,
    )


def voided(ballot: Ballot, roll: Sequence[RollEntry], reasons: str, now: datetime) -> None:
    """The ballot is void."""
    _send(
        ballot,
        roll,
        "void",
        subject=f"Ballot {ballot.reference} is void",
        what=f"The secretary and a member of the board declared this ballot void. Their reasons: {reasons}",
        by_when="Nothing is needed by a date. The proposals may be put to you again, with new notice.",
        path=f"/ballots/{ballot.reference}",
        now=now,
    )


def voided_to_stewards(ballot: Ballot, now: datetime) -> None:
    """A void ballot ends no award by itself: stewards look at those that were made from it."""
    if ballot.declared_at is None:
        return
    for address in queries.stewards():
        mail(
            key=f"ballot-void-stewards:{ballot.reference}:{address}",
            to=address,
            subject=f"Ballot {ballot.reference} is void: look at its awards",
            what=(
                "This ballot had been declared, and is void now. No new award can be made from it. "
                "An award that was made before goes on until you end it."
            ),
            why="You are a steward of the fund.",
            by_when="Before the next payment on any of these awards.",
            path=f"/ballots/{ballot.reference}/result",
            now=now,
            topic=Topic.NOTICE,
        )

"""From what was recorded to results, and back again: the count of a ballot and its recount."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from fund.kernel.db import db
from ledger.money import format_pence
from proposals.rules import Decision
from voting import queries, records
from voting.methods.funding_order import Passed, Placed, fund
from voting.methods.resolution import Outcome, Verdict
from voting.models import Ballot, BallotItem, ItemResult, RollEntry, Vote, VoteChange
from voting.rules import (
    BallotState,
    Enrolled,
    canonical,
    count_item,
    explanation,
    outcome_record,
    roll_text,
    text_hash,
)


@dataclass(frozen=True)
class Counted:
    """An item with its outcome and, if it passed, its place in the funding order."""

    item: BallotItem
    outcome: Outcome
    placed: Placed | None

    @property
    def explanation(self) -> str:
        """Why it passed or not, and why the money reached it or not."""
        why = explanation(self.outcome)
        if self.placed is None:
            return why
        left, asked = format_pence(self.placed.left_before_pence), format_pence(self.item.requested_pence)
        if self.placed.funded:
            return f"{why} It stands {_ordinal(self.placed.place)} in the funding order, and the money reaches it."
        return (
            f"{why} It stands {_ordinal(self.placed.place)} in the funding order. It asks for {asked} and {left} was "
            "left when the money went down the list to here, so it waits on the reserve list."
        )


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def count_ballot(ballot: Ballot) -> list[Counted]:
    """Count every item from the roll, the conflicts and the votes as they stand, and place what passed."""
    policy, found = ballot.policy, records.recorded(ballot.id)
    outcomes = [
        (
            item,
            count_item(
                roll=found.sectors,
                recused=found.recused.get(item.id, set()),
                votes=found.votes.get(item.id, {}),
                policy=policy,
            ),
        )
        for item in ballot.items
    ]
    placed = {line.key: line for line in fund(_passed(outcomes), ballot.budget_pence)}
    return [Counted(item, outcome, placed.get(item.proposal_reference)) for item, outcome in outcomes]


def _passed(outcomes: Sequence[tuple[BallotItem, Outcome]]) -> Iterable[Passed]:
    for item, outcome in outcomes:
        if outcome.passed:
            yield Passed(
                key=item.proposal_reference,
                requested_pence=item.requested_pence,
                supporting_sectors=len(outcome.supporting),
                votes_for=outcome.total.votes_for,
                against=outcome.total.against,
                assessment=item.mean_score,
                submitted_at=item.submitted_at,
            )


def store(ballot: Ballot, now: datetime) -> None:
    """Keep the results of a count. They are append-only: what is stored stays."""
    for counted in count_ballot(ballot):
        db.session.add(
            ItemResult(
                item_id=counted.item.id,
                verdict=counted.outcome.verdict,
                passed=counted.outcome.passed,
                funded=counted.placed is not None and counted.placed.funded,
                reserve=counted.placed is not None and not counted.placed.funded,
                place=counted.placed.place if counted.placed else None,
                outcome=outcome_record(counted.outcome, ballot.policy),
                explanation=counted.explanation,
                counted_at=now,
            )
        )
    db.session.flush()


def decision_of(result: ItemResult) -> Decision | None:
    """What a result decides about its proposal; None when the vote lapsed, which decides nothing."""
    if result.verdict is Verdict.INQUORATE:
        return None
    if result.funded:
        return Decision.APPROVED
    return Decision.RESERVE if result.reserve else Decision.DECLINED


# --- the recount


def check() -> list[str]:
    """Recount every ballot that was counted and compare with what is stored; sentences that name each difference."""
    ballots = db.session.scalars(
        select(Ballot).options(selectinload(Ballot.items)).where(Ballot.notice_at.is_not(None)).order_by(Ballot.id)
    )
    faults = []
    for ballot in ballots:
        faults += _check_roll(ballot)
        faults += _check_votes(ballot)
        if ballot.state is BallotState.DECLARED or ballot.counted_at is not None:
            faults += _check_results(ballot)
    return faults


def _check_roll(ballot: Ballot) -> list[str]:
    entries = queries.roll(ballot.id, limit=queries.WHOLE_ROLL)
    day = ballot.drafted_at.date()  # no part of the text; the order of joining was used when the roll was made
    lines = [Enrolled(e.reference, e.name, e.sector, e.group_id, day, e.votes_through) for e in entries]
    if text_hash(roll_text(lines)) != ballot.roll_hash:
        return [f"Ballot {ballot.reference}: the roll no longer has the hash that was published."]
    return []


def _check_votes(ballot: Ballot) -> list[str]:
    """Every present vote must be the last one saved, and none may have been saved outside the opening hours."""
    last = (
        select(VoteChange.item_id, VoteChange.roll_entry_id, func.max(VoteChange.sequence).label("sequence"))
        .join(BallotItem, VoteChange.item_id == BallotItem.id)
        .where(BallotItem.ballot_id == ballot.id)
        .group_by(VoteChange.item_id, VoteChange.roll_entry_id)
        .subquery()
    )
    saved = db.session.execute(
        select(VoteChange.item_id, RollEntry.reference, VoteChange.choice, VoteChange.sequence, VoteChange.cast_at)
        .join(
            last,
            (VoteChange.item_id == last.c.item_id)
            & (VoteChange.roll_entry_id == last.c.roll_entry_id)
            & (VoteChange.sequence == last.c.sequence),
        )
        .join(RollEntry, VoteChange.roll_entry_id == RollEntry.id)
    )
    present = db.session.execute(
        select(Vote.item_id, RollEntry.reference, Vote.choice, Vote.sequence, Vote.cast_at)
        .join(BallotItem, Vote.item_id == BallotItem.id)
        .join(RollEntry, Vote.roll_entry_id == RollEntry.id)
        .where(BallotItem.ballot_id == ballot.id)
    )
    logged, standing = {(row[0], row[1]): row for row in saved}, {(row[0], row[1]): row for row in present}
    names = {item.id: item.proposal_reference for item in ballot.items}
    faults = [
        f"Ballot {ballot.reference}: the vote of {member} on {names[item_id]} is not the last one that was saved."
        for item_id, member in sorted(logged.keys() | standing.keys())
        if logged.get((item_id, member)) != standing.get((item_id, member))
    ]
    for item_id, member, _, _, cast_at in standing.values():
        if ballot.opens_at is None or ballot.closes_at is None or not ballot.opens_at <= cast_at < ballot.closes_at:
            faults.append(
                f"Ballot {ballot.reference}: {member} voted on {names[item_id]} outside the time of the ballot."
            )
    return faults


def _check_results(ballot: Ballot) -> list[str]:
    stored = {result.item_id: result for result in queries.results(ballot.id)}
    faults = []
    for counted in count_ballot(ballot):
        result = stored.get(counted.item.id)
        place = counted.placed.place if counted.placed else None
        funded = counted.placed is not None and counted.placed.funded
        same = (
            result is not None
            and canonical(result.outcome) == canonical(outcome_record(counted.outcome, ballot.policy))
            and (result.verdict, result.passed, result.place)
            == (counted.outcome.verdict, counted.outcome.passed, place)
            and (result.funded, result.reserve) == (funded, place is not None and not funded)
        )
        if not same:
            faults.append(
                f"Ballot {ballot.reference}: a recount of {counted.item.proposal_reference} differs from its result."
            )
    return faults

"""What stewards and the scheduler do with rounds."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotFound, RuleBroken, require
from fund.kernel.policy import policy_at
from fund.kernel.references import next_reference
from proposals import round_queries, rules
from proposals.addresses import known_id
from proposals.models import Round
from proposals.rules import RoundPlan, RoundState, in_england


def create_round(*, plan: RoundPlan, actor: Actor, now: datetime) -> Round:
    """Begin a round as a draft that only the office sees. Raises RuleBroken for dates or amounts out of order."""
    actor.require(Permission.RUN_ROUNDS)
    require(rules.faults_of_plan(plan, london_day(plan.closes_at)))
    policy = policy_at(now)
    subject = Round(
        **asdict(plan),
        reference=next_reference("R", year=london_day(now).year, digits=1),
        state=RoundState.DRAFT,
        policy_json=policy.as_json(),
        policy_version=policy.version,
        created_by_id=actor.person_id,
        created_at=now,
    )
    db.session.add(subject)
    db.session.flush()
    audit.record(actor, "round.created", subject.reference, at=now, after={"title": plan.title})
    return subject


def change_round(*, round_id: int, plan: RoundPlan, actor: Actor, now: datetime) -> Round:
    """Change a round that is not published yet; what was published is a promise and stays."""
    actor.require(Permission.RUN_ROUNDS)
    subject = _locked(round_id)
    if subject.state is not RoundState.DRAFT:
        raise Conflict(f"Round {subject.reference} has been published since, so its plan is fixed. Open it to read it.")
    require(rules.faults_of_plan(plan, london_day(plan.closes_at)))
    for name, value in asdict(plan).items():
        setattr(subject, name, value)
    audit.record(actor, "round.changed", subject.reference, at=now, after={"title": plan.title})
    return subject


def publish_round(*, round_id: int, actor: Actor, now: datetime) -> Round:
    """Show a round to everybody, with the settings of this moment frozen into it."""
    actor.require(Permission.RUN_ROUNDS)
    subject = _locked(round_id)
    rules.check_round_move(subject.reference, subject.state, RoundState.PUBLISHED)
    if subject.closes_at <= now:
        raise RuleBroken("This round would close before it is published. Give it a later closing time first.")
    policy = policy_at(now)
    subject.state = RoundState.PUBLISHED
    subject.policy_json, subject.policy_version, subject.published_at = policy.as_json(), policy.version, now
    audit.record(actor, "round.published", subject.reference, at=now, after={"policy": policy.version})
    return subject


def open_round(*, round_id: int, actor: Actor | None, now: datetime) -> Round:
    """Open a published round from its opening time on.

    Raises:
        RuleBroken: naming each sector without cleared money in the fund year (R03), or before the published time.
    """
    if actor is not None:
        actor.require(Permission.RUN_ROUNDS)
    subject = _locked(round_id)
    rules.check_round_move(subject.reference, subject.state, RoundState.OPEN)
    if now < subject.opens_at:
        raise RuleBroken(f"Everybody was told that this round opens on {in_england(subject.opens_at)}. Open it then.")
    require(round_queries.in_the_way_of_opening(subject, now))
    subject.state, subject.opened_at = RoundState.OPEN, now
    audit.record(actor, "round.opened", subject.reference, at=now)
    return subject


def close_round(*, round_id: int, actor: Actor | None, now: datetime) -> Round:
    """Close an open round at its closing second, never earlier: people count on the published time."""
    if actor is not None:
        actor.require(Permission.RUN_ROUNDS)
    subject = _locked(round_id)
    rules.check_round_move(subject.reference, subject.state, RoundState.CLOSED)
    if now < subject.closes_at:
        raise RuleBroken(
            f"Everybody was told that this round closes on {in_england(subject.closes_at)}. Close it then."
        )
    subject.state, subject.closed_at = RoundState.CLOSED, now
    audit.record(actor, "round.closed", subject.reference, at=now)
    return subject


def sweep(now: datetime) -> int:
    """Open what is due and has all sectors' money; close what is due. Any number of times, with one result.

    Returns:
        How many rounds moved. One that must wait for money stays published and shows stewards why.
    """
    moved = 0
    for round_id in _due(RoundState.PUBLISHED, now):
        subject = db.session.get_one(Round, round_id)
        if subject.closes_at > now and not round_queries.in_the_way_of_opening(subject, now):
            open_round(round_id=round_id, actor=None, now=now)
            moved += 1
    for round_id in _due(RoundState.OPEN, now):
        close_round(round_id=round_id, actor=None, now=now)
        moved += 1
    return moved


def _due(state: RoundState, now: datetime) -> list[int]:
    instant = Round.opens_at if state is RoundState.PUBLISHED else Round.closes_at
    return list(
        db.session.scalars(
            select(Round.id)
            .where(Round.state == state, instant <= now)
            .order_by(Round.id)
            .limit(50)
            .with_for_update(skip_locked=True)
        )
    )


def _locked(round_id: int) -> Round:
    subject = db.session.scalar(
        select(Round).where(Round.id == known_id(round_id)).with_for_update().execution_options(populate_existing=True)
    )
    if subject is None:
        raise NotFound
    return subject

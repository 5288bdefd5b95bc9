"""The secretary prepares a ballot: its paper, then notice, which freezes roll, conflicts, policy, paper and dates."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotFound, RuleBroken, require
from fund.kernel.policy import Policy, policy_at
from fund.kernel.references import next_reference
from members.models import Organisation
from members.rules import Sector
from proposals import queries as proposal_queries
from proposals import service as proposal_service
from proposals.assessment import queries as assessment
from proposals.models import Proposal, Round
from proposals.rules import RoundState
from voting import letters, queries
from voting.models import AutomaticConflict, Ballot, BallotItem, RollEntry
from voting.rules import (
    BallotState,
    Enrolled,
    Kind,
    automatic_conflict,
    make_roll,
    notice_findings,
    roll_text,
    text_hash,
)
from voting.states import expect, locked


def draft_ballot(*, round_id: int, actor: Actor, now: datetime) -> Ballot:
    """Put every proposal of a closed round that is ready on a draft paper, pinned to the version that was submitted.

    Drafting again brings a draft up to date.

    Raises:
        RuleBroken: when the round is not closed or nothing in it is ready.
        Conflict: when the round has a ballot that members have had notice of.
    """
    actor.require(Permission.RUN_BALLOTS)
    round_ = db.session.scalar(select(Round).where(Round.id == round_id).with_for_update())
    if round_ is None:
        raise NotFound
    if round_.state not in (RoundState.CLOSED, RoundState.DECIDING):
        raise RuleBroken(
            f"Round {round_.reference} is {round_.state.value}. A ballot can be drafted once it has closed."
        )
    ready = proposal_queries.ready_for_ballot(round_id)
    if not ready:
        raise RuleBroken(
            f"No proposal in round {round_.reference} is ready. A proposal is ready once it was found eligible and "
            "enough assessors have scored it."
        )
    ballot = queries.live_ballot_of_round(round_id)
    if ballot is None:
        ballot = _new_ballot(round_, actor, now)
    expect(
        ballot,
        BallotState.DRAFT,
        way_on="Members had notice of it, so its paper can't change. Open it to see how it stands.",
    )
    ballot.budget_pence = round_.budget_pence - queries.funded_pence_of_round(round_id)
    db.session.execute(delete(BallotItem).where(BallotItem.ballot_id == ballot.id))
    db.session.expire(ballot, ["items"])
    db.session.add_all(_item(ballot, number, proposal) for number, proposal in enumerate(ready, start=1))
    db.session.flush()
    audit.record(
        actor, "ballot.drafted", ballot.reference, at=now, after={"round": round_.reference, "items": len(ready)}
    )
    return ballot


def _new_ballot(round_: Round, actor: Actor, now: datetime) -> Ballot:
    ballot = Ballot(
        reference=next_reference("B", year=london_day(now).year, digits=2),
        round_id=round_.id,
        round_reference=round_.reference,
        round_title=round_.title,
        kind=Kind.GRANT,
        state=BallotState.DRAFT,
        budget_pence=round_.budget_pence,
        drafted_at=now,
        drafted_by_id=actor.person_id,
    )
    db.session.add(ballot)
    db.session.flush()
    return ballot


def _item(ballot: Ballot, number: int, proposal: Proposal) -> BallotItem:
    sent = proposal_queries.versions(proposal.id)
    score = assessment.mean_score(proposal.id)
    return BallotItem(
        ballot_id=ballot.id,
        number=number,
        proposal_id=proposal.id,
        proposal_reference=proposal.reference,
        version_id=sent[-1].id,
        version_number=sent[-1].number,
        version_sha256=sent[-1].sha256,
        title=proposal.title,
        lead_name=proposal.lead.name,
        summary=proposal_queries.summary_of(sent[-1]),
        requested_pence=sent[-1].requested_pence,
        assessment=None if score is None else str(score),
        submitted_at=sent[0].submitted_at,
    )


def give_notice(*, reference: str, opens_at: datetime, closes_at: datetime, actor: Actor, now: datetime) -> Ballot:
    """Give every member notice of a drafted ballot, and freeze its roll, policy, paper and dates.

    Raises:
        RuleBroken: when the ballot would open before the clear days have passed, naming the earliest lawful day, or
            would stay open too short or too long.
        Conflict: when notice was given already, or the proposals that are ready changed since the draft.
    """
    actor.require(Permission.RUN_BALLOTS)
    ballot = locked(reference)
    expect(ballot, BallotState.DRAFT, way_on="Open the ballot to see its dates.")
    policy = policy_at(now)
    require(notice_findings(given_at=now, opens_at=opens_at, closes_at=closes_at, policy=policy))
    _check_paper(ballot)
    roll = _freeze_roll(ballot, policy, now)
    _find_conflicts(ballot, roll)
    ballot.policy_json = policy.as_json()
    ballot.notice_at, ballot.opens_at, ballot.closes_at = now, opens_at, closes_at
    ballot.state = BallotState.NOTICE_GIVEN
    proposal_service.put_on_ballot(proposal_ids=[item.proposal_id for item in ballot.items], actor=actor, now=now)
    letters.notice(ballot, roll, now)
    db.session.flush()
    audit.record(
        actor,
        "ballot.notice_given",
        ballot.reference,
        at=now,
        after={
            "opens_at": opens_at.isoformat(),
            "closes_at": closes_at.isoformat(),
            "roll": ballot.roll_hash,
            "policy": policy.version,
        },
    )
    return ballot


def _check_paper(ballot: Ballot) -> None:
    """The proposals that are ready must be those on the draft, in the versions on the draft."""
    ready = set()
    for proposal in proposal_queries.ready_for_ballot(ballot.round_id):
        version = proposal_queries.current_version(proposal.id)
        ready.add((proposal.id, version.id if version else None))
    if ready != {(item.proposal_id, item.version_id) for item in ballot.items}:
        raise Conflict(
            f"The proposals that are ready changed since ballot {ballot.reference} was drafted. "
            "Open the ballot, bring its paper up to date, read it again, and then give notice."
        )


def _freeze_roll(ballot: Ballot, policy: Policy, now: datetime) -> list[RollEntry]:
    members = {organisation.reference: organisation for organisation in queries.members_for_roll(now)}
    enrolled = make_roll(_enrolled(members.values()), groups_share=policy.connected_members_one_vote)
    entries = [
        RollEntry(
            ballot_id=ballot.id,
            organisation_id=members[line.reference].id,
            reference=line.reference,
            name=line.name,
            sector=line.sector,
            group_id=line.group_id,
            votes_through=line.votes_through,
        )
        for line in enrolled
    ]
    ballot.roll_hash = text_hash(roll_text(enrolled))
    db.session.add_all(entries)
    db.session.flush()
    return entries


def _enrolled(organisations: Iterable[Organisation]) -> list[Enrolled]:
    return [
        Enrolled(o.reference, o.name, Sector(o.sector), o.group_id, o.joined_on or london_day(o.applied_at))
        for o in organisations
        if o.sector is not None
    ]


def _find_conflicts(ballot: Ballot, roll: Sequence[RollEntry]) -> None:
    for item in ballot.items:
        partner_ids = proposal_queries.partner_organisation_ids(item.proposal_id)
        partner_group_ids = queries.groups_of(partner_ids)
        for entry in roll:
            kind = automatic_conflict(
                organisation_id=entry.organisation_id,
                group_id=entry.group_id,
                partner_ids=partner_ids,
                partner_group_ids=partner_group_ids,
            )
            if kind is not None:
                db.session.add(AutomaticConflict(item_id=item.id, roll_entry_id=entry.id, kind=kind))

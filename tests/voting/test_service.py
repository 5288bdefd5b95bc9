"""Ballots from draft to declared, as services on a database."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from fund.kernel.access import Actor, Role
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, FundError, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from fund.kernel.policy import Setting
from fund.kernel.references import next_number
from members.models import Appointment, ConnectedGroup, Organisation
from members.rules import Sector
from proposals.models import Proposal, Round
from proposals.rules import ProposalState, RoundState
from tests import world
from tests.voting import paper as papers
from tests.voting.paper import (
    CLOSES,
    OPENS,
    answer,
    ballot,
    everybody,
    finish,
    lay,
    make_partner,
    notice,
    opened,
    say,
    sweep,
)
from voting import queries, records, service
from voting.methods.resolution import Choice, Verdict
from voting.models import ItemResult, RollEntry, Vote, VoteChange
from voting.rules import BallotState, ConflictKind

PASSES = {Sector.PRIVATE: "fa ", Sector.PUBLIC: "fff", Sector.VCSE: "ffa "}


def states(paper: papers.Paper) -> list[ProposalState]:
    db.session.rollback()
    return [db.session.get_one(Proposal, proposal_id).state for proposal_id in paper.proposal_ids]


def first_item(reference: str) -> int:
    return ballot(reference).items[0].id


# --- draft and notice


def test_a_draft_pins_each_ready_proposal_to_its_version(app: Flask, clock: MovableClock) -> None:
    paper = lay(asks=(10_000_00, 20_000_00))
    with transaction():
        reference = service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now()).reference
    its = ballot(reference)
    assert reference == "B-2026-01"
    assert its.state is BallotState.DRAFT
    assert its.budget_pence == 50_000_00
    assert [(i.title, i.requested_pence, i.version_number, i.summary) for i in its.items] == [
        ("Proposal 1", 10_000_00, 1, "In short, proposal 1."),
        ("Proposal 2", 20_000_00, 1, "In short, proposal 2."),
    ]
    assert its.items[0].mean_score == 3
    assert states(paper) == [ProposalState.ELIGIBLE] * 2


def test_nobody_but_the_secretary_sees_a_draft(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    with transaction():
        reference = service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now()).reference
    for person in (None, paper.voters["Vcse 1"], world.official("Stew", Role.STEWARD)[1]):
        with pytest.raises(NotFound):
            queries.ballot(reference, person)
    assert queries.ballots(None) == []


def test_only_a_closed_round_with_ready_proposals_has_a_ballot(app: Flask, clock: MovableClock) -> None:
    paper = lay(asks=())
    with pytest.raises(RuleBroken, match="No proposal"), transaction():
        service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now())
    with transaction() as session:
        session.execute(update(Round).values(state=RoundState.OPEN))
    with pytest.raises(RuleBroken, match="once it has closed"), transaction():
        service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now())
    with pytest.raises(NotFound), transaction():
        service.draft_ballot(round_id=999, actor=paper.secretary, now=clock.now())


def test_only_the_secretary_drafts(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    _, steward = world.official("Stew", Role.STEWARD)
    with pytest.raises(NotAllowed), transaction():
        service.draft_ballot(round_id=paper.round_id, actor=steward, now=clock.now())


def test_too_early_an_opening_is_refused_with_the_earliest_lawful_day(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    with transaction():
        reference = service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now()).reference
    with pytest.raises(RuleBroken, match="before Wednesday 10 June 2026"), transaction():
        service.give_notice(
            reference=reference,
            opens_at=OPENS - timedelta(days=1),
            closes_at=CLOSES,
            actor=paper.secretary,
            now=clock.now(),
        )
    assert ballot(reference).state is BallotState.DRAFT
    assert db.session.scalar(select(OutboxMessage)) is None


def test_notice_freezes_roll_policy_and_paper_and_tells_every_member(app: Flask, clock: MovableClock) -> None:
    paper = lay(private=2, public=2, vcse=2)
    without = world.member("No Rep", Sector.VCSE)
    reference = notice(paper, clock)
    its = ballot(reference)
    assert its.state is BallotState.NOTICE_GIVEN
    assert states(paper) == [ProposalState.ON_BALLOT]
    assert its.roll_hash is not None
    assert len(its.roll_hash) == 64
    mails = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    notices = [mail for mail in mails if mail.key.startswith("ballot-notice:")]
    assert {mail.recipient for mail in notices} == {p.email for p in paper.people.values()} | {without.contact_email}
    assert "9:00am on Wednesday 10 June 2026" in notices[0].what
    assert notices[0].by_when == "Voting closes at 5:00pm on Saturday 20 June 2026."
    world.member("Late Joiner", Sector.PRIVATE)
    with transaction() as session:
        session.add(Setting(key="quorum_min", value="1", effective_from=clock.now(), set_at=clock.now()))
    assert queries.votes_by_sector(its.id) == {Sector.PRIVATE: 2, Sector.PUBLIC: 2, Sector.VCSE: 3}
    assert ballot(reference).policy.quorum_min == 5
    assert service.check() == []


def test_the_paper_must_be_what_was_read(app: Flask, clock: MovableClock) -> None:
    """A proposal that became ready after the draft is not slipped onto the paper, nor left out in silence."""
    paper = lay()
    with transaction():
        reference = service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now()).reference
    papers.add_proposal(paper, 5_00, 2, [world.person("A", Role.ASSESSOR), world.person("B")])
    dates: dict[str, Any] = {"opens_at": OPENS, "closes_at": CLOSES, "actor": paper.secretary, "now": clock.now()}
    with pytest.raises(Conflict, match="changed since"), transaction():
        service.give_notice(reference=reference, **dates)
    with transaction():
        assert (
            service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now()).reference == reference
        )
    assert len(ballot(reference).items) == 2
    with transaction():
        service.give_notice(reference=reference, **dates)


def test_after_notice_there_is_no_second_draft_and_no_second_notice(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = notice(paper, clock)
    papers.add_proposal(paper, 5_00, 2, [world.person("A", Role.ASSESSOR), world.person("B")])
    with pytest.raises(Conflict), transaction():
        service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now())
    with pytest.raises(Conflict), transaction():
        service.give_notice(
            reference=reference, opens_at=OPENS, closes_at=CLOSES, actor=paper.secretary, now=clock.now()
        )


# --- voting


def test_it_opens_and_closes_by_itself_to_the_instant(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = notice(paper, clock)
    voter, item_id = paper.voters["Private 1"], first_item(reference)
    clock.move_to(OPENS - timedelta(seconds=1))
    assert sweep(clock) == 0
    with pytest.raises(Conflict, match="hasn't started"), transaction():
        service.declare_conflicts(reference=reference, item_ids=[], note="", actor=voter, now=clock.now())
    clock.move_to(OPENS)
    assert sweep(clock) == 1
    assert sweep(clock) == 0
    answer(reference, voter, clock)
    clock.move_to(CLOSES - timedelta(microseconds=1))
    say(reference, voter, item_id, Choice.FOR, clock)
    clock.move_to(CLOSES)
    with pytest.raises(Conflict, match="closed"):
        say(reference, voter, item_id, Choice.AGAINST, clock)
    assert sweep(clock) == 1
    assert ballot(reference).state is BallotState.COUNTED
    with pytest.raises(Conflict, match="closed"):
        say(reference, voter, item_id, Choice.AGAINST, clock)
    assert records.recorded(ballot(reference).id).votes[item_id] == {paper.members[0].reference: Choice.FOR}


def test_the_first_to_come_opens_a_ballot_that_is_due(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = notice(paper, clock)
    clock.move_to(OPENS)
    answer(reference, paper.voters["Private 1"], clock)
    assert ballot(reference).state is BallotState.OPEN


def test_a_weeks_outage_is_caught_up(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = notice(paper, clock)
    clock.move_to(CLOSES + timedelta(days=7))
    assert sweep(clock) == 1
    assert ballot(reference).state is BallotState.COUNTED
    assert db.session.scalar(select(OutboxMessage).where(OutboxMessage.key.startswith("ballot-open:"))) is None


def test_the_question_about_conflicts_comes_before_the_paper(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    voter, item_id = paper.voters["Private 1"], first_item(reference)
    with pytest.raises(RuleBroken, match="conflict of interest"):
        say(reference, voter, item_id, Choice.FOR, clock)
    answer(reference, voter, clock)
    say(reference, voter, item_id, Choice.FOR, clock)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "ballot.conflicts_declared")).one()
    assert entry.after["items"] == "none"


def test_the_last_vote_counts_and_every_change_is_kept(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    representative, item_id = paper.voters["Private 1"], first_item(reference)
    _, deputy = world.officer(paper.members[0], Role.DEPUTY, name="Dee Deputy")
    answer(reference, representative, clock)
    answer(reference, deputy, clock)
    first = say(reference, representative, item_id, Choice.FOR, clock, "Good")
    again = say(reference, representative, item_id, Choice.FOR, clock, "Good")
    second = say(reference, deputy, item_id, Choice.AGAINST, clock)
    assert first == again != second
    changes = db.session.scalars(select(VoteChange).order_by(VoteChange.sequence)).all()
    assert [(c.choice, c.reason, c.cast_by_id) for c in changes] == [
        (Choice.FOR, "Good", representative.person_id),
        (Choice.AGAINST, "", deputy.person_id),
    ]
    assert db.session.scalars(select(Vote.choice)).all() == [Choice.AGAINST]


def test_the_audit_log_tells_nothing_of_how_votes_go(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    answer(reference, paper.voters["Private 1"], clock)
    say(reference, paper.voters["Private 1"], first_item(reference), Choice.AGAINST, clock, "secret reason")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "vote.saved")).one()
    assert set(entry.after) == {"item", "organisation", "sequence"}


def test_only_members_on_the_roll_vote_and_only_their_voters(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    item_id = first_item(reference)
    late = world.member("Late Joiner", Sector.PRIVATE)
    _, late_voter = world.officer(late, Role.REPRESENTATIVE)
    with pytest.raises(NotAllowed, match="not on the roll"):
        answer(reference, late_voter, clock)
    with pytest.raises(NotAllowed, match="not on the roll"):
        say(reference, late_voter, item_id, Choice.FOR, clock)
    _, finance = world.officer(paper.members[0], Role.FINANCE)
    with pytest.raises(NotAllowed, match="role"):
        say(reference, finance, item_id, Choice.FOR, clock)


def test_a_person_acts_for_one_member_only_in_a_ballot(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    person = paper.people["Private 1"]
    answer(reference, paper.voters["Private 1"], clock)
    with transaction() as session:
        session.execute(update(Appointment).where(Appointment.person_id == person.id).values(ended_at=clock.now()))
    world.appoint(person, paper.members[1], Role.DEPUTY)
    with pytest.raises(NotAllowed, match="only one member"):
        answer(reference, world.acting(person, paper.members[1]), clock)


def test_foreign_and_absurd_items_are_not_found(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    voter = paper.voters["Private 1"]
    answer(reference, voter, clock)
    for item_id in (0, -1, 10**30, first_item(reference) + 999):
        with pytest.raises(NotFound):
            say(reference, voter, item_id, Choice.FOR, clock)
        with pytest.raises(NotFound):
            answer(reference, voter, clock, [item_id])
    with pytest.raises(NotFound):
        say("B-1999-99", voter, 1, Choice.FOR, clock)


# --- connected organisations and conflicts


def _grouped(first: Organisation, second: Organisation) -> int:
    with transaction() as session:
        group = ConnectedGroup(name="One owner")
        session.add(group)
        session.flush()
        for reference in (first.reference, second.reference):
            session.execute(update(Organisation).where(Organisation.reference == reference).values(group_id=group.id))
        return group.id


def test_connected_organisations_have_one_vote_between_them(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    _grouped(paper.members[0], paper.members[1])
    reference = opened(paper, clock)
    assert queries.votes_by_sector(ballot(reference).id)[Sector.PRIVATE] == 2
    with pytest.raises(NotAllowed, match="one vote between them"):
        answer(reference, paper.voters["Private 2"], clock)
    answer(reference, paper.voters["Private 1"], clock)


def test_connected_organisations_vote_each_where_the_rules_say_so(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    _grouped(paper.members[0], paper.members[1])
    with transaction() as session:
        session.add(
            Setting(key="connected_members_one_vote", value="false", effective_from=clock.now(), set_at=clock.now())
        )
    reference = opened(paper, clock)
    with transaction() as session:  # what the ballot began under holds to its end
        session.add(
            Setting(key="connected_members_one_vote", value="true", effective_from=clock.now(), set_at=clock.now())
        )
    assert queries.votes_by_sector(ballot(reference).id)[Sector.PRIVATE] == 3
    for name in ("Private 1", "Private 2"):
        answer(reference, paper.voters[name], clock)
    assert service.check() == []


def test_partners_and_those_connected_to_them_take_no_part(app: Flask, clock: MovableClock) -> None:
    paper = lay(private=5, public=3, vcse=3, asks=(1_00, 2_00))
    make_partner(paper.proposal_ids[0], paper.members[0], invited_by=paper.secretary)
    _grouped(paper.members[1], paper.members[2])
    make_partner(paper.proposal_ids[0], paper.members[2], invited_by=paper.secretary)
    reference = opened(paper, clock)
    first, second = ballot(reference).items
    for name, kind in (("Private 1", ConflictKind.PARTNER), ("Private 2", ConflictKind.CONNECTED)):
        voter = paper.voters[name]
        answer(reference, voter, clock)
        entry = queries.roll_entry_of(ballot(reference).id, voter.organisation_id)
        assert entry is not None
        assert records.conflicts_of(entry) == {first.id: kind}
        with pytest.raises(NotAllowed, match="takes no part in this decision"):
            say(reference, voter, first.id, Choice.FOR, clock)
        say(reference, voter, second.id, Choice.FOR, clock)
    finish(reference, paper, clock)
    results = {r.item_id: r.outcome for r in queries.results(ballot(reference).id)}
    assert results[first.id]["sectors"]["private"]["recused"] == 2  # type: ignore[index]
    assert results[second.id]["sectors"]["private"]["recused"] == 0  # type: ignore[index]
    assert {(e.item_id, e.name) for e in records.exclusions(ballot(reference).id)} == {
        (first.id, "Private 1"),
        (first.id, "Private 2"),
    }


def test_a_declared_conflict_takes_even_a_saved_vote_out_of_the_count(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    voter, item_id = paper.voters["Private 1"], first_item(reference)
    _, deputy = world.officer(paper.members[0], Role.DEPUTY)
    answer(reference, voter, clock)
    say(reference, voter, item_id, Choice.FOR, clock)
    answer(reference, deputy, clock, [item_id])
    with pytest.raises(NotAllowed, match="was declared"):
        say(reference, voter, item_id, Choice.AGAINST, clock)
    everybody(reference, paper, clock, {Sector.PUBLIC: "fff", Sector.VCSE: "ffff"}, item_id)
    finish(reference, paper, clock)
    outcome = queries.results(ballot(reference).id)[0].outcome
    assert outcome["sectors"]["private"] == {"for": 0, "against": 0, "abstain": 0, "absent": 2, "recused": 1}  # type: ignore[index]
    assert service.check() == []


def test_the_latest_answer_of_a_person_counts(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    voter, item_id = paper.voters["Private 1"], first_item(reference)
    answer(reference, voter, clock, [item_id])
    answer(reference, voter, clock)
    say(reference, voter, item_id, Choice.FOR, clock)


# --- count and declare


def test_a_declared_result_decides_every_proposal(app: Flask, clock: MovableClock) -> None:
    paper = lay(asks=(30_000_00, 30_000_00, 5_000_00), budget_pence=40_000_00)
    reference = opened(paper, clock)
    first, second, third = ballot(reference).items
    everybody(reference, paper, clock, PASSES, first.id)
    everybody(reference, paper, clock, PASSES, second.id)
    everybody(reference, paper, clock, {Sector.PRIVATE: "aaa", Sector.PUBLIC: "aaa", Sector.VCSE: "ffff"}, third.id)
    finish(reference, paper, clock)
    results = {r.item_id: r for r in queries.results(ballot(reference).id)}
    assert [(results[i.id].funded, results[i.id].reserve) for i in (first, second, third)] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert states(paper) == [ProposalState.APPROVED, ProposalState.RESERVE, ProposalState.DECLINED]
    assert [(row.proposal_id, row.requested_pence) for row in queries.funded_items()] == [
        (paper.proposal_ids[0], 30_000_00)
    ]
    assert "£10,000 was left" in results[second.id].explanation
    assert "only VCSE had more for than against" in results[third.id].explanation
    assert service.check() == []


def test_nothing_is_funded_before_it_is_declared(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    everybody(reference, paper, clock, PASSES, first_item(reference))
    clock.move_to(CLOSES)
    sweep(clock)
    assert queries.results(ballot(reference).id)[0].funded
    assert queries.funded_items() == []
    assert states(paper) == [ProposalState.ON_BALLOT]


def test_an_inquorate_vote_lapses_and_may_be_put_again(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    everybody(reference, paper, clock, {Sector.VCSE: "ffff"}, first_item(reference))
    finish(reference, paper, clock)
    assert queries.results(ballot(reference).id)[0].verdict is Verdict.INQUORATE
    assert states(paper) == [ProposalState.ELIGIBLE]
    with transaction():
        second = service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now()).reference
    assert second != reference


def test_money_given_by_an_earlier_ballot_of_the_round_is_not_given_again(app: Flask, clock: MovableClock) -> None:
    paper = lay(asks=(30_000_00, 15_000_00))
    reference = opened(paper, clock)
    first = ballot(reference).items[0]
    everybody(reference, paper, clock, PASSES, first.id)
    finish(reference, paper, clock)
    assert states(paper) == [ProposalState.APPROVED, ProposalState.ELIGIBLE]
    with transaction():
        second = service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now())
        assert second.budget_pence == 20_000_00


def test_only_a_counted_ballot_is_declared_and_only_once(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    with pytest.raises(Conflict, match="Only a counted ballot"), transaction():
        service.declare(reference=reference, actor=paper.secretary, now=clock.now())
    finish(reference, paper, clock)
    with pytest.raises(Conflict), transaction():
        service.declare(reference=reference, actor=paper.secretary, now=clock.now())
    with pytest.raises(NotAllowed), transaction():
        service.declare(reference=reference, actor=paper.voters["Private 1"], now=clock.now())


@pytest.mark.parametrize("table", ["item_result", "vote_change", "roll_entry", "conflict_declaration"])
def test_the_record_cannot_be_edited(app: Flask, clock: MovableClock, table: str) -> None:
    paper = lay()
    reference = opened(paper, clock)
    everybody(reference, paper, clock, PASSES, first_item(reference))
    finish(reference, paper, clock)
    column = {"item_result": "explanation", "vote_change": "reason", "roll_entry": "name"}.get(table, "note")
    for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
            session.execute(text(statement))


def test_a_recount_names_what_was_changed_behind_its_back(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    item_id = first_item(reference)
    everybody(reference, paper, clock, PASSES, item_id)
    finish(reference, paper, clock)
    assert service.check() == []
    with transaction() as session:
        entry = session.scalars(select(RollEntry).where(RollEntry.name == "Private 1")).one()
        member = entry.reference
        session.execute(update(Vote).where(Vote.roll_entry_id == entry.id).values(choice=Choice.AGAINST))
    proposal = ballot(reference).items[0].proposal_reference
    assert service.check() == [
        f"Ballot {reference}: the vote of {member} on {proposal} is not the last one that was saved.",
        f"Ballot {reference}: a recount of {proposal} differs from its result.",
    ]


def test_a_recount_names_a_changed_roll(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = notice(paper, clock)
    with transaction() as session:
        session.execute(text("UPDATE ballot SET roll_hash = 'x'"))
    assert service.check() == [f"Ballot {reference}: the roll no longer has the hash that was published."]


# --- void


def test_a_ballot_is_void_by_two_people(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    _, board = world.official("Bea Board", Role.BOARD)
    with pytest.raises(Conflict, match="must ask first"), transaction():
        service.void(reference=reference, actor=board, now=clock.now())
    both = Actor(paper.secretary.person_id, "Sal", frozenset({Role.SECRETARY, Role.BOARD}))
    with transaction():
        service.ask_to_void(reference=reference, reasons="Wrong paper", actor=both, now=clock.now())
    with pytest.raises(NotAllowed, match="yourself"), transaction():
        service.void(reference=reference, actor=both, now=clock.now())
    _, steward = world.official("Stew", Role.STEWARD)
    with pytest.raises(NotAllowed), transaction():
        service.void(reference=reference, actor=steward, now=clock.now())
    assert ballot(reference).state is BallotState.OPEN
    assert [t.title for t in queries.tasks(board, clock.now())] == [f"Decide whether ballot {reference} is void"]
    with transaction():
        service.void(reference=reference, actor=board, now=clock.now())
    assert ballot(reference).state is BallotState.VOID
    assert states(paper) == [ProposalState.ELIGIBLE]
    with pytest.raises(Conflict, match="closed"):
        answer(reference, paper.voters["Private 1"], clock)
    with pytest.raises(Conflict), transaction():
        service.void(reference=reference, actor=board, now=clock.now())


def test_a_declared_ballot_that_is_void_funds_nothing(app: Flask, clock: MovableClock) -> None:
    paper = lay(asks=(1_00, 2_00))
    world.official("Stew", Role.STEWARD)
    reference = opened(paper, clock)
    everybody(reference, paper, clock, PASSES, first_item(reference))
    finish(reference, paper, clock)
    assert len(queries.funded_items()) == 1
    _, board = world.official("Bea Board", Role.BOARD)
    with transaction():
        service.ask_to_void(reference=reference, reasons="Wrong roll", actor=paper.secretary, now=clock.now())
    with transaction():
        service.void(reference=reference, actor=board, now=clock.now())
    assert queries.funded_items() == []
    assert states(paper) == [ProposalState.ELIGIBLE] * 2
    assert db.session.get_one(Round, paper.round_id).state is RoundState.CLOSED
    assert db.session.scalar(select(OutboxMessage).where(OutboxMessage.key.startswith("ballot-void-stewards:")))


# --- tasks


def test_tasks_follow_the_ballot(app: Flask, clock: MovableClock) -> None:
    paper = lay(asks=(1_00, 2_00))
    voter = paper.voters["Private 1"]

    def titles(actor: Actor) -> list[str]:
        db.session.rollback()
        return [task.title for task in queries.tasks(actor, clock.now())]

    assert titles(paper.secretary) == [f"Draft the ballot of round {paper.round_reference}"]
    with transaction():
        reference = service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now()).reference
    assert titles(paper.secretary) == [f"Give notice of ballot {reference}"]
    with transaction():
        service.give_notice(
            reference=reference, opens_at=OPENS, closes_at=CLOSES, actor=paper.secretary, now=clock.now()
        )
    assert titles(paper.secretary) == titles(voter) == []
    clock.move_to(OPENS)
    sweep(clock)
    assert titles(voter) == [f"Vote in ballot {reference}"]
    assert queries.tasks(voter, clock.now())[0].due == CLOSES
    answer(reference, voter, clock)
    first, second = ballot(reference).items
    say(reference, voter, first.id, Choice.FOR, clock)
    assert "1 decision in" in queries.tasks(voter, clock.now())[0].why
    say(reference, voter, second.id, Choice.FOR, clock)
    assert titles(voter) == []
    clock.move_to(CLOSES)
    assert titles(paper.voters["Private 2"]) == []
    sweep(clock)
    assert titles(paper.secretary) == [f"Declare the result of ballot {reference}"]


# --- many at once


def _at_once(app: Flask, *works: Any) -> list[object]:
    """Run all works together in threads of their own; gives what each returned or the error people would meet."""
    start, answers = Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Any) -> None:
        with app.app_context():
            start.wait(30)
            try:
                answers[place] = work()
            except FundError as error:
                answers[place] = error  # type: ignore[call-overload]
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return list(answers)


def test_every_acknowledged_vote_is_counted_once_and_none_after_the_close(app: Flask, clock: MovableClock) -> None:
    paper = lay(private=4, public=4, vcse=4)
    reference = opened(paper, clock)
    item_id, voters = first_item(reference), list(paper.voters.values())
    for voter in voters:
        answer(reference, voter, clock)
    db.session.remove()
    # Votes are judged by an instant just before the close, while the scheduler closes at the same moment.
    just_before = CLOSES - timedelta(microseconds=1)

    def voting(actor: Actor) -> Any:
        def work() -> str:
            with transaction():
                service.vote(
                    reference=reference, item_id=item_id, choice=Choice.FOR, reason="", actor=actor, now=just_before
                )
            return actor.organisation_reference or ""

        return work

    def closing() -> int:
        with transaction():
            return service.sweep(CLOSES)

    answers = _at_once(app, *(voting(voter) for voter in voters[:6]), closing, *(voting(voter) for voter in voters[6:]))
    acknowledged = {found for found in answers if isinstance(found, str)}
    refused = [found for found in answers if isinstance(found, FundError)]
    assert all(isinstance(error, Conflict) for error in refused)
    assert len(acknowledged) + len(refused) == 12
    db.session.rollback()
    counted = queries.results(ballot(reference).id)[0].outcome["sectors"]
    assert sum(row["for"] for row in counted.values()) == len(acknowledged)  # type: ignore[attr-defined]
    assert set(records.recorded(ballot(reference).id).votes.get(item_id, {})) == acknowledged
    assert service.check() == []


def test_representative_and_deputies_at_once_leave_one_vote(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    item_id = first_item(reference)
    team = [paper.voters["Private 1"]] + [world.officer(paper.members[0], Role.DEPUTY)[1] for _ in range(3)]
    for voter in team:
        answer(reference, voter, clock)
    now = clock.now()
    db.session.remove()

    def voting(actor: Actor, choice: Choice) -> Any:
        def work() -> str:
            with transaction():
                saved = service.vote(
                    reference=reference, item_id=item_id, choice=choice, reason=actor.name, actor=actor, now=now
                )
                return saved.receipt

        return work

    choices = (Choice.FOR, Choice.AGAINST, Choice.FOR, Choice.ABSTAIN)
    receipts = _at_once(app, *(voting(actor, choice) for actor, choice in zip(team, choices, strict=True)))
    assert len(set(receipts)) == 4
    assert [c.sequence for c in db.session.scalars(select(VoteChange).order_by(VoteChange.sequence))] == [1, 2, 3, 4]
    assert len(db.session.scalars(select(Vote)).all()) == 1
    assert service.check() == []


def test_the_first_voters_together_open_a_due_ballot_once(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = notice(paper, clock)
    clock.move_to(OPENS)
    now = clock.now()
    db.session.remove()

    def answering(actor: Actor) -> Any:
        def work() -> str:
            with transaction():
                service.declare_conflicts(reference=reference, item_ids=[], note="", actor=actor, now=now)
            return "done"

        return work

    assert set(_at_once(app, *(answering(voter) for voter in paper.voters.values()))) == {"done"}
    opened_entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "ballot.opened")).all()
    assert len(opened_entries) == 1


def test_two_secretaries_draft_one_ballot_and_give_one_notice(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    now = clock.now()
    with transaction():
        next_number("warm")
    db.session.remove()

    def drafting() -> str:
        with transaction():
            return service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=now).reference

    assert set(_at_once(app, drafting, drafting)) == {"B-2026-01"}

    def noticing() -> str:
        with transaction():
            service.give_notice(reference="B-2026-01", opens_at=OPENS, closes_at=CLOSES, actor=paper.secretary, now=now)
        return "done"

    answers = _at_once(app, noticing, noticing)
    assert sorted(str(type(found).__name__) for found in answers) == ["Conflict", "str"]


def test_two_declarations_at_once_declare_once(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    everybody(reference, paper, clock, PASSES, first_item(reference))
    clock.move_to(CLOSES)
    sweep(clock)
    now = clock.now()
    db.session.remove()

    def declaring() -> str:
        with transaction():
            service.declare(reference=reference, actor=paper.secretary, now=now)
        return "done"

    answers = _at_once(app, declaring, declaring)
    assert sorted(str(type(found).__name__) for found in answers) == ["Conflict", "str"]
    assert len(db.session.scalars(select(ItemResult)).all()) == 1

"""Declarations, scores, talks."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from fund.kernel.access import Actor, Role
from fund.kernel.audit import AuditEntry
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, RuleBroken
from fund.kernel.policy import Policy
from members.models import ConnectedGroup, Organisation
from members.rules import Sector
from proposals.assessment import queries, service
from proposals.assessment.models import Assessment, Moderation
from proposals.assessment.rules import GATE_CODES, Outcome
from proposals.assessment.service import Judgement
from proposals.models import Partner
from proposals.rules import ProposalState
from tests import world
from tests.conftest import START
from tests.proposals.evidence.scene import Scene, lay, sent

POLICY = Policy()


def judgement(*scores: int, level: int = 4) -> Judgement:
    given = scores if len(scores) == 4 else scores * 4
    return Judgement(dict(zip(GATE_CODES, given, strict=True)), dict.fromkeys(GATE_CODES, "Because"), level)


@dataclass
class Panel:
    scene: Scene
    version_id: int
    ann: Actor
    bo: Actor

    @property
    def proposal_id(self) -> int:
        return self.scene.proposal_id


@pytest.fixture
def panel(app: Flask) -> Panel:
    scene = lay()
    version_id = sent(scene)
    ann = world.official("Ann Assessor", Role.ASSESSOR)[1]
    bo = world.official("Bo Lived", Role.LIVED_EXPERIENCE_ASSESSOR)[1]
    return Panel(scene, version_id, ann, bo)


def declare(panel: Panel, actor: Actor, conflict: str = "") -> None:
    with transaction():
        service.declare(proposal_id=panel.proposal_id, conflict=conflict, actor=actor, now=START)


def submit(panel: Panel, actor: Actor, *scores: int) -> None:
    with transaction():
        service.submit(proposal_id=panel.proposal_id, judgement=judgement(*scores), actor=actor, now=START)


def both(panel: Panel, ann: tuple[int, ...], bo: tuple[int, ...]) -> None:
    for actor, scores in ((panel.ann, ann), (panel.bo, bo)):
        declare(panel, actor)
        submit(panel, actor, *scores)


def moderate(panel: Panel, outcome: Outcome, actor: Actor | None = None) -> None:
    with transaction():
        service.moderate(
            proposal_id=panel.proposal_id,
            held_on=date(2026, 6, 1),
            took_part="Ann, Bo",
            notes="We read gate 1 again",
            outcome=outcome,
            actor=actor or panel.scene.steward,
            now=START,
        )


def test_it_is_assessed_when_two_have_scored_one_with_lived_experience(panel: Panel) -> None:
    assert not queries.assessed(panel.proposal_id, POLICY)
    assert queries.mean_score(panel.proposal_id) is None
    both(panel, (3,), (2, 3, 4, 3))
    assert queries.assessed(panel.proposal_id, POLICY)
    assert queries.not_ready(panel.proposal_id, POLICY) == []
    assert queries.mean_score(panel.proposal_id) == Fraction(3)


def test_the_declaration_comes_first_and_none_is_recorded(panel: Panel) -> None:
    with pytest.raises(RuleBroken):
        submit(panel, panel.ann, 3)
    declare(panel, panel.ann)
    row = queries.own(panel.version_id, panel.ann.person_id)
    assert row is not None
    assert (row.conflict, row.declared_at) == ("", START)
    with pytest.raises(Conflict):
        declare(panel, panel.ann)


def test_a_declared_link_shuts_out(panel: Panel) -> None:
    declare(panel, panel.ann, "My sister works there")
    with pytest.raises(NotAllowed):
        submit(panel, panel.ann, 4)
    assert queries.standing(panel.proposal_id, POLICY).submitted == 0
    assert queries.others(panel.version_id, panel.ann.person_id) is None
    assert queries.tasks(panel.ann, START) == []


def test_a_role_in_a_partner_shuts_out_whatever_is_declared(panel: Panel) -> None:
    person, actor = world.official("Cy Assessor", Role.ASSESSOR)
    world.appoint(person, panel.scene.firm, Role.DEPUTY)
    for act in (lambda: declare(panel, actor), lambda: submit(panel, actor, 4)):
        with pytest.raises(NotAllowed, match="Loom Works Ltd"):
            act()


def test_a_partner_that_left_still_shuts_out(panel: Panel) -> None:
    person, actor = world.official("Cy Assessor", Role.ASSESSOR)
    world.appoint(person, panel.scene.firm, Role.DEPUTY)
    with transaction():
        db.session.get_one(Partner, panel.scene.partner_ids["firm"]).withdrawn_at = START
    with pytest.raises(NotAllowed):
        declare(panel, actor)


def test_a_body_connected_to_a_partner_shuts_out(panel: Panel) -> None:
    with transaction() as session:
        group = ConnectedGroup(name="Loom family")
        session.add(group)
        session.flush()
        group_id = group.id
        db.session.get_one(Organisation, panel.scene.firm.id).group_id = group_id
    foundation = world.member("Loom Foundation", Sector.VCSE, group_id=group_id)
    person, actor = world.official("Cy Assessor", Role.ASSESSOR)
    world.appoint(person, foundation, Role.REPRESENTATIVE)
    with pytest.raises(NotAllowed, match="connected"):
        declare(panel, actor)


def test_a_role_taken_up_after_declaring_shuts_out_too(panel: Panel) -> None:
    person, actor = world.official("Cy Assessor", Role.ASSESSOR)
    declare(panel, actor)
    world.appoint(person, panel.scene.council, Role.FINANCE)
    with pytest.raises(NotAllowed):
        submit(panel, actor, 4)


def test_others_scores_are_hidden_until_ones_own_are_in(panel: Panel) -> None:
    declare(panel, panel.ann)
    declare(panel, panel.bo)
    submit(panel, panel.bo, 3)
    assert queries.others(panel.version_id, panel.ann.person_id) is None
    with transaction():
        service.save(proposal_id=panel.proposal_id, judgement=judgement(2), actor=panel.ann, now=START)
    assert queries.others(panel.version_id, panel.ann.person_id) is None
    submit(panel, panel.ann, 2)
    others = queries.others(panel.version_id, panel.ann.person_id)
    assert others is not None
    assert [one.assessor_id for one in others] == [panel.bo.person_id]


def test_a_draft_may_have_gaps_and_a_submission_names_every_one(panel: Panel) -> None:
    declare(panel, panel.ann)
    empty = Judgement({}, {}, None)
    with transaction():
        service.save(proposal_id=panel.proposal_id, judgement=empty, actor=panel.ann, now=START)
    with pytest.raises(RuleBroken) as broken, transaction():
        service.submit(proposal_id=panel.proposal_id, judgement=empty, actor=panel.ann, now=START)
    assert len(broken.value.findings) == 9
    for wrong in (-1, 5):
        with pytest.raises(RuleBroken), transaction():
            service.submit(
                proposal_id=panel.proposal_id, judgement=judgement(wrong, 2, 2, 2), actor=panel.ann, now=START
            )


def test_scores_are_given_once(panel: Panel) -> None:
    declare(panel, panel.ann)
    submit(panel, panel.ann, 3)
    with pytest.raises(Conflict):
        submit(panel, panel.ann, 4)


def test_two_windows_do_not_overwrite_each_other(panel: Panel) -> None:
    declare(panel, panel.ann)
    common = {"proposal_id": panel.proposal_id, "actor": panel.ann, "now": START, "seen": 1}
    with transaction():
        service.save(judgement=judgement(2), **common)  # type: ignore[arg-type]
    with pytest.raises(Conflict), transaction():
        service.save(judgement=judgement(3), **common)  # type: ignore[arg-type]


def test_only_assessors_assess_and_only_eligible_proposals(panel: Panel) -> None:
    with pytest.raises(NotAllowed):
        declare(panel, panel.scene.steward)
    for state in (ProposalState.SUBMITTED, ProposalState.ON_BALLOT, ProposalState.DECLINED):
        panel.scene.set_state(state)
        with pytest.raises(Conflict):
            declare(panel, panel.ann)


def test_a_new_version_is_scored_anew(panel: Panel) -> None:
    both(panel, (3,), (3,))
    sent(panel.scene)
    assert queries.standing(panel.proposal_id, POLICY).submitted == 0
    declare(panel, panel.ann)


def test_a_nought_leads_to_a_talk_after_which_the_assessors_score_again(panel: Panel) -> None:
    both(panel, (3,), (0, 3, 3, 3))
    assert [task.path for task in queries.tasks(panel.scene.steward, START)] == ["/assessments/P-2026-001/moderation"]
    moderate(panel, Outcome.SCORE_AGAIN)
    assert queries.tasks(panel.scene.steward, START) == []
    assert queries.standing(panel.proposal_id, POLICY).submitted == 0
    assert len(queries.tasks(panel.ann, START)) == len(queries.tasks(panel.bo, START)) == 1
    submit(panel, panel.ann, 3)
    submit(panel, panel.bo, 2)
    assert queries.assessed(panel.proposal_id, POLICY)
    kept = db.session.scalars(select(AuditEntry.after).where(AuditEntry.action == "assessment.submitted")).all()
    assert [entry["g1"] for entry in kept] == [3, 0, 3, 2]


def test_scores_that_stand_keep_it_off_the_ballot(panel: Panel) -> None:
    both(panel, (1,), (2,))
    moderate(panel, Outcome.STANDS)
    assert not queries.assessed(panel.proposal_id, POLICY)
    assert "scores stand" in queries.not_ready(panel.proposal_id, POLICY)[0].message
    assert queries.tasks(panel.scene.steward, START) == []
    with pytest.raises(Conflict):
        moderate(panel, Outcome.SCORE_AGAIN)


def test_there_is_nothing_to_moderate_while_scores_pass_or_are_missing(panel: Panel) -> None:
    with pytest.raises(Conflict):
        moderate(panel, Outcome.STANDS)
    both(panel, (3,), (3,))
    with pytest.raises(Conflict):
        moderate(panel, Outcome.STANDS)


def test_who_assesses_or_has_a_role_in_a_partner_does_not_moderate(panel: Panel) -> None:
    both(panel, (1,), (1,))
    assessing = world.official("Dee Both", Role.STEWARD, Role.ASSESSOR)[1]
    person, interested = world.official("Eve Steward", Role.STEWARD)
    world.appoint(person, panel.scene.council, Role.EDITOR)
    for actor in (assessing, interested, panel.ann):
        with pytest.raises(NotAllowed):
            moderate(panel, Outcome.STANDS, actor)


def test_a_talk_to_come_is_no_talk(panel: Panel) -> None:
    both(panel, (1,), (1,))
    with pytest.raises(RuleBroken), transaction():
        service.moderate(
            proposal_id=panel.proposal_id,
            held_on=date(2026, 6, 2),
            took_part="x",
            notes="x",
            outcome=Outcome.STANDS,
            actor=panel.scene.steward,
            now=START,
        )


def test_a_recorded_talk_can_not_be_altered(panel: Panel) -> None:
    both(panel, (1,), (1,))
    moderate(panel, Outcome.STANDS)
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(update(Moderation).values(notes="Otherwise"))


def test_the_database_refuses_scores_from_a_conflicted_assessor(panel: Panel) -> None:
    declare(panel, panel.ann, "My sister works there")
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(update(Assessment).values(submitted_at=START))


def test_the_desk_lists_what_waits_with_the_reason_where_it_is_not_theirs(panel: Panel) -> None:
    person, conflicted = world.official("Cy Assessor", Role.ASSESSOR)
    world.appoint(person, panel.scene.firm, Role.DEPUTY)
    (row,) = queries.desk(conflicted.person_id)
    assert not row.waits
    assert "Loom Works Ltd" in (row.shut_out or "")
    assert queries.desk(panel.ann.person_id)[0].waits
    (task,) = queries.tasks(panel.ann, START)
    assert task.path == "/assessments/P-2026-001"
    assert task.due is not None
    assert task.due - START > timedelta(days=80)
    assert queries.tasks(panel.scene.writer, START) == []


def test_lived_experience_is_a_matter_of_the_role_held(panel: Panel) -> None:
    plain = replace(panel.bo, roles=frozenset({Role.ASSESSOR}))
    declare(panel, plain)
    submit(panel, plain, 3)
    declare(panel, panel.ann)
    submit(panel, panel.ann, 3)
    assert "lived experience" in queries.not_ready(panel.proposal_id, POLICY)[0].message


def test_scores_that_still_do_not_pass_after_a_talk_ask_for_another(panel: Panel) -> None:
    both(panel, (3,), (0, 3, 3, 3))
    moderate(panel, Outcome.SCORE_AGAIN)
    submit(panel, panel.ann, 3)
    submit(panel, panel.bo, 0, 3, 3, 3)
    assert queries.standing(panel.proposal_id, POLICY).needs_moderation
    moderate(panel, Outcome.STANDS)
    assert not queries.standing(panel.proposal_id, POLICY).needs_moderation

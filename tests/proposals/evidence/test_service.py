"""What the lead writes, and levers that their owners confirm."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import event, select

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from members.rules import Sector
from proposals.evidence import attestation_service, queries, service
from proposals.evidence.models import Lever, PhaseLevel
from proposals.evidence.service import Activity, Claim
from proposals.evidence.words import Changed, Decisions, LeverKind, Offered, Phase, TookPart, Verdict, WhoAnswers
from proposals.models import Partner
from proposals.rules import ProposalState
from tests import world
from tests.conftest import START
from tests.proposals.evidence.scene import SECRET, Scene, lay

ACTIVITY = Activity(date(2026, 3, 1), "Talk", "Centre", 3, 0, 1)


@pytest.fixture
def scene(app: Flask) -> Scene:
    return lay()


def add_lever(scene: Scene, owner: str | None = "council", today: str = "By date") -> int:
    with transaction():
        return service.add_lever(
            proposal_id=scene.proposal_id,
            kind=LeverKind.RULES,
            today=today,
            after="By need",
            owner_partner_id=scene.partner_ids[owner] if owner else None,
            actor=scene.writer,
            now=START,
        ).id


def confirm(scene: Scene, lever_id: int) -> None:
    with transaction():
        service.confirm_lever(lever_id=lever_id, seen_terms=None, actor=scene.council_certifier, now=START)


def change_lever(scene: Scene, lever_id: int, **changes: object) -> None:
    lever = db.session.get_one(Lever, lever_id)
    values: dict[str, object] = {
        "kind": lever.kind,
        "today": lever.today,
        "after": lever.after,
        "owner_partner_id": lever.owner_partner_id,
        "seen": lever.revision,
    }
    with transaction():
        service.change_lever(
            proposal_id=scene.proposal_id,
            lever_id=lever_id,
            actor=scene.writer,
            now=START,
            **{**values, **changes},  # type: ignore[arg-type]
        )


def condition(scene: Scene, code: str) -> bool:
    reports = queries.gates(scene.proposal_id, START)
    return next(c.met for report in reports for c in report.conditions if c.code == code)


def is_confirmed(lever_id: int) -> bool:
    return db.session.get_one(Lever, lever_id).is_confirmed


def fill(scene: Scene) -> None:
    """All evidence that the gates ask for."""
    with transaction():
        common = {"proposal_id": scene.proposal_id, "actor": scene.writer, "now": START}
        service.add_activity(activity=ACTIVITY, **common)  # type: ignore[arg-type]
        service.add_activity(activity=replace(ACTIVITY, on=date(2026, 4, 1)), **common)  # type: ignore[arg-type]
        service.add_pair(heard="Mornings are hard", changed="Evenings", **common)  # type: ignore[arg-type]
        levels = dict(zip(Phase, (3, 4, 5, 4, 4), strict=True))
        claims = {phase: Claim(level, "Shown") for phase, level in levels.items()}
        service.claim_levels(claims=claims, **common)  # type: ignore[arg-type]
    confirm(scene, add_lever(scene))
    with transaction():
        codes = attestation_service.issue_codes(
            proposal_id=scene.proposal_id,
            cards=3,
            help_phone="0161 496 0000",
            secret=SECRET,
            actor=scene.steward,
            now=START,
        )
        for code in codes:
            attestation_service.answer(
                code=code,
                secret=SECRET,
                answers=attestation_service.Answers(
                    WhoAnswers.MYSELF,
                    TookPart.MEETINGS,
                    Changed.YES,
                    Decisions.JOIN,
                    Offered.EXPENSES,
                    Verdict.AGREE,
                ),
                seen=0,
                now=START,
            )


def test_the_gates_open_when_everything_is_there(scene: Scene) -> None:
    assert [report.met for report in queries.gates(scene.proposal_id, START)] == [True, False, False, False]
    fill(scene)
    assert queries.missing(scene.proposal_id, START) == []


def test_a_partner_that_withdraws_shuts_gates_one_and_four_again(scene: Scene) -> None:
    fill(scene)
    with transaction():
        db.session.get_one(Partner, scene.partner_ids["council"]).withdrawn_at = START
    assert [report.met for report in queries.gates(scene.proposal_id, START)] == [False, True, True, False]


def test_a_partner_whose_terms_changed_counts_no_more(scene: Scene) -> None:
    with transaction():
        db.session.get_one(Partner, scene.partner_ids["firm"]).contribution_description = "Two days a week"
    assert not condition(scene, "g1.sectors")
    assert not condition(scene, "g1.confirmed")


def test_the_case_costs_a_fixed_number_of_queries(app: Flask, scene: Scene) -> None:
    def count() -> int:
        seen: list[str] = []

        def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        db.session.rollback()
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            queries.gates(scene.proposal_id, START)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return sum(statement.lstrip().upper().startswith("SELECT") for statement in seen)

    few = count()
    fill(scene)
    with transaction():
        for day in range(1, 29):
            service.add_activity(
                proposal_id=scene.proposal_id,
                activity=replace(ACTIVITY, on=date(2026, 2, day)),
                actor=scene.writer,
                now=START,
            )
    for _ in range(4):
        add_lever(scene)
    many = count()
    assert many == few <= 14


def test_frozen_evidence_is_plain_and_holds_answers_as_a_count_only(scene: Scene) -> None:
    import json

    fill(scene)
    frozen = queries.frozen(scene.proposal_id)
    assert json.loads(json.dumps(frozen)) == frozen
    assert frozen["attestations"] == {"answers": 3, "words": "3 answers so far"}
    assert frozen["levers"][0]["owner"] == "Irkdale Council"  # type: ignore[index]
    assert frozen["levers"][0]["confirmed_by_owner"] is True  # type: ignore[index]


# --- who may write, and when


def test_only_people_who_write_for_the_lead_change_evidence(scene: Scene) -> None:
    finance = world.officer(scene.lead, Role.FINANCE)[1]
    stranger = world.officer(world.member("Elsewhere", Sector.VCSE))[1]
    for actor, error in ((scene.firm_certifier, NotAllowed), (finance, NotAllowed), (stranger, NotFound)):
        with pytest.raises(error), transaction():
            service.add_pair(proposal_id=scene.proposal_id, heard="a", changed="b", actor=actor, now=START)
    assert queries.pairs(scene.proposal_id) == []


def test_nothing_changes_once_it_was_sent_or_its_time_is_over(scene: Scene) -> None:
    fill(scene)
    activity = queries.activities(scene.proposal_id)[0].id
    pair = queries.pairs(scene.proposal_id)[0].id
    lever = queries.levers(scene.proposal_id)[0].id
    common = {"proposal_id": scene.proposal_id, "actor": scene.writer}
    acts = (
        lambda now: service.add_activity(activity=ACTIVITY, now=now, **common),  # type: ignore[arg-type]
        lambda now: service.remove_activity(activity_id=activity, now=now, **common),  # type: ignore[arg-type]
        lambda now: service.change_activity(activity_id=activity, activity=ACTIVITY, seen=None, now=now, **common),  # type: ignore[arg-type]
        lambda now: service.add_pair(heard="a", changed="b", now=now, **common),  # type: ignore[arg-type]
        lambda now: service.change_pair(pair_id=pair, heard="a", changed="b", seen=None, now=now, **common),  # type: ignore[arg-type]
        lambda now: service.remove_pair(pair_id=pair, now=now, **common),  # type: ignore[arg-type]
        lambda now: service.claim_levels(claims={}, now=now, **common),  # type: ignore[arg-type]
        lambda now: service.remove_lever(lever_id=lever, now=now, **common),  # type: ignore[arg-type]
        lambda now: service.confirm_lever(lever_id=lever, seen_terms=None, actor=scene.council_certifier, now=now),
    )
    late = START + timedelta(days=31)
    for act in acts:
        with pytest.raises(Conflict), transaction():
            act(late)
    scene.set_state(ProposalState.SUBMITTED)
    for act in acts:
        with pytest.raises(Conflict), transaction():
            act(START)
    scene.set_state(ProposalState.RETURNED)
    with transaction():
        acts[0](START)


def test_an_activity_names_every_fault_beside_its_field(scene: Scene) -> None:
    bad = Activity(date(2026, 6, 2), "Talk", "Centre", 0, 0, 0)
    with pytest.raises(RuleBroken) as broken, transaction():
        service.add_activity(proposal_id=scene.proposal_id, activity=bad, actor=scene.writer, now=START)
    assert {finding.field for finding in broken.value.findings} == {"on", "people"}


def test_nobody_saves_over_anothers_words(scene: Scene) -> None:
    fill(scene)
    row = queries.pairs(scene.proposal_id)[0]
    pair_id, seen = row.id, row.revision
    common = {"proposal_id": scene.proposal_id, "pair_id": pair_id, "changed": "c", "seen": seen}
    with transaction():
        service.change_pair(heard="mine", actor=scene.writer, now=START, **common)  # type: ignore[arg-type]
    with pytest.raises(Conflict), transaction():
        service.change_pair(heard="theirs", actor=scene.writer, now=START, **common)  # type: ignore[arg-type]
    assert queries.pairs(scene.proposal_id)[0].heard == "mine"


def test_levels_are_replaced_removed_and_guarded_against_a_stale_page(scene: Scene) -> None:
    def claim(level: int | None, evidence: str, seen: int | None) -> None:
        with transaction():
            service.claim_levels(
                proposal_id=scene.proposal_id,
                claims={Phase.DESIGN: Claim(level, evidence)},
                seen=seen,
                actor=scene.writer,
                now=START,
            )

    claim(3, "First", 0)
    with pytest.raises(Conflict):
        claim(5, "Stale", 0)
    claim(4, "Second", service.levels_seen(scene.proposal_id))
    assert queries.levels(scene.proposal_id)[Phase.DESIGN].level == 4
    with pytest.raises(RuleBroken):
        claim(None, "Words without a level", None)
    claim(None, "", None)
    assert db.session.scalars(select(PhaseLevel)).all() == []


def test_ids_of_another_proposal_are_not_found(scene: Scene) -> None:
    for wrong in (999, 2**63, 0):
        with pytest.raises(NotFound), transaction():
            service.remove_activity(proposal_id=scene.proposal_id, activity_id=wrong, actor=scene.writer, now=START)
        with pytest.raises(NotFound), transaction():
            service.confirm_lever(lever_id=wrong, seen_terms=None, actor=scene.council_certifier, now=START)


# --- levers


def test_an_owner_confirms_from_its_own_account_and_gate_four_sees_it(scene: Scene) -> None:
    lever_id = add_lever(scene)
    assert not condition(scene, "g4.lever")
    assert [task.path for task in queries.tasks(scene.council_certifier, START)] == [f"/levers/{lever_id}/confirm"]
    assert queries.tasks(scene.firm_certifier, START) == []
    with pytest.raises(NotFound), transaction():
        service.confirm_lever(lever_id=lever_id, seen_terms=None, actor=scene.firm_certifier, now=START)
    editor = world.officer(scene.council, Role.EDITOR)[1]
    with pytest.raises(NotAllowed), transaction():
        service.confirm_lever(lever_id=lever_id, seen_terms=None, actor=editor, now=START)
    confirm(scene, lever_id)
    assert condition(scene, "g4.lever")
    assert queries.tasks(scene.council_certifier, START) == []


@pytest.mark.parametrize("changes", [{"today": "Otherwise"}, {"after": "Otherwise"}, {"kind": LeverKind.POWER}])
def test_any_change_of_the_words_voids_the_confirmation_and_tells_the_owner(
    scene: Scene, changes: dict[str, object]
) -> None:
    lever_id = add_lever(scene)
    confirm(scene, lever_id)
    change_lever(scene, lever_id, **changes)
    assert not is_confirmed(lever_id)
    assert db.session.get_one(Lever, lever_id).voided_at == START
    assert not condition(scene, "g4.lever")
    mails = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [mail.recipient for mail in mails] == [scene.council_person.email] * 2
    assert "no longer counts" in mails[1].what
    assert len(queries.tasks(scene.council_certifier, START)) == 1


def test_another_owner_must_confirm_anew(scene: Scene) -> None:
    lever_id = add_lever(scene)
    confirm(scene, lever_id)
    change_lever(scene, lever_id, owner_partner_id=scene.partner_ids["firm"])
    assert not is_confirmed(lever_id)
    with pytest.raises(NotFound), transaction():
        service.confirm_lever(lever_id=lever_id, seen_terms=None, actor=scene.council_certifier, now=START)


def test_words_changed_and_changed_back_need_a_new_confirmation(scene: Scene) -> None:
    lever_id = add_lever(scene)
    confirm(scene, lever_id)
    change_lever(scene, lever_id, today="Otherwise")
    change_lever(scene, lever_id, today="By date")
    assert not is_confirmed(lever_id)


def test_saving_the_same_words_keeps_the_confirmation(scene: Scene) -> None:
    lever_id = add_lever(scene)
    confirm(scene, lever_id)
    change_lever(scene, lever_id)
    assert is_confirmed(lever_id)


def test_an_owner_does_not_confirm_words_it_has_not_seen(scene: Scene) -> None:
    lever_id = add_lever(scene)
    seen = db.session.get_one(Lever, lever_id).terms
    change_lever(scene, lever_id, after="Something else")
    with pytest.raises(Conflict), transaction():
        service.confirm_lever(lever_id=lever_id, seen_terms=seen, actor=scene.council_certifier, now=START)
    assert not is_confirmed(lever_id)


def test_an_owner_must_be_a_present_partner(scene: Scene) -> None:
    with transaction():
        db.session.get_one(Partner, scene.partner_ids["firm"]).withdrawn_at = START
    with pytest.raises(RuleBroken):
        add_lever(scene, owner="firm")


def test_a_lever_may_wait_for_its_owner_and_then_nobody_is_asked(scene: Scene) -> None:
    add_lever(scene, owner=None)
    assert db.session.scalars(select(OutboxMessage)).all() == []


def test_the_clock_is_not_asked(scene: Scene, clock: MovableClock) -> None:
    """What counts is the instant handed in: a year later the same activities are too old."""
    fill(scene)
    assert condition(scene, "g2.activities")
    later = queries.gates(scene.proposal_id, START + timedelta(days=400))
    assert not later[1].met


def test_a_confirmation_never_covers_words_that_came_about_otherwise(scene: Scene) -> None:
    """Even a change past the service leaves no confirmation of other words."""
    lever_id = add_lever(scene)
    confirm(scene, lever_id)
    with transaction():
        db.session.get_one(Lever, lever_id).after = "By luck"
    assert not is_confirmed(lever_id)


def test_nobody_is_asked_to_confirm_once_the_proposal_was_sent(scene: Scene) -> None:
    add_lever(scene)
    scene.set_state(ProposalState.SUBMITTED)
    assert queries.tasks(scene.council_certifier, START) == []

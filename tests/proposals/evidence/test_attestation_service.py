"""Cards, answers, and what follows from them."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text

from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from proposals.evidence import attestation_queries, codes, queries
from proposals.evidence import attestation_service as service
from proposals.evidence.attestation_service import Answers
from proposals.evidence.case import AnswerCounts
from proposals.evidence.models import Attestation, CodeBatch, DaySalt, SafeguardingConcern, WrongCodes
from proposals.evidence.words import Changed, Decisions, Offered, TookPart, Verdict, WhoAnswers
from proposals.rules import ProposalState
from tests import world
from tests.conftest import START
from tests.proposals.evidence.scene import SECRET, Scene, lay

YES = Answers(
    WhoAnswers.MYSELF, TookPart.MEETINGS, Changed.YES, Decisions.JOIN, Offered.EXPENSES, Verdict.AGREE, "It was good"
)


@pytest.fixture
def scene(app: Flask) -> Scene:
    return lay()


def issue(scene: Scene, cards: int = 5) -> list[str]:
    with transaction():
        return service.issue_codes(
            proposal_id=scene.proposal_id,
            cards=cards,
            help_phone="0161 496 0000",
            secret=SECRET,
            actor=scene.steward,
            now=START,
        )


def answer(code: str, answers: Answers = YES, seen: int = 0) -> int:
    with transaction():
        return service.answer(code=code, secret=SECRET, answers=answers, seen=seen, now=START).id


def counts(scene: Scene) -> AnswerCounts:
    return queries.answer_counts(scene.proposal_id)


def mails(role_subject: str) -> list[OutboxMessage]:
    rows = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
    return [mail for mail in rows if role_subject in mail.subject]


# --- cards


def test_codes_are_kept_nowhere_in_clear(scene: Scene) -> None:
    made = issue(scene)
    answer(made[0])
    assert len(set(made)) == 5
    for table in inspect(db.engine).get_table_names():
        for row in db.session.execute(text(f'SELECT * FROM "{table}"')):
            assert not any(code in str(value) for code in made for value in row), table


def test_a_lead_asks_and_a_steward_gets_a_task_that_cards_end(scene: Scene) -> None:
    common = {"proposal_id": scene.proposal_id, "now": START}
    with transaction():
        service.ask_for_cards(cards=5, where="The centre", actor=scene.writer, **common)  # type: ignore[arg-type]
    assert [task.path for task in queries.tasks(scene.steward, START)] == ["/proposals/P-2026-001/codes"]
    assert queries.tasks(scene.writer, START) == []
    with pytest.raises(RuleBroken), transaction():
        service.ask_for_cards(cards=5, where="Again", actor=scene.writer, **common)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed), transaction():
        service.ask_for_cards(cards=5, where="Us", actor=scene.firm_certifier, **common)  # type: ignore[arg-type]
    issue(scene)
    assert queries.tasks(scene.steward, START) == []


def test_only_stewards_without_a_role_in_a_partner_make_cards(scene: Scene) -> None:
    world.appoint(scene.steward_person, scene.firm, Role.DEPUTY)
    for actor in (scene.steward, scene.writer):
        with pytest.raises(NotAllowed), transaction():
            service.issue_codes(
                proposal_id=scene.proposal_id, cards=1, help_phone="x", secret=SECRET, actor=actor, now=START
            )


@pytest.mark.parametrize("cards", [0, -1, 61, 10**9])
def test_a_senseless_number_of_cards_is_refused(scene: Scene, cards: int) -> None:
    with pytest.raises(RuleBroken):
        issue(scene, cards)


def test_a_proposal_has_a_bounded_number_of_cards(scene: Scene) -> None:
    for _ in range(8):
        issue(scene, 60)
    with pytest.raises(RuleBroken):
        issue(scene, 21)
    issue(scene, 20)


def test_cancelled_cards_are_good_no_more_but_answers_given_stay(scene: Scene) -> None:
    used, unused, *_ = issue(scene)
    answer(used)
    batch_id = db.session.scalars(select(CodeBatch.id)).one()
    with transaction():
        service.spoil_batch(
            proposal_id=scene.proposal_id, batch_id=batch_id, reason="Lost", actor=scene.steward, now=START
        )
    with pytest.raises(NotFound):
        answer(unused)
    answer(used, replace(YES, verdict=Verdict.DISAGREE), seen=1)
    cards = attestation_queries.cards(scene.proposal_id)
    assert (cards.issued, cards.used, cards.spoilt, cards.open) == (5, 1, 4, 0)
    with pytest.raises(Conflict), transaction():
        service.spoil_batch(
            proposal_id=scene.proposal_id, batch_id=batch_id, reason="Lost", actor=scene.steward, now=START
        )


# --- answers


def test_one_code_one_answer(scene: Scene) -> None:
    code = issue(scene)[0]
    first = answer(code)
    with pytest.raises(Conflict):
        answer(code)
    assert answer(code, replace(YES, told="Second thoughts"), seen=1) == first
    assert counts(scene).counted == 1


def test_unknown_codes_and_codes_under_another_secret_are_not_found(scene: Scene) -> None:
    code = issue(scene)[0]
    with pytest.raises(NotFound):
        answer("ABCDEFGH")
    with pytest.raises(NotFound), transaction():
        service.answer(code=code, secret="another", answers=YES, seen=0, now=START)


def test_one_code_used_on_two_phones_at_once_gives_one_answer(app: Flask, scene: Scene) -> None:
    code, starting = issue(scene)[0], threading.Barrier(4)
    outcomes: list[str] = []

    def use(number: int) -> None:
        with app.app_context():
            starting.wait()
            try:
                answer(code, replace(YES, told=f"Phone {number}"))
                outcomes.append("answered")
            except Conflict:
                outcomes.append("conflict")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["answered", "conflict", "conflict", "conflict"]
    assert db.session.execute(select(func.count(Attestation.id))).scalar_one() == 1


def test_staff_do_not_count_and_helpers_are_counted_apart(scene: Scene) -> None:
    made = issue(scene)
    helpers = (WhoAnswers.HELPER_FAMILY, WhoAnswers.HELPER_FUND)
    staff = (WhoAnswers.STAFF, WhoAnswers.HELPER_PARTNER_STAFF)
    for code, who in zip(made, (WhoAnswers.MYSELF, *helpers, *staff), strict=True):
        answer(code, replace(YES, who=who))
    assert counts(scene) == AnswerCounts(counted=3, helped=2, agreeing=3, disputed=0)


def test_a_disagreement_tells_stewards_and_holds_the_gate_until_it_was_looked_into(scene: Scene) -> None:
    made = issue(scene)
    for code in made[:3]:
        answer(code)
    disputed = answer(made[3], replace(YES, verdict=Verdict.DISAGREE, told="Nobody asked us"))
    assert counts(scene) == AnswerCounts(counted=4, helped=0, agreeing=3, disputed=1)
    (mail,) = mails("disagrees")
    assert mail.recipient == scene.steward_person.email
    assert "Nobody asked us" not in mail.what
    assert [task.title for task in queries.tasks(scene.steward, START)] == ["Look into a disagreement about P-2026-001"]
    look = {"proposal_id": scene.proposal_id, "attestation_id": disputed, "note": "Rang them", "now": START}
    with pytest.raises(NotAllowed), transaction():
        service.look_into(actor=scene.writer, **look)  # type: ignore[arg-type]
    with transaction():
        service.look_into(actor=scene.steward, **look)  # type: ignore[arg-type]
    assert counts(scene).disputed == 0
    assert queries.tasks(scene.steward, START) == []
    with pytest.raises(Conflict), transaction():
        service.look_into(actor=scene.steward, **look)  # type: ignore[arg-type]
    answer(made[3], replace(YES, verdict=Verdict.DISAGREE), seen=1)  # they disagree again: looked into again
    assert counts(scene).disputed == 1


def test_answers_can_be_taken_back_and_given_again_before_the_notice(scene: Scene) -> None:
    code = issue(scene)[0]
    answer(code)
    with transaction():
        service.withdraw(code=code, secret=SECRET, now=START)
    assert counts(scene).counted == 0
    row = db.session.scalars(select(Attestation)).one()
    assert row.told == ""
    assert attestation_queries.attestations(scene.proposal_id) == []
    with pytest.raises(Conflict), transaction():
        service.withdraw(code=code, secret=SECRET, now=START)
    answer(code, seen=2)
    assert counts(scene).counted == 1


@pytest.mark.parametrize("state", [ProposalState.ON_BALLOT, ProposalState.APPROVED, ProposalState.INELIGIBLE])
def test_after_the_notice_taking_back_hides_the_text_and_keeps_the_count(scene: Scene, state: ProposalState) -> None:
    code, fresh, *_ = issue(scene)
    answer(code)
    scene.set_state(state)
    with pytest.raises(RuleBroken):
        answer(code, replace(YES, told="Changed"), seen=1)
    with pytest.raises(RuleBroken):
        answer(fresh)
    with transaction():
        service.withdraw(code=code, secret=SECRET, now=START)
    assert counts(scene).counted == 1
    assert db.session.scalars(select(Attestation.told)).all() == [""]
    with pytest.raises(Conflict):
        issue(scene)


def test_a_burst_is_pointed_out_to_stewards(scene: Scene) -> None:
    made = issue(scene)
    for code in made[:4]:
        answer(code)
    assert not attestation_queries.cards(scene.proposal_id).burst
    answer(made[4])
    assert attestation_queries.cards(scene.proposal_id).burst


# --- safeguarding


def test_a_concern_goes_to_the_safeguarding_lead_alone(scene: Scene) -> None:
    lead_person, lead = world.official("Lee Lead", Role.SAFEGUARDING_LEAD)
    answer(issue(scene)[0], replace(YES, told="Somebody hits her", concern=True, reach_me="0161 496 0001"))
    assert db.session.scalars(select(Attestation.told)).all() == [""]
    concern = db.session.scalars(select(SafeguardingConcern)).one()
    assert (concern.told, concern.reach_me) == ("Somebody hits her", "0161 496 0001")
    (mail,) = mails("safeguarding")
    assert mail.recipient == lead_person.email
    assert "hits" not in mail.what + mail.why + mail.subject
    assert [task.path for task in queries.tasks(lead, START)] == ["/safeguarding"]
    assert queries.tasks(scene.steward, START) == []
    with pytest.raises(NotAllowed), transaction():
        service.close_concern(concern_id=concern.id, outcome="x", actor=scene.steward, now=START)
    with transaction():
        service.close_concern(concern_id=concern.id, outcome="Told the council", actor=lead, now=START)
    assert queries.tasks(lead, START) == []
    with pytest.raises(Conflict), transaction():
        service.close_concern(concern_id=concern.id, outcome="Twice", actor=lead, now=START)


def test_without_a_safeguarding_lead_stewards_are_told_to_appoint_one_but_not_what_was_said(scene: Scene) -> None:
    answer(issue(scene)[0], replace(YES, told="Somebody hits her", concern=True))
    (mail,) = mails("Appoint a safeguarding lead")
    assert mail.recipient == scene.steward_person.email
    assert "hits" not in mail.what + mail.why


def test_a_concern_needs_a_word_or_a_way_to_be_reached(scene: Scene) -> None:
    with pytest.raises(RuleBroken):
        answer(issue(scene)[0], replace(YES, told="", concern=True))
    assert db.session.scalars(select(Attestation)).all() == []


# --- guessing


def guess(typed: str, address: str = "203.0.113.5", at: timedelta = timedelta()) -> str | None:
    with transaction():
        return service.try_code(typed=typed, address=address, secret=SECRET, now=START + at)


def test_guessing_stops_after_thirty_wrong_codes_an_hour_even_for_a_right_one(scene: Scene) -> None:
    code = issue(scene)[0]
    assert guess(code) == code
    for _ in range(codes.WRONG_CODES_ALLOWED):
        assert guess("ABCDEFGH") is None
    with pytest.raises(RuleBroken):
        guess("ABCDEFGH")
    with pytest.raises(RuleBroken):
        guess(code)
    assert guess(code, at=timedelta(hours=1)) == code


def test_right_codes_are_never_counted(scene: Scene) -> None:
    code = issue(scene)[0]
    for _ in range(codes.WRONG_CODES_ALLOWED * 2):
        assert guess(code) == code


def test_no_address_is_kept_and_a_new_day_forgets_the_old(scene: Scene) -> None:
    guess("wrong")
    salt = db.session.scalars(select(DaySalt.salt)).one()
    kept = db.session.scalars(select(WrongCodes)).all()
    assert [row.bucket for row in kept] == [codes.bucket("203.0.113.5", salt)]
    assert {column.key for column in inspect(WrongCodes).columns} == {"bucket", "since", "tries"}
    guess("wrong", at=timedelta(days=1))
    assert db.session.scalars(select(DaySalt.salt)).one() != salt
    assert [row.tries for row in db.session.scalars(select(WrongCodes))] == [1]


def test_guesses_at_once_are_all_counted(app: Flask, scene: Scene) -> None:
    guess("wrong")
    starting = threading.Barrier(6)

    def try_once() -> None:
        with app.app_context():
            starting.wait()
            guess("wrong")
            db.session.remove()

    threads = [threading.Thread(target=try_once) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.session.scalars(select(WrongCodes.tries)).one() == 7

"""What people do with rounds, proposals and parts, on both databases."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from threading import Barrier

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from fund.kernel.access import Role
from fund.kernel.audit import AuditEntry
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from members.rules import MembershipStatus, Sector
from proposals import queries, questions, round_queries, service
from proposals.models import Answer, Partner, Proposal, ProposalVersion, Round
from proposals.rules import ContributionKind, CostLine, PartnerRole, ProposalState, RoundState, Terms
from tests.conftest import START
from tests.proposals.scene import (
    CLOSES,
    LINES,
    PARTNER_TERMS,
    complete,
    confirm,
    invited,
    make_scene,
    opened_round,
    paid_in,
    plan,
    published_round,
    started,
    submitted,
)
from tests.world import acting, appoint, found_society, member, officer, official


def mails(about: str) -> list[OutboxMessage]:
    return list(
        db.session.scalars(select(OutboxMessage).where(OutboxMessage.key.contains(about)).order_by(OutboxMessage.id))
    )


# --- rounds


def test_a_round_is_a_draft_that_only_the_office_sees_until_it_is_published(app: Flask) -> None:
    _, steward = official("Sue", Role.STEWARD)
    with transaction():
        made = service.create_round(plan=plan(), actor=steward, now=START)
    assert made.reference == "R-2026-1"
    assert queries.public_rounds() == []
    with pytest.raises(NotFound):
        queries.round_by_reference("R-2026-1")
    assert queries.round_by_reference("R-2026-1", steward).id == made.id
    with transaction():
        service.publish_round(round_id=made.id, actor=steward, now=START)
    assert [found.reference for found in queries.public_rounds()] == ["R-2026-1"]
    assert made.policy.g2_min_people == 5
    assert made.policy_version == made.policy.version


def test_only_stewards_run_rounds(app: Flask) -> None:
    _, secretary = official("Sam", Role.SECRETARY)
    with pytest.raises(NotAllowed), transaction():
        service.create_round(plan=plan(), actor=secretary, now=START)


def test_a_published_plan_is_fixed(app: Flask) -> None:
    _, steward = official("Sue", Role.STEWARD)
    made = published_round(steward)
    with pytest.raises(Conflict), transaction():
        service.change_round(round_id=made.id, plan=plan(title="Other"), actor=steward, now=START)
    assert db.session.get_one(Round, made.id).title == "Homes that last"


def test_R03_a_round_opens_only_when_each_sector_has_cleared_money_this_fund_year(app: Flask) -> None:
    found_society()
    _, steward = official("Sue", Role.STEWARD)
    charity, council = member("Charity", Sector.VCSE), member("Council", Sector.PUBLIC)
    firm = member("Firm", Sector.PRIVATE)
    paid_in(charity, 100)
    paid_in(council, 100)
    paid_in(firm, 100, START.date().replace(month=3, day=31))  # the last day of the fund year before
    made = published_round(steward)
    with pytest.raises(RuleBroken) as refused, transaction():
        service.open_round(round_id=made.id, actor=steward, now=START)
    assert [finding.message for finding in refused.value.findings] == [
        "The Private sector has paid £0 of cleared money into the pot this fund year. A round opens only when all "
        "three sectors have paid in: ask members of that sector to contribute, then match their payment."
    ]
    paid_in(firm, 1, START.date().replace(month=4, day=1))
    with transaction():
        service.open_round(round_id=made.id, actor=steward, now=START)
    assert db.session.get_one(Round, made.id).state is RoundState.OPEN


def test_opening_warns_of_a_lopsided_year_and_does_not_refuse(app: Flask) -> None:
    found_society()
    _, steward = official("Sue", Role.STEWARD)
    for name, sector, pence in (("A", Sector.PRIVATE, 700), ("B", Sector.PUBLIC, 200), ("C", Sector.VCSE, 100)):
        paid_in(member(f"Body {name}", sector), pence)
    made = published_round(steward)
    warnings = [finding.message for finding in round_queries.opening_warnings(made, START)]
    assert len(warnings) == 2
    assert "more than 60%" in warnings[0]
    assert "Body A gave £7 of the year's £10" in warnings[1]
    with transaction():
        service.open_round(round_id=made.id, actor=steward, now=START)


def test_a_round_opens_and_closes_when_it_was_said(app: Flask) -> None:
    found_society()
    _, steward = official("Sue", Role.STEWARD)
    for sector in Sector:
        paid_in(member(f"Body {sector}", sector), 100)
    made = published_round(steward, opens_at=START + timedelta(hours=1))
    with pytest.raises(RuleBroken), transaction():
        service.open_round(round_id=made.id, actor=steward, now=START)
    opening = START + timedelta(hours=1)
    with transaction():
        assert service.sweep(opening - timedelta(seconds=1)) == 0
    with transaction():
        assert service.sweep(opening) == 1
    with pytest.raises(RuleBroken), transaction():
        service.close_round(round_id=made.id, actor=steward, now=CLOSES - timedelta(seconds=1))
    with transaction():
        assert service.sweep(CLOSES - timedelta(seconds=1)) == 0
    with transaction():
        assert service.sweep(CLOSES) == 1
    with transaction():
        assert service.sweep(CLOSES + timedelta(days=1)) == 0
    assert db.session.get_one(Round, made.id).state is RoundState.CLOSED


def test_the_sweep_leaves_a_round_without_money_published_and_tells_the_steward(app: Flask) -> None:
    found_society()
    _, steward = official("Sue", Role.STEWARD)
    made = published_round(steward)
    with transaction():
        assert service.sweep(START) == 0
    assert db.session.get_one(Round, made.id).state is RoundState.PUBLISHED
    [task] = queries.tasks(steward, START)
    assert task.title == "Get round R-2026-1 open"
    assert "Private sector has paid £0" in task.why


# --- drafts


def test_a_member_starts_a_proposal_and_leads_it(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    assert (made.reference, made.state, made.lead_id) == ("P-2026-001", ProposalState.DRAFT, scene.charity.id)
    [part] = queries.partners(made.id)
    assert part.is_lead
    assert part.role is PartnerRole.LEAD
    assert queries.answers(made.id) == {questions.TITLE: "Warm rooms"}


def test_starting_needs_a_member_an_open_round_and_the_time(app: Flask) -> None:
    scene = make_scene()
    outsider = member("Outsider", Sector.VCSE)
    _, writer = officer(outsider)
    with transaction() as session:
        session.get_one(type(outsider), outsider.id).status = MembershipStatus.LEFT
    with pytest.raises(RuleBroken), transaction():
        service.start_proposal(round_id=scene.round.id, title="x", actor=writer, now=START)
    with pytest.raises(Conflict), transaction():
        service.start_proposal(round_id=scene.round.id, title="x", actor=scene.lead, now=CLOSES)
    with pytest.raises(NotFound), transaction():
        service.start_proposal(round_id=2**63, title="x", actor=scene.lead, now=START)
    _, voter_only = officer(scene.charity, Role.FINANCE)
    with pytest.raises(NotAllowed), transaction():
        service.start_proposal(round_id=scene.round.id, title="x", actor=voter_only, now=START)


def test_a_stale_page_is_told_and_no_word_is_lost(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)

    def save(value: str, seen: int) -> int:
        with transaction():
            return service.save_answers(
                proposal_id=made.id, answers={"idea": value}, seen={"idea": seen}, actor=scene.lead, now=START
            )["idea"]

    assert save("first", 0) == 1
    assert save("second", 1) == 2
    with pytest.raises(service.AnswersChanged) as stale:
        save("from the other tab", 1)
    assert [(item.question, item.value, item.revision) for item in stale.value.changed] == [("idea", "second", 2)]
    assert queries.answers(made.id)["idea"] == "second"
    assert save("second", 1) == 2  # the same words again are no conflict: a lost reply is sent again
    assert save("from the other tab", 2) == 3


def test_when_one_answer_is_stale_none_is_saved(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    with transaction():
        service.save_answers(proposal_id=made.id, answers={"idea": "theirs"}, actor=scene.lead, now=START)
    with pytest.raises(service.AnswersChanged), transaction():
        service.save_answers(
            proposal_id=made.id,
            answers={"summary": "mine", "idea": "mine"},
            seen={"summary": 0, "idea": 0},
            actor=scene.editor,
            now=START,
        )
    assert "summary" not in queries.answers(made.id)


def test_the_title_follows_its_answer(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    with transaction():
        service.save_answers(proposal_id=made.id, answers={"title": "Warmer"}, actor=scene.lead, now=START)
    assert db.session.get_one(Proposal, made.id).title == "Warmer"
    with transaction():
        service.save_answers(proposal_id=made.id, answers={"title": ""}, actor=scene.lead, now=START)
    assert db.session.get_one(Proposal, made.id).title == "Warmer"


def test_only_the_leads_writers_change_a_draft(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    invited(scene, made, scene.firm)
    for actor, error in ((scene.firm_certifier, NotAllowed), (scene.council_certifier, NotFound)):
        with pytest.raises(error), transaction():
            service.save_answers(proposal_id=made.id, answers={"idea": "x"}, actor=actor, now=START)
    with pytest.raises(NotFound), transaction():
        service.save_answers(proposal_id=made.id, answers={"no such": "x"}, actor=scene.lead, now=START)


def test_a_budget_is_whole_or_refused_and_a_stale_one_is_told(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)

    def save(*lines: CostLine, seen: str | None = None) -> None:
        with transaction():
            service.set_budget(proposal_id=made.id, lines=lines, seen=seen, actor=scene.lead, now=START)

    save(*LINES)
    assert queries.requested_pence(made.id) == 1_000_000
    with pytest.raises(RuleBroken) as refused:
        save(CostLine("", 0, 0, False), CostLine("Too much", 100, 200, False))
    assert [finding.field for finding in refused.value.findings] == ["heading_1", "amount_1", "grant_2"]
    with pytest.raises(Conflict):
        save(CostLine("Mine", 100, 100, False), seen="a digest from before")
    assert queries.cost_lines(made.id) == list(LINES)


# --- partners


def test_a_partner_confirms_from_its_own_account_only(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    part = invited(scene, made, scene.firm)
    digest = part.terms.digest

    def try_to(actor: object, seen: str = digest, accepts: bool = True) -> None:
        with transaction():
            service.confirm_partner(
                partner_id=part.id,
                seen_terms=seen,
                accepts_principles=accepts,
                actor=actor,  # type: ignore[arg-type]
                now=START,
            )

    with pytest.raises(NotFound):
        try_to(scene.lead)
    _, firm_editor = officer(scene.firm, Role.EDITOR)
    with pytest.raises(NotAllowed):
        try_to(firm_editor)
    with pytest.raises(Conflict):
        try_to(scene.firm_certifier, seen="another")
    with pytest.raises(RuleBroken) as refused:
        try_to(scene.firm_certifier, accepts=False)
    assert [finding.field for finding in refused.value.findings] == ["accepts_principles"]
    try_to(scene.firm_certifier)
    assert db.session.get_one(Partner, part.id).is_confirmed
    assert part.principles_version == "1.0"
    assert len(mails(f"partner:{part.id}:confirmed")) == 2  # both of the lead's writers


def test_nothing_can_be_confirmed_while_terms_are_missing(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    with transaction():
        part = service.invite_partner(proposal_id=made.id, organisation_id=scene.firm.id, actor=scene.lead, now=START)
    with pytest.raises(RuleBroken) as refused:
        confirm(part, scene.firm_certifier)
    assert len(refused.value.findings) == 6


def test_a_change_voids_a_confirmation_and_both_are_told(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    part = invited(scene, made, scene.firm)
    confirm(part, scene.firm_certifier)
    changed = replace(PARTNER_TERMS, grant_share_pence=1, contribution_pence=5)
    with transaction():
        service.set_partner_terms(partner_id=part.id, terms=changed, actor=scene.editor, now=START)
    part = db.session.get_one(Partner, part.id)
    assert not part.is_confirmed
    assert part.principles_version is None
    assert part.void_reason == "its value and the share of the grant changed"
    told = {message.recipient: message for message in mails(f"partner:{part.id}:voided")}
    assert set(told) == {scene.lead_person.email, scene.editor_person.email, scene.firm_person.email}
    assert told[scene.firm_person.email].path == f"/partners/{part.id}/confirm"
    assert "Ask Mosslight Bakery to confirm again" in [task.title for task in queries.tasks(scene.lead, START)]
    assert [task.path for task in queries.tasks(scene.firm_certifier, START)] == [f"/partners/{part.id}/confirm"]
    confirm(part, scene.firm_certifier)
    assert db.session.get_one(Partner, part.id).is_confirmed


def test_the_same_terms_again_void_nothing(app: Flask) -> None:
    scene = make_scene()
    part = invited(scene, started(scene), scene.firm)
    confirm(part, scene.firm_certifier)
    with transaction():
        service.set_partner_terms(partner_id=part.id, terms=PARTNER_TERMS, actor=scene.lead, now=START)
    assert db.session.get_one(Partner, part.id).is_confirmed
    assert mails("voided") == []


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_confirmation_survives_a_change_of_what_it_confirmed(app: Flask, data: st.DataObject) -> None:
    """Any run of edits and confirmations: a part is confirmed exactly when what was last confirmed still stands."""
    if db.session.scalar(select(Round)) is None:
        app.scene = make_scene()  # type: ignore[attr-defined]
    scene = app.scene  # type: ignore[attr-defined]
    with transaction():
        made = service.start_proposal(round_id=scene.round.id, title="Any", actor=scene.lead, now=START)
    part = invited(scene, made, scene.firm)
    confirmed: Terms | None = None
    some_terms = st.builds(
        Terms,
        role=st.sampled_from([role.value for role in PartnerRole if role is not PartnerRole.LEAD]),
        contribution_kind=st.sampled_from([kind.value for kind in ContributionKind]),
        contribution_description=st.sampled_from(["A room", "Two rooms"]),
        contribution_pence=st.sampled_from([1, 2]),
        valuation_basis=st.sampled_from(["Price", "Cost"]),
        grant_share_pence=st.sampled_from([0, 1]),
    )
    for terms in data.draw(st.lists(st.one_of(st.none(), some_terms), max_size=8)):
        if terms is None:
            confirm(part, scene.firm_certifier)
            confirmed = part.terms
        else:
            with transaction():
                service.set_partner_terms(partner_id=part.id, terms=terms, actor=scene.lead, now=START)
            if confirmed is not None and terms != confirmed:
                confirmed = None
        part = db.session.get_one(Partner, part.id)
        assert part.is_confirmed == (confirmed is not None)
        if confirmed is not None:
            assert part.terms == confirmed


def test_even_a_change_past_the_service_unconfirms(app: Flask) -> None:
    scene = make_scene()
    part = invited(scene, started(scene), scene.firm)
    confirm(part, scene.firm_certifier)
    with transaction() as session:
        session.execute(text("UPDATE partner SET grant_share_pence = 7 WHERE id = :id"), {"id": part.id})
    assert not db.session.get_one(Partner, part.id).is_confirmed


def test_only_members_are_invited_and_only_once(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    invited(scene, made, scene.firm)

    def invite(organisation_id: int) -> None:
        with transaction():
            service.invite_partner(proposal_id=made.id, organisation_id=organisation_id, actor=scene.lead, now=START)

    with pytest.raises(Conflict):
        invite(scene.firm.id)
    with pytest.raises(RuleBroken):
        invite(10**9)
    with pytest.raises(NotFound):
        invite(2**64)


def test_a_partner_leaves_and_its_conflict_stays(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    part = invited(scene, made, scene.firm)
    confirm(part, scene.firm_certifier)
    with pytest.raises(RuleBroken), transaction():
        service.withdraw_partner(partner_id=part.id, reason="", actor=scene.firm_certifier, now=START)
    with pytest.raises(NotFound), transaction():
        service.withdraw_partner(partner_id=part.id, reason="x", actor=scene.council_certifier, now=START)
    with transaction():
        service.withdraw_partner(partner_id=part.id, reason="We moved", actor=scene.firm_certifier, now=START)
    assert [found.organisation_id for found in queries.partners(made.id)] == [scene.charity.id]
    assert queries.partner_organisation_ids(made.id) == {scene.charity.id, scene.firm.id}
    assert {message.recipient for message in mails("withdrawn")} == {scene.lead_person.email, scene.editor_person.email}
    with pytest.raises(NotFound):
        queries.proposal(made.reference, scene.firm_certifier)
    assert invited(scene, made, scene.firm).id != part.id


def test_an_invitation_that_was_taken_back_leaves_no_conflict(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    part = invited(scene, made, scene.firm)
    with transaction():
        service.withdraw_partner(partner_id=part.id, reason="Wrong firm", actor=scene.lead, now=START)
    assert queries.partner_organisation_ids(made.id) == {scene.charity.id}
    with pytest.raises(RuleBroken), transaction():
        service.withdraw_partner(partner_id=queries.partners(made.id)[0].id, reason="x", actor=scene.lead, now=START)


# --- sending


def test_sending_with_gaps_names_them_all_at_once(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    with pytest.raises(RuleBroken) as refused, transaction():
        service.submit(proposal_id=made.id, actor=scene.lead, now=START)
    assert list(refused.value.findings) == service.missing(made, START)
    by_field = {finding.field: finding for finding in refused.value.findings}
    for question in questions.QUESTIONS.values():
        if question.required and question.code != questions.TITLE:
            assert by_field[question.code].fix == f"/proposals/P-2026-001/section/{question.section}#{question.code}"
    assert "budget" in by_field
    assert all(finding.fix for finding in refused.value.findings)
    assert queries.current_version(made.id) is None


def test_R02_sending_without_saying_which_situation_is_refused_by_that_question(app: Flask) -> None:
    scene = make_scene()
    made = complete(scene)
    assert service.missing(made, START) == []
    with transaction():
        service.save_answers(proposal_id=made.id, answers={"situation": ""}, actor=scene.lead, now=START)
    with pytest.raises(RuleBroken) as refused, transaction():
        service.submit(proposal_id=made.id, actor=scene.lead, now=START)
    [finding] = refused.value.findings
    assert finding.field == "situation"
    assert "Which of these is true of the issue?" in finding.message


def test_too_long_an_answer_is_kept_in_the_draft_and_named_when_sending(app: Flask) -> None:
    scene = make_scene()
    made = complete(scene)
    with transaction():
        service.save_answers(proposal_id=made.id, answers={"summary": "x" * 612}, actor=scene.lead, now=START)
    [finding] = service.missing(made, START)
    assert "by 12 characters" in finding.message


def test_what_is_asked_lies_within_the_rounds_limits(app: Flask) -> None:
    scene = make_scene()
    scene.round = opened_round(scene.steward, smallest_pence=1_000_001)
    made = complete(scene)
    assert [
        "This round gives from £10,000.01 to £50,000" in found.message for found in service.missing(made, START)
    ] == [True]


def test_sending_freezes_a_version_that_anybody_can_check(app: Flask) -> None:
    scene = make_scene()
    made = submitted(scene)
    version = queries.current_version(made.id)
    assert version is not None
    assert version.sha256 == sha256(version.content.encode()).hexdigest()
    content = json.loads(version.content)
    assert content["requested_pence"] == version.requested_pence == 1_000_000
    assert [partner["name"] for partner in content["partners"]] == [
        "Harbour Hands",
        "Mosslight Bakery",
        "Northmoor Council",
    ]
    assert content["round"]["policy_version"] == scene.round.policy_version
    assert content["evidence"]["attestations"]["answers"] == 3
    assert queries.summary_of(version) == "Our answer to summary."
    assert [message.document for message in mails("submitted")] == ["proposal:P-2026-001-v1"] * 2
    assert "30 September 2026" in mails("submitted")[0].by_when
    assert db.session.get_one(Proposal, made.id).state is ProposalState.SUBMITTED


def test_only_a_certifier_of_the_lead_sends(app: Flask) -> None:
    scene = make_scene()
    made = complete(scene)
    for actor in (scene.editor, scene.firm_certifier):
        with pytest.raises(NotAllowed), transaction():
            service.submit(proposal_id=made.id, actor=actor, now=START)


def test_a_frozen_version_is_never_changed(app: Flask) -> None:
    made = submitted(make_scene())
    for statement in ("UPDATE proposal_version SET content = '{}'", "DELETE FROM proposal_version"):
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(statement))
    version = queries.current_version(made.id)
    assert version is not None
    assert version.content != "{}"


def test_what_was_sent_can_not_be_changed(app: Flask) -> None:
    scene = make_scene()
    made = submitted(scene)
    part = queries.partners(made.id)[1]
    with pytest.raises(Conflict), transaction():
        service.save_answers(proposal_id=made.id, answers={"idea": "x"}, actor=scene.lead, now=START)
    with pytest.raises(Conflict), transaction():
        service.set_budget(proposal_id=made.id, lines=[], actor=scene.lead, now=START)
    with pytest.raises(Conflict), transaction():
        service.set_partner_terms(partner_id=part.id, terms=LEAD_LIKE, actor=scene.lead, now=START)
    with pytest.raises(Conflict), transaction():
        service.submit(proposal_id=made.id, actor=scene.lead, now=START)


LEAD_LIKE = replace(PARTNER_TERMS, grant_share_pence=3)


def test_the_grace_is_for_drafts_begun_before_closing_and_ends_to_the_second(app: Flask) -> None:
    scene = make_scene()
    made = complete(scene, now=CLOSES - timedelta(seconds=1))
    with transaction():
        service.sweep(CLOSES)
    late = CLOSES + timedelta(minutes=15)
    with pytest.raises(Conflict), transaction():
        service.submit(proposal_id=made.id, actor=scene.lead, now=late)
    with transaction():
        service.submit(proposal_id=made.id, actor=scene.lead, now=late - timedelta(seconds=1))
    with pytest.raises(Conflict):
        started(scene, now=CLOSES)


def test_two_who_send_at_once_make_one_version(app: Flask) -> None:
    scene = make_scene()
    made = complete(scene)
    proposal_id, actor, ready = made.id, scene.lead, Barrier(2)
    db.session.remove()

    def send(_: int) -> str:
        with app.app_context():
            ready.wait(timeout=20)
            try:
                with transaction():
                    service.submit(proposal_id=proposal_id, actor=actor, now=START)
            except Conflict:
                return "second"
            finally:
                db.session.remove()
            return "first"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, range(2))) == ["first", "second"]
    assert [version.number for version in queries.versions(proposal_id)] == [1]


def test_two_who_save_one_answer_at_once_lose_no_word(app: Flask) -> None:
    scene = make_scene()
    proposal_id, actor, ready = started(scene).id, scene.lead, Barrier(4)
    db.session.remove()

    def save(number: int) -> bool:
        with app.app_context():
            ready.wait(timeout=20)
            try:
                with transaction():
                    service.save_answers(
                        proposal_id=proposal_id,
                        answers={"idea": f"text {number}"},
                        seen={"idea": 0},
                        actor=actor,
                        now=START,
                    )
            except service.AnswersChanged:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(save, range(4))) == [False, False, False, True]
    assert db.session.scalars(select(Answer.revision).where(Answer.question == "idea")).all() == [1]


# --- the fund decides


def test_a_proposal_is_returned_once_and_becomes_version_2(app: Flask) -> None:
    scene = make_scene()
    made = submitted(scene)

    def give_back(now: timedelta = timedelta()) -> None:
        with transaction():
            service.return_for_fixes(
                proposal_id=made.id,
                reasons="Say more",
                fix_by=CLOSES + timedelta(days=7),
                actor=scene.steward,
                now=START + now,
            )

    give_back()
    assert [task.title for task in queries.tasks(scene.lead, START)] == ["Fix “Warm rooms” and send it again"]
    after_closing = CLOSES + timedelta(days=6)
    with transaction():
        service.save_answers(proposal_id=made.id, answers={"idea": "More"}, actor=scene.lead, now=after_closing)
    first = queries.versions(made.id)[0]
    with transaction():
        service.submit(proposal_id=made.id, actor=scene.lead, now=after_closing - timedelta(days=5))
    assert [version.number for version in queries.versions(made.id)] == [1, 2]
    assert queries.frozen_answers(first)["idea"] != "More"
    with pytest.raises(RuleBroken):
        give_back()
    with transaction():
        service.mark_ineligible(proposal_id=made.id, reasons="Outside", actor=scene.steward, now=START)
    with pytest.raises(Conflict), transaction():
        service.mark_eligible(proposal_id=made.id, reasons="x", actor=scene.steward, now=START)


def test_a_returned_proposal_runs_out_of_time(app: Flask) -> None:
    scene = make_scene()
    made = submitted(scene)
    fix_by = START + timedelta(days=2)
    with transaction():
        service.return_for_fixes(proposal_id=made.id, reasons="Fix", fix_by=fix_by, actor=scene.steward, now=START)
    with pytest.raises(Conflict), transaction():
        service.submit(proposal_id=made.id, actor=scene.lead, now=fix_by)


def test_a_steward_with_a_role_in_a_partner_does_not_look_at_it(app: Flask) -> None:
    scene = make_scene()
    made = submitted(scene)
    appoint(scene.steward_person, scene.firm, Role.EDITOR)
    with pytest.raises(NotAllowed), transaction():
        service.mark_eligible(proposal_id=made.id, reasons="Fine", actor=acting(scene.steward_person), now=START)


def _eligible(scene_proposal: Proposal, actor: object) -> None:
    with transaction():
        service.mark_eligible(
            proposal_id=scene_proposal.id,
            reasons="Fine",
            actor=actor,  # type: ignore[arg-type]
            now=START,
        )


def test_a_ballot_decides_the_proposal_and_at_last_the_round(app: Flask) -> None:
    scene = make_scene()
    one, two = submitted(scene), submitted(scene, "Second")
    for made in (one, two):
        _eligible(made, scene.steward)
    with transaction():
        service.sweep(CLOSES)
    with transaction():
        service.put_on_ballot(proposal_ids=[two.id, one.id], actor=None, now=CLOSES)
    assert db.session.get_one(Round, scene.round.id).state is RoundState.DECIDING
    with transaction():
        service.decide(proposal_id=one.id, decision="approved", reasons="For: 9", actor=None, now=CLOSES)
    assert db.session.get_one(Round, scene.round.id).state is RoundState.DECIDING
    with transaction():
        service.decide(proposal_id=two.id, decision="declined", reasons="For: 1", actor=None, now=CLOSES)
    assert db.session.get_one(Round, scene.round.id).state is RoundState.DECIDED
    assert {message.recipient for message in mails("P-2026-001:approved")} == {
        scene.lead_person.email,
        scene.editor_person.email,
        scene.firm_person.email,
        scene.council_person.email,
    }
    assert [found.reference for found in queries.decided_in(scene.round.id)] == ["P-2026-001", "P-2026-002"]
    with pytest.raises(Conflict), transaction():
        service.decide(proposal_id=one.id, decision="declined", reasons="again", actor=None, now=CLOSES)


def test_a_lapsed_ballot_makes_its_proposals_eligible_again(app: Flask) -> None:
    scene = make_scene()
    made = submitted(scene)
    _eligible(made, scene.steward)
    with transaction():
        service.sweep(CLOSES)
    with transaction():
        service.put_on_ballot(proposal_ids=[made.id], actor=None, now=CLOSES)
    with transaction():
        service.take_off_ballot(proposal_ids=[made.id], reason="No quorum", actor=None, now=CLOSES)
    assert db.session.get_one(Proposal, made.id).state is ProposalState.ELIGIBLE
    assert db.session.get_one(Round, scene.round.id).state is RoundState.CLOSED


def test_a_ballot_that_is_void_after_it_was_declared_undoes_its_decisions(app: Flask) -> None:
    scene = make_scene()
    made = submitted(scene)
    _eligible(made, scene.steward)
    with transaction():
        service.sweep(CLOSES)
    with transaction():
        service.put_on_ballot(proposal_ids=[made.id], actor=None, now=CLOSES)
    with transaction():
        service.decide(proposal_id=made.id, decision="reserve", reasons="For: 9", actor=None, now=CLOSES)
    assert db.session.get_one(Round, scene.round.id).state is RoundState.DECIDED
    with transaction():
        service.take_off_ballot(proposal_ids=[made.id], reason="Wrong roll", actor=None, now=CLOSES)
    found = db.session.get_one(Proposal, made.id)
    assert (found.state, found.decision_reasons, found.decided_at) == (ProposalState.ELIGIBLE, None, None)
    assert (found.round.state, found.round.decided_at) == (RoundState.CLOSED, None)


def test_a_draft_never_goes_on_a_ballot(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    with pytest.raises(Conflict), transaction():
        service.put_on_ballot(proposal_ids=[made.id], actor=None, now=START)
    with pytest.raises(ValueError), transaction():
        service.decide(proposal_id=made.id, decision="maybe", reasons="", actor=None, now=START)


def test_nothing_is_ready_for_a_ballot_before_it_was_assessed(app: Flask) -> None:
    scene = make_scene()
    made = submitted(scene)
    _eligible(made, scene.steward)
    assert queries.ready_for_ballot(scene.round.id) == []


# --- who reads what


def test_who_may_open_a_proposal(app: Flask) -> None:
    scene = make_scene()
    made = complete(scene)
    _, assessor = official("Asa", Role.ASSESSOR)
    _, auditor = official("Aud", Role.AUDITOR)
    bystander = member("Bystander", Sector.PRIVATE)
    _, voter = officer(bystander, Role.REPRESENTATIVE)

    def can(actor: object) -> bool:
        try:
            queries.proposal(made.reference, actor)  # type: ignore[arg-type]
        except NotFound:
            return False
        return True

    readers = [scene.editor, scene.firm_certifier, scene.steward, auditor]
    assert [can(actor) for actor in [*readers, assessor, voter]] == [True, True, True, True, False, False]
    with transaction():
        service.submit(proposal_id=made.id, actor=scene.lead, now=START)
    assert can(assessor)
    with pytest.raises(NotFound):
        queries.version(made.reference, 1, voter)
    _eligible(made, scene.steward)
    with transaction():
        service.sweep(CLOSES)
    with transaction():
        service.put_on_ballot(proposal_ids=[made.id], actor=None, now=CLOSES)
    assert queries.version(made.reference, 1, voter).number == 1
    assert not can(voter)


@pytest.mark.parametrize("reference", ["P-2026-999", "P-2026-001\x00", "", "../etc", "P-" + "9" * 400, "p-2026-001"])
def test_a_reference_that_is_none_is_not_found(app: Flask, reference: str) -> None:
    scene = make_scene()
    started(scene)
    with pytest.raises(NotFound):
        queries.proposal(reference, scene.lead)


def test_every_act_is_audited(app: Flask) -> None:
    scene = make_scene()
    made = submitted(scene)
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.subject == made.reference).order_by(AuditEntry.id)
    ).all()
    assert {
        "proposal.started",
        "proposal.budget_set",
        "partner.invited",
        "partner.terms_set",
        "partner.confirmed",
        "proposal.submitted",
    } <= set(actions)
    assert db.session.scalar(select(ProposalVersion.number)) == 1

"""Requests for partners: who may ask, who may answer, who reads what, and when a request is over."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Actor, Role
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, FundError, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from fund.kernel.policy import Policy, Setting
from fund.tasks import tasks_of
from members import service as members
from members.models import Organisation
from members.profile import service as profiles
from members.profile.rules import Description
from members.rules import MembershipStatus, Sector
from proposals import partner_service
from proposals import service as proposals
from proposals.brokerage import closing, queries, service
from proposals.brokerage.models import PartnerReply, PartnerRequest
from proposals.brokerage.rules import ClosedBecause, ReplyState, Words
from proposals.models import Partner, Proposal
from tests.conftest import START
from tests.proposals.scene import (
    CLOSES,
    PARTNER_TERMS,
    Scene,
    complete,
    confirm,
    invited,
    make_scene,
    started,
)
from tests.world import member, officer

WORDS = Words("Warm rooms", "We look for a firm with rooms.", frozenset({"E08000003"}), frozenset({"space"}))


@pytest.fixture
def scene(app: Flask) -> Scene:
    return make_scene()


@pytest.fixture
def draft(scene: Scene) -> Proposal:
    return started(scene)


def post(scene: Scene, draft: Proposal, words: Words = WORDS, **more: object) -> PartnerRequest:
    asked: dict[str, object] = {"sector": Sector.PRIVATE, "actor": scene.lead, "now": START}
    with transaction():
        return service.post(proposal_id=draft.id, words=words, **(asked | more))  # type: ignore[arg-type]


def reply(request: PartnerRequest, actor: Actor, contact: str = "", **more: object) -> PartnerReply:
    asked: dict[str, object] = {"message": "We may be interested.", "now": START}
    with transaction():
        return service.reply(
            reference=request.reference,
            contact=contact,
            actor=actor,
            **(asked | more),  # type: ignore[arg-type]
        )


def act(work: Callable[..., object], **arguments: object) -> None:
    with transaction():
        work(now=START, **arguments)


def again(request: PartnerRequest) -> PartnerRequest:
    db.session.rollback()
    return db.session.get_one(PartnerRequest, request.id)


def subjects(start: str) -> list[str]:
    return list(
        db.session.scalars(
            select(OutboxMessage.subject).where(OutboxMessage.key.startswith(start)).order_by(OutboxMessage.id)
        )
    )


def wish(organisation: Organisation, actor: Actor, *interests: str) -> None:
    with transaction():
        profiles.save_profile(
            organisation_id=organisation.id,
            said=Description(interests=frozenset(interests), wants_requests=True),
            seen=0,
            actor=actor,
            now=START,
        )


class TestAsking:
    def test_only_agreed_words_are_kept(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        found = queries.request(made.reference, scene.firm_certifier)
        assert (found.request.title, found.districts, found.interests) == ("Warm rooms", ["E08000003"], ["space"])
        assert [one.request.reference for one in queries.open_requests(START).requests] == [made.reference]

    def test_one_open_request_for_each_sector(self, scene: Scene, draft: Proposal) -> None:
        first = post(scene, draft)
        with pytest.raises(Conflict, match=first.reference):
            post(scene, draft)
        post(scene, draft, sector=Sector.PUBLIC)
        act(service.close_request, reference=first.reference, actor=scene.lead)
        post(scene, draft)

    def test_only_for_a_sector_that_is_lacking(self, scene: Scene, draft: Proposal) -> None:
        with pytest.raises(RuleBroken, match="no VCSE partner"):
            post(scene, draft, sector=Sector.VCSE)

    def test_only_by_the_leads_writers_while_it_is_a_draft(self, scene: Scene, draft: Proposal) -> None:
        with pytest.raises(NotFound):
            post(scene, draft, actor=scene.firm_certifier)
        with pytest.raises(NotAllowed):
            post(scene, draft, actor=officer(scene.charity, Role.FINANCE)[1])
        with pytest.raises(Conflict, match="ran out"):
            post(scene, draft, now=CLOSES + timedelta(hours=1))

    def test_each_who_fits_gets_one_mail_and_nobody_else(self, scene: Scene, draft: Proposal) -> None:
        wish(scene.firm, scene.firm_certifier, "space")
        wish(scene.council, scene.council_certifier, "space")
        elsewhere = member("Far Foundry", Sector.PRIVATE, district="E08000010")
        wish(elsewhere, officer(elsewhere)[1], "space")
        uninterested = member("Near Foundry", Sector.PRIVATE)
        wish(uninterested, officer(uninterested)[1], "health")
        first = post(scene, draft)
        assert subjects("partner-request:") == ["Harbour Hands looks for a partner like Mosslight Bakery"]
        act(service.close_request, reference=first.reference, actor=scene.lead)
        post(scene, draft)
        assert len(subjects("partner-request:")) == 2  # another request, another mail

    def test_partners_and_the_connected_are_not_written_to(self, scene: Scene, draft: Proposal) -> None:
        wish(scene.firm, scene.firm_certifier, "space")
        invited(scene, draft, scene.firm)
        twin = member("Harbour Trading", Sector.PRIVATE)
        wish(twin, officer(twin)[1], "space")
        act(members.connect, organisation_id=scene.charity.id, other_id=twin.id, reason="Kin", actor=scene.steward)
        post(scene, draft)
        assert subjects("partner-request:") == []


class TestReading:
    def test_is_for_members_alone(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        with pytest.raises(NotAllowed, match="member organisations"):
            queries.request(made.reference, scene.steward)
        with transaction() as session:
            session.get_one(Organisation, scene.firm.id).status = MembershipStatus.LEFT
        with pytest.raises(NotAllowed, match="member organisations"):
            queries.request(made.reference, scene.firm_certifier)
        with pytest.raises(NotFound):
            queries.request("PR-2026-999", scene.lead)

    def test_filters(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        everywhere = post(scene, draft, Words("Anywhere", "Anybody"), sector=Sector.PUBLIC)

        def found(**more: object) -> list[str]:
            return [
                one.request.reference
                for one in queries.open_requests(START, **more).requests  # type: ignore[arg-type]
            ]

        both = [everywhere.reference, made.reference]
        assert found() == both
        assert found(sector=Sector.PRIVATE) == [made.reference]
        assert found(district="E08000003") == both
        assert found(district="E08000001") == [everywhere.reference]
        assert found(interest="space") == [made.reference]
        assert found(interest="health") == []

    def test_is_not_open_once_its_time_ran_out_even_before_the_sweep(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        assert queries.open_requests(CLOSES).requests == []
        late = CLOSES + timedelta(hours=1)
        assert not queries.is_open(queries.request(made.reference, scene.firm_certifier), late)
        with pytest.raises(Conflict, match="closed meanwhile"):
            reply(made, scene.firm_certifier, now=late)


class TestAnswering:
    def test_is_private_to_its_two_sides(self, scene: Scene, draft: Proposal) -> None:
        answer = reply(post(scene, draft), scene.firm_certifier)
        assert queries.reply(answer.id, scene.editor).message == "We may be interested."
        assert queries.reply(answer.id, scene.firm_certifier).id == answer.id
        for other in (scene.council_certifier, scene.steward):
            with pytest.raises(NotFound):
                queries.reply(answer.id, other)

    def test_is_no_conflict_of_interest(self, scene: Scene, draft: Proposal) -> None:
        from proposals import queries as proposal_queries

        answer = reply(post(scene, draft), scene.firm_certifier)
        assert scene.firm.id not in proposal_queries.partner_organisation_ids(draft.id)
        act(service.invite, reply_id=answer.id, actor=scene.lead)
        assert scene.firm.id in proposal_queries.partner_organisation_ids(draft.id)

    def test_once_from_each_organisation_of_the_sector(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        reply(made, scene.firm_certifier)
        with pytest.raises(Conflict, match="answered this request already"):
            reply(made, officer(scene.firm, Role.EDITOR)[1])
        with pytest.raises(RuleBroken, match="another sector"):
            reply(made, scene.council_certifier)
        with pytest.raises(RuleBroken, match="your own request"):
            reply(made, scene.lead)
        with pytest.raises(NotAllowed):
            reply(made, officer(member("Third Firm", Sector.PRIVATE), Role.FINANCE)[1])
        with pytest.raises(RuleBroken, match="Say in a sentence"):
            reply(made, officer(member("Fourth Firm", Sector.PRIVATE))[1], message="")

    def test_not_by_one_under_common_control_with_the_lead(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        act(
            members.connect,
            organisation_id=scene.charity.id,
            other_id=scene.firm.id,
            reason="Kin",
            actor=scene.steward,
        )
        with pytest.raises(RuleBroken, match="counts both as one"):
            reply(made, scene.firm_certifier)

    def test_not_by_a_partner(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        invited(scene, draft, scene.firm)
        with pytest.raises(Conflict, match="partner already"):
            reply(made, scene.firm_certifier)

    def test_so_many_in_a_day_and_no_more(self, scene: Scene) -> None:
        made = [post(scene, started(scene, f"Idea {n}")) for n in range(Policy().replies_a_day + 1)]
        for request in made[:-1]:
            reply(request, scene.firm_certifier)
        with pytest.raises(RuleBroken, match="come back tomorrow"):
            reply(made[-1], scene.firm_certifier)
        reply(made[-1], scene.firm_certifier, now=START + timedelta(days=1, seconds=1))

    def test_how_many_in_a_day_is_the_funds_to_set(self, scene: Scene) -> None:
        with transaction() as session:
            session.add(Setting(key="replies_a_day", value="1", effective_from=START, set_at=START))
        made = [post(scene, started(scene, f"Idea {n}")) for n in range(2)]
        reply(made[0], scene.firm_certifier)
        with pytest.raises(RuleBroken, match="answered 1 request in a day"):
            reply(made[1], scene.firm_certifier)

    def test_taken_back_its_words_are_wiped(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        answer = reply(made, scene.firm_certifier, contact="Fay, 0161 496 0001")
        with pytest.raises(NotFound):
            act(service.take_back, reply_id=answer.id, actor=scene.lead)
        act(service.take_back, reply_id=answer.id, actor=scene.firm_certifier)
        db.session.rollback()
        kept = db.session.get_one(PartnerReply, answer.id)
        assert (kept.message, kept.contact) == ("", "")
        assert queries.replies(made.id) == []
        with pytest.raises(NotFound):
            queries.reply(answer.id, scene.lead)
        reply(made, scene.firm_certifier)

    def test_the_leads_writers_are_told_and_reminded(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        assert not [task for task in tasks_of(scene.lead, START) if made.reference in task.path]
        answer = reply(made, scene.firm_certifier)
        assert len(subjects(f"partner-reply:{answer.id}:")) == 2  # the certifier and the editor
        (task,) = [task for task in tasks_of(scene.lead, START) if made.reference in task.path]
        assert task.title == "Answer a member about “Warm rooms”"
        assert not [task for task in tasks_of(scene.firm_certifier, START) if made.reference in task.path]


class TestTheLeadsAnswer:
    @pytest.fixture
    def answer(self, scene: Scene, draft: Proposal) -> PartnerReply:
        return reply(post(scene, draft), scene.firm_certifier, contact="Fay, 0161 496 0001")

    def test_contacts_are_exchanged_by_consent_of_both(self, scene: Scene, answer: PartnerReply) -> None:
        for stranger, refusal in ((scene.firm_certifier, NotFound), (scene.council_certifier, NotFound)):
            with pytest.raises(refusal):
                act(service.exchange_contacts, reply_id=answer.id, contact="Mine", actor=stranger)
        with pytest.raises(RuleBroken, match="how to reach"):
            act(service.exchange_contacts, reply_id=answer.id, contact="", actor=scene.lead)
        act(service.exchange_contacts, reply_id=answer.id, contact="Lena, 0161 496 0002", actor=scene.lead)
        db.session.rollback()
        found = queries.reply(answer.id, scene.firm_certifier)
        assert (found.contact, found.lead_contact) == ("Fay, 0161 496 0001", "Lena, 0161 496 0002")
        with pytest.raises(Conflict):
            act(service.exchange_contacts, reply_id=answer.id, contact="Again", actor=scene.lead)

    def test_no_exchange_with_one_that_offered_none(self, scene: Scene, draft: Proposal) -> None:
        answer = reply(post(scene, draft), scene.firm_certifier)
        with pytest.raises(RuleBroken, match="answered here only"):
            act(service.exchange_contacts, reply_id=answer.id, contact="Mine", actor=scene.lead)

    def test_an_invitation_makes_a_partner_that_confirms_for_itself(self, scene: Scene, answer: PartnerReply) -> None:
        with pytest.raises(NotFound):
            act(service.invite, reply_id=answer.id, actor=scene.firm_certifier)
        act(service.invite, reply_id=answer.id, actor=scene.lead)
        db.session.rollback()
        part = db.session.scalars(select(Partner).where(Partner.organisation_id == scene.firm.id)).one()
        assert part.confirmed_at is None
        assert db.session.get_one(PartnerReply, answer.id).state is ReplyState.INVITED
        for work in (service.invite, service.take_back):
            who = scene.lead if work is service.invite else scene.firm_certifier
            with pytest.raises(Conflict, match="dealt with meanwhile"):
                act(work, reply_id=answer.id, actor=who)

    def test_a_kind_no(self, scene: Scene, answer: PartnerReply) -> None:
        act(service.decline, reply_id=answer.id, note="Next year, please.", actor=scene.lead)
        db.session.rollback()
        assert db.session.get_one(PartnerReply, answer.id).state is ReplyState.DECLINED
        (told,) = db.session.scalars(
            select(OutboxMessage).where(OutboxMessage.key.like(f"partner-reply:{answer.id}:declined:%"))
        )
        assert "thanks you" in told.what
        assert "Next year, please." in told.what
        with pytest.raises(Conflict):
            act(service.exchange_contacts, reply_id=answer.id, contact="Mine", actor=scene.lead)

    def test_only_the_leads_writers(self, scene: Scene, answer: PartnerReply) -> None:
        finance = officer(scene.charity, Role.FINANCE)[1]
        for work, more in ((service.invite, {}), (service.decline, {"note": ""})):
            with pytest.raises(NotAllowed):
                act(work, reply_id=answer.id, actor=finance, **more)


class TestClosing:
    def test_when_a_partner_of_the_sector_has_confirmed(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        other = post(scene, draft, sector=Sector.PUBLIC)
        answer = reply(made, officer(member("Other Firm", Sector.PRIVATE))[1])
        part = invited(scene, draft, scene.firm, PARTNER_TERMS)
        assert again(made).closed_at is None
        confirm(part, scene.firm_certifier)
        assert again(made).closed_because is ClosedBecause.FILLED
        assert again(other).closed_at is None
        assert subjects(f"partner-reply:{answer.id}:closed") == ["The request “Warm rooms” is closed"]
        assert closing_now() == 0

    def test_not_when_the_one_that_confirmed_counts_as_one_with_the_lead(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        act(
            members.connect,
            organisation_id=scene.charity.id,
            other_id=scene.firm.id,
            reason="Kin",
            actor=scene.steward,
        )
        confirm(invited(scene, draft, scene.firm, PARTNER_TERMS), scene.firm_certifier)
        assert again(made).closed_at is None

    def test_when_the_proposal_is_sent(self, scene: Scene) -> None:
        whole = complete(scene)
        with transaction():
            partner_service.withdraw_partner(
                partner_id=db.session.scalars(
                    select(Partner.id).where(Partner.organisation_id == scene.firm.id, Partner.withdrawn_at.is_(None))
                ).one(),
                reason="No time",
                actor=scene.firm_certifier,
                now=START,
            )
        made = post(scene, whole)
        confirm(invited(scene, whole, scene.firm, PARTNER_TERMS), scene.firm_certifier)
        assert again(made).closed_because is ClosedBecause.FILLED
        with transaction() as session:  # as if it had stayed open for another reason
            session.get_one(PartnerRequest, made.id).closed_at = None
        with transaction():
            proposals.submit(proposal_id=whole.id, actor=scene.lead, now=START)
        assert again(made).closed_because is ClosedBecause.SENT

    def test_when_its_time_ran_out(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        assert closing_now() == 0
        with transaction():
            assert closing.settle(CLOSES + timedelta(hours=1)) == 1
        assert again(made).closed_because is ClosedBecause.TIME_RAN_OUT

    def test_by_its_lead_alone(self, scene: Scene, draft: Proposal) -> None:
        made = post(scene, draft)
        with pytest.raises(NotFound):
            act(service.close_request, reference=made.reference, actor=scene.firm_certifier)
        with pytest.raises(NotAllowed):
            act(service.close_request, reference=made.reference, actor=officer(scene.charity, Role.FINANCE)[1])
        act(service.close_request, reference=made.reference, actor=scene.editor)
        assert again(made).closed_because is ClosedBecause.BY_LEAD
        with pytest.raises(Conflict):
            act(service.close_request, reference=made.reference, actor=scene.lead)


def closing_now() -> int:
    with transaction():
        return closing.settle(START)


def race(app: Flask, *works: Callable[[], object]) -> list[str]:
    barrier, told = Barrier(len(works)), []

    def one(work: Callable[[], object]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    work()
                told.append("done")
            except FundError as error:
                told.append(type(error).__name__)
            finally:
                db.session.remove()

    threads = [Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(told)


def test_two_colleagues_ask_at_once_and_one_request_is_open(app: Flask, scene: Scene, draft: Proposal) -> None:
    proposal_id = draft.id

    def ask(actor: Actor) -> Callable[[], object]:
        return lambda: service.post(proposal_id=proposal_id, sector=Sector.PRIVATE, words=WORDS, actor=actor, now=START)

    assert race(app, ask(scene.lead), ask(scene.editor)) == ["Conflict", "done"]


def test_two_colleagues_answer_at_once_and_one_answer_stands(app: Flask, scene: Scene, draft: Proposal) -> None:
    reference = post(scene, draft).reference
    colleague = officer(scene.firm, Role.EDITOR)[1]

    def answer(actor: Actor) -> Callable[[], object]:
        return lambda: service.reply(reference=reference, message="We may.", contact="", actor=actor, now=START)

    assert race(app, answer(scene.firm_certifier), answer(colleague)) == ["Conflict", "done"]


def test_inviting_and_taking_back_at_once_leave_one_truth(app: Flask, scene: Scene, draft: Proposal) -> None:
    answer_id = reply(post(scene, draft), scene.firm_certifier).id
    told = race(
        app,
        lambda: service.invite(reply_id=answer_id, actor=scene.lead, now=START),
        lambda: service.take_back(reply_id=answer_id, actor=scene.firm_certifier, now=START),
    )
    assert told in (["Conflict", "done"], ["NotFound", "done"])
    db.session.rollback()
    state = db.session.get_one(PartnerReply, answer_id).state
    parts = db.session.scalars(select(Partner).where(Partner.organisation_id == scene.firm.id)).all()
    assert len(parts) == (1 if state is ReplyState.INVITED else 0)

"""Fills an empty database with fourteen months of a demonstration fund, through the services that people use."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import update

from fund.demo import brokerage, deciding, granting, ideas, joining, paying, people, proposing, reconciling, ruling
from fund.demo.cast import ORGANISATIONS
from fund.demo.granting import StoryTold
from fund.demo.ideas import Idea
from fund.demo.teller import Teller
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict
from fund.kernel.outbox import OutboxMessage
from fund.kernel.society import society
from ledger.proof import seal
from members.rules import Sector

_FIRST_STORY = StoryTold(
    title="A key of my own",
    before="I had been in three hostels in two years. There was always a plan, and it was never mine.",
    changed="They gave me the key first. I sat on the floor for an hour because nobody could ask me to leave.",
    matters="My son can ring the bell. That is what it is for.",
    name="D., who moved in April",
)
_FOOD_STORY = StoryTold(
    title="Two pounds and a table",
    before="I used to get the parcel after dark so that the neighbours would not see.",
    changed="Now I pay two pounds and so does the man who owns the garage. Nobody knows who pays less.",
    matters="My daughter asked a friend to eat with us. She had never done that.",
    name="S., member of the table",
)


def fill(now: datetime, tell: Callable[[str], None]) -> None:
    """Tell the whole story up to `now`; `tell` is given a line at each chapter.

    Raises:
        Conflict: when the database holds a fund.
    """
    if society() is not None:
        raise Conflict("This database holds a fund already. The demonstration fills only an empty one.")
    db.session.rollback()
    teller = Teller(now, tell)
    tell("Founding the society and admitting 24 member organisations …")
    joining.found(teller, -440)
    joining.join(teller, -436)
    joining.keep_registers(teller, -425)
    paying.open_account(teller, -426)
    tell("Members of three sectors pay in …")
    paying.pay(teller, [cast.name for cast in ORGANISATIONS], -424)
    tell("A first round: proposals, gates, assessment, a ballot …")
    keys, food = _first_round(teller)
    tell("Agreements, payments, reports and stories …")
    _first_grants(teller, keys, food)
    tell("A second round, with its ballot open now …")
    _second_round(teller)
    tell("A third round, open for proposals …")
    _third_round(teller)
    paying.pay_for_a_place(teller, "Hearth and Home Trust", 8_000, -11)
    paying.pay_without_reference(teller, "Loom and Lantern Print", -6)
    paying.pledge_by_instalments(teller, "Etherow College", -45, invoiced=True)
    paying.pledge_by_instalments(teller, "Canalside Logistics", -5, invoiced=False)
    paying.send_a_file_that_is_asked_about(teller, -1)
    reconciling.reconcile(teller)
    joining.wait_to_join(teller, -2)
    people.invite(teller, -20)
    people.hand_over(teller, "Beewing Digital", "Nia Ward", "Yan Li", -9)
    people.propose_a_board_member(teller, -1)
    ruling.change_settings(teller)
    with transaction() as session:
        while seal(now) is not None:
            pass
        session.execute(update(OutboxMessage).values(sent_at=OutboxMessage.created_at))


def _first_round(teller: Teller) -> tuple[str, str]:
    """The references of the two awards that came of it."""
    round_id = proposing.plan_round(
        teller,
        "Round one: doors, tables and ways home",
        "Work that no one sector can do alone, on a home, food, getting about or a place to be quiet.",
        95_000,
        published=-412,
        opens=-408,
        closes=-378,
        decide_by=-335,
    )
    sent = {}
    for number, idea in enumerate((ideas.KEYS_FIRST, ideas.GOOD_FOOD_LINE, ideas.NIGHT_BUS, ideas.QUIET_ROOM)):
        sent[idea.title] = _send_whole(teller, idea, round_id, -400 + number)
    proposing.close_round(teller, round_id, -378)
    for idea in (ideas.KEYS_FIRST, ideas.GOOD_FOOD_LINE, ideas.NIGHT_BUS, ideas.QUIET_ROOM):
        proposing.judge(teller, idea, sent[idea.title], -374)
    ballot = deciding.notice(teller, round_id, -366, opens=-356, closes=-346)
    deciding.open_ballot(teller, -356)
    against = {
        sent[ideas.QUIET_ROOM.title]: (Sector.PRIVATE, Sector.PUBLIC),
        sent[ideas.NIGHT_BUS.title]: (Sector.PUBLIC,),
    }
    deciding.vote(teller, ballot, -355, against, silent=("Canalside Logistics", "Etherow College", "Tandem Youth"))
    deciding.declare(teller, ballot, -346)
    keys = granting.award(teller, ideas.KEYS_FIRST, sent[ideas.KEYS_FIRST.title], -343, start=-328, end=272)
    food = granting.award(teller, ideas.GOOD_FOOD_LINE, sent[ideas.GOOD_FOOD_LINE.title], -342, start=-327, end=-12)
    return keys, food


def _send_whole(teller: Teller, idea: Idea, round_id: int, day: int) -> int:
    proposal_id = proposing.draft(teller, idea, round_id, day)
    proposing.confirm(teller, idea, proposal_id, day + 5)
    proposing.attest(teller, proposal_id, day + 8)
    proposing.send(teller, idea, proposal_id, day + 14)
    return proposal_id


def _first_grants(teller: Teller, keys: str, food: str) -> None:
    """One award waits for the second approval of a payment; the other's last report is late."""
    first = granting.pay_due(teller, keys, -326) + granting.pay_due(teller, food, -326)
    teller.import_statement(-320, first)
    granting.confirm_sent(teller, -319)
    granting.report(teller, ideas.GOOD_FOOD_LINE, food, 1, -165, 240, _FOOD_STORY)
    teller.import_statement(-125, granting.pay_due(teller, food, -130))
    granting.confirm_sent(teller, -124)
    paying.pay(teller, [cast.name for cast in ORGANISATIONS if cast.name != "Loom and Lantern Print"], -60)
    granting.report(teller, ideas.KEYS_FIRST, keys, 1, -27, 61, _FIRST_STORY)
    granting.prepare_due(teller, keys, -15)


def _second_round(teller: Teller) -> None:
    round_id = proposing.plan_round(
        teller,
        "Round two: care, work and warmth",
        "Work that changes how care, work or homes are paid for, led by those who know it from the inside.",
        110_000,
        published=-125,
        opens=-120,
        closes=-70,
        decide_by=30,
    )
    chosen = (ideas.CARE_CIRCLE, ideas.SECOND_LANGUAGE, ideas.WARM_STREET)
    sent = [(idea, _send_whole(teller, idea, round_id, -110 + number)) for number, idea in enumerate(chosen)]
    proposing.close_round(teller, round_id, -70)
    for idea, proposal_id in sent:
        proposing.judge(teller, idea, proposal_id, -66)
    ballot = deciding.notice(teller, round_id, -14, opens=-4, closes=6)
    deciding.open_ballot(teller, -4)
    late = tuple(cast.name for cast in ORGANISATIONS[::2])
    deciding.vote(teller, ballot, -3, {}, silent=late)


def _third_round(teller: Teller) -> None:
    round_id = proposing.plan_round(
        teller,
        "Round three: rules that keep people poor",
        "Work that changes a rule, a contract or a habit that costs people money they do not have.",
        60_000,
        published=-30,
        opens=-25,
        closes=24,
        decide_by=80,
    )
    brokerage.introduce(teller, -24)
    draft = proposing.draft(teller, ideas.OPEN_LEDGER, round_id, -12)
    proposing.confirm(teller, ideas.OPEN_LEDGER, draft, -8, but=("Calder and Finch Solicitors",))
    proposing.attest(teller, draft, -6, agreeing=2)
    brokerage.look_for_a_partner(teller, draft, -5)

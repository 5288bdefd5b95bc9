"""Rounds are opened; proposals are drafted, confirmed by partners, attested, sent and assessed."""

from flask import current_app

from fund.demo.ideas import Idea
from fund.demo.teller import ASSESSORS, SECOND_STEWARD, STEWARD, Teller
from fund.kernel.db import db
from proposals import decision_service, partner_service, round_service, service
from proposals import questions as asked
from proposals.assessment import service as assessment
from proposals.assessment.service import Judgement
from proposals.evidence import attestation_service as attestations
from proposals.evidence import queries as evidence_queries
from proposals.evidence import service as evidence
from proposals.evidence.words import Changed, Decisions, Offered, Phase, TookPart, Verdict, WhoAnswers
from proposals.models import Partner
from proposals.rules import CostLine, RoundPlan, Terms

_HELP_PHONE = "0161 496 0000"
"""From the range that is kept free for drama."""


def plan_round(
    teller: Teller,
    title: str,
    purpose: str,
    budget_pounds: int,
    published: int,
    opens: int,
    closes: int,
    decide_by: int,
) -> int:
    """A round, published; its id. Days count from the day of the telling."""
    plan = RoundPlan(
        title=title,
        purpose=purpose,
        written_case="Members asked for it at the annual meeting: work that no one sector can do alone.",
        senior_officer="Amina Holt",
        budget_pence=budget_pounds * 100,
        smallest_pence=5_000_00,
        largest_pence=50_000_00,
        opens_at=teller.at(opens, 9),
        closes_at=teller.plan_at(closes, 17),
        decide_by=teller.date(decide_by),
    )
    actor = teller.official(STEWARD)
    round_id = teller.do(lambda: round_service.create_round(plan=plan, actor=actor, now=teller.at(published, 9)).id)
    teller.do(lambda: round_service.publish_round(round_id=round_id, actor=actor, now=teller.at(published, 10)))
    teller.do(lambda: round_service.open_round(round_id=round_id, actor=actor, now=teller.at(opens, 9, 1)))
    return round_id


def draft(teller: Teller, idea: Idea, round_id: int, day: int) -> int:
    """The lead writes it all down, and invites its partners; its id."""
    lead = teller.certifier(idea.lead)
    proposal_id = teller.do(
        lambda: service.start_proposal(round_id=round_id, title=idea.title, actor=lead, now=teller.at(day)).id
    )
    teller.do(
        lambda: service.save_answers(
            proposal_id=proposal_id, answers=_answers(idea), actor=lead, now=teller.at(day, 11)
        )
    )
    teller.do(lambda: _budget(teller, idea, proposal_id, day))
    for part in idea.parts[1:]:
        teller.do(
            lambda part=part: partner_service.invite_partner(  # type: ignore[misc]
                proposal_id=proposal_id,
                organisation_id=teller.organisations[part.organisation],
                actor=lead,
                now=teller.at(day + 1),
            )
        )
    for number in range(len(idea.parts)):
        teller.do(lambda number=number: _set_terms(teller, idea, proposal_id, number, day + 1))  # type: ignore[misc]
    teller.do(lambda: _show_evidence(teller, idea, proposal_id, day + 2))
    return proposal_id


def confirm(teller: Teller, idea: Idea, proposal_id: int, day: int, *, but: tuple[str, ...] = ()) -> None:
    """Every partner confirms from its own account, and the owner of the lever confirms the lever."""
    for part in idea.parts:
        if part.organisation in but:
            continue
        teller.do(lambda part=part: _confirm(teller, part.organisation, proposal_id, day))  # type: ignore[misc]
    if idea.lever_owner not in but:
        lever_id = evidence_queries.levers(proposal_id)[0].id
        teller.do(
            lambda: evidence.confirm_lever(
                lever_id=lever_id, seen_terms=None, actor=teller.certifier(idea.lever_owner), now=teller.at(day, 12)
            )
        )


def attest(teller: Teller, proposal_id: int, day: int, *, agreeing: int = 4) -> None:
    """A steward hands out cards, and co-producers answer."""
    secret = str(current_app.secret_key)
    codes = teller.do(
        lambda: attestations.issue_codes(
            proposal_id=proposal_id,
            cards=agreeing + 3,
            help_phone=_HELP_PHONE,
            secret=secret,
            actor=teller.official(SECOND_STEWARD),
            now=teller.at(day),
        )
    )
    for code in codes[:agreeing]:
        teller.do(
            lambda code=code: attestations.answer(  # type: ignore[misc]
                code=code.replace("-", "").replace(" ", ""),
                secret=secret,
                answers=attestations.Answers(
                    who=WhoAnswers.MYSELF,
                    took_part=TookPart.MEETINGS,
                    changed=Changed.YES,
                    decisions=Decisions.JOIN,
                    offered=Offered.PAYMENT,
                    verdict=Verdict.AGREE,
                    told="They did change it after what we said.",
                ),
                seen=0,
                now=teller.at(day + 2),
            )
        )


def send(teller: Teller, idea: Idea, proposal_id: int, day: int) -> None:
    """The lead sends it."""
    teller.do(
        lambda: service.submit(proposal_id=proposal_id, actor=teller.certifier(idea.lead), now=teller.at(day, 15))
    )


def close_round(teller: Teller, round_id: int, day: int) -> None:
    """The closing second passes."""
    teller.do(lambda: round_service.close_round(round_id=round_id, actor=None, now=teller.at(day, 17)))


def judge(teller: Teller, idea: Idea, proposal_id: int, day: int) -> None:
    """A steward finds it eligible; two assessors score it, one of them with lived experience."""
    teller.do(
        lambda: decision_service.mark_eligible(
            proposal_id=proposal_id,
            reasons="Complete, within the round's purpose and limits.",
            actor=teller.official(STEWARD),
            now=teller.at(day),
        )
    )
    for number, address in enumerate(ASSESSORS):
        assess(teller, idea, proposal_id, day + 2 + number, address)


def assess(teller: Teller, idea: Idea, proposal_id: int, day: int, address: str) -> None:
    """One assessor declares no link, and scores."""
    actor = teller.official(address)
    gates = ("g1", "g2", "g3", "g4")
    judgement = Judgement(
        scores=dict(zip(gates, idea.scores, strict=True)),
        reasons={
            "g1": "Each partner brings something the others lack, and the owner of the change is at the table.",
            "g2": "People were heard early, and it shows in what was dropped.",
            "g3": "Power over money is shared; delivery could be shared further.",
            "g4": "The lever is plausible and its owner has said so.",
        },
        found_level=4,
    )
    teller.do(lambda: assessment.declare(proposal_id=proposal_id, conflict="", actor=actor, now=teller.at(day)))
    teller.do(
        lambda: assessment.submit(proposal_id=proposal_id, judgement=judgement, actor=actor, now=teller.at(day, 16))
    )


def _answers(idea: Idea) -> dict[str, str]:
    return {
        asked.SUMMARY: idea.summary,
        asked.IDEA: idea.plan,
        asked.MONTHS: str(idea.months),
        asked.SITUATION: idea.situation,
        asked.SITUATION_EVIDENCE: idea.evidence,
        asked.PEOPLE: idea.people,
        asked.PLACES: " ".join(idea.places),
        asked.PEOPLE_COUNT: str(idea.people_count),
        asked.FED_BACK: "We read back what we heard at the next meeting, with what changed and what did not.",
        asked.ACCESS_AND_EXPENSES: "Travel and childcare paid on the day, a choice of times, an interpreter, and "
        "payment by the hour for those who want it.",
        asked.SHARED_POWER: "co_chair voting_seats",
        asked.SHARED_POWER_COUNT: "5",
        asked.SHARED_POWER_HOW: "The group meets each month with two chairs, one of whom lives with the issue. Half "
        "of the votes are with people to be supported, and a tie means no.",
        asked.SCALING: "up deep",
        asked.STOPS: idea.stops,
        asked.BUYING: idea.buying,
        asked.AFTER_MONEY: idea.after,
        asked.STOP_CONDITIONS: "If people say after nine months that nothing feels different, the group stops.",
        asked.ENDS_WITH_MONEY: "no",
        asked.LEGACY_AGREED: "yes",
        asked.STAGE: "prototype",
    }


def _budget(teller: Teller, idea: Idea, proposal_id: int, day: int) -> None:
    shared, given = idea.coproducers_pounds, sum(part.worth for part in idea.parts)
    lines = (
        CostLine("Paying and supporting co-producers", shared * 100, shared * 100, True),
        CostLine(
            "People who do the work", (idea.asked_pounds - shared) * 100, (idea.asked_pounds - shared) * 100, False
        ),
        CostLine("Given by the partners", given * 100, 0, False),
    )
    service.set_budget(proposal_id=proposal_id, lines=lines, actor=teller.certifier(idea.lead), now=teller.at(day, 12))


def _partner(teller: Teller, proposal_id: int, organisation: str) -> Partner:
    return (
        db.session.query(Partner)
        .filter_by(proposal_id=proposal_id, organisation_id=teller.organisations[organisation])
        .one()
    )


def _set_terms(teller: Teller, idea: Idea, proposal_id: int, number: int, day: int) -> None:
    part = idea.parts[number]
    terms = Terms(part.role, part.gives, part.what, part.worth * 100, part.basis, part.share * 100)
    partner_service.set_partner_terms(
        partner_id=_partner(teller, proposal_id, part.organisation).id,
        terms=terms,
        actor=teller.certifier(idea.lead),
        now=teller.at(day, 13),
    )


def _confirm(teller: Teller, organisation: str, proposal_id: int, day: int) -> None:
    partner = _partner(teller, proposal_id, organisation)
    partner_service.confirm_partner(
        partner_id=partner.id,
        seen_terms=partner.terms.digest,
        accepts_principles=True,
        actor=teller.certifier(organisation),
        now=teller.at(day, 11),
    )


def _show_evidence(teller: Teller, idea: Idea, proposal_id: int, day: int) -> None:
    lead, now = teller.certifier(idea.lead), teller.at(day, 14)
    for before, method, people in ((60, "Open table meeting", 14), (30, "Walk and talk in small groups", 9)):
        activity = evidence.Activity(
            on=teller.date(day - before), method=method, place="A place people chose", people=people, carers=2, staff=3
        )
        evidence.add_activity(proposal_id=proposal_id, activity=activity, actor=lead, now=now)
    for heard, changed in idea.heard:
        evidence.add_pair(proposal_id=proposal_id, heard=heard, changed=changed, actor=lead, now=now)
    claims = {
        Phase.DEFINE: evidence.Claim(4, "The question came from the first meeting, in people's own words."),
        Phase.DESIGN: evidence.Claim(4, "Three drafts were rewritten with a group of eight."),
        Phase.DECIDE: evidence.Claim(5, "Half of the votes, and a co-chair."),
        Phase.DELIVER: evidence.Claim(4, "Paid roles for people from the group."),
        Phase.REVIEW: evidence.Claim(4, "The group writes the reports' stories and reads the figures first."),
    }
    evidence.claim_levels(proposal_id=proposal_id, claims=claims, actor=lead, now=now)
    evidence.add_lever(
        proposal_id=proposal_id,
        kind=idea.lever,
        today=idea.lever_today,
        after=idea.lever_after,
        owner_partner_id=_partner(teller, proposal_id, idea.lever_owner).id,
        actor=lead,
        now=now,
    )

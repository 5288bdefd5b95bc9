"""What people do with proposals, from the first word to the decision. Rounds and partners have files of their own.

This module is the folder's one door for others: everything that may be called from outside is named in `__all__`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.references import next_reference
from fund.kernel.topics import Topic
from members import queries as members
from members.models import Organisation
from proposals import drafts, queries, questions, rules
from proposals.addresses import known_id
from proposals.brokerage import closing
from proposals.decision_service import (
    decide,
    mark_eligible,
    mark_ineligible,
    put_on_ballot,
    return_for_fixes,
    take_off_ballot,
)
from proposals.evidence import queries as evidence
from proposals.models import Answer, BudgetLine, Proposal, ProposalVersion, Round
from proposals.partner_service import confirm_partner, invite_partner, set_partner_terms, withdraw_partner
from proposals.questions import QUESTIONS, SECTIONS
from proposals.round_service import change_round, close_round, create_round, open_round, publish_round, sweep
from proposals.rules import CostLine, PartnerRole, ProposalState, in_england
from proposals.versions import content

__all__ = [
    "AnswersChanged",
    "Changed",
    "change_round",
    "close_round",
    "confirm_partner",
    "create_round",
    "decide",
    "invite_partner",
    "mark_eligible",
    "mark_ineligible",
    "missing",
    "open_round",
    "publish_round",
    "put_on_ballot",
    "return_for_fixes",
    "save_answers",
    "set_budget",
    "set_partner_terms",
    "start_proposal",
    "submit",
    "sweep",
    "take_off_ballot",
    "withdraw_partner",
]


@dataclass(frozen=True)
class Changed:
    """An answer that somebody else saved after the page was shown."""

    question: str
    value: str
    revision: int
    saved_at: datetime


class AnswersChanged(Conflict):
    """Nothing was saved: `changed` holds what stands in the answers that somebody else changed meanwhile."""

    def __init__(self, changed: Sequence[Changed]) -> None:
        self.changed = tuple(changed)
        super().__init__(
            "Somebody saved another answer while you had this page open. Nothing of yours was saved and nothing is "
            "lost: compare both, keep what is right, and save again."
        )


def start_proposal(*, round_id: int, title: str, actor: Actor, now: datetime) -> Proposal:
    """Begin a proposal in an open round; the organisation acted for is its lead.

    Raises:
        RuleBroken: when the organisation is no member.
        Conflict: when the round is not open, or its closing second has come.
    """
    actor.require(Permission.WRITE_PROPOSAL)
    lead = db.session.get(Organisation, actor.organisation_id) if actor.organisation_id is not None else None
    if lead is None or not members.takes_part(lead.id, now):
        raise RuleBroken(
            "Only a member organisation that is not suspended can propose. Join the fund first; it costs one £1 share."
        )
    # Many may begin at once; a shared lock only keeps the round from being closed in between.
    call = db.session.scalar(select(Round).where(Round.id == known_id(round_id)).with_for_update(read=True))
    if call is None:
        raise NotFound
    if not rules.may_start(call.state, call.closes_at, now):
        raise Conflict(
            f"Round {call.reference} takes no new proposals now. Look at the rounds page for one that is open."
        )
    subject = Proposal(
        reference=next_reference("P", year=london_day(now).year),
        round_id=call.id,
        lead_id=lead.id,
        title=title,
        state=ProposalState.DRAFT,
        created_by_id=actor.person_id,
        created_at=now,
    )
    db.session.add(subject)
    db.session.flush()
    drafts.new_partner(subject, lead.id, role=PartnerRole.LEAD, actor=actor, now=now)
    _save(subject, questions.TITLE, title, None, actor, now)
    audit.record(actor, "proposal.started", subject.reference, at=now, after={"round": call.reference, "title": title})
    return subject


def save_answers(
    *,
    proposal_id: int,
    answers: Mapping[str, str],
    actor: Actor,
    now: datetime,
    seen: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Save answers, all or none.

    Args:
        answers: question code → answer (see `proposals.questions`).
        seen: question code → revision that the page showed, 0 for none; None when no page was shown.

    Returns:
        Question code → revision now.

    Raises:
        AnswersChanged: when somebody saved something else after the page was shown.
        RuleBroken: for answers that can't be kept, each named.
    """
    subject = drafts.editable(proposal_id, actor, now)
    values: dict[str, str] = {}
    findings: list[Finding] = []
    for code, value in answers.items():
        if code not in QUESTIONS:
            raise NotFound
        try:
            values[code] = rules.normal_answer(QUESTIONS[code], value)
        except RuleBroken as broken:
            findings += broken.findings
    require(findings)
    present = queries.answer_rows(subject.id)
    if seen is not None:
        _check_seen(values, seen, present)
    revisions = {}
    for code, value in values.items():
        revisions[code] = _save(subject, code, value, present.get(code), actor, now).revision
    if values.get(questions.TITLE):
        subject.title = values[questions.TITLE][: QUESTIONS[questions.TITLE].max_length]
    db.session.flush()
    return revisions


def _check_seen(values: Mapping[str, str], seen: Mapping[str, int], present: Mapping[str, Answer]) -> None:
    changed = [
        Changed(code, row.value, row.revision, row.saved_at)
        for code, value in values.items()
        if (row := present.get(code)) is not None and row.revision != seen.get(code, 0) and row.value != value
    ]
    if changed:
        raise AnswersChanged(changed)


def _save(subject: Proposal, code: str, value: str, row: Answer | None, actor: Actor, now: datetime) -> Answer:
    if row is None:
        row = Answer(
            proposal_id=subject.id, question=code, value="", revision=0, saved_at=now, saved_by_id=actor.person_id
        )
        db.session.add(row)
    if row.value != value:
        row.value, row.saved_at, row.saved_by_id = value, now, actor.person_id
        row.revision += 1
    return row


def set_budget(
    *, proposal_id: int, lines: Sequence[CostLine], actor: Actor, now: datetime, seen: str | None = None
) -> None:
    """Replace the budget.

    Args:
        seen: `rules.budget_digest` of the lines that the page showed; None when no page was shown.

    Raises:
        Conflict: when somebody changed the budget after the page was shown.
        RuleBroken: for faults in lines, beside `heading_1`, `amount_1`, `grant_1` and so on.
    """
    subject = drafts.editable(proposal_id, actor, now)
    before = queries.cost_lines(subject.id)
    if list(lines) == before:
        return
    if seen is not None and seen != rules.budget_digest(before):
        raise Conflict(
            "Somebody changed this budget while you had the page open. Nothing of yours was saved: go back to copy "
            "what you typed, then open the budget again."
        )
    require(rules.line_faults(lines))
    db.session.execute(delete(BudgetLine).where(BudgetLine.proposal_id == subject.id))
    db.session.add_all(
        BudgetLine(
            proposal_id=subject.id,
            position=position,
            heading=line.heading,
            amount_pence=line.amount_pence,
            grant_pence=line.grant_pence,
            for_coproducers=line.for_coproducers,
        )
        for position, line in enumerate(lines, start=1)
    )
    db.session.flush()
    audit.record(
        actor,
        "proposal.budget_set",
        subject.reference,
        at=now,
        before={"amount_pence": sum(line.amount_pence for line in before), "lines": len(before)},
        after={"amount_pence": sum(line.amount_pence for line in lines), "lines": len(lines)},
    )


def missing(subject: Proposal, now: datetime) -> list[Finding]:
    """Everything that keeps the proposal from being sent: answers, amount, and all conditions of the four gates.

    The overview shows it while drafting and `submit` enforces it: the same list.
    """
    home = f"/proposals/{subject.reference}"
    paths = {section.code: f"{home}/section/{section.code}" for section in SECTIONS}
    return rules.without_repeats(
        [
            *rules.missing_answers(QUESTIONS.values(), queries.answers(subject.id), paths),
            *rules.amount_faults(
                queries.requested_pence(subject.id),
                subject.round.smallest_pence,
                subject.round.largest_pence,
                f"{home}/budget",
            ),
            *evidence.missing(subject.id, now),
        ]
    )


def submit(*, proposal_id: int, actor: Actor, now: datetime) -> ProposalVersion:
    """Send the proposal: freeze a version that nobody can change, and tell the lead by when it will be decided.

    Raises:
        NotAllowed: for somebody who does not certify for the lead.
        Conflict: when it was sent already, or its time has run out.
        RuleBroken: naming everything that is missing, each with the page that mends it.
    """
    actor.require(Permission.BIND_ORGANISATION)
    subject = drafts.editable(proposal_id, actor, now)
    if not members.takes_part(subject.lead_id, now):
        raise RuleBroken(f"{subject.lead.name} has left the fund or is suspended, so it can't send a proposal now.")
    require(missing(subject, now))
    last = queries.current_version(subject.id)
    number = last.number + 1 if last else 1
    text = rules.canonical(content(subject, number, now))
    version = ProposalVersion(
        proposal_id=subject.id,
        number=number,
        content=text,
        sha256=sha256(text.encode()).hexdigest(),
        requested_pence=queries.requested_pence(subject.id),
        submitted_at=now,
        submitted_by_id=actor.person_id,
    )
    db.session.add(version)
    rules.check_proposal_move(subject.reference, subject.state, ProposalState.SUBMITTED)
    subject.state = ProposalState.SUBMITTED
    db.session.flush()
    closing.settle_proposal(subject.id, actor=actor, now=now)
    audit.record(
        actor, "proposal.submitted", subject.reference, at=now, after={"version": number, "sha256": version.sha256}
    )
    for address in queries.addresses(subject.lead_id, Permission.WRITE_PROPOSAL):
        mail(
            key=f"proposal:{subject.reference}-v{number}:submitted:{address}",
            to=address,
            subject=f"We have your proposal {subject.reference}",
            what=f"“{subject.title}” was sent on {in_england(now)}. What you sent is attached and can't change; its "
            f"SHA-256 is {version.sha256}.",
            why=f"You write proposals for {subject.lead.name}.",
            by_when=f"Nothing is needed of you. It will be decided by {in_words(subject.round.decide_by)}.",
            path=f"/proposals/{subject.reference}/versions/{number}",
            document=f"proposal:{subject.reference}-v{number}",
            now=now,
            topic=Topic.NOTICE,
        )
    return version

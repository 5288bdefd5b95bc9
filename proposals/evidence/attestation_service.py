"""Attestation by co-producers: cards made by stewards, answers given with them, and what follows (handbook §8.1, §8.2).

The applicant is never told who answered or what. A code in clear is returned once, to be printed, and kept nowhere.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fund.kernel import audit, outbox
from fund.kernel.access import Actor, Permission, Role
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.topics import Topic
from proposals import queries as proposals
from proposals.assessment import queries as assessment
from proposals.drafts import locked
from proposals.evidence import attestation_queries as queries
from proposals.evidence import codes, rules
from proposals.evidence.models import (
    Attestation,
    AttestationCode,
    CardRequest,
    CodeBatch,
    DaySalt,
    SafeguardingConcern,
    WrongCodes,
)
from proposals.evidence.queries import MOST_CARDS
from proposals.evidence.words import Changed, Decisions, Offered, TookPart, Verdict, WhoAnswers
from proposals.models import Proposal
from proposals.rules import EDITABLE, OPEN_TO_MEMBERS, ProposalState

MOST_CARDS_AT_ONCE = 60
_OVER = OPEN_TO_MEMBERS | {ProposalState.INELIGIBLE}
"""From the ballot's notice on, and where a proposal goes no further, answers stand."""


def is_over(subject: Proposal) -> bool:
    """Whether answers can be given and changed no longer."""
    return subject.state in _OVER


@dataclass(frozen=True)
class Answers:
    """What somebody says with a code. `concern`: send `told` to the safeguarding lead alone, and `reach_me` with it."""

    who: WhoAnswers
    took_part: TookPart
    changed: Changed
    decisions: Decisions
    offered: Offered
    verdict: Verdict
    told: str = ""
    concern: bool = False
    reach_me: str = ""


# --- cards


def refuse_interested(proposal_id: int, actor: Actor) -> None:
    """Raise NotAllowed for somebody with a role in a partner, or in a body connected to one."""
    if assessment.conflict(proposal_id, actor.person_id):
        raise NotAllowed(
            "You hold a role in a partner of this proposal, or in a body connected to one, so another steward must do "
            "this."
        )


def ask_for_cards(*, proposal_id: int, cards: int, where: str, actor: Actor, now: datetime) -> CardRequest:
    """The lead asks the fund to bring cards to the people it works with; stewards get a task."""
    subject = locked(proposal_id)
    if not proposals.may_open(subject, actor):
        raise NotFound
    if not proposals.is_lead(subject, actor) or not actor.may(Permission.WRITE_PROPOSAL):
        raise NotAllowed("Only people who write for the lead partner can ask for cards. Ask them to.")
    if subject.state not in EDITABLE:
        raise Conflict(f"Proposal {subject.reference} was sent, so no more cards are needed for it.")
    require(_faults_of_number(cards))
    if queries.open_requests(proposal_id):
        raise RuleBroken("You have asked already, and a steward has it on their list. Wait until they have answered.")
    row = CardRequest(proposal_id=proposal_id, cards=cards, where=where, asked_at=now, asked_by_id=actor.person_id)
    db.session.add(row)
    db.session.flush()
    audit.record(actor, "attestation.cards_asked", subject.reference, at=now, after={"cards": cards})
    return row


def _faults_of_number(cards: int) -> list[Finding]:
    if 1 <= cards <= MOST_CARDS_AT_ONCE:
        return []
    return [Finding(f"Give a number from 1 to {MOST_CARDS_AT_ONCE}.", "cards")]


def issue_codes(
    *, proposal_id: int, cards: int, help_phone: str, secret: str, actor: Actor, now: datetime
) -> list[str]:
    """Make cards for a proposal; open requests for cards count as answered.

    Args:
        cards: how many, 1 to `MOST_CARDS_AT_ONCE`.
        help_phone: a number that people can ring; it is printed and shown.
        secret: the key of the hashes that are kept: the application's secret.

    Returns:
        The codes in clear, this once.
    """
    actor.require(Permission.RUN_ROUNDS)
    subject = locked(proposal_id)
    if is_over(subject):
        raise Conflict(f"Proposal {subject.reference} is {subject.state.replace('_', ' ')} now, so its cards are over.")
    refuse_interested(proposal_id, actor)
    require(_faults_of_number(cards))
    issued = queries.cards(proposal_id).issued
    if issued + cards > MOST_CARDS:
        raise RuleBroken(
            [Finding(f"A proposal has up to {MOST_CARDS} cards; {MOST_CARDS - issued} more fit.", "cards")]
        )
    batch = CodeBatch(
        proposal_id=proposal_id, cards=cards, help_phone=help_phone, issued_at=now, issued_by_id=actor.person_id
    )
    db.session.add(batch)
    db.session.flush()
    made = [codes.new_code() for _ in range(cards)]
    db.session.add_all(AttestationCode(batch_id=batch.id, digest=codes.digest(code, secret)) for code in made)
    for request in queries.open_requests(proposal_id):
        request.met_at = now
    db.session.flush()
    audit.record(actor, "attestation.cards_made", subject.reference, at=now, after={"batch": batch.id, "cards": cards})
    return made


def spoil_batch(*, proposal_id: int, batch_id: int, reason: str, actor: Actor, now: datetime) -> None:
    """Cards that were lost or not printed: those not yet used are good no more. Answers given stay."""
    actor.require(Permission.RUN_ROUNDS)
    subject = locked(proposal_id)
    refuse_interested(proposal_id, actor)
    batch = db.session.get(CodeBatch, proposals.known_id(batch_id))
    if batch is None or batch.proposal_id != proposal_id:
        raise NotFound
    if batch.spoilt_at is not None:
        raise Conflict("Somebody has cancelled these cards already.")
    batch.spoilt_at, batch.spoilt_reason = now, reason
    audit.record(actor, "attestation.cards_spoilt", subject.reference, at=now, after={"batch": batch.id})


# --- answers


def _good_code(code: str, secret: str) -> AttestationCode:
    found = queries.code(codes.digest(code, secret))
    if found is None:
        raise NotFound("We can't find that code. Check your card and try again.")
    return found


def answer(
    *, code: str, secret: str, answers: Answers, seen: int, now: datetime, actor: Actor | None = None
) -> Attestation:
    """Give or change the answer of a code. One code, one answer.

    Args:
        code: as `codes.read` gives it.
        seen: revision of the answer as the page showed it; 0 where there was none. Conflict where it is another now.
        actor: the signed-in person, who is not kept; None for most.

    Raises:
        NotFound: no such code.
        RuleBroken: answers stand once the ballot's notice was given.
    """
    found = _good_code(code, secret)
    subject = locked(found.batch.proposal_id)
    if is_over(subject):
        raise RuleBroken("The vote has been called, so answers can't be given or changed any more.")
    row = _answer_again(found.id)
    if (row.revision if row else 0) != seen:
        raise Conflict(
            "This card was used on another page just now. Enter the code again to see the answers, and change them."
        )
    if answers.concern and not (answers.told or answers.reach_me):
        raise RuleBroken([Finding("Say in a few words what worries you, or how we can reach you.", "told")])
    values = {
        name: getattr(answers, name) for name in ("who", "took_part", "changed", "decisions", "offered", "verdict")
    }
    told = "" if answers.concern else answers.told
    if row is None:
        row = Attestation(code_id=found.id, proposal_id=subject.id, told=told, revision=1, answered_at=now, **values)
        db.session.add(row)
    else:
        for name, value in values.items():
            setattr(row, name, value)
        row.told, row.revision, row.changed_at = told, row.revision + 1, now
        row.withdrawn_at = row.looked_into_at = row.looked_into_by_id = row.looked_into_note = None
    db.session.flush()
    if answers.concern:
        _raise_concern(subject, answers, now)
    if rules.disputes(row.said):
        _tell_stewards(subject, row, now)
    audit.record(None, "attestation.answered", subject.reference, at=now, after={"attestation": row.id})
    return row


def _answer_again(code_id: int) -> Attestation | None:
    """The answer of a code as it stands under the proposal's lock."""
    return db.session.scalar(
        select(Attestation).where(Attestation.code_id == code_id).execution_options(populate_existing=True)
    )


def withdraw(*, code: str, secret: str, now: datetime) -> Attestation:
    """Take an answer back. Before the ballot's notice it counts no more; afterwards its text is hidden and it still
    counts, without a name as ever (handbook §8.1)."""
    found = _good_code(code, secret)
    subject = locked(found.batch.proposal_id)
    row = _answer_again(found.id)
    if row is None or row.withdrawn_at is not None:
        raise Conflict("There is no answer to take back: it was taken back already, or none was given with this code.")
    row.told = ""
    row.revision += 1
    if is_over(subject):
        row.text_withdrawn_at = now
    else:
        row.withdrawn_at = now
    audit.record(None, "attestation.withdrawn", subject.reference, at=now, after={"attestation": row.id})
    return row


def look_into(*, proposal_id: int, attestation_id: int, note: str, actor: Actor, now: datetime) -> None:
    """A steward writes down how a disagreement was looked into and what came of it; it holds gate 3 no longer."""
    actor.require(Permission.RUN_ROUNDS)
    subject = locked(proposal_id)
    row = queries.attestation(attestation_id, proposal_id)
    refuse_interested(proposal_id, actor)
    if row.withdrawn_at is not None or row.verdict is not Verdict.DISAGREE or row.looked_into_at is not None:
        raise Conflict(
            "This answer was changed, taken back or looked into already. Reload the page to see how it stands."
        )
    row.looked_into_at, row.looked_into_by_id, row.looked_into_note = now, actor.person_id, note
    audit.record(actor, "attestation.looked_into", subject.reference, at=now, after={"attestation": row.id})


def _tell_stewards(subject: Proposal, row: Attestation, now: datetime) -> None:
    for address in queries.emails_of(Role.STEWARD):
        outbox.mail(
            key=f"attestation:{row.id}:{row.revision}:{address}",
            to=address,
            subject=f"{subject.reference}: somebody disagrees",
            what="A person who answered with a card disagrees with what the partners say. Look into it and write down "
            "what came of it.",
            why="You are a steward. Gate 3 of this proposal stays shut until it was looked into.",
            path=f"/proposals/{subject.reference}/codes",
            now=now,
            topic=Topic.ANSWER,
        )


# --- safeguarding


def _raise_concern(subject: Proposal, answers: Answers, now: datetime) -> None:
    concern = SafeguardingConcern(proposal_id=subject.id, told=answers.told, reach_me=answers.reach_me, raised_at=now)
    db.session.add(concern)
    db.session.flush()
    leads = queries.emails_of(Role.SAFEGUARDING_LEAD)
    for address in leads:
        outbox.mail(
            key=f"safeguarding:{concern.id}:{address}",
            to=address,
            subject="A safeguarding concern",
            what="Somebody told the fund that a person may be at risk. Sign in to read it; it is not in this mail.",
            why="You are the safeguarding lead, and nobody else can see it.",
            path="/safeguarding",
            by_when="Today.",
            now=now,
            topic=Topic.SAFETY,
        )
    if not leads:
        for address in queries.emails_of(Role.STEWARD):
            outbox.mail(
                key=f"safeguarding:{concern.id}:{address}",
                to=address,
                subject="Appoint a safeguarding lead today",
                what="A safeguarding concern has come in and the fund has nobody to read it. Appoint somebody.",
                why="You are a steward. The concern itself is only for the safeguarding lead.",
                path="/tasks",
                by_when="Today.",
                now=now,
                topic=Topic.SAFETY,
            )


def close_concern(*, concern_id: int, outcome: str, actor: Actor, now: datetime) -> None:
    """The safeguarding lead writes down what was done. Raises Conflict where that has been done."""
    actor.require(Permission.HEAR_SAFEGUARDING)
    row = db.session.scalar(
        select(SafeguardingConcern)
        .where(SafeguardingConcern.id == proposals.known_id(concern_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    if row.closed_at is not None:
        raise Conflict("Somebody has closed this concern already. Reload the page to read what was done.")
    row.closed_at, row.closed_by_id, row.outcome = now, actor.person_id, outcome
    audit.record(actor, "safeguarding.closed", f"safeguarding:{row.id}", at=now)


# --- guessing


def try_code(*, typed: str, address: str, secret: str, now: datetime) -> str | None:
    """The code that somebody typed, if it is good; else None, and the try is counted.

    Args:
        address: where the request came from. Only its bucket of the day is kept.

    Raises:
        RuleBroken: too many wrong codes came from that bucket within the hour, right or wrong this time.
    """
    bucket = codes.bucket(address, _salt(now))
    tries = db.session.get(WrongCodes, bucket, with_for_update=True)
    if tries is not None and now - tries.since >= codes.WRONG_CODES_WITHIN:
        db.session.delete(tries)
        db.session.flush()
        tries = None
    if tries is not None and tries.tries >= codes.WRONG_CODES_ALLOWED:
        raise RuleBroken(
            "Too many wrong codes came from here. Wait an hour and try again, or ring the number on your card."
        )
    code = codes.read(typed)
    if code is not None and queries.code(codes.digest(code, secret)) is not None:
        return code
    insert = postgresql_insert if db.session.get_bind().dialect.name == "postgresql" else sqlite_insert
    db.session.execute(
        insert(WrongCodes)
        .values(bucket=bucket, since=now, tries=1)
        .on_conflict_do_update(index_elements=["bucket"], set_={"tries": WrongCodes.tries + 1})
    )
    return None


def _salt(now: datetime) -> str:
    """The day's salt; a new day forgets the old one, and with it what the buckets meant."""
    today = london_day(now)
    row = db.session.get(DaySalt, 1)
    if row is not None and row.day == today:
        return row.salt
    insert = postgresql_insert if db.session.get_bind().dialect.name == "postgresql" else sqlite_insert
    db.session.execute(
        insert(DaySalt)
        .values(id=1, day=today, salt=secrets.token_hex(16))
        .on_conflict_do_nothing(index_elements=["id"])
    )
    row = db.session.get_one(DaySalt, 1, with_for_update=True, populate_existing=True)
    if row.day != today:
        row.day, row.salt = today, secrets.token_hex(16)
        db.session.execute(delete(WrongCodes))
        db.session.flush()
    return row.salt

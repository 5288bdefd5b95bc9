"""Asking members for a partner, answering in private, and what the lead does with each answer (R29)."""

from datetime import datetime, timedelta

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.policy import policy_at
from fund.kernel.references import next_reference
from members import queries as members
from members.models import Organisation
from members.profile import queries as profiles
from members.rules import SECTOR_NAMES, Sector
from proposals import drafts, partner_service
from proposals import queries as proposals
from proposals.brokerage import closing, queries, rules
from proposals.brokerage.models import PartnerReply, PartnerRequest, RequestMark
from proposals.brokerage.rules import ClosedBecause, ReplyState, Words
from proposals.models import Partner, Proposal
from proposals.rules import in_england


def post(*, proposal_id: int, sector: Sector, words: Words, actor: Actor, now: datetime) -> PartnerRequest:
    """Ask all members for a partner of a sector that gate 1 lacks, in words that the lead agrees to show.

    Members of that sector and these districts who share an interest and want such messages get one mail.

    Raises:
        NotFound, NotAllowed, Conflict: as for every change of a draft (`drafts.editable`).
        RuleBroken: when the proposal lacks no such partner, or for faults in the words.
        Conflict: when a request for this sector is open already.
    """
    subject = drafts.editable(proposal_id, actor, now)
    require(rules.words_faults(words))
    ask = next((ask for ask in queries.asks(subject) if ask.sector is sector), None)
    if ask is None:
        raise RuleBroken(f"Gate 1 lacks no {SECTOR_NAMES[sector]} partner now. Look at the gate to see what it lacks.")
    if ask.request is not None:
        raise Conflict(
            f"Your request {ask.request.reference} for this sector is open already. Open it to see the answers."
        )
    made = PartnerRequest(
        reference=next_reference("PR", year=london_day(now).year),
        proposal_id=subject.id,
        sector=sector,
        title=words.title,
        need=words.need,
        posted_at=now,
        posted_by_id=actor.person_id,
        marks=[RequestMark(code=code) for code in sorted(words.districts | words.interests)],
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        actor, "partner_request.posted", made.reference, at=now, after={"proposal": subject.reference, "sector": sector}
    )
    _tell_those_who_fit(made, subject, words, now)
    return made


def _tell_those_who_fit(made: PartnerRequest, subject: Proposal, words: Words, now: datetime) -> None:
    fitting = profiles.wanting_requests(
        sector=made.sector,
        districts=words.districts,
        interests=words.interests,
        without=[partner.organisation_id for partner in proposals.partners(subject.id)],
        without_group=subject.lead.group_id,
    )
    for name, address in queries.writers([one.id for one in fitting]):
        mail(
            key=f"partner-request:{made.reference}:{address}",
            to=address,
            subject=f"{subject.lead.name} looks for a partner like {name}",
            what=f"{subject.lead.name} looks for a {SECTOR_NAMES[made.sector]} partner: “{made.title}”.",
            why=f"{name} asked to hear of requests that fit its sector, district and interests. This is "
            "the only mail about this one; your profile page is where to stop them.",
            path=f"/requests/{made.reference}",
            by_when=f"Answer before {in_england(proposals.deadline(subject))} if you may be interested. You need not.",
            now=now,
        )


def close_request(*, reference: str, actor: Actor, now: datetime) -> PartnerRequest:
    """Stop asking.

    Raises:
        NotFound: for a request of another lead.
        Conflict: when it is closed already.
    """
    request = _request_of_lead(reference, actor)
    if request.closed_at is not None:
        raise Conflict("This request is closed already. There is nothing left to do.")
    closing.close(request, request.proposal, ClosedBecause.BY_LEAD, actor=actor, now=now)
    return request


def _request_of_lead(reference: str, actor: Actor) -> PartnerRequest:
    found = queries.request(reference, actor)
    if not queries.is_leads(found, actor):
        raise NotFound
    _require_writer(actor)
    return _locked_request(found.request.id)


def _locked_request(request_id: int) -> PartnerRequest:
    return db.session.scalars(
        select(PartnerRequest)
        .where(PartnerRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _require_writer(actor: Actor) -> None:
    if not actor.may(Permission.WRITE_PROPOSAL):
        raise NotAllowed(f"Only people who write proposals for {actor.organisation_name} can do this. Ask one of them.")


# --- answering


def reply(*, reference: str, message: str, contact: str, actor: Actor, now: datetime) -> PartnerReply:
    """Say in private that the actor's organisation may be interested. Only the lead's people read it.

    It is no conflict of interest by itself: it promises nothing, gives the organisation no part and no money, and a
    member that was never invited has nothing to gain from the ballot. The conflict begins with the invitation, when it
    becomes a partner, and then stays (handbook §5.5). Else asking around would take voters away from a proposal.

    Args:
        contact: how to reach the actor; the lead sees it only in exchange for its own. Empty for none.

    Raises:
        NotAllowed: for an organisation that is no member.
        Conflict: when the request is over, or the organisation has answered it or is a partner already.
        RuleBroken: for its own request, another sector, a body connected with the lead, or too many answers in a day.
    """
    own = queries.own_member(actor)
    _require_writer(actor)
    members.lock_organisation(own.id)  # so that its colleagues' answers are counted one after the other
    found = queries.request(reference, actor)
    request = _locked_request(found.request.id)
    if not queries.is_open(found, now):
        raise Conflict("This request is closed meanwhile. Look at the list for those that are still open.")
    _check_fit(own, request, found.lead)
    if queries.own_reply(request.id, own.id) is not None:
        raise Conflict("Your organisation has answered this request already. Open it again to see the answer.")
    if queries.part_of(request.proposal_id, own.id) is not None:
        raise Conflict("Your organisation is a partner already. “What needs you” shows what to confirm.")
    most = policy_at(now).replies_a_day
    if queries.replied_since(own.id, now - timedelta(days=1)) >= most:
        raise RuleBroken(
            f"Your organisation has answered {most} {'request' if most == 1 else 'requests'} in a day. "
            "Choose those that matter most to you, and come back tomorrow for others."
        )
    if not message:
        raise RuleBroken([Finding("Say in a sentence why you may be interested.", "message")])
    if len(queries.replies(request.id)) >= rules.MOST_REPLIES:
        raise RuleBroken("This request has as many answers as its lead can read. Look for another one.")
    made = PartnerReply(
        request_id=request.id,
        organisation_id=own.id,
        message=message,
        contact=contact,
        state=ReplyState.WAITING,
        replied_at=now,
        replied_by_id=actor.person_id,
        answer_note="",
    )
    db.session.add(made)
    db.session.flush()
    audit.record(actor, "partner_request.answered", request.reference, at=now, after={"organisation": own.reference})
    for address in proposals.addresses(found.lead.id, Permission.WRITE_PROPOSAL):
        mail(
            key=f"partner-reply:{made.id}:{address}",
            to=address,
            subject=f"{own.name} may be interested in being your partner",
            what=f"{own.name} ({SECTOR_NAMES[request.sector]}) answered your request “{request.title}”.",
            why=f"You write proposals for {found.lead.name}. Only you and your colleagues can read the answer.",
            path=f"/replies/{made.id}",
            by_when=f"Invite it or say no before {in_england(found.until)}.",
            now=now,
        )
    return made


def _check_fit(own: Organisation, request: PartnerRequest, lead: Organisation) -> None:
    if own.id == lead.id:
        raise RuleBroken("This is your own request. Its answers are shown to you here.")
    if own.sector is not request.sector:
        raise RuleBroken(
            f"The lead looks for a {SECTOR_NAMES[request.sector]} partner, and your organisation is in another sector. "
            "Look at the list for requests that fit yours."
        )
    if own.group_id is not None and own.group_id == lead.group_id:
        raise RuleBroken("Your organisation and the lead are under common control, so gate 1 counts both as one.")


def take_back(*, reply_id: int, actor: Actor, now: datetime) -> None:
    """Take one's own answer back before the lead has acted on it. Its words and contact are wiped.

    Raises:
        NotFound: for another organisation's.
        Conflict: when the lead has answered already.
    """
    found = _locked_reply(reply_id, actor)
    if found.organisation_id != actor.organisation_id:
        raise NotFound
    _require_writer(actor)
    _check_waiting(found)
    found.state, found.message, found.contact, found.lead_contact = ReplyState.TAKEN_BACK, "", "", None
    db.session.flush()
    audit.record(actor, "partner_reply.taken_back", found.request.reference, at=now, after={"reply": found.id})


def _locked_reply(reply_id: int, actor: Actor) -> PartnerReply:
    """The answer, for one of its two sides, held until the end of the transaction."""
    queries.reply(reply_id, actor)
    return db.session.scalars(
        select(PartnerReply)
        .where(PartnerReply.id == reply_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _check_waiting(found: PartnerReply) -> None:
    if found.state is not ReplyState.WAITING:
        raise Conflict("This answer was dealt with meanwhile. Open it again to see how it stands.")


# --- what the lead does with an answer


def _reply_to_lead(reply_id: int, actor: Actor) -> PartnerReply:
    """An answer to the actor's own request; the proposal is locked before it, as every writer does."""
    proposal_id = queries.reply(reply_id, actor).request.proposal_id
    drafts.locked(proposal_id)
    found = _locked_reply(reply_id, actor)
    if found.request.proposal.lead_id != actor.organisation_id:
        raise NotFound
    _require_writer(actor)
    return found


def invite(*, reply_id: int, actor: Actor, now: datetime) -> Partner:
    """Make who answered a partner; from here on all is as with any other invitation (`invite_partner`).

    Raises:
        Conflict: when the answer was dealt with, the organisation is a partner, or the proposal can't be changed.
    """
    found = _reply_to_lead(reply_id, actor)
    _check_waiting(found)
    partner = partner_service.invite_partner(
        proposal_id=found.request.proposal_id, organisation_id=found.organisation_id, actor=actor, now=now
    )
    _answer(found, ReplyState.INVITED, "", actor, now)
    return partner


def decline(*, reply_id: int, note: str, actor: Actor, now: datetime) -> PartnerReply:
    """Thank who answered, and say that it is not this time.

    Args:
        note: the lead's own words; may be empty.
    """
    found = _reply_to_lead(reply_id, actor)
    _check_waiting(found)
    _answer(found, ReplyState.DECLINED, note, actor, now)
    for address in proposals.addresses(found.organisation_id, Permission.WRITE_PROPOSAL):
        mail(
            key=f"partner-reply:{found.id}:declined:{address}",
            to=address,
            subject=f"About your answer to “{found.request.title}”",
            what=f"{actor.organisation_name} thanks you for your answer and goes on without you this time."
            + (f" It writes: {note}" if note else ""),
            why=f"You write for {found.organisation.name}, which answered request {found.request.reference}.",
            path="/requests",
            now=now,
        )
    return found


def exchange_contacts(*, reply_id: int, contact: str, actor: Actor, now: datetime) -> PartnerReply:
    """Give the lead's contact for the other side's: from here on each sees how to reach the other.

    Both have agreed: the member when it wrote its contact for this exchange, the lead by giving its own.

    Raises:
        RuleBroken: when the member gave none, or the lead's is empty.
        Conflict: when they were exchanged already, or the answer was declined.
    """
    found = _reply_to_lead(reply_id, actor)
    if found.state is ReplyState.DECLINED or found.exchanged_at is not None:
        raise Conflict("This was dealt with meanwhile. Open the answer again to see how it stands.")
    if not found.contact:
        raise RuleBroken("They want to be answered here only. Invite them, or write a kind no.")
    if not contact:
        raise RuleBroken([Finding("Give a name and how to reach that person.", "contact")])
    found.lead_contact, found.exchanged_at, found.exchanged_by_id = contact, now, actor.person_id
    db.session.flush()
    audit.record(actor, "partner_reply.contacts_exchanged", found.request.reference, at=now, after={"reply": found.id})
    for address in proposals.addresses(found.organisation_id, Permission.WRITE_PROPOSAL):
        mail(
            key=f"partner-reply:{found.id}:exchanged:{address}",
            to=address,
            subject=f"{actor.organisation_name} wants to talk with you",
            what=f"{actor.organisation_name} read your answer to “{found.request.title}” and gave you its contact. It "
            "sees yours now.",
            why=f"You write for {found.organisation.name}, which offered to exchange contacts.",
            path=f"/replies/{found.id}",
            now=now,
        )
    return found


def _answer(found: PartnerReply, state: ReplyState, note: str, actor: Actor, now: datetime) -> None:
    found.state, found.answer_note = state, note
    found.answered_at, found.answered_by_id = now, actor.person_id
    db.session.flush()
    audit.record(actor, f"partner_reply.{state}", found.request.reference, at=now, after={"reply": found.id})

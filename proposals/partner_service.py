"""What a lead and its partners do with the parts they play: invite, set terms, confirm, leave.

A confirmation is given by somebody who certifies for the partner, acting for it, and covers exactly the terms shown. A
change of these voids it, and says so to both.
"""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.topics import Topic
from members.models import Organisation
from members.rules import MembershipStatus
from proposals import drafts, queries, rules
from proposals.brokerage import closing
from proposals.models import Partner, Proposal
from proposals.rules import PartnerRole, ProposalState, Terms, in_england

_MAY_LEAVE = rules.EDITABLE | {ProposalState.SUBMITTED, ProposalState.ELIGIBLE, ProposalState.ON_BALLOT}


def invite_partner(*, proposal_id: int, organisation_id: int, actor: Actor, now: datetime) -> Partner:
    """Invite a member organisation; its certifiers get a mail.

    Raises:
        Conflict: when it is a partner already.
        RuleBroken: when it is no member, or there are as many partners as a proposal can have.
    """
    subject = drafts.editable(proposal_id, actor, now)
    organisation = db.session.get(Organisation, queries.known_id(organisation_id))
    if organisation is None or organisation.status is not MembershipStatus.MEMBER:
        raise RuleBroken("Only a member organisation can be a partner. Ask it to join the fund first.")
    present = queries.partners(proposal_id)
    if any(partner.organisation_id == organisation_id for partner in present):
        raise Conflict(f"{organisation.name} is a partner already. Open the partners page to see its part.")
    if len(present) >= rules.MOST_PARTNERS:
        raise RuleBroken(f"A proposal holds up to {rules.MOST_PARTNERS} partners. Name others in the text.")
    partner = drafts.new_partner(subject, organisation_id, role=None, actor=actor, now=now)
    audit.record(actor, "partner.invited", subject.reference, at=now, after={"organisation": organisation.reference})
    for address in queries.addresses(organisation_id, Permission.BIND_ORGANISATION):
        mail(
            key=f"partner:{partner.id}:invited:{address}",
            to=address,
            subject=f"{subject.lead.name} asks {organisation.name} to be a partner",
            what=f"{subject.lead.name} asks you to be a partner in “{subject.title}” ({subject.reference}).",
            why=f"You certify for {organisation.name}, and only you and your colleagues can confirm its part.",
            path=f"/partners/{partner.id}/confirm",
            by_when=f"Confirm or say no before {in_england(queries.deadline(subject))}.",
            now=now,
            topic=Topic.ANSWER,
        )
    return partner


def set_partner_terms(
    *, partner_id: int, terms: Terms, actor: Actor, now: datetime, seen_terms: str | None = None
) -> Partner:
    """Write down what a partner is to do, give and get. Voids its confirmation if that changes anything.

    Args:
        seen_terms: digest of the terms that the page showed; None when no page was shown.

    Raises:
        Conflict: when somebody changed the terms after the page was shown.
    """
    partner = _locked(partner_id)
    subject = drafts.editable(partner.proposal_id, actor, now)
    before = partner.terms
    if seen_terms is not None and seen_terms != before.digest and terms != before:
        raise Conflict(
            f"Somebody changed the part of {partner.organisation.name} while you had this page open. Nothing of yours "
            "was saved: go back to copy what you typed, then open the partners page again."
        )
    if terms.role == PartnerRole.LEAD and not partner.is_lead:
        raise RuleBroken("Only the lead has the role of lead. Choose another role.")
    if terms == before:
        return partner
    partner.role = PartnerRole(terms.role) if terms.role else None
    partner.contribution_kind = rules.ContributionKind(terms.contribution_kind) if terms.contribution_kind else None
    partner.contribution_description = terms.contribution_description
    partner.contribution_pence = terms.contribution_pence
    partner.valuation_basis = terms.valuation_basis
    partner.grant_share_pence = terms.grant_share_pence
    audit.record(
        actor,
        "partner.terms_set",
        subject.reference,
        at=now,
        before={"partner": partner.id, **asdict(before)},
        after={"partner": partner.id, **asdict(terms)},
    )
    if partner.confirmed_at is not None:
        _void(subject, partner, f"{' and '.join(rules.changed_terms(before, terms))} changed", actor, now)
    db.session.flush()
    return partner


def _void(subject: Proposal, partner: Partner, reason: str, actor: Actor, now: datetime) -> None:
    partner.confirmed_at = partner.confirmed_by_id = partner.confirmed_terms = partner.principles_version = None
    partner.voided_at, partner.void_reason = now, reason
    audit.record(actor, "partner.confirmation_voided", subject.reference, at=now, after={"partner": partner.id})
    name = partner.organisation.name
    readers = {
        **dict.fromkeys(
            queries.addresses(subject.lead_id, Permission.WRITE_PROPOSAL), f"/proposals/{subject.reference}/partners"
        ),
        **dict.fromkeys(
            queries.addresses(partner.organisation_id, Permission.BIND_ORGANISATION), f"/partners/{partner.id}/confirm"
        ),
    }
    for address, path in readers.items():
        mail(
            key=f"partner:{partner.id}:voided:{now.isoformat()}:{address}",
            to=address,
            subject=f"{name} must confirm its part again",
            what=f"In “{subject.title}” ({subject.reference}) {reason}, so its confirmation by {name} is void.",
            why="A partner confirms exactly what it will do, give and get; a change of that needs a new confirmation.",
            path=path,
            by_when=f"Somebody who certifies for {name} must confirm before {in_england(queries.deadline(subject))}.",
            now=now,
            topic=Topic.ANSWER,
        )


def confirm_partner(
    *, partner_id: int, seen_terms: str, accepts_principles: bool, actor: Actor, now: datetime
) -> Partner:
    """Bind the actor's own organisation to the terms that its page showed.

    Args:
        seen_terms: digest of the terms shown.
        accepts_principles: whether the principles of co-production were accepted, in the version that the round keeps.

    Raises:
        NotFound: for somebody who does not act for the partner.
        Conflict: when the terms changed after they were shown, or the proposal can't be changed any more.
        RuleBroken: while terms are missing, or without the principles.
    """
    actor.require(Permission.BIND_ORGANISATION)
    partner = _locked(partner_id)
    if partner.organisation_id != actor.organisation_id:
        raise NotFound
    subject = drafts.locked(partner.proposal_id)
    drafts.check_time(subject, now)
    if partner.terms.digest != seen_terms:
        raise Conflict("The lead changed these terms while you had the page open. Open it again and read what changed.")
    if partner.is_confirmed:
        return partner
    require(rules.missing_terms(partner.terms))
    if not accepts_principles:
        raise RuleBroken([Finding("Tick that your organisation accepts the principles.", "accepts_principles")])
    partner.confirmed_at, partner.confirmed_by_id = now, actor.person_id
    partner.confirmed_terms = partner.terms.digest
    partner.principles_version = subject.round.policy.coproduction_principles_version
    partner.voided_at = partner.void_reason = None
    audit.record(
        actor,
        "partner.confirmed",
        subject.reference,
        at=now,
        after={"partner": partner.id, "terms": partner.confirmed_terms, "principles": partner.principles_version},
    )
    db.session.flush()
    closing.settle_proposal(subject.id, actor=actor, now=now)
    if not partner.is_lead:
        for address in queries.addresses(subject.lead_id, Permission.WRITE_PROPOSAL):
            mail(
                key=f"partner:{partner.id}:confirmed:{now.isoformat()}:{address}",
                to=address,
                subject=f"{partner.organisation.name} confirmed its part",
                what=f"{partner.organisation.name} confirmed what it does, gives and gets in “{subject.title}”.",
                why=f"You write proposal {subject.reference}. A change of those terms would void the confirmation.",
                path=f"/proposals/{subject.reference}/partners",
                now=now,
                topic=Topic.PROGRESS,
            )
    return partner


def withdraw_partner(*, partner_id: int, reason: str, actor: Actor, now: datetime) -> Partner:
    """End a part: the partner says no or leaves, or the lead takes back its invitation while it is a draft.

    A conflict of interest that the partner had stays (handbook §5.5).

    Raises:
        NotFound: for somebody who acts for neither.
        RuleBroken: for the lead's own part.
        Conflict: once the proposal was decided; the agreement says how a partner leaves then.
    """
    partner = _locked(partner_id)
    subject = drafts.locked(partner.proposal_id)
    by_partner = actor.organisation_id == partner.organisation_id
    if partner.is_lead and by_partner:
        raise RuleBroken("The lead answers for the proposal and can't leave it.")
    if by_partner:
        actor.require(Permission.BIND_ORGANISATION)
    elif not queries.may_open(subject, actor):
        raise NotFound
    elif not queries.may_write(subject, actor, now):
        raise NotAllowed("Only the partner itself, or the lead while it can change the proposal, can end this part.")
    if subject.state not in _MAY_LEAVE:
        raise Conflict("This proposal has been decided. How a partner leaves is now a matter of the agreement.")
    if not reason:
        raise RuleBroken([Finding("Give a reason in a sentence.", "reason")])
    partner.withdrawn_at, partner.withdrawn_reason = now, reason
    audit.record(
        actor, "partner.withdrawn", subject.reference, at=now, after={"partner": partner.id, "by_partner": by_partner}
    )
    _tell_other_side(subject, partner, by_partner=by_partner, now=now)
    db.session.flush()
    return partner


def _tell_other_side(subject: Proposal, partner: Partner, *, by_partner: bool, now: datetime) -> None:
    name, reason = partner.organisation.name, partner.withdrawn_reason
    if by_partner:
        addresses = queries.addresses(subject.lead_id, Permission.WRITE_PROPOSAL)
        what = f"{name} is no longer a partner in “{subject.title}”. Its reason: {reason}"
        why = f"You write proposal {subject.reference}, and gate 1 is looked at again without this partner."
    else:
        addresses = queries.addresses(partner.organisation_id, Permission.BIND_ORGANISATION)
        what = f"{subject.lead.name} took back its invitation of {name} to “{subject.title}”. Its reason: {reason}"
        why = f"You certify for {name}."
    for address in addresses:
        mail(
            key=f"partner:{partner.id}:withdrawn:{address}",
            to=address,
            subject=f"{name} is no longer a partner in {subject.reference}",
            what=what,
            why=why,
            path=f"/proposals/{subject.reference}/partners" if by_partner else "/tasks",
            now=now,
            topic=Topic.NOTICE,
        )


def _locked(partner_id: int) -> Partner:
    """The partner, with its proposal locked before it: every writer takes the proposal first."""
    proposal_id = db.session.scalar(select(Partner.proposal_id).where(Partner.id == queries.known_id(partner_id)))
    if proposal_id is None:
        raise NotFound
    drafts.locked(proposal_id)
    partner = db.session.scalar(
        select(Partner).where(Partner.id == partner_id).with_for_update().execution_options(populate_existing=True)
    )
    if partner is None or partner.withdrawn_at is not None:
        raise NotFound
    return partner

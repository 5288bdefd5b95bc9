"""What happens to an offer: made from a declared ballot, changed before it binds, accepted, declined, lapsed."""

from datetime import date, datetime, timedelta

from sqlalchemy import delete, select

import fund.reporting.service
from fund.grants.agreements import service as agreements
from fund.grants.awards import queries
from fund.grants.awards.frozen import Frozen, frozen
from fund.grants.awards.rules import AwardState, InstalmentState, Terms, award_path, faults, lapses_at
from fund.grants.models import Award, AwardShare, Instalment
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.policy import policy_at
from fund.kernel.references import next_reference
from fund.kernel.topics import Topic
from ledger.money import format_pence
from voting import queries as ballots
from voting.models import BallotItem

LAPSES_AT_ONCE = 200


def offer(*, ballot_item_id: int, terms: Terms, actor: Actor, now: datetime) -> Award:
    """Offer a grant to the lead of a proposal that a declared ballot funded.

    The amount is what the pinned version asked for; shares are the ones its partners confirmed.

    Raises:
        NotFound: when no declared ballot funded this item.
        Conflict: when an award was made from it before.
        RuleBroken: when the schedule doesn't add up.
    """
    actor.require(Permission.PREPARE_GRANTS)
    item, version = funded(ballot_item_id, lock=True)
    if (made := queries.awards_by_item([ballot_item_id]).get(ballot_item_id)) is not None:
        raise Conflict(f"Award {made} was made from this decision already. Open it from the list of awards.")
    shares = version.shares()
    refuse_officers(actor, {version.lead_id, *(share.organisation_id for share in shares)})
    if sum(share.pence for share in shares) != item.requested_pence:
        raise RuleBroken("The partners' shares in the frozen version don't add up to what members voted for.")
    policy = policy_at(now)
    require(faults(terms, shares, version.lead_id, policy))
    found = Award(
        reference=next_reference("G", year=london_day(now).year),
        proposal_id=item.proposal_id,
        version_id=item.version_id,
        ballot_item_id=ballot_item_id,
        ballot_reference=item.ballot.reference,
        lead_id=version.lead_id,
        title=version.title,
        pence=item.requested_pence,
        state=AwardState.OFFERED,
        offered_at=now,
        offered_by_id=actor.person_id,
        offer_lapses_at=lapses_at(now, policy),
        shares=[AwardShare(organisation_id=share.organisation_id, pence=share.pence) for share in shares],
        **_term_values(terms),
    )
    db.session.add(found)
    db.session.flush()
    _lay_schedule(found, terms)
    fund.reporting.service.open_plan(
        award_reference=found.reference, organisation_id=found.lead_id, actor=actor, now=now
    )
    audit.record(
        actor, "award.offered", found.reference, at=now, after={"pence": found.pence, "ballot": found.ballot_reference}
    )
    _mail_offer(found, now)
    return found


def funded(ballot_item_id: int, *, lock: bool = False) -> tuple[BallotItem, Frozen]:
    """A ballot's item that is declared as funded, with the version that members voted on. Raises NotFound.

    `lock` holds the item until the transaction ends, so that two stewards can't make two awards from it.
    """
    if all(row.item_id != ballot_item_id for row in ballots.funded_items()):
        raise NotFound
    item = db.session.get(BallotItem, ballot_item_id, with_for_update={"of": BallotItem} if lock else None)
    if item is None:
        raise NotFound
    return item, frozen(item.version_id)


def revise(*, reference: str, terms: Terms, actor: Actor, now: datetime) -> Award:
    """Change the terms of an award that doesn't bind yet. A text that some have signed is replaced: all sign again.

    Raises:
        Conflict: when the offer has ended, or every party has signed.
    """
    actor.require(Permission.PREPARE_GRANTS)
    found = queries.lock_award(reference)
    refuse_officers(actor, {party.id for party in queries.parties(found)})
    if found.state not in (AwardState.OFFERED, AwardState.ACCEPTED):
        raise Conflict(f"Award {reference} was {found.state} in the meantime, so its terms can't change.")
    agreements.refuse_when_all_signed(found)
    require(faults(terms, queries.shares(found), found.lead_id, policy_at(now)))
    before = {"start_on": found.start_on.isoformat(), "end_on": found.end_on.isoformat(), "basis": found.basis.value}
    for name, value in _term_values(terms).items():
        setattr(found, name, value)
    db.session.execute(delete(Instalment).where(Instalment.award_id == found.id))
    _lay_schedule(found, terms)
    audit.record(
        actor,
        "award.terms_changed",
        reference,
        at=now,
        before=before,
        after={"start_on": terms.start_on.isoformat(), "end_on": terms.end_on.isoformat(), "basis": terms.basis.value},
    )
    if found.state is AwardState.ACCEPTED:
        agreements.draw_up(award=found, actor=actor, now=now)
    else:
        _mail_offer(found, now, again=True)
    return found


def accept(*, reference: str, actor: Actor, now: datetime) -> Award:
    """The lead takes the offer; the agreement is drawn up and everybody who signs is asked to."""
    found = _answerable(reference, actor, now)
    found.state = AwardState.ACCEPTED
    found.answered_at = now
    found.answered_by_id = actor.person_id
    audit.record(actor, "award.accepted", reference, at=now, before={"state": "offered"}, after={"state": "accepted"})
    agreements.draw_up(award=found, actor=actor, now=now)
    return found


def decline(*, reference: str, reason: str, actor: Actor, now: datetime) -> Award:
    """The lead turns the offer down and says why."""
    found = _answerable(reference, actor, now)
    found.state = AwardState.DECLINED
    found.answered_at = now
    found.answered_by_id = actor.person_id
    found.answer_note = reason
    audit.record(
        actor,
        "award.declined",
        reference,
        at=now,
        before={"state": "offered"},
        after={"state": "declined", "reason": reason},
    )
    return found


def lapse_offers(now: datetime) -> int:
    """End the offers whose time has run out; returns how many. Offers that nobody answered reserve no money."""
    due = db.session.scalars(
        select(Award)
        .where(Award.state == AwardState.OFFERED, Award.offer_lapses_at <= now)
        .order_by(Award.id)
        .limit(LAPSES_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for found in due:
        found.state = AwardState.LAPSED
        audit.record(
            None, "award.lapsed", found.reference, at=now, before={"state": "offered"}, after={"state": "lapsed"}
        )
        for contact in queries.certifiers(found.lead):
            mail(
                key=f"award:{found.reference}:lapsed:{contact.email}",
                to=contact.email,
                subject=f"The offer of grant {found.reference} has lapsed",
                what=(
                    f"Nobody accepted the offer of {format_pence(found.pence)} for “{found.title}” in time, so it "
                    "ended."
                ),
                why=f"You certify for {found.lead.name}, the lead of this proposal.",
                path=award_path(found.reference),
                now=now,
                topic=Topic.NOTICE,
            )
    return len(due)


def refuse_officers(actor: Actor, organisation_ids: set[int]) -> None:
    """The fund's side of an award is never handled by somebody of a partner (handbook §6)."""
    if queries.is_officer(actor.person_id, organisation_ids):
        raise NotAllowed("You act for a partner of this award, so another steward must do this.")


def _answerable(reference: str, actor: Actor, now: datetime) -> Award:
    """The award that this person may answer for, held; refused when its time has run out or it was answered."""
    found = queries.lock_award(reference)
    if actor.organisation_id != found.lead_id:
        raise NotFound
    actor.require(Permission.BIND_ORGANISATION)
    if found.state is not AwardState.OFFERED:
        raise Conflict(f"Award {reference} was {found.state} in the meantime. Open it again to see what comes next.")
    if now >= found.offer_lapses_at:
        raise RuleBroken(
            f"The offer ended on {in_words(_last_day(found))}. Write to the steward: members' decision may still stand."
        )
    if found.offered_by_id == actor.person_id:
        raise NotAllowed("You made this offer for the fund, so somebody else of the lead must answer it.")
    return found


def _last_day(found: Award) -> date:
    return london_day(found.offer_lapses_at - timedelta(seconds=1))


def _term_values(terms: Terms) -> dict[str, object]:
    return {
        "start_on": terms.start_on,
        "end_on": terms.end_on,
        "basis": terms.basis,
        "special_conditions": terms.special_conditions,
    }


def _lay_schedule(found: Award, terms: Terms) -> None:
    lines = sorted(terms.lines, key=lambda line: line.due_on)
    db.session.add_all(
        Instalment(
            award_id=found.id,
            number=number,
            organisation_id=line.organisation_id,
            pence=line.pence,
            due_on=line.due_on,
            after_report_number=line.after_report,
            state=InstalmentState.SCHEDULED,
        )
        for number, line in enumerate(lines, start=1)
    )
    db.session.flush()


def _mail_offer(found: Award, now: datetime, *, again: bool = False) -> None:
    for contact in queries.certifiers(found.lead):
        mail(
            key=f"award:{found.reference}:offered:{contact.email}:{now.isoformat() if again else 'first'}",
            to=contact.email,
            subject=f"{'Changed terms' if again else 'A grant is offered'}: {found.reference}",
            what=(
                f"The fund offers {format_pence(found.pence)} for “{found.title}”. Read the terms and the "
                "payments, then accept or decline."
            ),
            why=f"You certify for {found.lead.name}, the lead of this proposal.",
            by_when=f"Answer by the end of {in_words(_last_day(found))}; after that the offer lapses.",
            path=award_path(found.reference),
            now=now,
            topic=Topic.ANSWER,
        )

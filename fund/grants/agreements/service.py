"""What happens to an agreement: drawn up, signed by every party, put live."""

from datetime import datetime

import fund.reporting.service
import ledger.service
import members.restrictions.queries
from fund.grants.agreements import queries
from fund.grants.agreements.rules import AgreementFacts, AgreementState, make_text, precedents, text_sha256
from fund.grants.awards import queries as awards
from fund.grants.awards.frozen import frozen
from fund.grants.awards.rules import Line, award_path
from fund.grants.checks import service as checks
from fund.grants.models import Agreement, Award, Signature
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.policy import policy_at
from fund.kernel.society import society
from fund.kernel.topics import Topic
from ledger.money import format_pence
from members.restrictions.rules import parts, short_pence


def draw_up(*, award: Award, actor: Actor | None, now: datetime) -> Agreement:
    """Make the text of an accepted award's agreement and ask every party to sign it.

    A text that is there already is replaced, and the signatures under it no longer count.
    """
    before = queries.lock_current(award.id)
    number = 1
    if before is not None:
        before.state = AgreementState.REPLACED
        number = before.number + 1
        db.session.flush()
    text = make_text(_facts(award, now)).canonical()
    found = Agreement(
        award_id=award.id,
        number=number,
        text=text,
        sha256=text_sha256(text),
        state=AgreementState.DRAFT,
        made_at=now,
    )
    db.session.add(found)
    db.session.flush()
    audit.record(actor, "agreement.drawn_up", award.reference, at=now, after={"number": number, "sha256": found.sha256})
    _ask_to_sign(award, found, now)
    return found


def sign(*, reference: str, sha256: str, actor: Actor, now: datetime) -> Signature:
    """Sign the text whose hash the signer saw, for the organisation acted for.

    Raises:
        NotFound: when the organisation is no party.
        Conflict: when the text is no longer the one that was shown, or was signed already.
    """
    award = awards.lock_award(reference)
    party = next((party for party in awards.parties(award) if party.id == actor.organisation_id), None)
    found = queries.lock_current(award.id)
    if party is None or found is None:
        raise NotFound
    actor.require(Permission.BIND_ORGANISATION)
    if award.offered_by_id == actor.person_id:
        raise NotAllowed(f"You made this offer for the fund, so somebody else of {party.name} must sign.")
    if found.sha256 != sha256:
        raise Conflict(
            "The agreement's text was changed after you opened it, so what you read is no longer what you would sign. "
            "Open the agreement again and read the new text."
        )
    signed = {signature.organisation_id: signature for signature in queries.signatures(found.id)}
    if party.id in signed:
        raise Conflict(f"{signed[party.id].person_name} has signed for {party.name} already. Nothing more is needed.")
    signature = Signature(
        agreement_id=found.id,
        organisation_id=party.id,
        organisation_name=party.name,
        person_id=actor.person_id,
        person_name=actor.name,
        signed_at=now,
        sha256=found.sha256,
    )
    db.session.add(signature)
    db.session.flush()
    audit.record(actor, "agreement.signed", reference, at=now, after={"for": party.name, "sha256": found.sha256})
    if not queries.unsigned(found, award):
        found.state = AgreementState.SIGNED
        found.signed_at = now
    return signature


def refuse_when_all_signed(award: Award) -> None:
    """Terms that every party has signed are changed by a variation, not by a new text."""
    found = queries.lock_current(award.id)
    if found is not None and found.state is not AgreementState.DRAFT:
        raise Conflict(
            "Every party has signed this agreement, so its terms are fixed. Open the award to see what comes next."
        )


def go_live(*, reference: str, actor: Actor, now: datetime) -> Agreement:
    """Put a signed agreement live: reserve the pot, schedule the reports, give the grant.

    Raises:
        RuleBroken: naming everything that is not yet there; or the shortfall, when the pot holds too little.
        Conflict: when it is live already.
    """
    actor.require(Permission.PREPARE_GRANTS)
    award = awards.lock_award(reference)
    found = queries.lock_current(award.id)
    if found is None:
        raise Conflict(
            f"Award {reference} is {award.state}, so there is no agreement yet. It is made when the lead accepts."
        )
    if awards.is_officer(actor.person_id, {party.id for party in awards.parties(award)}):
        raise NotAllowed("You act for a partner of this award, so another steward must do this.")
    if found.state not in (AgreementState.DRAFT, AgreementState.SIGNED):
        raise Conflict(f"The agreement of {reference} is {found.state} already. Open it again to see how it stands.")
    case = queries.live_case(award, found, now)
    require(Finding(f"{item.label}: {item.why}") for item in precedents(case) if not item.met)
    today = london_day(now)
    version = frozen(award.version_id)
    money = members.restrictions.queries.free_for(
        proposal=version.proposal_reference, districts=version.districts, pence=award.pence, day=today
    )
    if short := short_pence(award.pence, money):
        raise RuleBroken(
            f"{format_pence(award.pence - short)} is free for this grant; it needs {format_pence(award.pence)}. Wait "
            "until more money has cleared, or see line by line which restricted money doesn't fit and why."
        )
    ledger.service.commit(
        key=f"grant:{reference}:commit",
        grant=award.owner,
        pence=award.pence,
        occurred_on=today,
        description=f"Reserved for grant {reference}: {award.title}",
        actor=actor,
        now=now,
        parts=parts(money),
    )
    found.state = AgreementState.LIVE
    found.live_at = now
    found.live_by_id = actor.person_id
    fund.reporting.service.fix_measures(award_reference=reference, actor=actor, now=now)
    fund.reporting.service.schedule_reports(
        award_reference=reference,
        organisation_id=award.lead_id,
        due_dates=list(awards.reports_of(award, policy_at(now))),
        actor=actor,
        now=now,
    )
    checks.mark_given(award=award, actor=actor, now=now)
    audit.record(
        actor,
        "agreement.live",
        reference,
        at=now,
        before={"state": "signed"},
        after={"state": "live", "pence": award.pence},
    )
    _tell_live(award, now)
    return found


def _facts(award: Award, now: datetime) -> AgreementFacts:
    version = frozen(award.version_id)
    the_fund = society()
    return AgreementFacts(
        fund_name=the_fund.name if the_fund else "The fund",
        award_reference=award.reference,
        proposal_reference=version.proposal_reference,
        version_number=version.number,
        version_sha256=version.sha256,
        ballot_reference=award.ballot_reference,
        title=award.title,
        pence=award.pence,
        start_on=award.start_on,
        end_on=award.end_on,
        basis=award.basis,
        partners=version.partners,
        lines=tuple(
            Line(item.organisation_id, item.pence, item.due_on, item.after_report_number)
            for item in awards.instalments(award.id)
        ),
        reports=awards.reports_of(award, policy_at(now)),
        activities=version.activities,
        promises=version.promises,
        budget=version.budget,
        principles_version=version.principles_version,
        special_conditions=award.special_conditions,
    )


def _ask_to_sign(award: Award, found: Agreement, now: datetime) -> None:
    for party in awards.parties(award):
        for contact in awards.certifiers(party):
            mail(
                key=f"agreement:{award.reference}:{found.number}:sign:{party.reference}:{contact.email}",
                to=contact.email,
                subject=f"Agreement to sign: {award.reference}",
                what=(
                    f"The agreement for the grant of {format_pence(award.pence)} for “{award.title}” is ready. "
                    f"Read it and sign for {party.name}."
                    + (
                        " It replaces an earlier text; signatures under that one no longer count."
                        if found.number > 1
                        else ""
                    )
                ),
                why=(
                    f"You certify for {party.name}, which is "
                    f"{'the lead' if party.id == award.lead_id else 'paid under it'}."
                ),
                by_when=f"Sign before {in_words(award.start_on)}, when the work starts.",
                path=f"{award_path(award.reference)}/agreement",
                document=f"agreement:{award.reference}",
                now=now,
                topic=Topic.ANSWER,
            )


def _tell_live(award: Award, now: datetime) -> None:
    for party in awards.parties(award):
        for contact in awards.certifiers(party):
            mail(
                key=f"agreement:{award.reference}:live:{party.reference}:{contact.email}",
                to=contact.email,
                subject=f"Grant {award.reference} is live",
                what=(
                    f"{format_pence(award.pence)} has been reserved for “{award.title}”. Payments follow the schedule."
                ),
                why=f"You certify for {party.name}, a party to the agreement.",
                path=award_path(award.reference),
                document=f"agreement:{award.reference}",
                now=now,
                topic=Topic.NOTICE,
            )

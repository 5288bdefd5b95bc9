"""What happens to a restricted fund: drawn up from a pledge, accepted by a second person, judged for a proposal."""

from datetime import datetime

from fund.kernel import audit
from fund.kernel.access import Actor, Permission, Role
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, RuleBroken, require
from fund.kernel.references import next_reference
from members.contributions import queries as contributions
from members.contributions.models import Pledge
from members.contributions.rules import PledgeState
from members.restrictions import queries, rules
from members.restrictions.models import FitJudgement, RestrictedFund
from members.restrictions.rules import FundState, Terms


def wish(*, pledge: Pledge, words: str, actor: Actor, now: datetime) -> RestrictedFund:
    """Keep what a new pledge brings in apart, for a contributor who said what it should be for.

    A steward writes down terms from these words and a board member accepts them; until then nothing of it is awarded.
    """
    kept = RestrictedFund(
        reference=next_reference("RF"),
        pledge_id=pledge.id,
        title=f"Kept apart for {pledge.reference}",
        purpose="",
        priority="",
        districts="",
        state=FundState.WISHED,
        wish=words,
    )
    db.session.add(kept)
    db.session.flush()
    audit.record(
        actor, "restricted_fund.wished", kept.reference, at=now, after={"pledge": pledge.reference, "words": words}
    )
    return kept


def propose(*, pledge_reference: str, title: str, terms: Terms, actor: Actor, now: datetime) -> RestrictedFund:
    """Write down what a pledge is given for. A second person accepts it.

    Without a wish made with the pledge, money that has come in already is unrestricted: terms that are thought of later
    can't bind it.

    Raises:
        RuleBroken: naming what is wrong with the terms or the pledge.
        Conflict: when the pledge has terms already.
    """
    actor.require(Permission.KEEP_BANK)
    pledge = contributions.pledge_by_reference(pledge_reference, lock=True)
    if pledge is None:
        raise RuleBroken([Finding("No pledge has this reference. Check it against the pledge's page.", "pledge")])
    require(rules.terms_faults(terms))
    kept = queries.for_pledge(pledge.id)
    if kept is not None and kept.state is not FundState.WISHED:
        raise Conflict(f"Terms were written down for {pledge.reference} before. Open them from the list.")
    if kept is None and (pledge.state is not PledgeState.PLEDGED or pledge.paid_pence):
        raise RuleBroken(
            [
                Finding(
                    f"{pledge.reference} is paid in part or whole, or cancelled. Ask the contributor for a new pledge.",
                    "pledge",
                )
            ]
        )
    made = kept or RestrictedFund(reference=next_reference("RF"), pledge_id=pledge.id)
    made.title = title
    made.purpose, made.priority = terms.purpose, terms.priority
    made.districts = " ".join(sorted(terms.districts))
    made.from_on, made.spend_by = terms.from_on, terms.spend_by
    made.state, made.proposed_at, made.proposed_by_id = FundState.OFFERED, now, actor.person_id
    db.session.add(made)
    db.session.flush()
    audit.record(
        actor,
        "restricted_fund.proposed",
        made.reference,
        at=now,
        after={
            "pledge": pledge.reference,
            "purpose": terms.purpose,
            "priority": terms.priority,
            "districts": made.districts,
            "from_on": str(terms.from_on or ""),
            "spend_by": str(terms.spend_by or ""),
        },
    )
    return made


def accept(*, reference: str, actor: Actor, now: datetime) -> RestrictedFund:
    """A board member accepts the terms: what the pledge brings in is kept apart from now on.

    Raises:
        NotAllowed: for the person who wrote the terms down, and for whom the contributor has given a role.
        Conflict: when it was accepted before.
    """
    if Role.BOARD not in actor.roles:
        raise NotAllowed("A board member accepts the terms of restricted money. Ask one.")
    found = queries.fund(reference, lock=True)
    if found.proposed_by_id == actor.person_id:
        raise NotAllowed("You wrote these terms down, so another person must accept them.")
    if queries.is_officer(actor.person_id, found.pledge.organisation_id):
        raise NotAllowed("You act for the contributor, so another person must accept these terms.")
    if found.state is not FundState.OFFERED:
        raise Conflict(
            f"{reference} has no terms to accept now: {rules.STATE_NAMES[found.state].lower()}. "
            "Open it again to see how it stands."
        )
    found.state, found.accepted_at, found.accepted_by_id = FundState.OPEN, now, actor.person_id
    audit.record(actor, "restricted_fund.accepted", reference, at=now, before={"state": "offered"})
    return found


def judge(*, reference: str, proposal: str, serves: bool, reasons: str, actor: Actor, now: datetime) -> FitJudgement:
    """Say whether a proposal serves what a fund was given for, with the reason (handbook §14: people decide this).

    Raises:
        RuleBroken: without a reason.
    """
    actor.require(Permission.PREPARE_GRANTS)
    found = queries.fund(reference)
    if not reasons.strip():
        raise RuleBroken([Finding("Say why in a sentence or two.", "reasons")])
    said = FitJudgement(
        fund_id=found.id,
        proposal=proposal,
        serves=serves,
        reasons=reasons,
        judged_at=now,
        judged_by_id=actor.person_id,
    )
    db.session.add(said)
    db.session.flush()
    audit.record(
        actor,
        "restricted_fund.judged",
        reference,
        at=now,
        after={"proposal": proposal, "serves": serves, "reasons": reasons},
    )
    return said

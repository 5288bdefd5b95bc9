"""Reads of agreements: the current text, who has signed it, and what still keeps it from going live."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

import fund.reporting.queries
from fund.grants.agreements.rules import AgreementState, LiveCase
from fund.grants.awards.queries import parties
from fund.grants.checks import queries as checks
from fund.grants.models import Agreement, Award, Signature
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from members.models import Organisation
from voting import queries as ballots

MOST_TEXTS = 200


def current(award_id: int) -> Agreement | None:
    """The agreement of an award as it stands; None before the offer is accepted."""
    return db.session.scalar(
        select(Agreement)
        .options(joinedload(Agreement.award))
        .where(Agreement.award_id == award_id, Agreement.state != AgreementState.REPLACED)
    )


def lock_current(award_id: int) -> Agreement | None:
    """The current agreement, with its row held until the transaction ends."""
    return db.session.scalar(
        select(Agreement)
        .where(Agreement.award_id == award_id, Agreement.state != AgreementState.REPLACED)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def by_award(award_ids: Collection[int]) -> dict[int, Agreement]:
    """Award id → its current agreement, for those that have one."""
    rows = db.session.scalars(
        select(Agreement).where(Agreement.award_id.in_(award_ids), Agreement.state != AgreementState.REPLACED)
    )
    return {found.award_id: found for found in rows}


def texts(award_id: int) -> Sequence[Agreement]:
    """Every text that an award's agreement had, newest first."""
    return db.session.scalars(
        select(Agreement).where(Agreement.award_id == award_id).order_by(Agreement.number.desc()).limit(MOST_TEXTS)
    ).all()


def text_by_number(award_id: int, number: int) -> Agreement:
    """One text by its number. Raises NotFound."""
    found = None
    if 0 < number < 10_000:
        found = db.session.scalar(select(Agreement).where(Agreement.award_id == award_id, Agreement.number == number))
    if found is None:
        raise NotFound
    return found


def signatures(agreement_id: int) -> Sequence[Signature]:
    """The signatures under one text, in order."""
    return db.session.scalars(
        select(Signature).where(Signature.agreement_id == agreement_id).order_by(Signature.id).limit(MOST_TEXTS)
    ).all()


def signed_for(agreement_ids: Collection[int]) -> dict[int, set[int]]:
    """Agreement id → the organisations that have signed its text."""
    signed: dict[int, set[int]] = {agreement_id: set() for agreement_id in agreement_ids}
    rows = db.session.execute(
        select(Signature.agreement_id, Signature.organisation_id).where(Signature.agreement_id.in_(agreement_ids))
    )
    for agreement_id, organisation_id in rows:
        signed[agreement_id].add(organisation_id)
    return signed


def unsigned(found: Agreement, award: Award) -> list[Organisation]:
    """The parties that have not signed this text."""
    signed = {signature.organisation_id for signature in signatures(found.id)}
    return [party for party in parties(award) if party.id not in signed]


def live_case(award: Award, found: Agreement, now: datetime) -> LiveCase:
    """The facts that decide whether the agreement can go live."""
    return LiveCase(
        decision_stands=award.ballot_reference in ballots.standing_ballots([award.ballot_reference]),
        unsigned=tuple(party.name for party in unsigned(found, award)),
        diligence_faults=checks.diligence_faults(award, now),
        subsidy_faults=checks.give_faults(award),
        has_measures=fund.reporting.queries.has_commitments(award.reference),
    )

"""Reads across the parts of grants: what needs a person, and what everybody may see."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

import fund.reporting.queries
import ledger.queries
from fund.grants.agreements import queries as agreements
from fund.grants.agreements.rules import AgreementState
from fund.grants.awards import queries as awards
from fund.grants.awards.rules import AwardState, award_path
from fund.grants.checks import queries as checks
from fund.grants.checks.rules import Answer, Outcome, Route
from fund.grants.models import Agreement, Award, AwardShare, Instalment, Signature
from fund.grants.payments import queries as payments
from fund.grants.payments.rules import STAGE_WORDS
from fund.grants.runs import queries as runs
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day, start_of_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from ledger.money import format_pence
from ledger.rules import AccountKind
from members.rules import Sector
from proposals.models import Partner, Proposal
from voting import queries as ballots

MOST_TASKS = 50
STANDING = (AwardState.OFFERED, AwardState.ACCEPTED)


# --- what needs a person


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """What waits for the person here."""
    found: list[Task] = []
    if actor.may(Permission.PREPARE_GRANTS):
        found += [*_awards_to_make(), *_office_tasks(actor, now)]
    if actor.may(Permission.APPROVE_PAYMENTS) or actor.may(Permission.PREPARE_GRANTS):
        found += runs.tasks(actor, now)
    if actor.organisation_id is not None:
        found += _party_tasks(actor, actor.organisation_id, now)
    return found[:MOST_TASKS]


def funded_without_award() -> list[ballots.FundedItem]:
    """What declared ballots fund and no award was made from yet."""
    items = ballots.funded_items()
    made = awards.awards_by_item([item.item_id for item in items])
    return [item for item in items if item.item_id not in made]


def _awards_to_make() -> Iterator[Task]:
    for item in funded_without_award():
        yield Task(
            f"Offer the grant for {item.proposal_reference}",
            f"Ballot {item.ballot_reference} gave it {format_pence(item.requested_pence)}.",
            f"/grants/offer/{item.item_id}",
        )


def _office_tasks(actor: Actor, now: datetime) -> Iterator[Task]:
    standing = awards.awards_in(STANDING)
    payees, subsidies = checks.payees_of(standing, now), checks.subsidies_of(standing)
    current = agreements.by_award([award.id for award in standing])
    checked: set[int] = set()
    for award in standing:
        path = award_path(award.reference)
        for payee in payees[award.id]:
            if payee.fault is not None and payee.organisation.id not in checked:
                checked.add(payee.organisation.id)
                yield from _diligence_task(payee, path, actor)
        for one in subsidies[award.id]:
            yield from _subsidy_task(award, one, path)
        agreement = current.get(award.id)
        if (
            agreement is not None
            and agreement.state is AgreementState.SIGNED
            and _has_precedents(award, payees[award.id], subsidies[award.id])
        ):
            yield Task(
                f"Put grant {award.reference} live",
                "Everybody has signed and everything is there; this reserves the money.",
                path,
                start_of_day(award.start_on),
            )


def _has_precedents(award: Award, payees: Sequence[checks.Payee], subsidies: Sequence[checks.SubsidyStanding]) -> bool:
    return (
        all(payee.fault is None for payee in payees)
        and all(one.give_fault is None or one.blocked for one in subsidies)
        and fund.reporting.queries.has_commitments(award.reference)
    )


def _diligence_task(payee: checks.Payee, path: str, actor: Actor) -> Iterator[Task]:
    latest = payee.latest
    if latest is not None and latest.outcome is Outcome.WAITING:
        if latest.checked_by_id != actor.person_id:
            yield Task(
                f"Review due diligence on {payee.organisation.name}",
                f"{latest.checked_by_name} made the checks; above the standard band a second person must agree.",
                f"/grants/second-reviews/{latest.id}",
            )
        return
    if latest is not None and latest.outcome is Outcome.NOT_CLEAR:
        return
    yield Task(
        f"Do due diligence on {payee.organisation.name}",
        f"It is to be paid {format_pence(payee.pence)} and {payee.fault}.",
        f"{path}/due-diligence/{payee.organisation.reference}",
    )


def _subsidy_task(award: Award, one: checks.SubsidyStanding, path: str) -> Iterator[Task]:
    page = f"{path}/subsidy/{one.organisation.reference}"
    if one.record is None:
        yield Task(
            f"Record the subsidy route of {one.organisation.name}",
            f"It is a paid partner of {award.reference}; the route and its reasons are your decision.",
            page,
        )
    elif one.record.answer is Answer.DECLINED:
        yield Task(
            f"Look at another subsidy route for {one.organisation.name}",
            f"It can't confirm that it stays within the MFA limit; its payments under {award.reference} hold.",
            page,
        )
    elif one.record.given_on is not None and one.record.confirmed_at is None:
        yield Task(
            f"Send the MFA confirmation to {one.organisation.name}",
            f"The grant {award.reference} was given as MFA; its payments wait for this letter.",
            page,
        )


def _party_tasks(actor: Actor, organisation_id: int, now: datetime) -> Iterator[Task]:
    mine = [award for award in awards.awards_of(organisation_id, limit=MOST_TASKS) if award.state in STANDING]
    current = agreements.by_award([award.id for award in mine])
    for award in mine:
        if actor.may(Permission.BIND_ORGANISATION):
            yield from _binding_tasks(award, current.get(award.id), organisation_id, now)
    if actor.may(Permission.CONTRIBUTE):
        yield from _bank_task(actor, [award for award in mine if award.state is AwardState.ACCEPTED], organisation_id)


def _binding_tasks(award: Award, agreement: Agreement | None, organisation_id: int, now: datetime) -> Iterator[Task]:
    path = award_path(award.reference)
    if award.state is AwardState.OFFERED:
        if award.lead_id == organisation_id and now < award.offer_lapses_at:
            yield Task(
                f"Answer the offer of grant {award.reference}",
                f"{format_pence(award.pence)} for “{award.title}”; it lapses if nobody accepts.",
                f"{path}/answer",
                award.offer_lapses_at,
            )
        return
    if agreement is not None and agreement.state is AgreementState.DRAFT:
        signed = {signature.organisation_id for signature in agreements.signatures(agreement.id)}
        if organisation_id not in signed:
            yield Task(
                f"Sign the agreement of grant {award.reference}",
                f"It is for {format_pence(award.pence)} and waits for every paid partner.",
                f"{path}/agreement",
                start_of_day(award.start_on),
            )
    record = checks.subsidy_record(award.id, organisation_id)
    if record is not None and record.route is Route.MFA and record.answer is None:
        yield Task(
            f"Answer the subsidy notification of grant {award.reference}",
            "The fund may give the money only after your written confirmation.",
            f"{path}/mfa/{_reference_of(award, organisation_id)}",
            start_of_day(award.start_on),
        )


def _reference_of(award: Award, organisation_id: int) -> str:
    return next(share.organisation.reference for share in award.shares if share.organisation_id == organisation_id)


def _bank_task(actor: Actor, accepted: Sequence[Award], organisation_id: int) -> Iterator[Task]:
    owner = f"org:{actor.organisation_reference}"
    if not accepted or payments.payees_of([owner]):
        return
    is_paid = db.session.scalar(
        select(Instalment.id)
        .where(Instalment.organisation_id == organisation_id, Instalment.award_id.in_([award.id for award in accepted]))
        .limit(1)
    )
    if is_paid is not None:
        yield Task(
            "Give the bank details that you are paid to",
            "A steward calls you back to check them, and they rest some days before they are used.",
            "/bank/details",
        )


# --- what everybody may see


@dataclass(frozen=True)
class PublicPartner:
    """A paid partner of a public award."""

    reference: str
    name: str
    sector: Sector | None
    pence: int


@dataclass(frozen=True)
class PublicPayment:
    """A payment of a public award: words and tone of where it stands, never bank details."""

    number: int
    payee: str
    pence: int
    due_on: date
    stage: str
    tone: str


@dataclass(frozen=True)
class PublicAward:
    """An award as anybody may see it; money is pence, `paid_pence` and `committed_pence` straight from the ledger.

    Attributes:
        offered_on, live_on: `live_on` is empty while the agreement is being signed.
        lead_sector: sector of the lead; `partners` has every paid partner's.
    """

    reference: str
    title: str
    proposal_id: int
    proposal_reference: str
    ballot_reference: str
    lead_reference: str
    lead_name: str
    lead_sector: Sector | None
    pence: int
    paid_pence: int
    committed_pence: int
    start_on: date
    end_on: date
    offered_on: date
    live_on: date | None
    agreement_state: AgreementState | None
    partners: tuple[PublicPartner, ...]


def public_awards(limit: int = 200) -> list[PublicAward]:
    """Accepted awards, newest first."""
    rows = db.session.scalars(
        _public().where(Award.state == AwardState.ACCEPTED).order_by(Award.id.desc()).limit(limit)
    ).all()
    return _as_public(rows)


def public_awards_of(organisation_id: int, *, limit: int, offset: int = 0) -> list[PublicAward]:
    """Accepted awards that an organisation leads or is a partner in, paid or not, newest first."""
    has_part = select(Partner.proposal_id).where(
        Partner.organisation_id == organisation_id, Partner.withdrawn_at.is_(None)
    )
    rows = db.session.scalars(
        _public()
        .where(Award.state == AwardState.ACCEPTED, Award.proposal_id.in_(has_part))
        .order_by(Award.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()
    return _as_public(rows)


def public_titles(references: Collection[str]) -> dict[str, str]:
    """Reference → title of accepted awards."""
    rows = db.session.execute(
        select(Award.reference, Award.title).where(
            Award.reference.in_(sorted(set(references))), Award.state == AwardState.ACCEPTED
        )
    )
    return dict(rows.all())


def award_public(reference: str) -> PublicAward:
    """One accepted award. Raises NotFound."""
    found = db.session.scalar(_public().where(Award.state == AwardState.ACCEPTED, Award.reference == reference))
    if found is None:
        raise NotFound
    return _as_public([found])[0]


def payments_public(reference: str, now: datetime) -> list[PublicPayment]:
    """The schedule of an accepted award with how far each payment is. Raises NotFound."""
    found = awards.award_by_reference(reference)
    if found.state is not AwardState.ACCEPTED:
        raise NotFound
    return [
        PublicPayment(
            one.instalment.number,
            one.instalment.organisation.name,
            one.instalment.pence,
            one.instalment.due_on,
            *STAGE_WORDS[one.stage],
        )
        for one in payments.of_award(found, now)
    ]


def paid_pence(references: Sequence[str]) -> dict[str, int]:
    """Award reference → pence that the ledger holds as paid; nought for those without a payment."""
    return _balances(AccountKind.GRANTS_PAID, references)


def agreement_document(reference: str) -> tuple[Award, Agreement, Sequence[Signature]]:
    """The current agreement of an award with its signatures, for the document made of it. Raises NotFound."""
    found = awards.award_by_reference(reference)
    agreement = agreements.current(found.id)
    if agreement is None:
        raise NotFound
    return found, agreement, agreements.signatures(agreement.id)


def _public() -> Select[Award]:
    return select(Award).options(joinedload(Award.lead), selectinload(Award.shares).joinedload(AwardShare.organisation))


def _balances(kind: AccountKind, references: Sequence[str]) -> dict[str, int]:
    held = ledger.queries.balances_by_owner(kind, [f"grant:{reference}" for reference in references])
    return {reference: held.get(f"grant:{reference}", 0) for reference in references}


def _as_public(rows: Sequence[Award]) -> list[PublicAward]:
    references = [row.reference for row in rows]
    paid, committed = _balances(AccountKind.GRANTS_PAID, references), _balances(AccountKind.COMMITTED, references)
    current = agreements.by_award([row.id for row in rows])
    named = dict(
        db.session.execute(
            select(Proposal.id, Proposal.reference).where(Proposal.id.in_([row.proposal_id for row in rows]))
        ).all()
    )
    return [_one_public(row, named[row.proposal_id], current.get(row.id), paid, committed) for row in rows]


def _one_public(
    row: Award, proposal_reference: str, agreement: Agreement | None, paid: dict[str, int], committed: dict[str, int]
) -> PublicAward:
    return PublicAward(
        reference=row.reference,
        title=row.title,
        proposal_id=row.proposal_id,
        proposal_reference=proposal_reference,
        ballot_reference=row.ballot_reference,
        lead_reference=row.lead.reference,
        lead_name=row.lead.name,
        lead_sector=row.lead.sector,
        pence=row.pence,
        paid_pence=paid[row.reference],
        committed_pence=committed[row.reference],
        start_on=row.start_on,
        end_on=row.end_on,
        offered_on=london_day(row.offered_at),
        live_on=london_day(agreement.live_at) if agreement and agreement.live_at else None,
        agreement_state=agreement.state if agreement else None,
        partners=tuple(
            PublicPartner(share.organisation.reference, share.organisation.name, share.organisation.sector, share.pence)
            for share in row.shares
        ),
    )


@dataclass(frozen=True)
class Books:
    """What the ledger holds for an award, in pence."""

    committed_pence: int
    paid_pence: int


def books_of(reference: str) -> Books:
    """The ledger's figures of one award."""
    return Books(_balances(AccountKind.COMMITTED, [reference])[reference], paid_pence([reference])[reference])

"""Reads of matching: what lines may be for, what is remembered of payers, and what was matched."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from fund.kernel.db import db
from ledger.bank.models import StatementLine
from members.contributions.matching.models import LineMatch, PayerName
from members.contributions.models import Pledge, PledgeInstalment, Receipt
from members.contributions.rules import (
    OpenPledge,
    OpenPledges,
    Payment,
    PledgeState,
    Suggestion,
    members_in,
    payer_keys,
    phrases_in,
    references_in,
    suggest,
)
from members.contributions.schedules.rules import InstalmentState
from members.models import Organisation

MOST_LISTED = 100
_MOST_FOUND = 5000
_MOST_NAMES = 20_000


@dataclass(frozen=True)
class WaitingLine:
    """Money in that nobody has matched, with the pledges it may be for, the likeliest first."""

    line: StatementLine
    suggestions: tuple[Suggestion, ...]


def suggestions(lines: Iterable[StatementLine]) -> list[WaitingLine]:
    """Guesses for lines of the bank, in five queries however many lines there are; at most three for a line."""
    waiting = list(lines)
    payments = [payment_of(line) for line in waiting]
    remembered = _remembered(payments)
    known = _known(payments, {one for found in remembered.values() for one in found}, guess=True)
    return [
        WaitingLine(line, tuple(suggest(payment, known, _paid_for(payment, remembered)))[:3])
        for line, payment in zip(waiting, payments, strict=True)
    ]


def certain(lines: Sequence[StatementLine]) -> dict[int, Suggestion]:
    """By the key of the line, the pledges that references alone prove, in the order of the lines."""
    payments = [payment_of(line) for line in lines]
    if not any(references_in(one.written) or members_in(one.written) for one in payments):
        return {}
    remembered = _remembered(payments)
    known = _known(payments, (), guess=False)
    found = {}
    for line, payment in zip(lines, payments, strict=True):
        best = next(suggest(payment, known, _paid_for(payment, remembered)), None)
        if best is not None and best.certain:
            found[line.id] = best
    return found


def payment_of(line: StatementLine) -> Payment:
    """The line as the rules see it."""
    return Payment(line.amount_pence, line.counterparty, f"{line.remittance} {line.end_to_end}")


def _remembered(payments: Sequence[Payment]) -> dict[str, set[int]]:
    keys = sorted({key for payment in payments for key in payer_keys(payment)})[:_MOST_NAMES]
    found: dict[str, set[int]] = {}
    for key, organisation_id in db.session.execute(
        select(PayerName.name_key, PayerName.organisation_id)
        .where(PayerName.name_key.in_(keys))
        .order_by(PayerName.id)
        .limit(_MOST_FOUND)
    ):
        found.setdefault(key, set()).add(organisation_id)
    return found


def _paid_for(payment: Payment, remembered: dict[str, set[int]]) -> set[int]:
    if not remembered:
        return set()
    return {one for key in payer_keys(payment) for one in remembered.get(key, ())}


def _known(payments: Sequence[Payment], organisation_ids: Collection[int], *, guess: bool) -> OpenPledges:
    """Pledges and instalments that any of these payments may be for, oldest due first.

    Args:
        organisation_ids: those whose oldest open instalments are wanted besides.
        guess: also look by amount and by name.
    """
    quoted = sorted({found for one in payments for found in references_in(one.written)})[:1000]
    written = sorted({found for one in payments for found in members_in(one.written)})[:1000]
    of_payer = Organisation.reference.in_(written) | Organisation.id.in_(sorted(organisation_ids))
    due = PledgeInstalment.pence - PledgeInstalment.paid_pence
    still_open = PledgeInstalment.state == InstalmentState.OPEN
    wanted = [PledgeInstalment.reference_key.in_(quoted) & (Pledge.state != PledgeState.CANCELLED)]
    if guess:
        amounts = sorted({one.pence for one in payments})
        names = sorted({name for one in payments for name in phrases_in(f"{one.payer} {one.written}")})[:_MOST_NAMES]
        of_payer |= Organisation.name_key.in_(names)
        wanted.append(still_open & due.in_(amounts))
    first = (
        select(PledgeInstalment.pledge_id, func.min(PledgeInstalment.number).label("number"))
        .join(Pledge, PledgeInstalment.pledge_id == Pledge.id)
        .join(Organisation, Pledge.organisation_id == Organisation.id)
        .where(still_open, of_payer)
        .group_by(PledgeInstalment.pledge_id)
        .order_by(PledgeInstalment.pledge_id)
        .limit(_MOST_FOUND)
        .subquery()
    )
    what = (Pledge.id, PledgeInstalment.reference, Organisation.name, due, Organisation.id, Organisation.reference)
    instalments = (
        select(*what)
        .join(Pledge, PledgeInstalment.pledge_id == Pledge.id)
        .join(Organisation, Pledge.organisation_id == Organisation.id)
        .order_by(PledgeInstalment.due_on, PledgeInstalment.id)
        .limit(_MOST_FOUND)
    )
    rows = [
        *db.session.execute(
            instalments.join(
                first,
                (first.c.pledge_id == PledgeInstalment.pledge_id) & (first.c.number == PledgeInstalment.number),
            )
        ),
        *db.session.execute(instalments.where(or_(*wanted))),
    ]
    whole = db.session.execute(
        select(
            Pledge.id,
            Pledge.reference,
            Organisation.name,
            Pledge.pence - Pledge.paid_pence,
            Organisation.id,
            Organisation.reference,
        )
        .join(Organisation, Pledge.organisation_id == Organisation.id)
        .where(Pledge.reference_key.in_(quoted), Pledge.state != PledgeState.CANCELLED)
        .order_by(Pledge.id)
        .limit(1000)
    )
    found: dict[str, OpenPledge] = {}
    for row in (*rows, *whole):
        found.setdefault(row[1], OpenPledge(*row))
    return OpenPledges(found.values())


def matched_before(line_ids: Collection[int]) -> dict[int, int]:
    """How many matches each of these lines has had, undone or not; lines without any are left out."""
    rows = db.session.execute(
        select(LineMatch.line_id, func.count())
        .where(LineMatch.line_id.in_(sorted(line_ids)))
        .group_by(LineMatch.line_id)
        .order_by(LineMatch.line_id)
    )
    return {row[0]: row[1] for row in rows}


def payer_names(*, after: int = 0, limit: int = MOST_LISTED) -> Sequence[PayerName]:
    """Names that are remembered, the newest first; from before `after`, unless nought."""
    query = select(PayerName).options(joinedload(PayerName.organisation)).order_by(PayerName.id.desc()).limit(limit)
    return db.session.scalars(query.where(PayerName.id < after) if after else query).all()


def matches_of(line_id: int) -> Sequence[LineMatch]:
    """What a line was ever matched to, in order."""
    return db.session.scalars(
        select(LineMatch)
        .options(joinedload(LineMatch.receipt).joinedload(Receipt.pledge).joinedload(Pledge.organisation))
        .where(LineMatch.line_id == line_id)
        .order_by(LineMatch.id)
        .limit(MOST_LISTED)
    ).all()

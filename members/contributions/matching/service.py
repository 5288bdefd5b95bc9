"""Matching what came into the bank to what was pledged: by reference without anybody, else by a person."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

import ledger.bank.queries
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, Finding, NotFound, require
from ledger.bank.lines import settle_locked
from ledger.bank.matching import LINES_AT_ONCE, Round, in_rounds, match_payments
from ledger.bank.models import StatementLine
from ledger.rules import AccountKind
from members.contributions.matching import queries
from members.contributions.matching.models import LineMatch, PayerName
from members.contributions.matching.rules import CHOSEN, Part, part_faults
from members.contributions.models import Pledge, Receipt
from members.contributions.receiving import Came, locked_pledges, receive_all
from members.contributions.rules import PledgeState
from members.queries import LARGEST_ID
from members.rules import name_key


@dataclass(frozen=True)
class _Match:
    """A locked line with what each part of it pays."""

    line: StatementLine
    parts: tuple[Part, ...]
    reason: str


def match(
    *,
    line_id: int,
    pledge_id: int,
    actor: Actor | None,
    now: datetime,
    quoted: str | None = None,
    reason: str = CHOSEN,
) -> Receipt:
    """Say that a line of the bank pays a pledge: settles the line, books the contribution, writes the receipt.

    A payment of more than is due is taken whole. A pledge that was paid before takes a further payment as well.

    Args:
        quoted: the reference of the pledge or of one instalment; without one, the oldest open instalment is paid.

    Raises:
        NotFound: no such line or pledge.
        Conflict: the line was matched first by somebody else.
        RuleBroken: the line is money out, or the pledge was cancelled.
    """
    line = _locked_line(line_id, actor)
    part = Part(pledge_id, line.amount_pence, quoted)
    (receipt,) = _match(line, (part,), reason, actor, now)
    return receipt


def share_out(
    *, line_id: int, parts: Sequence[Part], actor: Actor | None, now: datetime, reason: str = CHOSEN
) -> list[Receipt]:
    """Say that a line of the bank pays several pledges or instalments, each with a receipt of its own.

    Raises:
        NotFound, Conflict: as `match`.
        RuleBroken: also when the parts don't sum to the line, by the name of the field.
    """
    return _match(_locked_line(line_id, actor), tuple(parts), reason, actor, now)


def _locked_line(line_id: int, actor: Actor | None) -> StatementLine:
    if actor is not None:
        actor.require(Permission.KEEP_BANK)
    if not 0 < line_id <= LARGEST_ID:
        raise NotFound
    line = ledger.bank.queries.line(line_id, lock=True)
    if line.settled_at is not None:
        raise Conflict("Somebody matched this line first. Go back to the list: what still waits is there.")
    return line


def _match(
    line: StatementLine, parts: tuple[Part, ...], reason: str, actor: Actor | None, now: datetime
) -> list[Receipt]:
    require(part_faults(parts, line.amount_pence))
    pledges = locked_pledges({part.pledge_id for part in parts})
    require(
        Finding(
            f"{paid.reference} was cancelled. Ask {paid.organisation.name} for a new pledge, then match that.",
            "pledge" if len(parts) == 1 else f"pledge_{place}",
        )
        for place, part in enumerate(parts, start=1)
        if (paid := pledges[part.pledge_id]).state is PledgeState.CANCELLED
    )
    return _write([_Match(line, parts, reason)], pledges, actor, now)


@dataclass(frozen=True)
class Confirmed:
    """What confirming several proposals did: the receipts, and how many had changed since they were shown."""

    receipts: list[Receipt]
    changed: int


def confirm(*, proposals: Mapping[int, str], actor: Actor, now: datetime) -> Confirmed:
    """Confirm proposals as they were shown: line (by key) to the reference of a pledge or instalment.

    One that is no longer proposed, because somebody matched the line or paid the pledge meanwhile, is left as it is.
    """
    actor.require(Permission.KEEP_BANK)
    lines = ledger.bank.queries.lock_lines(proposals)
    found = [
        (waiting.line, best)
        for waiting in queries.suggestions([line for line in lines if line.settled_at is None])
        for best in waiting.suggestions
        if best.pledge.reference == proposals[waiting.line.id]
    ]
    pledges = locked_pledges({best.pledge.id for _, best in found})
    chosen = [
        _Match(line, (Part(best.pledge.id, line.amount_pence, best.pledge.reference),), best.reason)
        for line, best in found
        if pledges[best.pledge.id].state is not PledgeState.CANCELLED
    ]
    receipts = _write(chosen, pledges, actor, now)
    return Confirmed(receipts, len(proposals) - len(chosen))


def match_certain(*, actor: Actor | None, now: datetime, after: int = 0) -> Round:
    """Match the next lines whose reference alone is proof; all others wait for a person.

    A pledge's reference has a check character. A member's has none, so its line must bear the member's name as well,
    there must be one pledge only that it can be for, and no more may come than is due. What was matched wrongly once
    isn't matched so again.
    """
    if actor is not None:
        actor.require(Permission.KEEP_BANK)
    lines = ledger.bank.queries.lock_open_lines(money_in=True, after=after, limit=LINES_AT_ONCE)
    if not lines:
        return Round(0, 0, after)
    undone = queries.matched_before([line.id for line in lines])
    sure = queries.certain([line for line in lines if line.id not in undone])
    pledges = locked_pledges({one.pledge.id for one in sure.values()}) if sure else {}
    left = {pledge.id: pledge.due_pence for pledge in pledges.values()}
    found = []
    for line in lines:
        if (best := sure.get(line.id)) is None:
            continue
        pledge_id = best.pledge.id
        too_much = best.by_member and line.amount_pence > left[pledge_id]
        if too_much or pledges[pledge_id].state is PledgeState.CANCELLED:
            continue
        left[pledge_id] -= line.amount_pence
        quoted = None if best.by_member else best.pledge.reference
        found.append(_Match(line, (Part(pledge_id, line.amount_pence, quoted),), best.reason))
    _write(found, pledges, actor, now)
    return Round(len(lines), len(found), lines[-1].id)


def match_what_is_certain(*, actor: Actor | None, now: datetime, progress: Callable[[int], None] | None = None) -> int:
    """Match everything that references alone prove, in and out, a few hundred lines to a transaction of its own; how
    many lines that were. `progress` is told how many more were looked at."""

    def money_in(after: int) -> Round:
        with transaction():
            return match_certain(actor=actor, now=now, after=after)

    def money_out(after: int) -> Round:
        with transaction():
            return match_payments(actor=actor, now=now, after=after)

    return in_rounds(money_in, progress) + in_rounds(money_out, progress)


def sweep(now: datetime) -> int:
    """The same as nobody's act."""
    return match_what_is_certain(actor=None, now=now)


def _write(found: Sequence[_Match], pledges: dict[int, Pledge], actor: Actor | None, now: datetime) -> list[Receipt]:
    """Book every part with its receipt, settle the lines, and remember who paid for whom."""
    before = queries.matched_before([one.line.id for one in found])
    came, of = [], []
    for one in found:
        start = before.get(one.line.id, 0)
        for number, part in enumerate(one.parts, start=start):
            came.append(
                Came(
                    pledges[part.pledge_id],
                    part.pence,
                    one.line.booked_on,
                    f"{one.line.key}#{number + 1}" if number else one.line.key,
                    AccountKind.SUSPENSE,
                    part.quoted,
                    None if number else one.line.id,
                )
            )
            of.append(one)
    receipts = receive_all(came, actor=actor, now=now)
    became: dict[int, list[str]] = {}
    for one, receipt in zip(of, receipts, strict=True):
        became.setdefault(one.line.id, []).append(receipt.reference)
        db.session.add(
            LineMatch(
                line_id=one.line.id,
                receipt_id=receipt.id,
                pence=receipt.pence,
                reason=one.reason,
                matched_at=now,
                matched_by_id=actor.person_id if actor else None,
            )
        )
    for one in found:
        settle_locked(one.line, f"contribution:{', '.join(became[one.line.id])}", actor, now)
    db.session.flush()
    _learn(((one.line, pledges[one.parts[0].pledge_id]) for one in found if len(one.parts) == 1), actor, now)
    return receipts


def _learn(paid: Iterable[tuple[StatementLine, Pledge]], actor: Actor | None, now: datetime) -> None:
    """Remember the names under which organisations pay, where they aren't their own."""
    insert = postgresql_insert if db.session().get_bind().dialect.name == "postgresql" else sqlite_insert
    names = {
        (key, pledge.organisation_id): (line.counterparty, pledge.organisation.reference)
        for line, pledge in paid
        if (key := name_key(line.counterparty)) and key != pledge.organisation.name_key
    }
    for (key, organisation_id), (name, reference) in sorted(names.items()):
        learned = db.session.execute(
            insert(PayerName)
            .values(
                name_key=key,
                name=name,
                organisation_id=organisation_id,
                learned_at=now,
                learned_by_id=actor.person_id if actor else None,
            )
            .on_conflict_do_nothing(index_elements=["name_key", "organisation_id"])
            .returning(PayerName.id)
        ).scalar_one_or_none()
        if learned is not None:
            audit.record(actor, "payer_name.learned", reference, at=now, after={"name": name})


def forget(*, name_id: int, actor: Actor, now: datetime) -> None:
    """Forget that a name paid for an organisation. It is learned again when it is confirmed again.

    Raises:
        NotFound: when it is not remembered.
    """
    actor.require(Permission.KEEP_BANK)
    found = db.session.get(PayerName, name_id, with_for_update=True) if 0 < name_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    audit.record(actor, "payer_name.forgotten", found.organisation.reference, at=now, before={"name": found.name})
    db.session.delete(found)
    db.session.flush()

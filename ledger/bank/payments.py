"""Money out: an order that was approved, the file for the bank, and what the bank's statement then says of it."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, RuleBroken, require
from fund.kernel.policy import policy_at
from fund.kernel.references import next_reference
from ledger import service as books
from ledger.bank import pain001, payments_csv, queries, rules
from ledger.bank.lines import settle
from ledger.bank.models import BankAccount, PaymentFile, PaymentOrder, StatementLine
from ledger.bank.rules import OrderState
from ledger.money import format_pence

_STATE_WORDS = {
    OrderState.READY: "is ready and in no file yet",
    OrderState.SENT: "was put into a file",
    OrderState.CONFIRMED: "is confirmed by the bank",
    OrderState.FAILED: "failed",
}


Teller = Callable[[PaymentOrder, datetime], None]
_TELLERS: list[Teller] = []


def tell_of_failures(teller: Teller) -> None:
    """Let the folder that knows the payee's people tell them that a payment did not arrive."""
    _TELLERS.append(teller)


_LATE_TELLERS: list[Teller] = []


def tell_of_late_debits(teller: Teller) -> None:
    """Let the folder that orders payments know that one which was called failed left the bank after all; it may refuse,
    where the same was ordered again meanwhile."""
    _LATE_TELLERS.append(teller)


Judge = Callable[[Sequence[PaymentOrder], Actor, datetime], Iterable[Finding]]
_JUDGES: list[Judge] = []


def ask_before_paying(judge: Judge) -> None:
    """Let the folder that orders payments be asked once more, at the moment a file is made, which of them may not go,
    or not by this person's hands.

    What makes a payment due is known only above; a condition that was true at approval can have become untrue since.
    """
    _JUDGES.append(judge)


Chooser = Callable[[PaymentOrder, datetime], Mapping[str | None, int] | None]
_CHOOSERS: list[Chooser] = []


def ask_which_money(chooser: Chooser) -> None:
    """Let the folder that orders payments say which parts of a commitment pay: what restricted money is for is known
    only above. The first that answers with parts is taken."""
    _CHOOSERS.append(chooser)


def order_payment(
    *,
    key: str,
    owner: str,
    grant: str,
    pence: int,
    reference: str,
    description: str,
    actor: Actor | None,
    now: datetime,
    pay_by: date | None = None,
    target_on: date | None = None,
    run: str | None = None,
    execute_on: date | None = None,
) -> PaymentOrder:
    """Order a payment that its own folder has had approved. The same key with the same content gives the first order.

    Args:
        key: idempotency key, such as "grant:G-2026-003:instalment:2".
        owner: who is paid ("org:GM-0012").
        grant: whose commitment it uses ("grant:G-2026-003").
        reference: at most 18 characters, which the payee sees on their statement.
        pay_by: the last day on which it is on time.
        target_on: the day that the fund aims at.
        run: the payment run in which it was approved, whose payments go into one file; None for one by itself.
        execute_on: the day that was chosen for the bank to pay.

    Raises:
        RuleBroken: when there are no usable bank details, or the reference doesn't fit.
        Conflict: when the key stands for another order.
    """
    earlier = queries.order_by_key(key)
    if earlier is not None:
        asked = (owner, grant, pence, reference)
        if (earlier.owner, earlier.grant_owner, earlier.pence, earlier.reference) != asked:
            raise Conflict(
                f"Another payment was ordered under {key}: {format_pence(earlier.pence)} to {earlier.owner}, reference "
                f"{earlier.reference}. Now asked for: {format_pence(pence)} to {owner}, reference {reference}."
            )
        return earlier
    require(rules.reference_faults(reference))
    payee = queries.usable_payee(owner, now)
    if payee is None:
        raise RuleBroken(
            f"{owner.partition(':')[2]} has no bank details that may be used. They must be given, verified by a second "
            "person who calls back, and then rest for the pause."
        )
    order = PaymentOrder(
        key=key,
        owner=owner,
        grant_owner=grant,
        payee_id=payee.id,
        pence=pence,
        reference=reference,
        description=description,
        state=OrderState.READY,
        ordered_at=now,
        ordered_by_id=actor.person_id if actor else None,
        pay_by=pay_by,
        target_on=target_on,
        run=run,
        execute_on=execute_on,
    )
    db.session.add(order)
    db.session.flush()
    audit.record(
        actor,
        "payment.ordered",
        key,
        at=now,
        after={"owner": owner, "pence": pence, "payee": payee.id, "reference": reference},
    )
    return order


def make_payment_file(*, order_ids: Collection[int], actor: Actor, now: datetime) -> PaymentFile:
    """Put the ready orders of one run into one file for the bank, and their money on its way in the books.

    Raises:
        RuleBroken: when the orders are not one whole run, when the person gave or verified a payee's details or may not
            handle a payment, when details changed since the order was made, when a condition of a payment no longer
            holds, when nothing is chosen, or when the fund's own account isn't known in full.
        Conflict: when an order is no longer ready.
    """
    actor.require(Permission.KEEP_BANK)
    account = _paying_account()
    orders = queries.orders(order_ids, lock=True)
    if not orders or len(orders) != len(set(order_ids)):
        raise RuleBroken([Finding("Choose the payment run to make the file of.", "run")])
    for order in orders:
        _require_state(order, OrderState.READY)
    run = _one_whole_run(orders)
    require(finding for order in orders for finding in _payer_faults(order, actor, now))
    require(finding for judge in _JUDGES for finding in judge(orders, actor, now))
    earliest = rules.execution_day(now, policy_at(now).bank_cut_off_hour)
    execute_on = max(earliest, *(order.execute_on or earliest for order in orders))
    reference = next_reference("PF", year=london_day(now).year)
    content = pain001.write(
        message_id=reference,
        made_at=now,
        execute_on=execute_on,
        debtor=pain001.Party(account.name, account.sort_code or "", account.account_number),
        payments=[_as_asked(order, reference) for order in orders],
    )
    made = PaymentFile(
        reference=reference,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        order_count=len(orders),
        total_pence=sum(order.pence for order in orders),
        execute_on=execute_on,
        made_at=now,
        made_by_id=actor.person_id,
        run=run,
        totals_sha256=rules.totals_sha256(orders[0].batch, [order.counted for order in orders]),
    )
    db.session.add(made)
    db.session.flush()
    for order in orders:
        order.state, order.file_id, order.sent_at = OrderState.SENT, made.id, now
        books.pay_grant(
            key=order.key,
            grant=order.grant_owner,
            pence=order.pence,
            occurred_on=execute_on,
            description=f"{order.description} ({reference})",
            actor=actor,
            now=now,
            parts=next(filter(None, (chooser(order, now) for chooser in _CHOOSERS)), None),
        )
    audit.record(
        actor,
        "payment_file.made",
        reference,
        at=now,
        after={"orders": len(orders), "pence": made.total_pence, "sha256": made.sha256},
    )
    db.session.flush()
    return made


def _one_whole_run(orders: Sequence[PaymentOrder]) -> str | None:
    """The run that these orders are, all of it; None for an order by itself.

    What the approvers compared is a whole run: part of one, or two together, nobody approved.
    """
    batches = {order.batch for order in orders}
    run = orders[0].run
    if len(batches) > 1 or (run is not None and len(queries.orders_of_run(run)) != len(orders)):
        raise RuleBroken([Finding("A file is made of one payment run, whole. Choose one run.", "run")])
    return run


def call_off_run(*, run: str, reason: str, actor: Actor, now: datetime) -> Sequence[PaymentOrder]:
    """Call off every order of an approved run that is in no file yet; its own folder has judged who may. Nothing was
    booked for them, so nothing is to be undone.

    Raises:
        Conflict: when the file was made first.
    """
    orders = queries.orders_of_run(run, lock=True)
    for order in orders:
        _require_state(order, OrderState.READY)
    for order in orders:
        order.state, order.failed_at, order.failed_reason = OrderState.FAILED, now, reason
        audit.record(actor, "payment.called_off", order.key, at=now, after={"run": run, "reason": reason})
    db.session.flush()
    return orders


def _as_asked(order: PaymentOrder, reference: str) -> pain001.Payment:
    return pain001.Payment(
        end_to_end_id=f"{reference}-{order.id}",
        pence=order.pence,
        payee=pain001.Party(order.payee.account_name, order.payee.sort_code, order.payee.account_number),
        reference=order.reference,
    )


def as_table(file: PaymentFile) -> bytes:
    """A payment file as CSV; the same bytes every time, because orders in a file and bank details never change."""
    orders = queries.orders_in(file.id)
    return payments_csv.write([_as_asked(order, file.reference) for order in orders], file.execute_on)


def _paying_account() -> BankAccount:
    account = queries.own_account()
    if account is None or not account.sort_code:
        raise RuleBroken(
            "We don't know the sort code and number of the fund's own account yet. Import a statement that names them, "
            "or write them on the bank page."
        )
    return account


def _payer_faults(order: PaymentOrder, actor: Actor, now: datetime) -> list[Finding]:
    payee = queries.usable_payee(order.owner, now)
    name = order.payee.account_name
    if payee is None or payee.id != order.payee_id:
        return [
            Finding(
                f"The bank details of {name} changed after this payment was ordered, so the approvals no longer count. "
                "Cancel its payment run, and prepare it again once the new details may be used.",
                "run",
            )
        ]
    return [
        Finding(fault.message, "run")
        for fault in rules.pay_faults(
            given_by_id=payee.given_by_id, checked_by=payee.checked_by, payer_id=actor.person_id, name=name
        )
    ]


def _require_state(order: PaymentOrder, *states: OrderState) -> None:
    if order.state not in states:
        raise Conflict(
            f"Somebody was first: the payment of {format_pence(order.pence)} with reference {order.reference} "
            f"{_STATE_WORDS[order.state]}. Go back to the payments to see how things stand."
        )


def confirm_order(*, order_id: int, line_id: int, actor: Actor | None, now: datetime) -> PaymentOrder:
    """A line of the bank shows that the payment left.

    Raises:
        RuleBroken: when the line isn't money out of just this sum.
        Conflict: when the order isn't on its way, or the line was matched already.
    """
    if actor is not None:
        actor.require(Permission.KEEP_BANK)
    order = queries.order(order_id, lock=True)
    _require_state(order, OrderState.SENT)
    line = settle(line_id=line_id, settled_as=f"payment:{order.key}", actor=actor, now=now, expected_pence=-order.pence)
    _confirm(order, line, actor, now)
    return order


def confirm_late(*, order_id: int, line_id: int, actor: Actor, now: datetime) -> PaymentOrder:
    """A line of the bank shows that a payment left which had been called failed: what was undone is done again, by an
    entry that names the one it undoes, and then confirmed.

    Raises:
        RuleBroken: when it never was in a file, when the line isn't money out of just this sum, when the same was
            ordered again meanwhile, or when its commitment has been used since.
        Conflict: when it isn't failed, or the line was matched already.
    """
    actor.require(Permission.KEEP_BANK)
    order = queries.order(order_id, lock=True)
    _require_state(order, OrderState.FAILED)
    if order.sent_at is None or order.confirmed_at is not None:
        raise RuleBroken("This payment was not called failed while it was on its way, so it can't have left late.")
    for teller in _LATE_TELLERS:
        teller(order, now)
    line = settle(line_id=line_id, settled_as=f"payment:{order.key}", actor=actor, now=now, expected_pence=-order.pence)
    books.reverse(
        key=_paid_key(order),
        reversed_key=f"{order.key}:returned:1",
        reason="The bank paid it after all",
        occurred_on=line.booked_on,
        actor=actor,
        now=now,
    )
    _confirm(order, line, actor, now)
    return order


def _paid_key(order: PaymentOrder) -> str:
    """The key under which the books hold that an order was paid: another where it had been called failed before."""
    return order.key if order.failed_at is None else f"{order.key}:left"


def confirm_file(
    *, reference: str, line_id: int, actor: Actor | None, now: datetime, order_ids: Collection[int] | None = None
) -> Sequence[PaymentOrder]:
    """One line of the bank shows that a file left: every payment of it that is still on its way, or these of them,
    where the bank booked the others apart.

    Raises:
        RuleBroken: when the line isn't money out of just their sum.
        Conflict: when nothing of the file is on its way, or the line was matched already.
    """
    if actor is not None:
        actor.require(Permission.KEEP_BANK)
    ids = [order.id for order in queries.orders_in(queries.payment_file(reference).id)]
    orders = [order for order in queries.orders(ids, lock=True) if order.state is OrderState.SENT]
    if order_ids is not None:
        orders = [order for order in orders if order.id in order_ids]
    if not orders or (order_ids is not None and len(orders) != len(set(order_ids))):
        raise Conflict("These are no longer all on their way. Go back to the payments to see how things stand.")
    total = sum(order.pence for order in orders)
    line = settle(line_id=line_id, settled_as=f"payments:{reference}", actor=actor, now=now, expected_pence=-total)
    for order in orders:
        _confirm(order, line, actor, now)
    return orders


def _confirm(order: PaymentOrder, line: StatementLine, actor: Actor | None, now: datetime) -> None:
    books.confirm_payment(
        key=books.confirmation_key(_paid_key(order)),
        pence=order.pence,
        occurred_on=line.booked_on,
        description=f"{order.description}, confirmed by the bank",
        actor=actor,
        now=now,
    )
    order.state, order.line_id, order.confirmed_at = OrderState.CONFIRMED, line.id, now
    audit.record(actor, "payment.confirmed", order.key, at=now, after={"line": line.id})
    db.session.flush()


def fail_order(
    *, order_id: int, reason: str, actor: Actor | None, now: datetime, line_id: int | None = None
) -> PaymentOrder:
    """A payment did not arrive: what was taken from the commitment goes back to it, by linked entries.

    A ready payment is only called off. One that the bank had confirmed came back as a line of money in: give its id. To
    pay again, order again under another key.

    Raises:
        RuleBroken: without a reason, where a confirmed payment comes without the line that brought it back, or for who
            made the file of one that is on its way.
        Conflict: when it failed already.
    """
    if actor is not None:
        actor.require(Permission.KEEP_BANK)
    if not reason.strip():
        raise RuleBroken([Finding("Write why the payment failed.", "reason")])
    order = queries.order(order_id, lock=True)
    _require_state(order, OrderState.READY, OrderState.SENT, OrderState.CONFIRMED)
    before, occurred_on = order.state, london_day(now)
    if before is OrderState.READY and order.run is not None:
        raise RuleBroken(f"It is in payment run {order.run}, which is in no file yet. Cancel the run instead.")
    if before is OrderState.SENT and actor is not None:
        maker = order.file.made_by_id if order.file else None
        require(rules.fail_faults(made_file_by_id=maker, reporter_id=actor.person_id))
    if before is OrderState.CONFIRMED:
        if line_id is None:
            raise RuleBroken([Finding("Choose the line of the bank that brought the money back.", "line")])
        occurred_on = settle(
            line_id=line_id, settled_as=f"returned:{order.key}", actor=actor, now=now, expected_pence=order.pence
        ).booked_on
    if before is not OrderState.READY:
        books.return_payment(
            key=f"{_paid_key(order)}:returned",
            paid_key=_paid_key(order),
            reason=reason,
            occurred_on=occurred_on,
            actor=actor,
            now=now,
        )
    order.state, order.failed_at, order.failed_reason = OrderState.FAILED, now, reason
    audit.record(actor, "payment.failed", order.key, at=now, before={"state": before.value}, after={"reason": reason})
    db.session.flush()
    for teller in _TELLERS:
        teller(order, now)
    return order

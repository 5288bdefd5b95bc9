"""Taking instalments by saved Direct Debits: announced, then asked for once, however often this runs or breaks off.

What is wanted is committed before the provider is asked, under a reference that is the provider's idempotency key. The
provider forgets such keys after a day, so whoever asks again looks first for the payment that the first asking made.
"""

from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased

from fund.kernel import audit
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db, transaction
from fund.kernel.policy import policy_at
from fund.kernel.references import next_reference
from fund.kernel.topics import Topic
from ledger.money import format_pence
from members.contributions.cards import service as payments_online
from members.contributions.cards.gateway import DebitWanted, Payments, ProviderAway, ProviderRefused
from members.contributions.cards.mandates import queries, rules, service
from members.contributions.cards.mandates.models import DebitedPledge, Mandate
from members.contributions.cards.mandates.rules import MandateState, Standing, Step
from members.contributions.cards.models import CardCheckout
from members.contributions.cards.rules import CHECKOUT_LIVES, CheckoutState, Method
from members.contributions.models import Pledge, PledgeInstalment
from members.contributions.notices import tell
from members.contributions.rules import PledgeState
from members.models import Organisation
from members.rules import MembershipStatus

_MOST_PER_RUN = 200


def sweep(now: datetime, payments: Payments) -> int:
    """Announce what falls due, take what was announced, and tell the provider what was ended."""
    return announce(now) + collect(payments=payments, now=now) + service.tell_ended(payments=payments, now=now)


# --- announcing


def announce(now: datetime) -> int:
    """Announce every instalment that falls due within the notice, by mail with day and amount. Opens its own
    transactions."""
    policy, today = policy_at(now), london_day(now)
    until = rules.announced_until(today, policy.direct_debit_notice_days)
    taken = aliased(CardCheckout)
    due = db.session.execute(
        select(PledgeInstalment.id, Mandate.id)
        .join(Pledge, Pledge.id == PledgeInstalment.pledge_id)
        .join(Organisation, Organisation.id == Pledge.organisation_id)
        .join(DebitedPledge, DebitedPledge.pledge_id == Pledge.id)
        .join(Mandate, Mandate.id == DebitedPledge.mandate_id)
        .where(
            PledgeInstalment.due_on <= until,
            queries.still_to_take(policy.direct_debit_most_pence),
            Mandate.state == MandateState.ACTIVE,
            Organisation.status == MembershipStatus.MEMBER,
            ~exists().where(taken.instalment_id == PledgeInstalment.id, taken.state.in_(rules.UNDER_WAY)),
        )
        .order_by(PledgeInstalment.due_on, PledgeInstalment.id)
        .limit(_MOST_PER_RUN)
    ).all()
    db.session.rollback()
    done = 0
    for instalment_id, mandate_id in due:
        with transaction():
            done += _announce(instalment_id, mandate_id, now)
    return done


def _announce(instalment_id: int, mandate_id: int, now: datetime) -> bool:
    """Whether this call announced it: another scheduler may have been here since it was found."""
    mandate = service.locked(mandate_id)
    pledge_id = db.session.get_one(PledgeInstalment, instalment_id).pledge_id
    pledge = payments_online.locked_pledge(pledge_id)
    policy = policy_at(now)
    instalment = db.session.scalar(
        select(PledgeInstalment)
        .where(PledgeInstalment.id == instalment_id, queries.still_to_take(policy.direct_debit_most_pence))
        .execution_options(populate_existing=True)
    )
    under_way = select(CardCheckout.id).where(
        CardCheckout.instalment_id == instalment_id, CardCheckout.state.in_(rules.UNDER_WAY)
    )
    if instalment is None or mandate.state is not MandateState.ACTIVE or db.session.scalar(under_way) is not None:
        return False
    today = london_day(now)
    day = rules.collection_day(instalment.due_on, today, policy.direct_debit_notice_days)
    made = CardCheckout(
        reference=next_reference("CO", year=today.year, digits=5),
        pledge_id=pledge.id,
        method=Method.BACS,
        pence=instalment.due_pence,
        state=CheckoutState.PLANNED,
        made_at=now,
        mandate_id=mandate.id,
        instalment_id=instalment.id,
        collect_on=day,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        None,
        "direct_debit.announced",
        made.reference,
        at=now,
        after={"instalment": instalment.reference, "pence": made.pence, "on": day.isoformat()},
    )
    amount = format_pence(made.pence)
    tell(
        pledge.organisation,
        f"debit:{made.reference}",
        subject=f"{amount} by Direct Debit on {in_words(day)}",
        what=f"On {in_words(day)} or just after we take {amount} for {instalment.reference} from your bank account, by "
        f"Direct Debit {mandate.reference}. If that is wrong, tell us before then, or end the Direct Debit on its "
        "page. Your bank gives back at once what was taken wrongly.",
        by_when=f"Have {amount} in the account on {in_words(day)}.",
        path=f"/direct-debits/{mandate.reference}",
        now=now,
        topic=Topic.NOTICE,
    )
    return True


# --- taking


def collect(*, payments: Payments, now: datetime) -> int:
    """Ask the provider for everything that was announced for today or before. Opens its own transactions."""
    waiting = db.session.scalars(
        select(CardCheckout.id)
        .where(
            CardCheckout.mandate_id.is_not(None),
            or_(
                (CardCheckout.state == CheckoutState.PLANNED) & (CardCheckout.collect_on <= london_day(now)),
                (CardCheckout.state == CheckoutState.WANTED) & (CardCheckout.asked_at <= now - rules.ASK_AGAIN),
            ),
        )
        .order_by(CardCheckout.id)
        .limit(_MOST_PER_RUN)
    ).all()
    db.session.rollback()
    done = 0
    for checkout_id in waiting:
        with transaction():
            claimed = _claim(checkout_id, now)
        if claimed is None:
            continue
        try:
            done += _ask(checkout_id, *claimed, payments, now)
        except ProviderAway:
            break
    return done


def _claim(checkout_id: int, now: datetime) -> tuple[DebitWanted, bool, bool] | None:
    """Say that we are about to ask: (what for, whether for the first time, whether the mandate is in force). None
    where it is not to be taken, or another scheduler was first."""
    mandate_id = db.session.get_one(CardCheckout, checkout_id).mandate_id
    assert mandate_id is not None
    mandate = service.locked(mandate_id)
    checkout = payments_online.locked_checkout(checkout_id)
    is_first = checkout.state is CheckoutState.PLANNED
    if not is_first:
        rested = checkout.asked_at is not None and checkout.asked_at <= now - rules.ASK_AGAIN
        if checkout.state is not CheckoutState.WANTED or not rested:
            return None
    elif _settled_without(checkout, mandate, now):
        return None
    checkout.state, checkout.asked_at = CheckoutState.WANTED, now
    instalment = checkout.instalment
    wanted = DebitWanted(
        reference=checkout.reference,
        direct_debit=mandate.reference,
        pence=checkout.pence,
        description=f"Contribution, {instalment.reference if instalment else checkout.pledge.reference}",
        customer=str(mandate.customer),
        source=str(mandate.source),
        mandate=str(mandate.mandate),
    )
    return wanted, is_first, mandate.state is MandateState.ACTIVE


def _settled_without(checkout: CardCheckout, mandate: Mandate, now: datetime) -> bool:
    """Whether an announced collection is dropped or has to wait. One that goes on takes no more than is still due."""
    pledge = payments_online.locked_pledge(checkout.pledge_id)
    instalment = db.session.scalar(
        select(PledgeInstalment)
        .where(PledgeInstalment.id == checkout.instalment_id)
        .execution_options(populate_existing=True)
    )
    assert instalment is not None
    assert checkout.collect_on is not None
    others = select(CardCheckout.id).where(
        CardCheckout.pledge_id == pledge.id,
        CardCheckout.id != checkout.id,
        CardCheckout.mandate_id.is_(None),
        or_(
            CardCheckout.state == CheckoutState.ON_ITS_WAY,
            (CardCheckout.state == CheckoutState.OPEN) & (CardCheckout.made_at > now - CHECKOUT_LIVES),
        ),
    )
    live = pledge.state in (PledgeState.PLEDGED, PledgeState.PART_PAID)
    step = rules.next_step(
        Standing(
            announced_pence=checkout.pence,
            collect_on=checkout.collect_on,
            due_pence=instalment.due_pence if live else 0,
            due_on=instalment.due_on,
            in_force=mandate.state is MandateState.ACTIVE,
            is_member=pledge.organisation.status is MembershipStatus.MEMBER,
            other_payment=db.session.scalar(others.limit(1)) is not None,
        )
    )
    if step is Step.DROP:
        checkout.state = CheckoutState.DROPPED
    if step is Step.COLLECT:
        checkout.pence = min(checkout.pence, instalment.due_pence)
    return step is not Step.COLLECT


def _ask(
    checkout_id: int, wanted: DebitWanted, is_first: bool, in_force: bool, payments: Payments, now: datetime
) -> bool:
    """Ask, and store the answer. Raises ProviderAway: then the same is asked for again later."""
    refusal = None
    payment = None if is_first else payments.find_debit(wanted)
    if payment is None and in_force:
        try:
            payment = payments.collect(wanted)
        except ProviderRefused as refused:
            refusal = str(refused)
    with transaction():
        checkout = payments_online.locked_checkout(checkout_id)
        checkout.payment = checkout.payment or payment
        if checkout.state is not CheckoutState.WANTED:
            return False  # a message of the provider's was quicker
        if payment is not None:
            checkout.state = CheckoutState.ON_ITS_WAY
        elif refusal is not None:
            failed(checkout, refusal, now)
        else:
            checkout.state = CheckoutState.DROPPED
        return payment is not None


def failed(checkout: CardCheckout, reason: str, now: datetime, *, mailed: bool = True) -> None:
    """A collection was not paid. It is not tried again: the payer is asked to pay another way."""
    checkout.state, checkout.failure = CheckoutState.FAILED, reason
    audit.record(None, "direct_debit.failed", checkout.reference, at=now, after={"reason": reason})
    if not mailed:
        return
    instalment, amount = checkout.instalment, format_pence(checkout.pence)
    quote = instalment.reference if instalment else checkout.pledge.reference
    tell(
        checkout.pledge.organisation,
        f"debit:{checkout.reference}:failed",
        subject=f"A Direct Debit of {amount} was not paid",
        what=f"Your bank did not pay {amount} for {quote}: {reason.replace('_', ' ')}. We don't try again by "
        f"ourselves. Please pay it by bank transfer and quote {quote}; the page says how.",
        by_when="As soon as you can.",
        path=f"/pledges/{checkout.pledge.reference}",
        now=now,
        topic=Topic.NOTICE,
    )

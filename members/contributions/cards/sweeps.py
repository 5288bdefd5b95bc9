"""What the scheduler does with the payment provider. Each opens its own transactions, between what it asks outside."""

import logging
from datetime import datetime

from fund.kernel.db import transaction
from members.contributions.cards import events, payouts, service
from members.contributions.cards.gateway import ProviderAway, provider
from members.contributions.cards.mandates import collecting

log = logging.getLogger("fund.cards")


def settle(now: datetime) -> int:
    """Settle what waits, match payouts that have reached the bank, take instalments by saved Direct Debits, and ask for
    fees and refunds."""
    done = events.settle_waiting(now)
    with transaction():
        done += payouts.match_payouts(now)
    payments = provider()
    if payments is None:
        return done
    return done + collecting.sweep(now, payments) + service.sweep(now, payments)


def compare(now: datetime) -> int:
    """Compare with the provider's own list; how much had been missed."""
    payments = provider()
    if payments is None:
        return 0
    try:
        return events.compare(payments=payments, now=now).missed_count
    except ProviderAway:
        log.warning("the payment provider could not be reached for the nightly comparison")
        return 0

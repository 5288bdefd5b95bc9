"""Reminders: before an instalment is due, on the day, and after (`reminder_before_days`, `reminder_after_days`)."""

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import joinedload

from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.policy import policy_at
from ledger.money import format_pence
from members.contributions.cards.mandates.rules import UNDER_WAY
from members.contributions.cards.models import CardCheckout
from members.contributions.invoices.rules import reminder_due, reminder_sentence
from members.contributions.models import Pledge, PledgeInstalment
from members.contributions.notices import tell
from members.contributions.schedules.rules import InstalmentState

MOST_AT_ONCE = 500


def sweep(now: datetime) -> int:
    """Send what is due of reminders: one mail for each organisation and run, naming each instalment. What is paid,
    cancelled or written off is never reminded of, and no reminder is sent twice.

    Returns:
        How many instalments were reminded of.
    """
    today, policy = london_day(now), policy_at(now)
    before, after = policy.reminder_before_days, policy.reminder_after_days
    by_organisation: dict[int, list[PledgeInstalment]] = {}
    count = 0
    for one in _waiting(today, (-before, 0, *after)):
        stage = reminder_due(one.due_on, today, before, after, one.reminded_days)
        if stage is not None:
            one.reminded_days = stage
            by_organisation.setdefault(one.pledge.organisation_id, []).append(one)
            count += 1
    for instalments in by_organisation.values():
        _remind(instalments, today, now)
    db.session.flush()
    return count


def _waiting(today: date, stages: tuple[int, ...]) -> list[PledgeInstalment]:
    """Open instalments that have come to a stage they weren't reminded of, locked in the order in which payments lock
    them."""
    sent = func.coalesce(PledgeInstalment.reminded_days, min(stages) - 1)
    return list(
        db.session.scalars(
            select(PledgeInstalment)
            .options(
                joinedload(PledgeInstalment.pledge, innerjoin=True).joinedload(Pledge.organisation, innerjoin=True)
            )
            .where(
                PledgeInstalment.state == InstalmentState.OPEN,
                ~_is_taken_by_debit(),
                or_(*((PledgeInstalment.due_on <= today - timedelta(days=stage)) & (sent < stage) for stage in stages)),
            )
            .order_by(PledgeInstalment.id)
            .limit(MOST_AT_ONCE)
            .with_for_update(of=PledgeInstalment)
            .execution_options(populate_existing=True)
        )
    )


def _is_taken_by_debit() -> ColumnElement[bool]:
    """Whether an instalment is announced to be taken by Direct Debit, or on its way: its payer has nothing to do."""
    return exists().where(CardCheckout.instalment_id == PledgeInstalment.id, CardCheckout.state.in_(UNDER_WAY))


def _remind(instalments: list[PledgeInstalment], today: date, now: datetime) -> None:
    first = min(instalments, key=lambda one: (one.due_on, one.id))
    lines = [
        reminder_sentence(one.reference, format_pence(one.due_pence), in_words(one.due_on), (today - one.due_on).days)
        for one in instalments
    ]
    organisation = first.pledge.organisation
    tell(
        organisation,
        f"reminder:{first.reference}:{first.due_on}:{first.reminded_days}",
        subject=f"A reminder of what {organisation.name} pledged",
        what=f"{' '.join(lines)} If you have paid in the last few days, thank you: there is nothing to do. If "
        "something stands in the way, please tell a steward, and we will find a way together.",
        by_when=f"{format_pence(first.due_pence)} by {in_words(first.due_on)}."
        if first.due_on >= today
        else "As soon as you can.",
        path=f"/pledges/{first.pledge.reference}" if len(instalments) == 1 else "/pledges",
        now=now,
    )

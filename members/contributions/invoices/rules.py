"""When an invoice must be paid, and which reminder is due. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta


def pay_by(instalment_due_on: date, issued_on: date, terms_days: int) -> date:
    """When an invoice is due: with its instalment, but never sooner than the fund's terms of payment allow."""
    return max(instalment_due_on, issued_on + timedelta(days=terms_days))


def reminder_due(
    due_on: date, today: date, before_days: int, after_days: Sequence[int], sent: int | None
) -> int | None:
    """Which reminder should go out today, in days from when the money is due; None where none should.

    One goes `before_days` before, one on the day, one each of `after_days` after. Of those missed only the newest is
    sent, and none a second time (`sent` is the last that was).
    """
    passed = (today - due_on).days
    reached = [days for days in sorted({-before_days, 0, *after_days}) if days <= passed]
    newest = reached[-1] if reached else None
    return None if newest is None or (sent is not None and newest <= sent) else newest


def reminder_sentence(reference: str, pence_in_words: str, due_in_words: str, passed: int) -> str:
    """One line of a reminder, in kind words."""
    if passed < 0:
        return f"{pence_in_words} for {reference} is due on {due_in_words}."
    if passed == 0:
        return f"{pence_in_words} for {reference} is due today."
    return f"{pence_in_words} for {reference} was due on {due_in_words} and hasn't reached us yet."

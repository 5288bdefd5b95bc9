"""Pounds and pence: reading, showing and splitting money. Whole pence only; one currency, GBP. Pure."""

import re
from collections.abc import Sequence

LARGEST_PENCE = 10**13
"""A hundred billion pounds: larger sums are typing errors, and BIGINT holds them with room to spare."""

_POUNDS = re.compile(
    r"(?:(?P<grouped>[0-9]{1,3}(?:,[0-9]{3})+)|(?P<plain>[0-9]{1,15}))(?:\.(?P<pence>[0-9]{2}))?", re.ASCII
)


def parse_pounds(text: str) -> int:
    """Pence of an amount as people write it: "12,500.00", "£12500", "12 500".

    Raises:
        ValueError: with a sentence that says how to write it. NaN, Infinity, 1e5, signs and half pennies are refused.
    """
    written = text.strip().removeprefix("£").strip().replace("\u00a0", " ")
    if re.fullmatch(r"[0-9]{1,3}(?: [0-9]{3})+(?:\.[0-9]{2})?", written, re.ASCII):
        written = written.replace(" ", "")
    match = _POUNDS.fullmatch(written)
    if match is None:
        raise ValueError("Write the amount in pounds, such as 12,500 or 12500.50.")
    pounds = (match["grouped"] or match["plain"]).replace(",", "")
    pence = int(pounds) * 100 + int(match["pence"] or 0)
    if pence > LARGEST_PENCE:
        raise ValueError("That is more than the fund can hold. Check the number of noughts.")
    return pence


def format_pence(pence: int) -> str:
    """ "£12,500" or "£12,500.50"; a minus sign before the pound where it is below zero."""
    pounds, rest = divmod(abs(pence), 100)
    sign = "−" if pence < 0 else ""
    return f"{sign}£{pounds:,}" + (f".{rest:02d}" if rest else "")


def split(pence: int, weights: Sequence[int]) -> list[int]:
    """`pence` shared by whole-number `weights`, losing no penny.

    Each share is rounded down and the pennies left go to the largest remainders, earlier first where equal
    (Hamilton's method).

    Raises:
        ValueError: when a weight is negative, all are nought, or `pence` is negative.
    """
    total = sum(weights)
    if pence < 0 or total <= 0 or min(weights) < 0:
        raise ValueError("split needs an amount and weights that are not negative, and one weight above nought")
    shares = [pence * weight // total for weight in weights]
    remainders = [pence * weight % total for weight in weights]
    left = pence - sum(shares)
    for index in sorted(range(len(weights)), key=lambda i: -remainders[i])[:left]:
        shares[index] += 1
    return shares

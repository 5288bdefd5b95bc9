"""What a setting is: its tier, its kind of value, its range; reading, showing and checking a value. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

Value = str | int | bool | tuple[int, ...] | tuple[str, ...]

LONGEST_TEXT = 500
LONGEST_LINE = 120
MONTHS = tuple(date(2025, month, 1).strftime("%B") for month in range(1, 13))


class Tier(StrEnum):
    """Who decides a setting (handbook §13)."""

    RULES = "rules"
    POLICY = "policy"
    BOARD = "board"
    STEWARD = "steward"
    FIXED = "fixed"


class ValueKind(StrEnum):
    """What sort of value a setting has, and so how it is typed, shown and bounded."""

    NUMBER = "number"
    MONEY = "money"
    YES_NO = "yes_no"
    CHOICE = "choice"
    SHARE = "share"
    NUMBERS = "numbers"
    LINES = "lines"
    TEXT = "text"
    DAY_OF_YEAR = "day_of_year"
    VERSION = "version"


@dataclass(frozen=True)
class SettingSpec:
    """One setting.

    Attributes:
        key: the handbook's name; also a field of `Policy`, or one of the society's own facts.
        title: what people call it.
        sentence: what it does, in one plain sentence.
        tier: who decides.
        kind: what sort of value it has.
        low, high: the range, both ends allowed: of the number, of pence, of each number of a list, or of the count of
            lines.
        unit: what is counted, as it stands after the number.
        bites: where people meet it.
        choices: value → its words, of a choice.
        why_fixed: why it can't be changed, where it can't.
        fixed: the value, where it can't be changed.
        statutory: set by law, so that a change names the law as its source.
        share_low, share_high: the range of a share.
    """

    key: str
    title: str
    sentence: str
    tier: Tier
    kind: ValueKind
    low: int = 0
    high: int = 0
    unit: str = ""
    bites: str = ""
    choices: Mapping[str, str] | None = None
    why_fixed: str = ""
    fixed: str = ""
    statutory: bool = False
    share_low: Fraction = Fraction(0)
    share_high: Fraction = Fraction(1)


def range_in_words(spec: SettingSpec) -> str:
    """What values are allowed."""
    unit = f" {spec.unit}" if spec.unit and spec.unit != "%" else spec.unit
    match spec.kind:
        case ValueKind.NUMBER:
            return f"A whole number from {spec.low} to {spec.high}{unit}"
        case ValueKind.MONEY:
            return f"From {_pounds(spec.low)} to {_pounds(spec.high)}"
        case ValueKind.YES_NO:
            return "Yes or no"
        case ValueKind.CHOICE:
            return "One of: " + "; ".join((spec.choices or {}).values())
        case ValueKind.SHARE:
            return f"A share from {spec.share_low} to {spec.share_high}, such as 1/3"
        case ValueKind.NUMBERS:
            return f"Whole numbers from {spec.low} to {spec.high}{unit}, rising, with commas between"
        case ValueKind.LINES:
            return f"{spec.low} to {spec.high} lines, each different and up to {LONGEST_LINE} characters"
        case ValueKind.DAY_OF_YEAR:
            return "A day and month that every year has, such as 31 March"
        case ValueKind.VERSION:
            return "A version whose text is kept here"
        case _:
            return f"Up to {LONGEST_TEXT} characters"


def _pounds(pence: int) -> str:
    pounds, rest = divmod(pence, 100)
    return f"£{pounds:,}.{rest:02d}" if rest else f"£{pounds:,}"


def show(spec: SettingSpec, value: Value) -> str:
    """A value in words."""
    match spec.kind:
        case ValueKind.MONEY:
            return _pounds(int(value)) if isinstance(value, int) else str(value)
        case ValueKind.YES_NO:
            return "Yes" if value else "No"
        case ValueKind.CHOICE:
            return (spec.choices or {}).get(str(value), str(value))
        case ValueKind.NUMBERS:
            numbers = ", ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
            return f"{numbers} {spec.unit}".strip()
        case ValueKind.LINES:
            return "; ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
        case ValueKind.NUMBER:
            return f"{value}{spec.unit}" if spec.unit == "%" else f"{value} {spec.unit}".strip()
        case ValueKind.DAY_OF_YEAR:
            month, _, day = str(value).partition("-")
            return f"{int(day)} {MONTHS[int(month) - 1]}"
        case ValueKind.VERSION:
            return f"Version {value}" if value else "No text is kept here yet"
        case _:
            return str(value)


def as_typed(spec: SettingSpec, value: Value) -> str:
    """A value as somebody would type it into the form."""
    match spec.kind:
        case ValueKind.MONEY:
            return _pounds(int(value)).replace("£", "") if isinstance(value, int) else str(value)
        case ValueKind.YES_NO:
            return "yes" if value else "no"
        case ValueKind.NUMBERS:
            return ", ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
        case ValueKind.LINES:
            return "\n".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
        case ValueKind.DAY_OF_YEAR:
            return show(spec, value)
        case _:
            return str(value)


def read(spec: SettingSpec, typed: str) -> Value:
    """The value that was typed, within the range.

    Raises:
        ValueError: with a sentence that says what to write.
    """
    return _READERS[spec.kind](spec, typed.strip())


def from_text(text: str) -> Value:
    """A value from the JSON that is kept."""
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value


def to_text(value: Value) -> str:
    """A value as the JSON that is kept."""
    return json.dumps(value)


def _whole(spec: SettingSpec, typed: str) -> int:
    digits = typed.replace(",", "").removesuffix("%").strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 12):
        raise ValueError(f"Write {_small(range_in_words(spec))}.")
    return int(digits)


def _small(words: str) -> str:
    return words[:1].lower() + words[1:]


def _number(spec: SettingSpec, typed: str) -> Value:
    number = _whole(spec, typed)
    if not spec.low <= number <= spec.high:
        raise ValueError(f"{number} is outside the range. Write {_small(range_in_words(spec))}.")
    return number


def _money(spec: SettingSpec, typed: str) -> Value:
    pounds, point, pence = typed.replace(",", "").removeprefix("£").strip().partition(".")
    written = pounds + (pence if point else "00")
    if (
        not (written.isascii() and written.isdecimal())
        or not pounds
        or (point and len(pence) != 2)
        or len(written) > 14
    ):
        raise ValueError("Write an amount in pounds, such as 12,500 or 12,500.00.")
    if not spec.low <= int(written) <= spec.high:
        raise ValueError(f"This is outside the range. Write an amount {_small(range_in_words(spec))}.")
    return int(written)


def _yes_no(spec: SettingSpec, typed: str) -> Value:
    if typed.lower() not in ("yes", "no"):
        raise ValueError("Choose yes or no.")
    return typed.lower() == "yes"


def _choice(spec: SettingSpec, typed: str) -> Value:
    if typed not in (spec.choices or {}):
        raise ValueError("Choose one of the values that are offered.")
    return typed


def _share(spec: SettingSpec, typed: str) -> Value:
    top, slash, bottom = typed.replace(" ", "").partition("/")
    bottom = bottom if slash else "1"
    if not all(part.isascii() and part.isdecimal() and len(part) <= 3 for part in (top, bottom)) or not int(bottom):
        raise ValueError("Write a share as one whole number over another, such as 1/3.")
    share = Fraction(int(top), int(bottom))
    if not spec.share_low <= share <= spec.share_high:
        raise ValueError(f"This is outside the range. Write a share from {spec.share_low} to {spec.share_high}.")
    return str(share)


def _numbers(spec: SettingSpec, typed: str) -> Value:
    numbers = tuple(_whole(spec, part.strip()) for part in typed.split(",")) if typed else ()
    if not numbers or len(numbers) > 10 or list(numbers) != sorted(set(numbers)):
        raise ValueError(f"Write {_small(range_in_words(spec))}; at most ten of them.")
    if not (spec.low <= numbers[0] and numbers[-1] <= spec.high):
        raise ValueError(f"This is outside the range. Write {_small(range_in_words(spec))}.")
    return numbers


def _lines(spec: SettingSpec, typed: str) -> Value:
    lines = tuple(line.strip() for line in typed.splitlines() if line.strip())
    if not spec.low <= len(lines) <= spec.high:
        raise ValueError(f"There are {len(lines)} lines. Write from {spec.low} to {spec.high}, one to a line.")
    if len({line.casefold() for line in lines}) < len(lines):
        raise ValueError("Two lines are the same. Take one of them out.")
    if any(len(line) > LONGEST_LINE for line in lines):
        raise ValueError(f"Shorten the longest line; {LONGEST_LINE} characters fit.")
    return lines


def _text(spec: SettingSpec, typed: str) -> Value:
    if not typed:
        raise ValueError("Write the new text.")
    if len(typed) > LONGEST_TEXT:
        raise ValueError(f"Shorten this by {len(typed) - LONGEST_TEXT:,} characters; {LONGEST_TEXT:,} fit.")
    return typed


def _day_of_year(spec: SettingSpec, typed: str) -> Value:
    words = typed.split()
    months = [month.lower() for month in MONTHS]
    if len(words) != 2 or not (words[0].isascii() and words[0].isdecimal()) or words[1].lower() not in months:
        raise ValueError("Write a day and a month, such as 31 March.")
    month = months.index(words[1].lower()) + 1
    try:
        day = date(2025, month, int(words[0][:3]))  # no leap year, so that every year has the day
    except ValueError:
        raise ValueError("Not every year has this day. Write a day and a month, such as 31 March.") from None
    return f"{day.month:02d}-{day.day:02d}"


def _version(spec: SettingSpec, typed: str) -> Value:
    if not typed or len(typed) > 40:
        raise ValueError("Write a version in up to 40 characters, such as 1.1.")
    return typed


_READERS: dict[ValueKind, Callable[[SettingSpec, str], Value]] = {
    ValueKind.NUMBER: _number,
    ValueKind.MONEY: _money,
    ValueKind.YES_NO: _yes_no,
    ValueKind.CHOICE: _choice,
    ValueKind.SHARE: _share,
    ValueKind.NUMBERS: _numbers,
    ValueKind.LINES: _lines,
    ValueKind.TEXT: _text,
    ValueKind.DAY_OF_YEAR: _day_of_year,
    ValueKind.VERSION: _version,
}

"""Which new rows of a list may be an organisation that is written otherwise elsewhere. Pure; a person decides.

Every name is compared with every other that shares a mark with it: all of its words but one, or its words with some
shortened to their first letters. Marks are looked up, so a list of any length is read once.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from members.prospects.rules import Row
from members.rules import Register, keys_alike, name_key

_STEM = 5
"""How many letters of a word tell it from others, so that an ending makes no difference."""
_SHORTENED = range(3, 7)
"""How many letters stand for words: two are too often a chance, and nobody writes seven."""
_LINKING = frozenset({"for", "in", "to", "at", "on", "with"})
_MOST_WORDS = 10
_MOST_FOR_EACH = 3
"""How many questions are asked about one row."""
_MOST_COMPARED = 40


@dataclass(frozen=True)
class Named:
    """An organisation by what it is called and registered as.

    Attributes:
        where: the place to find it, such as its reference or its row in the list.
        row: its row in the list; None for one that we hold.
    """

    name: str
    key: str
    where: str
    register: Register | None
    number: str | None
    row: int | None = None

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(self.key.split()[:_MOST_WORDS])

    @property
    def plain(self) -> tuple[str, ...]:
        """Its words without endings, in order of the alphabet."""
        return _sorted(self.words)


@dataclass(frozen=True)
class Question:
    """A row, what it is called, and who else it may be, put as a question."""

    row: int
    name: str
    other: str
    why: str


def _sorted(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(word[:_STEM] for word in words if word not in _LINKING))


def _all_but_one(one: Named) -> Iterator[tuple[object, ...]]:
    """Marks shared with a name in which one word is misspelt or one short word is more, or two are written as one."""
    yield ("joined", one.key.replace(" ", ""))
    yield one.plain
    for at, word in enumerate(one.words):
        rest = _sorted(one.words[:at] + one.words[at + 1 :])
        yield (*rest, "but", word[:2])
        if len(word) < _SHORTENED.start + 1:
            yield rest


def _shortened(one: Named) -> Iterator[tuple[str, ...]]:
    """The name with each run of its words written as their first letters, as in "Bolton CVS"."""
    words = tuple(word for word in one.words if word not in _LINKING)
    for start in range(len(words)):
        for length in _SHORTENED:
            if start + length <= len(words):
                letters = "".join(word[0] for word in words[start : start + length])
                yield tuple(sorted((*(w[:_STEM] for w in words[:start] + words[start + length :]), letters[:_STEM])))


def _told_apart(one: Named, other: Named) -> bool:
    """Whether a register has both, under two numbers: then they are two."""
    return (
        one.register is not None and one.register is other.register
        and None not in (one.number, other.number) and one.number != other.number
    )  # fmt: skip


def _same_words(one: Named, other: Named) -> bool:
    """Told already as a likely double: in the list by the same words in any order, elsewhere by the same name."""
    if other.row is None:
        return one.key == other.key
    return sorted(one.key.split()) == sorted(other.key.split())


def named(row: Row) -> Named:
    """A row of a list by its name."""
    name = row.details.name or ""
    return Named(
        name, name_key(name), f"row {row.number:,}", row.details.register, row.details.register_number, row.number
    )


def questions(new: Sequence[Row], held: Iterable[Named]) -> list[Question]:
    """For each new row those who may be the same, of the list's earlier rows and of those that we hold.

    Nothing is put together by it: whoever sends the list looks and decides.
    """
    asking = _Asking([named(row) for row in new])
    for other in held:
        asking.compare(other)
    return asking.found()


class _Asking:
    """Compares the rows of a list with each other as they come, then with others one by one."""

    def __init__(self, rows: Sequence[Named]) -> None:
        self._by_mark: dict[object, list[Named]] = defaultdict(list)
        self._by_plain: dict[object, list[Named]] = defaultdict(list)
        self._by_letters: dict[object, list[Named]] = defaultdict(list)
        self._words: set[str] = set()
        self._asked: dict[int, list[Question]] = defaultdict(list)
        for row in rows:
            self.compare(row)
            self._keep(row)

    def _keep(self, row: Named) -> None:
        for mark in _all_but_one(row):
            self._by_mark[mark].append(row)
        self._by_plain[row.plain].append(row)
        for letters in _shortened(row):
            self._by_letters[letters].append(row)
        self._words.update(word[:2] for word in row.words)

    def compare(self, other: Named) -> None:
        """Ask about every row that may be `other`; about `other` itself where it is a later row."""
        if self._words.isdisjoint(word[:2] for word in other.words):
            return
        near = (row for mark in _all_but_one(other) for row in self._by_mark.get(mark, ())[:_MOST_COMPARED])
        alike = [row for row in dict.fromkeys(near) if keys_alike(row.key, other.key)]
        short = [*self._by_letters.get(other.plain, ())[:_MOST_COMPARED]]
        for letters in _shortened(other):
            short += self._by_plain.get(letters, ())[:_MOST_COMPARED]
        for why, rows in (("The names are nearly the same.", alike), ("One may be short for the other.", short)):
            for row in dict.fromkeys(rows):
                self._ask(row, other, why)

    def _ask(self, row: Named, other: Named, why: str) -> None:
        about, than = (row, other) if other.row is None else (other, row)
        if about.row is None or _told_apart(row, other) or _same_words(about, than):
            return
        asked = self._asked[about.row]
        text = f"{than.name} ({than.where})"
        if len(asked) < _MOST_FOR_EACH and all(one.other != text for one in asked):
            asked.append(Question(about.row, about.name, text, why))

    def found(self) -> list[Question]:
        """In order of the list."""
        return [one for row in sorted(self._asked) for one in self._asked[row]]

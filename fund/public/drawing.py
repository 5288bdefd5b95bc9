"""Where the lines of the public drawings go: whole units of the drawing's own grid, from pence. Pure.

The look (colours, type) is in the templates and the style sheet; beside each drawing stands a table of its numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ledger.money import split
from members.rules import Sector

POT_LEFT, POT_WIDTH = 30, 300
THICKEST, THINNEST = 34, 3
BAR_WIDTH = 200


@dataclass(frozen=True)
class Band:
    """One sector's part of the pot, and the stream that pours into it."""

    sector: Sector
    pence: int
    percent: int
    x: int
    width: int
    middle: int
    stream_x: int
    stream_width: int


def pot(pence_by_sector: Mapping[Sector, int]) -> list[Band]:
    """The pot cut into bands as wide as each sector's money, in the order of the sectors; empty for an empty pot.

    Widths sum to the pot's, percentages to 100.
    """
    sums = [max(pence_by_sector.get(sector, 0), 0) for sector in Sector]
    total = sum(sums)
    if total == 0:
        return []
    widths, percents = split(POT_WIDTH, sums), split(100, sums)
    bands, x = [], POT_LEFT
    column = (POT_WIDTH + 2 * POT_LEFT) // len(sums)
    for place, sector in enumerate(Sector):
        thickness = max(THINNEST, THICKEST * sums[place] // max(sums)) if sums[place] else 0
        bands.append(
            Band(
                sector=sector,
                pence=sums[place],
                percent=percents[place],
                x=x,
                width=widths[place],
                middle=x + widths[place] // 2,
                stream_x=column * place + column // 2,
                stream_width=thickness,
            )
        )
        x += widths[place]
    return bands


def bar_widths(pence: Sequence[int]) -> list[int]:
    """How long each bar is: the largest fills the width, and no money above nought is invisible."""
    largest = max([*pence, 1])
    return [max(1, BAR_WIDTH * one // largest) if one > 0 else 0 for one in pence]


def stacks(rows: Sequence[Sequence[int]], width: int = BAR_WIDTH) -> list[list[tuple[int, int]]]:
    """(x, width) of each part of each bar, laid end to end; the longest bar fills the width, and a bar is as long as
    its parts."""
    longest = max([sum(row) for row in rows] + [1])
    found = []
    for row in rows:
        edges = [width * sum(row[:place]) // longest for place in range(len(row) + 1)]
        found.append([(start, end - start) for start, end in pairwise(edges)])
    return found

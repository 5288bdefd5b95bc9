"""The year in every format makes the same books. (Times are told by `python -m tests.benchmarks.bank`.)"""

from pathlib import Path

import pytest
from flask import Flask

from fund.kernel.db import db
from tests.benchmarks.bank import FILES, lay, measure
from tests.conftest import Bench


@pytest.mark.slow
def test_the_same_books_whatever_the_format(app: Flask, bench: Bench, shared_data: Path) -> None:
    found = []
    for number, name in enumerate(FILES):
        if number:
            bench.clear()
            bench.lay()
        steward = lay(shared_data / "bank" / "entries.csv")
        found.append(measure(shared_data / "bank" / "authored" / "year" / name, steward))
        db.session.remove()
    assert len({(one.lines, one.certain, one.confirmed, one.books) for one in found}) == 1
    assert (found[0].lines, found[0].certain) == (2653, 2074)

"""The number of queries does not grow with the fund. (Times are told by `python -m tests.benchmarks.members`.)"""

import pytest
from flask import Flask

from fund.kernel.db import db
from tests.benchmarks.members import counted, fill, scenes
from tests.conftest import Bench


def queries(app: Flask, size: int) -> dict[str, int]:
    found = {}
    for name, scene in scenes(app, size).items():
        scene()
        with counted() as count:
            scene()
        found[name] = count[0]
    db.session.remove()
    return found


@pytest.fixture
def small_and_large(app: Flask, bench: Bench) -> tuple[dict[str, int], dict[str, int]]:
    fill(10)
    small = queries(app, 10)
    bench.clear()
    bench.lay()
    fill(200)
    return small, queries(app, 200)


def test_as_many_queries_for_200_organisations_as_for_10(
    small_and_large: tuple[dict[str, int], dict[str, int]],
) -> None:
    small, large = small_and_large
    assert small == large
    assert max(large.values()) < 80

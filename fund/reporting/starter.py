"""The starter framework that ships with the fund: our own outcomes, measures and wording (handbook §10.4).

The file has the columns of the handbook's §10.5, so that it is also an example for people who import their own.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO

from fund.reporting.rules import Aggregation, Direction, MeasureKind

TITLE = "Starter framework"
OWNER = "The society"
LICENCE = "CC0 1.0"
SOURCE = "Ships with the fund"


@dataclass(frozen=True)
class Row:
    """One measure of the file, with its theme and outcome."""

    framework_code: str
    version: str
    theme_code: str
    theme: str
    outcome_code: str
    outcome: str
    measure_code: str
    measure: str
    kind: MeasureKind
    unit: str
    decimals: int
    direction: Direction
    aggregation: Aggregation
    guidance: str
    evidence_hint: str


def rows() -> list[Row]:
    """The measures of the file, in its order."""
    text = (files("fund.reporting") / "starter_framework.csv").read_text(encoding="utf-8")
    return [
        Row(
            framework_code=row["framework_code"],
            version=row["version"],
            theme_code=row["theme_code"],
            theme=row["theme"],
            outcome_code=row["outcome_code"],
            outcome=row["outcome"],
            measure_code=row["measure_code"],
            measure=row["measure"],
            kind=MeasureKind(row["kind"]),
            unit=row["unit"],
            decimals=int(row["decimals"]),
            direction=Direction(row["direction"]),
            aggregation=Aggregation(row["aggregation"]),
            guidance=row["guidance"],
            evidence_hint=row["evidence_hint"],
        )
        for row in csv.DictReader(StringIO(text))
    ]

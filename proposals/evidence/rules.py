"""The four gates together (handbook §8), and the rules of levers and attestations. Pure.

The same gates show an applicant what is met and missing while drafting, and decide at submit.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from fund.kernel.errors import Finding
from fund.kernel.policy import Policy
from proposals.evidence.case import AnswerCounts, Case, GateReport
from proposals.evidence.change import G4
from proposals.evidence.collaboration import G1
from proposals.evidence.coproduction import G3
from proposals.evidence.engagement import G2
from proposals.evidence.words import HELPER_ANSWERS, STAFF_ANSWERS, TookPart, Verdict, WhoAnswers

GATES = (G1, G2, G3, G4)

BURST_ANSWERS = 5
BURST_WITHIN = timedelta(minutes=10)
"""So many answers within so short a time are pointed out to stewards; one helper at a meeting may well explain them."""


def evaluate(case: Case, policy: Policy, today: date) -> list[GateReport]:
    """How the four gates stand on `today`, a day in England."""
    return [gate.evaluate(case, policy, today) for gate in GATES]


def missing(reports: Iterable[GateReport]) -> list[Finding]:
    """What to mend, over all gates, in their order. Empty exactly when every gate is met."""
    return [
        condition.finding
        for report in reports
        for condition in report.conditions
        if not condition.met and condition.finding is not None
    ]


def lever_terms(kind: str, today: str, after: str, owner_partner_id: int | None) -> str:
    """What an owner confirms, as a SHA-256: a confirmation counts only while the lever still has it."""
    return sha256(json.dumps([kind, today, after, owner_partner_id]).encode()).hexdigest()


@dataclass(frozen=True)
class Said:
    """The parts of an attestation that are counted. `looked_into`: a steward has dealt with the disagreement."""

    who: WhoAnswers
    took_part: TookPart
    verdict: Verdict
    withdrawn: bool
    looked_into: bool


def counts(said: Said) -> bool:
    """Whether an answer counts as one co-producer's: staff of a partner don't, nor who took no part (handbook §8.1)."""
    return not said.withdrawn and said.who not in STAFF_ANSWERS and said.took_part is not TookPart.NO


def disputes(said: Said) -> bool:
    """Whether an answer disagrees and still has to be looked into. Somebody who took no part may disagree too."""
    return (
        not said.withdrawn
        and said.who not in STAFF_ANSWERS
        and said.verdict is Verdict.DISAGREE
        and not said.looked_into
    )


def count(answers: Iterable[Said]) -> AnswerCounts:
    """The counts that gate 3 looks at."""
    listed = list(answers)
    counted = [said for said in listed if counts(said)]
    return AnswerCounts(
        counted=len(counted),
        helped=sum(said.who in HELPER_ANSWERS for said in counted),
        agreeing=sum(said.verdict is Verdict.AGREE for said in counted),
        disputed=sum(disputes(said) for said in listed),
    )


def has_burst(answered_at: Sequence[datetime]) -> bool:
    """Whether unusually many answers came within a short time; for stewards to ask about, never to refuse by."""
    times = sorted(answered_at)
    return any(last - first <= BURST_WITHIN for first, last in zip(times, times[BURST_ANSWERS - 1 :], strict=False))

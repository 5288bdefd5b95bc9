"""A proposal as it was sent: everything that members decide on, from the frozen version and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fund.documents.layer import Block, Facts, Heading, Paper, Points, Table, Text, grouped, render
from fund.kernel.calendar import in_words, london_day
from ledger.money import format_pence
from members.rules import SECTOR_NAMES, Sector
from proposals.evidence.words import LEVELS, LEVER_NAMES, PHASE_QUESTIONS, LeverKind, Phase
from proposals.rules import CONTRIBUTION_NAMES, ROLE_NAMES, ContributionKind, PartnerRole


@dataclass(frozen=True)
class ProposalFacts:
    """A frozen version.

    Attributes:
        content: the version's canonical JSON, read (`proposals.versions`).
        sha256: of the canonical JSON.
    """

    issuer: str
    issuer_address: str
    content: Mapping[str, Any]
    sha256: str
    submitted_at: datetime


def proposal(facts: ProposalFacts) -> bytes:
    """The PDF."""
    content = facts.content
    reference = f"{content['reference']}, version {content['version']}"
    return render(
        Paper(
            title=content["title"] or "Proposal",
            reference=reference,
            issuer=facts.issuer,
            issuer_address=facts.issuer_address,
            made_at=facts.submitted_at,
            blocks=(
                Facts(
                    (
                        ("Proposal", reference),
                        ("Round", f"{content['round']['title']} ({content['round']['reference']})"),
                        ("Lead partner", f"{content['lead']['name']} ({content['lead']['reference']})"),
                        ("Asks for", format_pence(content["requested_pence"])),
                        ("Sent on", in_words(london_day(facts.submitted_at))),
                        ("Fingerprint (SHA-256)", grouped(facts.sha256)),
                    )
                ),
                *_sections(content["sections"]),
                *_budget(content["budget"], content["requested_pence"]),
                *_partners(content["partners"]),
                *_evidence(content["evidence"]),
            ),
        )
    )


def _sections(sections: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    for section in sections:
        yield Heading(section["title"])
        for answer in section["answers"]:
            yield Heading(answer["question"], 3)
            yield Text(answer["words"] or "No answer was given.", quiet=not answer["words"])


def _budget(lines: Sequence[Mapping[str, Any]], requested_pence: int) -> Iterator[Block]:
    yield Heading("Budget")
    rows = [
        (
            line["heading"] + (" (pays or supports co-producers)" if line["for_coproducers"] else ""),
            format_pence(line["amount_pence"]),
            format_pence(line["grant_pence"]),
        )
        for line in lines
    ]
    total = format_pence(sum(line["amount_pence"] for line in lines))
    yield Table(
        columns=(("What it is for", 5), ("Cost", 2), ("Asked of the fund", 2)),
        rows=(*rows, ("In all", total, format_pence(requested_pence))),
        figures=frozenset({1, 2}),
        total=True,
    )


def _partners(partners: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    yield Heading("Partners")
    for partner in partners:
        yield Heading(partner["name"], 3)
        sector = SECTOR_NAMES[Sector(partner["sector"])] if partner["sector"] else "Not yet confirmed"
        kind = partner["contribution_kind"]
        gives = f"{CONTRIBUTION_NAMES[ContributionKind(kind)]}: {partner['contribution_description']}" if kind else ""
        yield Facts(
            (
                ("Sector", sector),
                ("Part", ROLE_NAMES[PartnerRole(partner["role"])] if partner["role"] else ""),
                ("Gives", gives),
                ("Worth", _money(partner["contribution_pence"])),
                ("Valued by", partner["valuation_basis"]),
                ("Share of the grant", _money(partner["grant_share_pence"])),
                ("Confirmed on", _day(partner["confirmed_at"])),
            )
        )


def _money(pence: int | None) -> str:
    return "" if pence is None else format_pence(pence)


def _day(instant: str | None) -> str:
    return in_words(london_day(datetime.fromisoformat(instant))) if instant else "Not confirmed"


def _evidence(evidence: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("How people were involved")
    yield Table(
        columns=(("Date", 3), ("What and where", 6), ("People", 2), ("Carers", 2), ("Staff", 2)),
        rows=tuple(
            (
                in_words(date.fromisoformat(activity["on"])),
                f"{activity['method']}\n{activity['place']}",
                f"{activity['people']:,}",
                f"{activity['carers']:,}",
                f"{activity['staff']:,}",
            )
            for activity in evidence["activities"]
        ),
        figures=frozenset({2, 3, 4}),
    )
    if evidence["heard_changed"]:
        yield Heading("What was heard, and what changed", 3)
        yield Points(tuple(f"Heard: {pair['heard']}\nChanged: {pair['changed']}" for pair in evidence["heard_changed"]))
    yield Heading("Levels of co-production", 3)
    yield Facts(
        tuple(
            (PHASE_QUESTIONS[Phase(phase)], f"{_level(found['level'])}\n{found['evidence']}")
            for phase, found in evidence["levels"].items()
        )
    )
    yield Text(f"Co-producers told the fund themselves: {evidence['attestations']['words']}")
    yield Heading("What will change in the system", 3)
    for lever in evidence["levers"]:
        yield Facts(
            (
                ("What changes", LEVER_NAMES[LeverKind(lever["kind"])]),
                ("Today", lever["today"]),
                ("After", lever["after"]),
                ("Who makes the change", lever["owner"] or ""),
                ("Confirmed by them", "Yes" if lever["confirmed_by_owner"] else "No"),
            )
        )


def _level(level: int) -> str:
    name, test = LEVELS[level]
    return f"{level}: {name} ({test})"

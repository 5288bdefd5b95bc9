"""A grant agreement: its clauses, and who has signed them."""

from dataclasses import dataclass
from datetime import datetime

from fund.documents.layer import Block, Facts, Heading, Paper, Table, Text, grouped, render
from fund.grants.agreements.rules import AgreementText
from fund.kernel.calendar import in_words, london_day


@dataclass(frozen=True)
class Signed:
    """One signature under the text."""

    organisation: str
    person: str
    signed_at: datetime


@dataclass(frozen=True)
class AgreementPaper:
    """An agreement as it stands.

    Attributes:
        text: the clauses.
        sha256: of the canonical text, which every signature is tied to.
        made_at: when it came to stand so: the text's making, or the last signature.
        unsigned: names of parties that have yet to sign.
    """

    issuer: str
    issuer_address: str
    text: AgreementText
    sha256: str
    made_at: datetime
    signatures: tuple[Signed, ...]
    unsigned: tuple[str, ...]


def agreement(facts: AgreementPaper) -> bytes:
    """The PDF."""
    clauses: list[Block] = []
    for number, clause in enumerate(facts.text.clauses, start=1):
        clauses.append(Heading(f"{number}. {clause.heading}"))
        clauses += [Text(paragraph) for paragraph in clause.paragraphs]
    return render(
        Paper(
            title=facts.text.title,
            reference=facts.text.reference,
            issuer=facts.issuer,
            issuer_address=facts.issuer_address,
            made_at=facts.made_at,
            blocks=(
                Facts((("Standing", _standing(facts)), ("Fingerprint of the text (SHA-256)", grouped(facts.sha256)))),
                *clauses,
                Heading("Signatures"),
                *_signatures(facts),
            ),
        )
    )


def _standing(facts: AgreementPaper) -> str:
    if not facts.unsigned:
        return "Signed by every party"
    parties = len(facts.signatures) + len(facts.unsigned)
    return f"Not yet in force: signed by {len(facts.signatures)} of {parties} parties"


def _signatures(facts: AgreementPaper) -> list[Block]:
    blocks: list[Block] = []
    if facts.signatures:
        rows = tuple((s.organisation, s.person, in_words(london_day(s.signed_at))) for s in facts.signatures)
        blocks.append(Table(columns=(("For", 4), ("Signed by", 4), ("On", 3)), rows=rows))
    if facts.unsigned:
        blocks.append(Text(f"Yet to sign: {', '.join(facts.unsigned)}."))
    blocks.append(
        Text("Each person signed in to the fund's site, was shown this text and signed its fingerprint.", quiet=True)
    )
    return blocks

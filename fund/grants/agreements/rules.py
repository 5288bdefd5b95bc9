"""The text of an agreement and what must be there before it goes live (handbook §7, §7.2). Pure.

The text is data: a list of clauses, each a heading and paragraphs. Its canonical JSON is what is signed and hashed, and
the page and the PDF are two ways of showing it. The same facts give the same bytes.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256

from fund.grants.awards.rules import Line, PartnerFact, PayBasis
from fund.kernel.calendar import in_words
from ledger.money import format_pence


class AgreementState(StrEnum):
    """Where an agreement stands (handbook §7). REPLACED: its text was changed before everybody had signed."""

    DRAFT = "draft"
    SIGNED = "signed"
    LIVE = "live"
    VARIED = "varied"
    SUSPENDED = "suspended"
    ENDED = "ended"
    REPLACED = "replaced"


@dataclass(frozen=True)
class AgreementFacts:
    """Everything that an agreement's text is made from.

    Attributes:
        activities: (question, answer) from the frozen version: what will be done, by whom, with whom.
        promises: (question, answer) from the frozen version on how power is shared.
        budget: (line, pence) of the frozen version.
        reports: the days on which reports are due, in order.
        version_sha256: of the frozen version that members voted on.
    """

    fund_name: str
    award_reference: str
    proposal_reference: str
    version_number: int
    version_sha256: str
    ballot_reference: str
    title: str
    pence: int
    start_on: date
    end_on: date
    basis: PayBasis
    partners: tuple[PartnerFact, ...]
    lines: tuple[Line, ...]
    reports: tuple[date, ...]
    activities: tuple[tuple[str, str], ...]
    promises: tuple[tuple[str, str], ...]
    budget: tuple[tuple[str, int], ...]
    principles_version: str
    special_conditions: str


@dataclass(frozen=True)
class Clause:
    """A heading and its paragraphs."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class AgreementText:
    """An agreement as structured text: who it is between and its clauses in order, numbered from 1 when shown."""

    title: str
    reference: str
    clauses: tuple[Clause, ...]

    def canonical(self) -> str:
        """The JSON that is stored, signed and hashed."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def read_text(canonical: str) -> AgreementText:
    """The text that `canonical` wrote."""
    data = json.loads(canonical)
    clauses = tuple(Clause(item["heading"], tuple(item["paragraphs"])) for item in data["clauses"])
    return AgreementText(data["title"], data["reference"], clauses)


def text_sha256(canonical: str) -> str:
    """What a signature is tied to."""
    return sha256(canonical.encode()).hexdigest()


def make_text(facts: AgreementFacts) -> AgreementText:
    """The agreement of an award: §7.2's content, from award, frozen version, schedule and conditions."""
    clauses = (
        _between(facts),
        _purpose(facts),
        _amount(facts),
        _schedule(facts),
        _conditions_of_payment(),
        _spending(facts),
        _partners(facts),
        _coproduction(facts),
        _reports(facts),
        *_STANDING,
        *_special(facts),
        _signing(),
    )
    return AgreementText(f"Grant agreement {facts.award_reference}: {facts.title}", facts.award_reference, clauses)


def _between(facts: AgreementFacts) -> Clause:
    lead = next(partner for partner in facts.partners if partner.is_lead)
    others = [partner.name for partner in facts.partners if partner.share_pence and not partner.is_lead]
    paid = (
        f" {_and(others)} {'is' if len(others) == 1 else 'are'} also paid under it; every paid partner signs."
        if others
        else ""
    )
    return Clause(
        "Who this is between",
        (
            f"{facts.fund_name} (the fund) makes this grant. {lead.name} is the lead partner: it answers for the work "
            f"and holds this agreement.{paid}",
            f"Members of the fund chose this proposal in ballot {facts.ballot_reference}. What they voted on is "
            f"proposal {facts.proposal_reference}, version {facts.version_number}, with the SHA-256 "
            f"{facts.version_sha256}. That version is part of this agreement.",
        ),
    )


def _answered(question: str, answer: str) -> str:
    return f"{question} {answer}" if question.endswith("?") else f"{question}: {answer}"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _purpose(facts: AgreementFacts) -> Clause:
    return Clause(
        "What the grant is for",
        (
            f"{facts.title}. The work starts on {in_words(facts.start_on)} and ends on {in_words(facts.end_on)}.",
            *(_answered(question, answer) for question, answer in facts.activities),
        ),
    )


def _amount(facts: AgreementFacts) -> Clause:
    return Clause("How much", (f"The grant is {format_pence(facts.pence)} in all.", *_budget(facts)))


def _budget(facts: AgreementFacts) -> tuple[str, ...]:
    if not facts.budget:
        return ()
    lines = "; ".join(f"{name} {format_pence(pence)}" for name, pence in facts.budget)
    return (f"The budget that members saw is: {lines}.",)


def _schedule(facts: AgreementFacts) -> Clause:
    names = {partner.organisation_id: partner.name for partner in facts.partners}
    payments = tuple(
        f"Payment {number}: {format_pence(line.pence)} to {names[line.organisation_id]}, due on {in_words(line.due_on)}"
        + (f", after report {line.after_report} has been accepted." if line.after_report else ".")
        for number, line in enumerate(facts.lines, start=1)
    )
    passing_on = (
        ("The lead passes on each partner's share within 30 days of receiving it.",)
        if facts.basis is PayBasis.THROUGH_LEAD
        else ()
    )
    return Clause("When it is paid", (*payments, *passing_on))


def _conditions_of_payment() -> Clause:
    return Clause(
        "What must be true on the day of each payment",
        (
            "This agreement is live; the day has come; the report that the payment waits for has been accepted; the "
            "payee's bank details have been checked; due diligence is clear and in date; and the subsidy route of each "
            "partner whose money it is has been closed.",
            "Two different people approve each payment. If a condition is not true the payment is held, and the fund "
            "says why and who can put it right.",
        ),
    )


def _spending(facts: AgreementFacts) -> Clause:
    return Clause(
        "What it may be spent on",
        (
            "Costs of the work in the budget above, including a fair share of core costs and the costs of paying and "
            "supporting co-producers. Up to a tenth of a budget line may be moved to another line; say so in the next "
            "report.",
            f"It may not be spent on lobbying government, on entertaining, on costs from before "
            f"{in_words(facts.start_on)}, or on costs that somebody else pays for.",
        ),
    )


def _partners(facts: AgreementFacts) -> Clause:
    return Clause(
        "Partners and their shares",
        tuple(
            f"{partner.name} ({partner.role}{', lead partner' if partner.is_lead else ''}): "
            + (
                f"{format_pence(partner.share_pence)} of the grant"
                if partner.share_pence
                else "no money from the grant"
            )
            + (f". It contributes: {partner.contribution}." if partner.contribution else ".")
            for partner in facts.partners
        ),
    )


def _coproduction(facts: AgreementFacts) -> Clause:
    return Clause(
        "Working with people with lived experience",
        (
            "The partners keep to the levels of co-production that the proposal promised for deciding, delivering and "
            f"reviewing the work, and to the fund's co-production principles, version {facts.principles_version}. "
            "Co-producers are offered payment and have their expenses paid up front.",
            *(_answered(question, answer) for question, answer in facts.promises),
        ),
    )


def _reports(facts: AgreementFacts) -> Clause:
    days = [f"report {number} on {in_words(day)}" for number, day in enumerate(facts.reports, start=1)]
    return Clause(
        "Reports",
        (
            f"The lead reports on: {_and(days)}. A report gives numbers and stories, which count equally, for every "
            "outcome that the award has promised. The fund asks for nothing that it already holds.",
            "News of things going badly is welcome early and never delays a payment by itself.",
        ),
    )


_STANDING = (
    Clause(
        "Records and looking in",
        (
            "Each paid partner keeps records of what it spent for at least 6 years after the work ends, and lets the "
            "fund, its auditor and any public body whose money is in it see them on reasonable notice.",
        ),
    ),
    Clause(
        "Changes",
        (
            "More time: ask the steward in writing. More money, another purpose or another lead goes back to a "
            "ballot of members. If a partner leaves or joins, the fund looks again at whether all three sectors take "
            "part; payments hold until that is so.",
        ),
    ),
    Clause(
        "Telling people",
        (
            "The partners say in public that the fund's members paid for the work. The fund publishes this award, its "
            "payments and accepted reports. Stories are published only with the consent of the people who tell them.",
        ),
    ),
    Clause(
        "Personal data",
        (
            "Each partner follows data protection law, sends the fund no more about any person than a report "
            "needs, and tells the fund within 72 hours of a breach that touches this work.",
        ),
    ),
    Clause(
        "Keeping people safe",
        (
            "Each partner that works with people at risk keeps a safeguarding policy in use and tells the fund's "
            "safeguarding lead about a serious concern within one working day.",
        ),
    ),
    Clause(
        "Things bought with the grant",
        (
            "Things worth £5,000 or more that the grant paid for stay in use for its purpose for 5 years. Ask the fund "
            "before selling or giving them away.",
        ),
    ),
    Clause(
        "Subsidy control",
        (
            "The fund records a route under the Subsidy Control Act 2022 for each paid partner. No partner has a right "
            "to its share before this agreement is live and its route allows the grant to be given. Where the route is "
            "minimal financial assistance, the partner has confirmed in writing that it stays within the limit, and it "
            "keeps its record of the grant for at least 3 years.",
        ),
    ),
    Clause(
        "Money not needed",
        (
            "Money that was paid and is not needed goes back to the fund within 30 days of the end, or where "
            "members agree.",
        ),
    ),
    Clause(
        "Pausing, ending and paying back",
        (
            "The fund may pause payments, end this agreement or ask for money back if it was spent outside the "
            "purpose, if something it was told is false, if the same costs were paid twice, if a partner becomes "
            "insolvent, if the fund's conditions for partners are no longer met and not put right in 60 days, if "
            "subsidy law requires it, or after a serious safeguarding failure. It gives reasons and hears the "
            "partner first.",
        ),
    ),
    Clause(
        "If we disagree",
        (
            "Talk to the steward first, then write to the board, which answers within 20 working days. After that both "
            "sides try mediation before going to court. The law of England and Wales applies.",
        ),
    ),
)


def _special(facts: AgreementFacts) -> tuple[Clause, ...]:
    if not facts.special_conditions:
        return ()
    return (Clause("Special conditions of this award", tuple(facts.special_conditions.split("\n\n"))),)


def _signing() -> Clause:
    return Clause(
        "Signing and when this binds",
        (
            "The lead and every paid partner sign by a person who may bind the organisation. Each signature "
            "carries the name, the time and the SHA-256 of this text. If the text changes before all have signed, "
            "all sign again.",
            "This agreement binds from the moment the fund puts it live, which it does after all have signed and the "
            "money has been reserved. Until then nobody has a right to the grant.",
        ),
    )


# --- going live


@dataclass(frozen=True)
class LiveCase:
    """The facts that decide whether a signed agreement can go live.

    Attributes:
        decision_stands: whether the ballot that made the award was not voided since.
        unsigned: names of parties that have not signed this text.
        diligence_faults: a sentence for each payee whose due diligence is not clear.
        subsidy_faults: a sentence for each paid partner whose route is open. A partner that declined to confirm is not
            among them: only its own payments hold (handbook §9).
        has_measures: whether the lead has chosen the measures it will report on.
    """

    decision_stands: bool
    unsigned: tuple[str, ...]
    diligence_faults: tuple[str, ...]
    subsidy_faults: tuple[str, ...]
    has_measures: bool


@dataclass(frozen=True)
class Precedent:
    """Something that must be there before an agreement goes live, and how it stands."""

    code: str
    label: str
    met: bool
    why: str = ""


def precedents(case: LiveCase) -> tuple[Precedent, ...]:
    """Everything that must be there before the agreement goes live; the reserve of the pot is tried after that."""
    return (
        Precedent(
            "decision",
            "The members' decision stands",
            case.decision_stands,
            "" if case.decision_stands else "The ballot that made this award was voided.",
        ),
        Precedent(
            "signed",
            "Signed by the lead and every paid partner",
            not case.unsigned,
            f"Not yet signed by {_and(case.unsigned)}." if case.unsigned else "",
        ),
        Precedent(
            "due_diligence", "Due diligence is clear", not case.diligence_faults, " ".join(case.diligence_faults)
        ),
        Precedent("subsidy", "Subsidy routes allow giving", not case.subsidy_faults, " ".join(case.subsidy_faults)),
        Precedent(
            "measures",
            "Measures are agreed",
            case.has_measures,
            "" if case.has_measures else "The lead has not yet chosen the measures it will report on.",
        ),
    )

"""What is frozen when a proposal is sent: everything that anybody decides on, in one canonical text."""

import json
from datetime import datetime

from proposals import queries
from proposals.evidence import queries as evidence
from proposals.models import Partner, Proposal
from proposals.questions import SECTIONS, in_section, in_words

FORMAT = "sicf-proposal/1"


def content(subject: Proposal, number: int, now: datetime) -> dict[str, object]:
    """The proposal as JSON values. Questions are kept in their words, since these may change later."""
    answers = queries.answers(subject.id)
    lines = queries.cost_lines(subject.id)
    return {
        "format": FORMAT,
        "reference": subject.reference,
        "version": number,
        "submitted_at": now.isoformat(),
        "title": subject.title,
        "round": {
            "reference": subject.round.reference,
            "title": subject.round.title,
            "policy": json.loads(subject.round.policy_json),
            "policy_version": subject.round.policy_version,
        },
        "lead": {"reference": subject.lead.reference, "name": subject.lead.name},
        "sections": [
            {
                "code": section.code,
                "title": section.title,
                "answers": [
                    {
                        "code": question.code,
                        "question": question.label,
                        "value": answers.get(question.code, ""),
                        "words": in_words(question, answers.get(question.code, "")),
                    }
                    for question in in_section(section.code)
                ],
            }
            for section in SECTIONS
        ],
        "budget": [
            {
                "heading": line.heading,
                "amount_pence": line.amount_pence,
                "grant_pence": line.grant_pence,
                "for_coproducers": line.for_coproducers,
            }
            for line in lines
        ],
        "requested_pence": sum(line.grant_pence for line in lines),
        "partners": [_partner(partner) for partner in queries.partners(subject.id)],
        "evidence": evidence.frozen(subject.id),
    }


def _partner(partner: Partner) -> dict[str, object]:
    organisation, terms = partner.organisation, partner.terms
    return {
        "reference": organisation.reference,
        "name": organisation.name,
        "sector": organisation.sector.value if organisation.sector else None,
        "is_lead": partner.is_lead,
        "role": terms.role,
        "contribution_kind": terms.contribution_kind,
        "contribution_description": terms.contribution_description,
        "contribution_pence": terms.contribution_pence,
        "valuation_basis": terms.valuation_basis,
        "grant_share_pence": terms.grant_share_pence,
        "confirmed_at": partner.confirmed_at.isoformat() if partner.confirmed_at else None,
        "confirmed_terms": partner.confirmed_terms,
        "principles_version": partner.principles_version,
    }

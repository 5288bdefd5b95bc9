"""What a frozen version of a proposal says that an award is made from: who is paid what, and what was promised."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from fund.grants.awards.rules import PartnerFact, Share
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from members.models import Organisation
from proposals.models import ProposalVersion
from proposals.questions import IDEA, MONTHS, PEOPLE, PLACES, SHARED_POWER, SHARED_POWER_HOW, SUMMARY, chosen
from proposals.rules import CONTRIBUTION_NAMES, ROLE_NAMES, ContributionKind, PartnerRole

DEFAULT_MONTHS = 12


@dataclass(frozen=True)
class Frozen:
    """A version as grants reads it.

    Attributes:
        activities: (question, answer) on what will be done, for whom and where.
        promises: (question, answer) on how power is shared.
        budget: (heading, pence from the grant).
        districts: codes of the districts in which the people live.
        months: how long the proposal said the grant lasts.
    """

    proposal_reference: str
    number: int
    sha256: str
    title: str
    requested_pence: int
    lead_id: int
    partners: tuple[PartnerFact, ...]
    activities: tuple[tuple[str, str], ...]
    promises: tuple[tuple[str, str], ...]
    budget: tuple[tuple[str, int], ...]
    districts: frozenset[str]
    months: int
    principles_version: str

    def shares(self) -> list[Share]:
        """The paid partners, in the order of the proposal."""
        return [
            Share(partner.organisation_id, partner.name, partner.share_pence)
            for partner in self.partners
            if partner.share_pence > 0
        ]


def frozen(version_id: int) -> Frozen:
    """Read a frozen version. Raises NotFound."""
    version = db.session.get(ProposalVersion, version_id)
    if version is None:
        raise NotFound
    content = json.loads(version.content)
    partners = content["partners"]
    ids = _ids([partner["reference"] for partner in partners])
    answers = {
        answer["code"]: (answer["question"], answer["words"])
        for section in content["sections"]
        for answer in section["answers"]
    }
    places = next(
        (
            answer["value"]
            for section in content["sections"]
            for answer in section["answers"]
            if answer["code"] == PLACES
        ),
        "",
    )
    months = answers.get(MONTHS, ("", ""))[1]
    return Frozen(
        proposal_reference=content["reference"],
        number=version.number,
        sha256=version.sha256,
        title=content["title"],
        requested_pence=version.requested_pence,
        lead_id=ids[content["lead"]["reference"]],
        partners=tuple(_partner(partner, ids) for partner in partners),
        activities=_told(answers, (SUMMARY, IDEA, PEOPLE, PLACES)),
        promises=_told(answers, (SHARED_POWER, SHARED_POWER_HOW)),
        budget=tuple((line["heading"], line["grant_pence"]) for line in content["budget"] if line["grant_pence"]),
        districts=frozenset(chosen(places)),
        months=int(months) if months.isdecimal() and int(months) > 0 else DEFAULT_MONTHS,
        principles_version=max((partner["principles_version"] or "" for partner in partners), default=""),
    )


def _told(answers: dict[str, tuple[str, str]], codes: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple(answers[code] for code in codes if code in answers and answers[code][1])


def _ids(references: list[str]) -> dict[str, int]:
    rows = db.session.execute(
        select(Organisation.reference, Organisation.id).where(Organisation.reference.in_(references))
    )
    return dict(rows.all())


def _partner(partner: dict[str, Any], ids: dict[str, int]) -> PartnerFact:
    kind = partner["contribution_kind"]
    named = CONTRIBUTION_NAMES[ContributionKind(kind)].lower() if kind else ""
    description = partner["contribution_description"]
    return PartnerFact(
        organisation_id=ids[partner["reference"]],
        name=partner["name"],
        role=ROLE_NAMES[PartnerRole(partner["role"])].lower() if partner["role"] else "partner",
        contribution=": ".join(part for part in (named, description) if part),
        share_pence=partner["grant_share_pence"] or 0,
        is_lead=partner["is_lead"],
    )

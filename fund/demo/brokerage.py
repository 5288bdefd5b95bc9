"""Members say what they care about and could bring, record accreditations, and one lead looks for a partner."""

from datetime import date, timedelta

from fund.demo.teller import STEWARD, Teller
from members.profile import service as profiles
from members.profile.rules import Description, Details
from members.rules import Sector
from proposals.brokerage import service as brokerage
from proposals.brokerage.rules import Words

_SAID = {
    "Open Door Kersal": Description(
        offers="A front room on the high street, and people who know what a letter from a creditor does.",
        seeks="Somebody inside the bodies that send the letters.",
        website="https://open-door-kersal.example",
        networks="Irwell Advice Circle",
        interests=frozenset({"safe", "homes", "space", "volunteering"}),
        wants_requests=True,
    ),
    "Northlight Mutual": Description(
        offers="Two people who can read a household budget, one day a month.",
        seeks="Work where small sums make a large difference.",
        website="https://northlight-mutual.example",
        interests=frozenset({"good_jobs", "homes", "safe", "expertise", "staff_time"}),
        wants_requests=True,
    ),
    "Copperleaf Café": Description(
        offers="The café after six, and soup.", interests=frozenset({"local_economy", "space"}), wants_requests=True
    ),
    "Irwellside Council": Description(
        offers="What we buy each year, and the people who decide how.",
        interests=frozenset({"homes", "safe", "health", "buying_power", "data"}),
    ),
    "Beewing Digital": Description(
        offers="Somebody who makes forms that people can fill in.",
        website="https://beewing-digital.example",
        interests=frozenset({"connections", "young_people", "expertise", "equipment"}),
    ),
}


def introduce(teller: Teller, day: int) -> None:
    """Profiles and accreditations; a steward has looked at the evidence of one."""
    for name, said in _SAID.items():
        teller.do(
            lambda name=name, said=said: profiles.save_profile(  # type: ignore[misc]
                organisation_id=teller.organisations[name],
                said=said,
                seen=0,
                actor=teller.certifier(name),
                now=teller.at(day),
            )
        )
    wage = "Living Wage employer"
    _accredit(teller, "Northlight Mutual", wage, teller.date(20), day)
    seen = _accredit(teller, "Irwellside Council", wage, teller.date(200), day)
    _accredit(teller, "Open Door Kersal", "Trusted Charity", teller.date(-10), day)
    teller.do(
        lambda: profiles.mark_seen(
            accreditation_id=seen,
            organisation_id=teller.organisations["Irwellside Council"],
            seen=1,
            actor=teller.official(STEWARD),
            now=teller.at(day + 1),
        )
    )


def _accredit(teller: Teller, name: str, what: str, until: date, day: int) -> int:
    said = Details(
        name=what,
        issued_by="An invented accreditor",
        number=f"EXAMPLE-{teller.organisations[name]:03d}",
        valid_from=until - timedelta(days=365),
        valid_until=until,
        evidence="Invented for this demonstration.",
    )
    return teller.do(
        lambda: (
            profiles.record_accreditation(
                organisation_id=teller.organisations[name],
                said=said,
                actor=teller.certifier(name),
                now=teller.at(day, 12),
            ).id
        )
    )


def look_for_a_partner(teller: Teller, proposal_id: int, day: int) -> None:
    """The law firm has not confirmed, so the lead asks all members; a mutual answers, and waits for the lead."""
    words = Words(
        title="A debt desk that changes the rules",
        need="We look for somebody who knows lending from the inside: an hour a month on cases that repeat.",
        interests=frozenset({"safe", "expertise"}),
    )
    reference = teller.do(
        lambda: (
            brokerage.post(
                proposal_id=proposal_id,
                sector=Sector.PRIVATE,
                words=words,
                actor=teller.certifier("Open Door Kersal"),
                now=teller.at(day),
            ).reference
        )
    )
    teller.do(
        lambda: brokerage.reply(
            reference=reference,
            message="We may be interested. Two of us have sat on the other side of that desk for years.",
            contact="Clare Whitworth, 0161 496 0123",
            actor=teller.certifier("Northlight Mutual"),
            now=teller.at(day + 2),
        )
    )

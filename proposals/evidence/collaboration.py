"""Gate 1: the three sectors do it together (handbook §8, G1). Pure."""

from collections.abc import Callable, Iterable
from datetime import date

from fund.kernel.policy import Policy
from ledger.money import format_pence
from members.rules import SECTOR_NAMES, Sector
from proposals.evidence.case import Case, Condition, Gate, Outcome, PartnerCase, met, missing, page


def _names(partners: Iterable[PartnerCase]) -> str:
    return ", ".join(partner.name for partner in partners)


def independent_sectors(partners: Iterable[PartnerCase]) -> list[Sector]:
    """The most sectors that can be shown by bodies with different owners, each body standing for one sector.

    Connected organisations are one body (handbook §4.1), so two partners under one owner in two sectors show one. This
    is a matching of bodies to sectors, found by augmenting paths; sectors come in the order of the enum.
    """
    bodies: dict[str, set[Sector]] = {}
    for partner in partners:
        if partner.sector is not None:
            body = f"group {partner.group_id}" if partner.group_id is not None else f"alone {partner.organisation_id}"
            bodies.setdefault(body, set()).add(partner.sector)
    stands_for: dict[str, Sector] = {}

    def place(sector: Sector, tried: set[str]) -> bool:
        for body, sectors in bodies.items():
            if sector in sectors and body not in tried:
                tried.add(body)
                if body not in stands_for or place(stands_for[body], tried):
                    stands_for[body] = sector
                    return True
        return False

    for sector in Sector:
        place(sector, set())
    return [sector for sector in Sector if sector in stands_for.values()]


def _g1_sectors(case: Case, policy: Policy, today: date) -> Outcome:
    confirmed = [partner for partner in case.partners if partner.confirmed]
    shown = independent_sectors(confirmed)
    so_far = ", ".join(SECTOR_NAMES[sector] for sector in shown) or "No confirmed partner yet"
    if len(shown) >= policy.g1_min_sectors:
        return met(so_far)
    present = {partner.sector for partner in confirmed}
    absent = " or ".join(SECTOR_NAMES[sector] for sector in Sector if sector not in present)
    way_on = f"Invite a {absent} partner and ask it to confirm." if absent else "Invite a partner with another owner."
    return missing(
        f"Partners from {policy.g1_min_sectors} sectors, with different owners, must have confirmed; "
        f"{len(shown)} so far. {way_on} Organisations under one owner count once.",
        page(case, "partners"),
        so_far=so_far,
    )


def _each_partner(
    holds: Callable[[PartnerCase, Policy], bool], good: str, ask: str
) -> Callable[[Case, Policy, date], Outcome]:
    """A condition on every partner; `ask` is finished by the names of those that lack it."""

    def check(case: Case, policy: Policy, today: date) -> Outcome:
        lacking = [partner for partner in case.partners if not holds(partner, policy)]
        if case.partners and not lacking:
            return met(good.format(count=len(case.partners), version=policy.coproduction_principles_version))
        names = _names(lacking) or "your first partner"
        return missing(
            f"{ask.format(version=policy.coproduction_principles_version)}: {names}.",
            page(case, "partners"),
            so_far=f"{len(case.partners) - len(lacking)} of {len(case.partners)} partners",
        )

    return check


def _contributes(partner: PartnerCase, policy: Policy) -> bool:
    return bool(
        partner.contribution_kind
        and partner.contribution_description
        and (partner.contribution_pence or 0) > 0
        and partner.valuation_basis
    )


def _g1_sums(case: Case, policy: Policy, today: date) -> Outcome:
    shares = sum(partner.grant_share_pence or 0 for partner in case.partners)
    contributions = sum(partner.contribution_pence or 0 for partner in case.partners)
    so_far = f"{format_pence(shares)} of grant + {format_pence(contributions)} from partners"
    if case.budget_pence <= 0:
        return missing("Fill in the budget: what each thing costs.", page(case, "budget"), field="budget")
    if shares != case.requested_pence:
        return missing(
            f"The partners' shares of the grant come to {format_pence(shares)}, but you ask for "
            f"{format_pence(case.requested_pence)}. Change the shares or the budget until they agree.",
            page(case, "partners"),
            so_far=so_far,
        )
    if shares + contributions != case.budget_pence:
        return missing(
            f"Grant shares and contributions come to {format_pence(shares + contributions)}, but the budget is "
            f"{format_pence(case.budget_pence)}. Change the budget or the contributions until they agree.",
            page(case, "budget"),
            so_far=so_far,
        )
    return met(f"{so_far} = {format_pence(case.budget_pence)}")


G1 = Gate(
    "G1",
    "Cross-sector collaboration",
    "The fund pays only for work that the private, public and VCSE sectors do together.",
    (
        Condition("g1.sectors", "Confirmed partners from enough sectors, with different owners", _g1_sectors),
        Condition(
            "g1.confirmed",
            "Each partner has confirmed from its own account",
            _each_partner(
                lambda partner, policy: partner.confirmed,
                "All {count} partners have confirmed",
                "Someone who may bind the organisation must still confirm for",
            ),
        ),
        Condition(
            "g1.roles",
            "Each partner has a role",
            _each_partner(lambda partner, policy: bool(partner.role), "All {count} have a role", "Give a role to"),
        ),
        Condition(
            "g1.contributions",
            "Each partner brings something, with its value and how it was valued",
            _each_partner(
                _contributes, "All {count} contribute", "Say what is brought, its value and how you valued it, for"
            ),
        ),
        Condition(
            "g1.shares",
            "Each partner's share of the grant is stated",
            _each_partner(
                lambda partner, policy: partner.grant_share_pence is not None,
                "All {count} shares are stated",
                "State the share of the grant, which may be £0, for",
            ),
        ),
        Condition("g1.sums", "Grant shares and contributions sum to the budget", _g1_sums),
        Condition(
            "g1.principles",
            "Each partner accepts the principles of co-production",
            _each_partner(
                lambda partner, policy: partner.principles_version == policy.coproduction_principles_version,
                "All {count} accept version {version}",
                "Version {version} of the principles must still be accepted by",
            ),
        ),
    ),
)

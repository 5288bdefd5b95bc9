"""How far an award has come: its steps from offer to money, and the one that comes next. It only shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import fund.reporting.queries
from fund.grants.agreements import queries as agreements
from fund.grants.agreements.rules import AgreementState
from fund.grants.awards.queries import parties
from fund.grants.awards.rules import AwardState, award_path
from fund.grants.checks import queries as checks
from fund.grants.checks.rules import Answer, Outcome, Route
from fund.grants.models import Agreement, Award
from fund.grants.payments import queries as payments
from fund.grants.payments.rules import Stage
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from members.models import Organisation


@dataclass(frozen=True)
class Step:
    """One step of an award.

    Attributes:
        state: "done", "now" (waits for somebody) or "later".
        waits_for: who must act, while it waits.
    """

    label: str
    state: str
    detail: str
    waits_for: str = ""


@dataclass(frozen=True)
class Next:
    """What a particular person can do next about an award."""

    text: str
    path: str
    label: str


@dataclass(frozen=True)
class Standing:
    """Everything that tells how an award stands, read once for a page."""

    award: Award
    agreement: Agreement | None
    unsigned: tuple[Organisation, ...]
    payees: tuple[checks.Payee, ...]
    subsidies: tuple[checks.SubsidyStanding, ...]
    has_measures: bool
    payments: tuple[payments.Payment, ...]

    @property
    def is_live(self) -> bool:
        """Whether the agreement is live."""
        return self.agreement is not None and self.agreement.state is AgreementState.LIVE

    @property
    def can_go_live(self) -> bool:
        """Whether everything but the reserve of the pot is there."""
        return (
            self.agreement is not None
            and self.agreement.state is AgreementState.SIGNED
            and self.has_measures
            and all(payee.fault is None for payee in self.payees)
            and all(standing.give_fault is None or standing.blocked for standing in self.subsidies)
        )


def standing(award: Award, now: datetime) -> Standing:
    """How an award stands."""
    return standings([award], now)[0]


def standings(awards: Sequence[Award], now: datetime) -> list[Standing]:
    """How each award stands; a handful of reads, however many there are."""
    ids = [award.id for award in awards]
    current = agreements.by_award(ids)
    signed = agreements.signed_for([agreement.id for agreement in current.values()])
    payees, subsidies = checks.payees_of(awards, now), checks.subsidies_of(awards)
    measured = fund.reporting.queries.with_commitments([award.reference for award in awards])
    schedule: dict[int, list[payments.Payment]] = {}
    for payment in payments.of_awards(ids, now):
        schedule.setdefault(payment.instalment.award_id, []).append(payment)
    return [
        Standing(
            award=award,
            agreement=current.get(award.id),
            unsigned=tuple(
                party
                for party in parties(award)
                if award.id not in current or party.id not in signed[current[award.id].id]
            ),
            payees=tuple(payees[award.id]),
            subsidies=tuple(subsidies[award.id]),
            has_measures=award.reference in measured,
            payments=tuple(schedule.get(award.id, ())),
        )
        for award in awards
    ]


def steps(found: Standing) -> list[Step]:
    """The steps of an award in order."""
    award = found.award
    if award.state in (AwardState.DECLINED, AwardState.LAPSED):
        ended = "The lead declined." if award.state is AwardState.DECLINED else "Nobody accepted in time."
        return [_offered(award), Step("Ended", "done", ended)]
    accepted = award.state is AwardState.ACCEPTED
    return [
        _offered(award),
        _accepted(award),
        _diligence(found),
        _subsidy(found),
        _measures(found, accepted),
        _signed(found, accepted),
        _live(found),
        _paid(found),
    ]


def _offered(award: Award) -> Step:
    return Step("Offered", "done", f"On {in_words(london_day(award.offered_at))}, by ballot {award.ballot_reference}.")


def _accepted(award: Award) -> Step:
    if award.answered_at is not None:
        return Step("Accepted by the lead", "done", f"On {in_words(london_day(award.answered_at))}.")
    last_day = in_words(london_day(award.offer_lapses_at))
    return Step("Accepted by the lead", "now", f"The offer lapses at the start of {last_day}.", award.lead.name)


def _diligence(found: Standing) -> Step:
    open_ones = [f"{payee.organisation.name}: {payee.fault}" for payee in found.payees if payee.fault]
    if open_ones:
        return Step("Due diligence", "now", f"{'; '.join(open_ones)}.", "A steward")
    return Step("Due diligence", "done", "Clear for every payee.")


def _subsidy(found: Standing) -> Step:
    open_ones = [one for one in found.subsidies if one.give_fault is not None]
    if not open_ones:
        return Step("Subsidy routes", "done", "Recorded for every paid partner.")
    detail = "; ".join(f"{one.organisation.name}: {one.give_fault}" for one in open_ones)
    waits = "A steward"
    if any(one.record is not None and one.record.answer is None for one in open_ones):
        waits = "The partner named, then a steward"
    return Step(
        "Subsidy routes",
        "done" if all(one.blocked for one in open_ones) and found.is_live else "now",
        f"{detail}.",
        waits,
    )


def _measures(found: Standing, accepted: bool) -> Step:
    if found.has_measures:
        return Step("Measures chosen", "done", "What the reports will ask for is agreed.")
    return Step(
        "Measures chosen",
        "now" if accepted else "later",
        "The lead chooses what it will report on.",
        found.award.lead.name,
    )


def _signed(found: Standing, accepted: bool) -> Step:
    if not accepted:
        return Step("Agreement signed", "later", "The text is made when the lead accepts.")
    if found.unsigned:
        names = ", ".join(party.name for party in found.unsigned)
        return Step("Agreement signed", "now", f"Not yet signed by {names}.", names)
    return Step("Agreement signed", "done", "By the lead and every paid partner.")


def _live(found: Standing) -> Step:
    if found.agreement is not None and found.agreement.live_at is not None:
        return Step("Live", "done", f"On {in_words(london_day(found.agreement.live_at))}. The money is reserved.")
    return Step(
        "Live",
        "now" if found.can_go_live else "later",
        "The money is reserved when the agreement goes live.",
        "A steward",
    )


def _paid(found: Standing) -> Step:
    paid = sum(1 for payment in found.payments if payment.stage is Stage.CONFIRMED)
    detail = f"{paid} of {len(found.payments)} payments made."
    if found.payments and paid == len(found.payments):
        return Step("Paid", "done", detail)
    return Step("Paid", "now" if found.is_live else "later", detail)


# --- what this person can do next


def next_for(found: Standing, actor: Actor) -> Next | None:
    """The one thing that this person can do next about an award; None when it is for others."""
    return _next_for_party(found, actor) or (
        _next_for_office(found, actor) if actor.may(Permission.PREPARE_GRANTS) else None
    )


def _next_for_party(found: Standing, actor: Actor) -> Next | None:
    award, path = found.award, award_path(found.award.reference)
    is_lead = actor.organisation_id == award.lead_id
    if award.state is AwardState.OFFERED:
        if is_lead and actor.may(Permission.BIND_ORGANISATION):
            return Next(
                "The fund offers you this grant. Accept it, or decline it.", f"{path}/answer", "Answer the offer"
            )
        return None
    if award.state is not AwardState.ACCEPTED:
        return None
    if actor.may(Permission.BIND_ORGANISATION):
        if (reference := _unanswered_mfa(found.subsidies, actor)) is not None:
            return Next(
                "The fund asks you to confirm your subsidy position.",
                f"{path}/mfa/{reference}",
                "Answer the notification",
            )
        if any(party.id == actor.organisation_id for party in found.unsigned):
            return Next("The agreement waits for your signature.", f"{path}/agreement", "Read and sign")
    if is_lead and not found.has_measures and actor.may(Permission.WRITE_REPORT):
        return Next("Choose what you will measure.", f"/reports/{award.reference}/measures", "Choose measures")
    if actor.may(Permission.CONTRIBUTE) and any(
        payment.payee is None and payment.instalment.organisation_id == actor.organisation_id
        for payment in found.payments
    ):
        return Next("We don't know yet where to pay you.", "/bank/details", "Give bank details")
    return None


def _unanswered_mfa(subsidies: Sequence[checks.SubsidyStanding], actor: Actor) -> str | None:
    for one in subsidies:
        waits = one.record is not None and one.record.route is Route.MFA and one.record.answer is None
        if waits and one.organisation.id == actor.organisation_id:
            return one.organisation.reference
    return None


def _next_for_office(found: Standing, actor: Actor) -> Next | None:
    award, path = found.award, award_path(found.award.reference)
    if award.state not in (AwardState.OFFERED, AwardState.ACCEPTED):
        return None
    for payee in found.payees:
        if payee.fault is None:
            continue
        if payee.latest is not None and payee.latest.outcome is Outcome.WAITING:
            if payee.latest.checked_by_id != actor.person_id:
                return Next(
                    f"Due diligence on {payee.organisation.name} waits for a second reviewer.",
                    f"/grants/second-reviews/{payee.latest.id}",
                    "Review it",
                )
            continue
        return Next(
            f"Do due diligence on {payee.organisation.name}.",
            f"{path}/due-diligence/{payee.organisation.reference}",
            "Start the checks",
        )
    for one in found.subsidies:
        subsidy_path = f"{path}/subsidy/{one.organisation.reference}"
        if one.record is None:
            return Next(f"Record the subsidy route of {one.organisation.name}.", subsidy_path, "Record the route")
        if one.record.answer is Answer.DECLINED:
            return Next(
                f"{one.organisation.name} can't confirm MFA. Look at another route.", subsidy_path, "Look at its route"
            )
        if one.record.given_on is not None and one.record.confirmed_at is None:
            return Next(f"Send {one.organisation.name} its MFA confirmation.", subsidy_path, "Send the confirmation")
    for payment in found.payments:
        number = payment.instalment.number
        if payment.stage in (Stage.READY, Stage.FAILED) and (payment.run is None or payment.stage is Stage.FAILED):
            return Next(f"Prepare payment {number}.", f"{path}/payments/{number}", "Open the payment")
        if payment.run is not None and payment.stage is Stage.BEING_APPROVED:
            run = payment.run.reference
            return Next(f"Payment {number} waits for approval in run {run}.", f"/payment-runs/{run}", "Open the run")
    return None

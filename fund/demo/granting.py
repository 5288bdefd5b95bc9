"""Awards are offered, checked, signed and paid; grantees report in numbers and stories."""

from dataclasses import dataclass

from sqlalchemy import select

from fund.demo.bank_statement import Line
from fund.demo.ideas import Idea
from fund.demo.teller import SECOND_STEWARD, STEWARD, Teller
from fund.grants.agreements import queries as agreements
from fund.grants.agreements import service as signing
from fund.grants.awards import queries as awards
from fund.grants.awards import rules as terms_of
from fund.grants.awards import service as offers
from fund.grants.checks import service as checks
from fund.grants.checks.rules import CheckResult, Outcome, Route, band_of, checks_of
from fund.grants.payments import service as paying
from fund.grants.runs import queries as runs_seen
from fund.grants.runs import service as runs
from fund.kernel.db import db
from fund.kernel.policy import policy_at
from fund.reporting import evidence as reports
from fund.reporting import service as reporting
from fund.reporting.models import Measure
from fund.reporting.rules import Basis, Consent, ConsentHow, Voice
from ledger.bank import payments as bank_payments
from ledger.bank import queries as bank_queries
from ledger.bank import service as bank
from ledger.bank.rules import NameCheck
from voting import queries as ballots

APPROVERS = ("denise.fairhurst@fund.example", "samir.rahman@fund.example")
_NUMBERS = ("C1.1", "F2.1")
_STORY_MEASURE = "C1.S"


@dataclass(frozen=True)
class StoryTold:
    """A story for a report."""

    title: str
    before: str
    changed: str
    matters: str
    name: str


def award(teller: Teller, idea: Idea, proposal_id: int, day: int, start: int, end: int) -> str:
    """Offered, accepted, measures chosen, checked, routed, signed and live within two weeks; its reference."""
    item = next(row for row in ballots.funded_items() if row.proposal_id == proposal_id)
    steward, lead = teller.official(STEWARD), teller.certifier(idea.lead)
    start_on = teller.date(start)
    end_on = teller.date(end)

    def offer() -> str:
        _, version = offers.funded(item.item_id)
        dates = terms_of.report_dates(item.requested_pence, start_on, end_on, policy_at(teller.at(day)))
        lines = terms_of.default_lines(
            version.shares(),
            version.lead_id,
            terms_of.PayBasis.EACH_PARTNER,
            terms_of.default_parts(dates),
            start_on,
            dates,
        )
        terms = terms_of.Terms(start_on, end_on, terms_of.PayBasis.EACH_PARTNER, lines)
        made = offers.offer(ballot_item_id=item.item_id, terms=terms, actor=steward, now=teller.at(day))
        return made.reference

    reference = teller.do(offer)
    teller.do(lambda: offers.accept(reference=reference, actor=lead, now=teller.at(day + 2)))
    teller.do(lambda: _choose_measures(teller, idea, reference, day + 3))
    for part in idea.parts:
        if part.share:
            _check(teller, part.organisation, reference, day + 4)
            _bank_details(teller, part.organisation, day + 4)
    teller.do(lambda: _sign(teller, idea, reference, day + 6))
    teller.do(lambda: signing.go_live(reference=reference, actor=steward, now=teller.at(day + 10)))
    return reference


def prepare_due(teller: Teller, reference: str, day: int) -> str | None:
    """Amina Holt puts what is due and not yet on its way into a payment run; its reference, if anything is due."""
    teller.do(lambda: paying.mark_due(teller.at(day, 7)))
    due = [
        row.id
        for row in awards.instalments(awards.award_by_reference(reference).id)
        if row.due_on <= teller.date(day) and row.ordered_at is None
    ]
    if not due:
        return None
    return teller.do(
        lambda: runs.prepare(instalment_ids=due, actor=teller.official(STEWARD), now=teller.at(day, 9)).reference
    )


def pay_due(teller: Teller, reference: str, day: int) -> list[Line]:
    """Prepare, approve and send what is due; the lines that the bank will show three days later."""
    run = prepare_due(teller, reference, day)
    if run is None:
        return []
    for hour, address in enumerate(APPROVERS, 10):
        teller.do(lambda h=hour, a=address: approve(teller, run, day, h, a))  # type: ignore[misc]
    orders = bank_queries.orders_of_run(run)
    ids = [order.id for order in orders]
    lines = [
        Line(teller.date(day + 3), -order.pence, order.payee.account_name.upper(), order.reference) for order in orders
    ]
    teller.do(lambda: bank.make_payment_file(order_ids=ids, actor=teller.official(STEWARD), now=teller.at(day, 14)))
    return lines


def confirm_sent(teller: Teller, day: int) -> None:
    """The statement shows what was sent; Piotr Lees matches it."""
    for order in bank_queries.sent_orders():
        line = next(
            line
            for line in bank_queries.open_lines_out()
            if line.amount_pence == -order.pence and order.reference in (line.remittance or "")
        )
        teller.do(
            lambda order=order, line=line: bank_payments.confirm_order(  # type: ignore[misc]
                order_id=order.id, line_id=line.id, actor=teller.official(SECOND_STEWARD), now=teller.at(day)
            )
        )


def report(teller: Teller, idea: Idea, reference: str, number: int, day: int, people: int, story: StoryTold) -> None:
    """The lead reports in numbers and a story, and a steward accepts it."""
    lead, now = teller.certifier(idea.lead), teller.at(day, 13)

    def write() -> None:
        for code, value in zip(_NUMBERS, (str(people), str(people // 12)), strict=True):
            reports.add_reading(
                award_reference=reference,
                number=number,
                measure_id=_measure(code).id,
                value=value,
                basis=Basis.COUNTED,
                attribution_percent=80,
                note="From the group's own list.",
                district=idea.places[0],
                actor=lead,
                now=now,
            )
        for measure in (_STORY_MEASURE, "F2.S"):
            reports.add_story(
                award_reference=reference,
                number=number,
                outcome_id=_measure(measure).outcome_id,
                told=_told(story, idea, first=measure == _STORY_MEASURE),
                consent=Consent(
                    by=story.name,
                    how=ConsentHow.SIGNED_FORM,
                    fund=True,
                    members=True,
                    public=True,
                    press=False,
                    named=False,
                    shown_name="",
                    review_on=None,
                ),
                actor=lead,
                now=now,
            )
        reporting.submit_report(
            award_reference=reference,
            number=number,
            unwanted_change="Two people found the meetings too many and left; we now meet every other month.",
            actor=lead,
            now=now,
        )

    teller.do(write)
    teller.do(
        lambda: reporting.accept_report(
            award_reference=reference,
            number=number,
            feedback="Thank you. The story explains the figures, and telling us who left helps the next round.",
            actor=teller.official(SECOND_STEWARD),
            now=teller.at(day + 5),
        )
    )


def _told(story: StoryTold, idea: Idea, *, first: bool) -> reports.Told:
    if first:
        return reports.Told(
            title=story.title,
            before=story.before,
            changed=story.changed,
            matters=story.matters,
            voice=Voice.OWN_WORDS,
            district=idea.places[0],
        )
    return reports.Told(
        title="The vote we lost, and the one we won",
        before="Decisions were read out to us when they had been made.",
        changed="We voted against our own chair in March and the plan was changed the same evening.",
        matters="I have never won a vote before.",
        voice=Voice.OWN_WORDS,
        district=idea.places[0],
    )


def _measure(code: str) -> Measure:
    return db.session.scalars(select(Measure).where(Measure.code == code)).one()


def _choose_measures(teller: Teller, idea: Idea, reference: str, day: int) -> None:
    measures = [_measure(code) for code in _NUMBERS]
    reporting.commit_measures(
        award_reference=reference,
        measure_ids=[measure.id for measure in measures],
        baselines={measures[0].id: "0"},
        intentions={measures[0].id: str(idea.people_count // 4)},
        actor=teller.certifier(idea.lead),
        now=teller.at(day),
    )


def _check(teller: Teller, organisation: str, reference: str, day: int) -> None:
    found = awards.award_by_reference(reference)
    organisation_id = teller.organisations[organisation]
    share = next(share for share in awards.shares(found) if share.organisation_id == organisation_id)
    teller.do(
        lambda: checks.record_due_diligence(
            reference=reference,
            organisation_id=organisation_id,
            results={
                check.code: (CheckResult.MET, "Seen and in order; invented for this demonstration.")
                for check in checks_of(band_of(share.pence, policy_at(teller.at(day))))
            },
            outcome=Outcome.CLEAR,
            conditions="",
            reasons="Nothing found that stands in the way.",
            actor=teller.official(STEWARD),
            now=teller.at(day),
        )
    )
    teller.do(
        lambda: checks.record_route(
            reference=reference,
            organisation_id=organisation_id,
            route=Route.NOT_A_SUBSIDY,
            reasons="The work is offered free to people who need it and nobody sells it; no market is affected.",
            actor=teller.official(STEWARD),
            now=teller.at(day),
        )
    )


def _bank_details(teller: Teller, organisation: str, day: int) -> None:
    number = teller.organisations[organisation]
    owner = teller.organisation(organisation).owner
    if bank_queries.current_payee(owner) is not None:
        return
    payee = teller.do(
        lambda: (
            bank.give_payee(
                owner=owner,
                account_name=organisation.upper()[:18],
                sort_code="009902",
                account_number=f"{20_000_000 + number}",
                actor=teller.certifier(organisation),
                now=teller.at(day, 11),
            ).id
        )
    )
    teller.do(
        lambda: bank.verify_payee(
            payee_id=payee,
            note="Called back on the number from the application; the treasurer read the details out.",
            name_check=NameCheck.MATCH,
            actor=teller.official(SECOND_STEWARD),
            now=teller.at(day, 16),
        )
    )


def _sign(teller: Teller, idea: Idea, reference: str, day: int) -> None:
    found = awards.award_by_reference(reference)
    text = agreements.current(found.id)
    assert text is not None
    for party in awards.parties(found):
        signing.sign(
            reference=reference, sha256=text.sha256, actor=teller.certifier(party.name), now=teller.at(day, 12)
        )


def approve(teller: Teller, run: str, day: int, hour: int, address: str) -> None:
    """Somebody approves a payment run as they see it."""
    now = teller.at(day, hour)
    sha256 = runs_seen.run_row(run).sha256
    runs.approve(reference=run, sha256=sha256, actor=teller.official(address), now=now)

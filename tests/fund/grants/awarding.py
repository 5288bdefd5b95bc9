"""A declared ballot that funds a proposal of three partners, and people to turn it into a grant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import count

import fund.reporting.queries
import fund.reporting.service
import ledger.bank.service
import ledger.service
from fund.grants.agreements import queries as agreement_queries
from fund.grants.agreements import service as agreements
from fund.grants.awards import queries as award_queries
from fund.grants.awards import service as awards
from fund.grants.awards.rules import Line, PayBasis, Terms
from fund.grants.checks import service as checks
from fund.grants.checks.rules import CHECKS, CheckResult, Outcome, Route
from fund.grants.payments import queries as payment_queries
from fund.grants.runs import service as runs
from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.policy import Policy
from ledger import queries as books
from ledger.bank.rules import NameCheck
from ledger.rules import AccountKind
from members.accounts.models import Person
from members.models import Organisation
from members.rules import Sector
from proposals import versions
from proposals.models import Answer, BudgetLine, Partner, Proposal, ProposalVersion, Round
from proposals.rules import ContributionKind, PartnerRole, ProposalState, RoundState, canonical
from tests import world
from tests.scenes import laid_once, step_once
from voting.methods.resolution import Verdict
from voting.models import Ballot, BallotItem, ItemResult
from voting.rules import BallotState, Kind

_numbers = count(1)
START_ON, END_ON = date(2026, 7, 1), date(2027, 6, 30)
NOTHING_HELD = {check.code: (CheckResult.MET, "Seen.") for check in CHECKS}


@dataclass
class Grant:
    """A funded proposal and everybody who handles it. The lead gets 3/5 of the money and the firm 2/5."""

    clock: MovableClock
    item_id: int
    pence: int
    lead: Organisation
    firm: Organisation
    council: Organisation
    people: dict[str, Person] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)
    reference: str = ""

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def balances(self) -> tuple[int, int, int, int]:
        """Available, committed to this grant, paid under it, in transit: pence, from the ledger."""
        owner = f"grant:{self.reference}"
        return (
            books.balance(AccountKind.AVAILABLE),
            books.balance(AccountKind.COMMITTED, owner),
            books.balance(AccountKind.GRANTS_PAID, owner),
            -books.balance(AccountKind.IN_TRANSIT),
        )

    # --- steps, each in its own transaction

    def terms(self, **changes: object) -> Terms:
        lead_share, firm_share = self.pence * 3 // 5, self.pence - self.pence * 3 // 5
        lines = (Line(self.lead.id, lead_share, START_ON), Line(self.firm.id, firm_share, START_ON))
        values: dict[str, object] = {
            "start_on": START_ON,
            "end_on": END_ON,
            "basis": PayBasis.EACH_PARTNER,
            "lines": lines,
            "special_conditions": "",
        }
        return Terms(**(values | changes))  # type: ignore[arg-type]

    @step_once
    def offer(self, terms: Terms | None = None) -> str:
        with transaction():
            self.reference = awards.offer(
                ballot_item_id=self.item_id, terms=terms or self.terms(), actor=self.actors["steward"], now=self.now
            ).reference
        return self.reference

    @step_once
    def accept(self) -> None:
        with transaction():
            awards.accept(reference=self.reference, actor=self.actors["lead"], now=self.now)

    def sign(self, *names: str) -> None:
        for name in names or ("lead", "firm"):
            with transaction():
                award = award_queries.award_by_reference(self.reference)
                agreement = agreement_queries.current(award.id)
                assert agreement is not None
                agreements.sign(
                    reference=self.reference, sha256=agreement.sha256, actor=self.actors[name], now=self.now
                )

    def clear(self, *organisations: Organisation) -> None:
        for organisation in organisations or (self.lead, self.firm):
            with transaction():
                found = checks.record_due_diligence(
                    reference=self.reference,
                    organisation_id=organisation.id,
                    results=NOTHING_HELD,
                    outcome=Outcome.CLEAR,
                    conditions="",
                    reasons="",
                    actor=self.actors["steward"],
                    now=self.now,
                )
                if found.outcome is Outcome.WAITING:
                    checks.review_due_diligence(
                        due_diligence_id=found.id,
                        agrees=True,
                        note="Looked at the accounts.",
                        actor=self.actors["second steward"],
                        now=self.now,
                    )

    def route(self, organisation: Organisation, route: Route = Route.NOT_A_SUBSIDY) -> None:
        with transaction():
            checks.record_route(
                reference=self.reference,
                organisation_id=organisation.id,
                route=route,
                reasons="Not an enterprise for this work.",
                actor=self.actors["steward"],
                now=self.now,
            )

    def measure(self) -> None:
        with transaction():
            framework = fund.reporting.queries.current_framework()
            assert framework is not None
            measure = next(m for m in fund.reporting.queries.measures(framework.id) if m.kind.value == "count")
            fund.reporting.service.commit_measures(
                award_reference=self.reference, measure_ids=[measure.id], actor=self.actors["lead"], now=self.now
            )

    @step_once
    def ready_to_live(self, terms: Terms | None = None) -> None:
        self.offer(terms)
        self.accept()
        self.clear()
        self.route(self.lead)
        self.route(self.firm)
        self.measure()
        self.sign()

    @step_once
    def go_live(self) -> None:
        with transaction():
            agreements.go_live(reference=self.reference, actor=self.actors["steward"], now=self.now)

    def bank_details(self, organisation: Organisation, name: str, account_number: str = "12345678") -> None:
        """Bank details given by the organisation's officer and checked by the second steward."""
        with transaction():
            payee = ledger.bank.service.give_payee(
                owner=organisation.owner,
                account_name=organisation.name,
                sort_code="00-99-01",
                account_number=account_number,
                actor=self.actors[name],
                now=self.now,
            )
            ledger.bank.service.verify_payee(
                payee_id=payee.id,
                note="Called the office.",
                name_check=NameCheck.MATCH,
                actor=self.actors["second steward"],
                now=self.now,
            )

    @step_once
    def payable(self, terms: Terms | None = None) -> None:
        """A live grant whose first payments are due and whose payees have rested bank details."""
        self.ready_to_live(terms)
        self.go_live()
        self.bank_details(self.lead, "lead")
        self.bank_details(self.firm, "firm", "87654321")
        self.clock.move_to(datetime(2026, 7, 1, 9, tzinfo=UTC))

    def prepare(self, number: int = 1, name: str = "steward") -> str:
        """A run of one payment; what its approvers compare."""
        with transaction():
            return runs.prepare(
                instalment_ids=[self.instalment_id(number)], actor=self.actors[name], now=self.now
            ).sha256

    def instalment_id(self, number: int) -> int:
        award = award_queries.award_by_reference(self.reference)
        return next((one.id for one in award_queries.instalments(award.id) if one.number == number), 0)

    def run(self, number: int = 1) -> str:
        """The run that stands with this payment."""
        award = award_queries.award_by_reference(self.reference)
        found = payment_queries.payment(award, number, self.now).run
        assert found is not None
        return found.reference

    def approve(self, sha256: str, name: str, number: int = 1) -> None:
        with transaction():
            runs.approve(reference=self.run(number), sha256=sha256, actor=self.actors[name], now=self.now)

    def cancel(self, number: int = 1, name: str = "steward") -> None:
        with transaction():
            runs.cancel(reference=self.run(number), reason="Changed.", actor=self.actors[name], now=self.now)

    @step_once
    def ordered(self, number: int = 1) -> None:
        seen = self.prepare(number)
        self.approve(seen, "board", number)
        self.approve(seen, "second board", number)


def fund_pot(pence: int, now: datetime) -> None:
    """Cleared money in the pot, and the fund's own bank account."""
    with transaction():
        ledger.bank.service.set_bank_account(
            name="Irwell Collaboration Fund", sort_code="00-99-02", account_number="10203040", actor=None, now=now
        )
        more = {"occurred_on": now.date(), "description": "A test", "actor": None, "now": now}
        ledger.service.book_bank_line(key="test:line", pence=pence, **more)  # type: ignore[arg-type]
        ledger.service.receive_contribution(
            key="test:contribution",
            contributor="org:GM-0001",
            pence=pence,
            **more,  # type: ignore[arg-type]
        )


@laid_once
def lay(clock: MovableClock, *, pence: int = 10_000_00, pot_pence: int = 1_000_000_00) -> Grant:
    """A declared ballot that funds one proposal asking for `pence`."""
    world.found_society()
    fund_pot(pot_pence, clock.now())
    with transaction():
        fund.reporting.service.load_starter_framework(clock.now())
    lead = world.member("Irwell Kitchens", Sector.VCSE)
    firm = world.member("Bee Bikes", Sector.PRIVATE)
    council = world.member("Examplebury Council", Sector.PUBLIC)
    grant = Grant(clock, 0, pence, lead, firm, council)
    for name, organisation, roles in (
        ("lead", lead, (Role.CERTIFIER,)),
        ("lead editor", lead, (Role.EDITOR,)),
        ("firm", firm, (Role.CERTIFIER,)),
        ("council", council, (Role.CERTIFIER,)),
    ):
        grant.people[name], grant.actors[name] = world.officer(organisation, *roles, name=f"{name} officer")
    for name, official_roles in (
        ("steward", (Role.STEWARD,)),
        ("second steward", (Role.STEWARD,)),
        ("board", (Role.BOARD,)),
        ("second board", (Role.BOARD,)),
        ("third board", (Role.BOARD,)),
        ("auditor", (Role.AUDITOR,)),
    ):
        grant.people[name], grant.actors[name] = world.official(f"The {name}", *official_roles)
    grant.item_id = _declare(grant)
    return grant


def _declare(grant: Grant) -> int:
    number, now = next(_numbers), grant.now
    person_id = grant.actors["lead"].person_id
    policy = Policy()
    with transaction() as session:
        round_ = Round(
            reference=f"R-2026-{number}",
            title="Warm places",
            purpose="p",
            written_case="w",
            senior_officer="s",
            state=RoundState.DECIDED,
            budget_pence=10**9,
            smallest_pence=1,
            largest_pence=10**9,
            opens_at=now - timedelta(days=90),
            closes_at=now - timedelta(days=60),
            decide_by=now.date(),
            policy_json=policy.as_json(),
            policy_version=policy.version,
            created_at=now - timedelta(days=100),
        )
        session.add(round_)
        session.flush()
        proposal = Proposal(
            reference=f"P-2026-{number:03d}",
            round_id=round_.id,
            lead_id=grant.lead.id,
            title="Kitchens on wheels",
            state=ProposalState.APPROVED,
            created_by_id=person_id,
            created_at=now - timedelta(days=80),
        )
        session.add(proposal)
        session.flush()
        _fill(proposal, grant, person_id)
        session.flush()
        content = canonical(versions.content(proposal, 1, now))
        version = ProposalVersion(
            proposal_id=proposal.id,
            number=1,
            content=content,
            sha256=sha256(content.encode()).hexdigest(),
            requested_pence=grant.pence,
            submitted_at=now,
            submitted_by_id=person_id,
        )
        session.add(version)
        session.flush()
        return _ballot(number, round_, proposal, version, grant, policy)


def _fill(proposal: Proposal, grant: Grant, person_id: int) -> None:
    add_all = db.session.add_all
    lead_share = grant.pence * 3 // 5
    partners = (
        (grant.lead, PartnerRole.LEAD, lead_share),
        (grant.firm, PartnerRole.DELIVER, grant.pence - lead_share),
        (grant.council, PartnerRole.DECIDE_OR_COMMISSION, 0),
    )
    add_all(
        Partner(
            proposal_id=proposal.id,
            organisation_id=organisation.id,
            is_lead=role is PartnerRole.LEAD,
            role=role,
            contribution_kind=ContributionKind.STAFF_TIME,
            contribution_description="Two days a week",
            contribution_pence=1_000_00,
            valuation_basis="Salary",
            grant_share_pence=share,
            principles_version="1.0",
            invited_at=grant.now,
            invited_by_id=person_id,
            confirmed_at=grant.now,
        )
        for organisation, role, share in partners
    )
    add_all(
        Answer(
            proposal_id=proposal.id, question=code, value=value, revision=1, saved_at=grant.now, saved_by_id=person_id
        )
        for code, value in (
            ("title", "Kitchens on wheels"),
            ("summary", "Warm food where people are."),
            ("months", "12"),
            ("shared_power", "co_chair"),
        )
    )
    add_all(
        [
            BudgetLine(
                proposal_id=proposal.id,
                position=1,
                heading="Cooks",
                amount_pence=grant.pence,
                grant_pence=grant.pence,
                for_coproducers=True,
            )
        ]
    )


def _ballot(
    number: int,
    round_: Round,
    proposal: Proposal,
    version: ProposalVersion,
    grant: Grant,
    policy: Policy,
) -> int:
    now, add = grant.now, db.session.add
    ballot = Ballot(
        reference=f"B-2026-{number:02d}",
        round_id=round_.id,
        round_reference=round_.reference,
        round_title=round_.title,
        kind=Kind.GRANT,
        state=BallotState.DECLARED,
        budget_pence=10**9,
        drafted_at=now - timedelta(days=30),
        notice_at=now - timedelta(days=29),
        opens_at=now - timedelta(days=20),
        closes_at=now - timedelta(days=10),
        closed_at=now - timedelta(days=10),
        counted_at=now - timedelta(days=10),
        declared_at=now - timedelta(days=9),
        roll_hash="0" * 64,
        policy_json=policy.as_json(),
    )
    add(ballot)
    db.session.flush()
    item = BallotItem(
        ballot_id=ballot.id,
        number=1,
        proposal_id=proposal.id,
        proposal_reference=proposal.reference,
        version_id=version.id,
        version_number=1,
        version_sha256=version.sha256,
        title=proposal.title,
        lead_name=grant.lead.name,
        summary="Warm food.",
        requested_pence=grant.pence,
        submitted_at=now,
    )
    add(item)
    db.session.flush()
    add(
        ItemResult(
            item_id=item.id,
            verdict=Verdict.PASSED,
            passed=True,
            funded=True,
            reserve=False,
            place=1,
            outcome={},
            explanation="Passed.",
            counted_at=now,
        )
    )
    return item.id


@contextmanager
def unfunded(item_id: int) -> Iterator[None]:
    """The item's ballot is void."""
    with transaction() as session:
        session.get_one(BallotItem, item_id).ballot.state = BallotState.VOID
    yield

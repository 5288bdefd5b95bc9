"""What needs you: the page that everybody lands on after signing in."""

from datetime import datetime

from flask import Blueprint, Response

import fund.grants.queries
import fund.privacy.queries
import fund.reporting.queries
import fund.rulebook.queries
import ledger.bank.queries
import ledger.bank.questions.queries
import ledger.bank.reconciliation.queries
import ledger.years.queries
import members.accounts.factors.queries
import members.contributions.cards.queries
import members.contributions.queries
import members.contributions.writeoffs.queries
import members.offices.queries
import members.profile.queries
import members.prospects.queries
import members.queries
import members.register.queries
import proposals.assessment.queries
import proposals.brokerage.queries
import proposals.evidence.queries
import proposals.queries
import voting.queries
from fund import beginning
from fund.kernel.access import Actor, Permission, access
from fund.kernel.pages import actor, now, page
from fund.kernel.tasks import Task

bp = Blueprint("tasks", __name__)

_PLACES = (
    (Permission.SEE_OWN_ORGANISATION, "contributions.own", "Pledges and receipts"),
    (Permission.SEE_OWN_ORGANISATION, "proposals.own", "Our proposals"),
    (Permission.SEE_OWN_ORGANISATION, "brokerage.requests", "Partner requests"),
    (Permission.SEE_OWN_ORGANISATION, "grants.own", "Our grants"),
    (Permission.ASSESS, "assessment.desk", "Assessments"),
    (Permission.ADMIT_MEMBERS, "prospects.listed", "Organisations to invite"),
    (Permission.LET_PEOPLE_IN, "factors.let_in", "Lost second steps"),
    (Permission.SEE_APPLICATIONS, "register.applications", "Applications"),
    (Permission.READ_REGISTERS, "register.registers", "Registers"),
    (Permission.ADMIT_MEMBERS, "register.shares", "Shares"),
    (Permission.KEEP_BANK, "bank.statements", "Bank statements"),
    (Permission.KEEP_BANK, "contributions.money_in", "Money in"),
    (Permission.READ_BOOKS, "public.contributions", "Contributions by sector"),
    (Permission.READ_BOOKS, "writeoffs.write_offs", "Write-offs"),
    (Permission.READ_BOOKS, "cards.listed", "Card payments"),
    (Permission.READ_BOOKS, "restrictions.funds", "Restricted funds"),
    (Permission.KEEP_BANK, "bank.payments_out", "Payments out"),
    (Permission.KEEP_BANK, "bank.payees", "Payees"),
    (Permission.READ_BOOKS, "treasury.desk", "Treasurer’s desk"),
    (Permission.READ_BOOKS, "reconciliation.months", "Reconciliations"),
    (Permission.READ_BOOKS, "ledger.accounts", "The books"),
    (Permission.READ_BOOKS, "grants.awards", "Grants"),
    (Permission.REVIEW_REPORTS, "reporting.desk", "Reports"),
    (Permission.RUN_ROUNDS, "proposals.rounds", "Rounds"),
    (Permission.RUN_BALLOTS, "voting.ballots", "Ballots"),
    (Permission.SEE_PRIVACY_REQUESTS, "privacy.requests", "Requests about data"),
    (Permission.KEEP_RULES, "rulebook.rulebook", "Rules and policies"),
    (Permission.SEE_OFFICES, "offices.offices", "People of the fund"),
)
"""Where each kind of person works: (what it needs, endpoint, name)."""

_SOURCES = (
    members.queries.tasks,
    members.accounts.factors.queries.tasks,
    members.register.queries.tasks,
    members.contributions.queries.tasks,
    members.contributions.writeoffs.queries.tasks,
    members.contributions.cards.queries.tasks,
    members.profile.queries.tasks,
    members.prospects.queries.tasks,
    members.offices.queries.tasks,
    ledger.bank.queries.tasks,
    ledger.years.queries.tasks,
    ledger.bank.questions.queries.tasks,
    ledger.bank.reconciliation.queries.tasks,
    proposals.queries.tasks,
    proposals.brokerage.queries.tasks,
    proposals.evidence.queries.tasks,
    proposals.assessment.queries.tasks,
    voting.queries.tasks,
    fund.grants.queries.tasks,
    fund.reporting.queries.tasks,
    fund.privacy.queries.tasks,
    fund.rulebook.queries.tasks,
)


def tasks_of(person: Actor, at: datetime) -> list[Task]:
    """Everything that waits for the person: dated tasks first, soonest first."""
    waiting = [task for source in _SOURCES for task in source(person, at)]
    return sorted(waiting, key=lambda task: (task.due is None, task.due or at, task.title))


@bp.get("/tasks")
@access(Permission.SIGNED_IN)
def what_needs_you() -> Response:
    person = actor()
    places = [(endpoint, name) for permission, endpoint, name in _PLACES if person.may(permission)]
    return page("tasks.html", tasks=tasks_of(person, now()), places=places, steps=beginning.steps(person))

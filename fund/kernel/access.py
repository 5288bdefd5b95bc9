"""Who may do what: roles, permissions, and the matrix between them, as data.

Every view declares its permission with `@access(...)`; the application refuses to start if one does not
(`check_every_view_declares_access`). Rules about *this* object (own organisation, conflicts of interest, separation of
duties) live in the domain's `rules.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask

from fund.kernel.errors import NotAllowed

View = TypeVar("View", bound=Callable[..., Any])


class Role(StrEnum):
    """A role held by a signed-in person: one kind for the fund, one for the organisation acted for."""

    # for the fund
    STEWARD = "steward"
    SECRETARY = "secretary"
    BOARD = "board"
    ASSESSOR = "assessor"
    LIVED_EXPERIENCE_ASSESSOR = "lived_experience_assessor"
    AUDITOR = "auditor"
    SAFEGUARDING_LEAD = "safeguarding_lead"
    # for the organisation acted for
    REPRESENTATIVE = "representative"
    DEPUTY = "deputy"
    FINANCE = "finance"
    CERTIFIER = "certifier"
    EDITOR = "editor"


FUND_ROLES = frozenset(
    {
        Role.STEWARD,
        Role.SECRETARY,
        Role.BOARD,
        Role.ASSESSOR,
        Role.LIVED_EXPERIENCE_ASSESSOR,
        Role.AUDITOR,
        Role.SAFEGUARDING_LEAD,
    }
)
ORGANISATION_ROLES = frozenset(Role) - FUND_ROLES
_OFFICE = frozenset({Role.STEWARD, Role.SECRETARY, Role.BOARD, Role.AUDITOR})


class Permission(StrEnum):
    """What a view needs of the person who opens it."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"
    DEMO = "demo"
    # an organisation's people
    SEE_OWN_ORGANISATION = "see_own_organisation"
    MANAGE_OWN_ORGANISATION = "manage_own_organisation"
    CONTRIBUTE = "contribute"
    WRITE_PROPOSAL = "write_proposal"
    BIND_ORGANISATION = "bind_organisation"
    VOTE = "vote"
    WRITE_REPORT = "write_report"
    EDIT_PROFILE = "edit_profile"
    NAME_BANK_ACCOUNT = "name_bank_account"
    # the fund's people
    ADMIT_MEMBERS = "admit_members"
    KEEP_BANK = "keep_bank"
    READ_BOOKS = "read_books"
    RUN_ROUNDS = "run_rounds"
    ASSESS = "assess"
    RUN_BALLOTS = "run_ballots"
    VOID_BALLOTS = "void_ballots"
    PREPARE_GRANTS = "prepare_grants"
    APPROVE_PAYMENTS = "approve_payments"
    REVIEW_REPORTS = "review_reports"
    READ_AUDIT = "read_audit"
    HEAR_SAFEGUARDING = "hear_safeguarding"
    SEE_PRIVACY_REQUESTS = "see_privacy_requests"
    ANSWER_PRIVACY_REQUESTS = "answer_privacy_requests"
    CONFIRM_ERASURE = "confirm_erasure"
    KEEP_RULES = "keep_rules"
    SEE_OFFICES = "see_offices"
    MANAGE_OFFICES = "manage_offices"
    RESTORE_CERTIFIER = "restore_certifier"
    DECIDE_ROLE_CHANGE = "decide_role_change"
    LET_PEOPLE_IN = "let_people_in"
    SEE_APPLICATIONS = "see_applications"
    DECIDE_MEMBERSHIP = "decide_membership"
    KEEP_REGISTERS = "keep_registers"
    READ_REGISTERS = "read_registers"
    INSPECT_REGISTERS = "inspect_registers"
    WRITE_OFF_PLEDGES = "write_off_pledges"
    PREPARE_CLOSING = "prepare_closing"
    CONFIRM_CLOSING = "confirm_closing"
    ACCEPT_RESTRICTIONS = "accept_restrictions"
    KEEP_DIRECT_DEBITS = "keep_direct_debits"
    PREPARE_RECONCILIATION = "prepare_reconciliation"
    SIGN_RECONCILIATION = "sign_reconciliation"
    READ_STATEMENTS = "read_statements"


MATRIX: dict[Permission, frozenset[Role]] = {
    Permission.SEE_OWN_ORGANISATION: ORGANISATION_ROLES,
    Permission.MANAGE_OWN_ORGANISATION: frozenset({Role.CERTIFIER}),
    Permission.CONTRIBUTE: frozenset({Role.CERTIFIER, Role.FINANCE}),
    Permission.WRITE_PROPOSAL: frozenset({Role.CERTIFIER, Role.EDITOR, Role.REPRESENTATIVE}),
    Permission.BIND_ORGANISATION: frozenset({Role.CERTIFIER}),
    Permission.VOTE: frozenset({Role.REPRESENTATIVE, Role.DEPUTY}),
    Permission.WRITE_REPORT: frozenset({Role.CERTIFIER, Role.EDITOR, Role.FINANCE}),
    Permission.EDIT_PROFILE: frozenset({Role.CERTIFIER, Role.EDITOR}),
    Permission.NAME_BANK_ACCOUNT: frozenset({Role.CERTIFIER, Role.FINANCE}),
    Permission.ADMIT_MEMBERS: frozenset({Role.STEWARD}),
    Permission.KEEP_BANK: frozenset({Role.STEWARD}),
    Permission.READ_BOOKS: _OFFICE,
    Permission.RUN_ROUNDS: frozenset({Role.STEWARD}),
    Permission.ASSESS: frozenset({Role.ASSESSOR, Role.LIVED_EXPERIENCE_ASSESSOR}),
    Permission.RUN_BALLOTS: frozenset({Role.SECRETARY}),
    Permission.VOID_BALLOTS: frozenset({Role.BOARD}),
    Permission.PREPARE_GRANTS: frozenset({Role.STEWARD}),
    Permission.APPROVE_PAYMENTS: frozenset({Role.STEWARD, Role.BOARD}),
    Permission.REVIEW_REPORTS: frozenset({Role.STEWARD}),
    Permission.READ_AUDIT: _OFFICE,
    Permission.HEAR_SAFEGUARDING: frozenset({Role.SAFEGUARDING_LEAD}),
    Permission.SEE_PRIVACY_REQUESTS: frozenset({Role.SECRETARY, Role.BOARD}),
    Permission.ANSWER_PRIVACY_REQUESTS: frozenset({Role.SECRETARY}),
    Permission.CONFIRM_ERASURE: frozenset({Role.BOARD}),
    Permission.KEEP_RULES: frozenset({Role.STEWARD, Role.SECRETARY, Role.BOARD}),
    Permission.SEE_OFFICES: _OFFICE,
    Permission.MANAGE_OFFICES: frozenset({Role.SECRETARY, Role.BOARD}),
    Permission.RESTORE_CERTIFIER: frozenset({Role.STEWARD, Role.BOARD}),
    Permission.DECIDE_ROLE_CHANGE: frozenset({Role.STEWARD, Role.SECRETARY, Role.BOARD}),
    Permission.LET_PEOPLE_IN: frozenset({Role.STEWARD, Role.SECRETARY, Role.BOARD}),
    Permission.SEE_APPLICATIONS: _OFFICE,
    Permission.DECIDE_MEMBERSHIP: frozenset({Role.BOARD}),
    Permission.KEEP_REGISTERS: frozenset({Role.SECRETARY}),
    Permission.READ_REGISTERS: frozenset({Role.SECRETARY, Role.BOARD, Role.AUDITOR}),
    Permission.INSPECT_REGISTERS: ORGANISATION_ROLES | _OFFICE,
    Permission.WRITE_OFF_PLEDGES: frozenset({Role.STEWARD, Role.BOARD}),
    Permission.PREPARE_CLOSING: frozenset({Role.STEWARD}),
    Permission.CONFIRM_CLOSING: frozenset({Role.BOARD}),
    Permission.ACCEPT_RESTRICTIONS: frozenset({Role.BOARD}),
    Permission.KEEP_DIRECT_DEBITS: frozenset({Role.CERTIFIER, Role.FINANCE}),
    Permission.PREPARE_RECONCILIATION: frozenset({Role.STEWARD}),
    Permission.SIGN_RECONCILIATION: frozenset({Role.STEWARD, Role.BOARD}),
    # the co-operative's accounts belong to its members
    Permission.READ_STATEMENTS: _OFFICE | ORGANISATION_ROLES,
}
"""Permission → the roles that give it. ANYONE and SIGNED_IN need no role; DEMO needs a demonstration fund."""


SECOND_FACTOR = frozenset(
    {
        # roles, and who may use an account
        Permission.MANAGE_OWN_ORGANISATION,
        Permission.ADMIT_MEMBERS,
        Permission.LET_PEOPLE_IN,
        Permission.MANAGE_OFFICES,
        Permission.RESTORE_CERTIFIER,
        Permission.DECIDE_ROLE_CHANGE,
        Permission.CONFIRM_ERASURE,
        # the rules that all of this stands on
        Permission.KEEP_RULES,
        # what binds an organisation
        Permission.BIND_ORGANISATION,
        # money
        Permission.NAME_BANK_ACCOUNT,
        Permission.KEEP_BANK,
        Permission.PREPARE_GRANTS,
        Permission.APPROVE_PAYMENTS,
        Permission.WRITE_OFF_PLEDGES,
        Permission.PREPARE_CLOSING,
        Permission.CONFIRM_CLOSING,
        Permission.ACCEPT_RESTRICTIONS,
        Permission.KEEP_DIRECT_DEBITS,
        Permission.PREPARE_RECONCILIATION,
        Permission.SIGN_RECONCILIATION,
        # ballots: calling, closing, declaring and voiding them
        Permission.RUN_BALLOTS,
        Permission.VOID_BALLOTS,
    }
)
"""Permissions whose forms need a second step given a short while ago (`fund.admission`): what a stolen passphrase must
not reach. Casting a vote needs none: any of an organisation's people sees it and may change it until closing."""


@dataclass(frozen=True)
class Place:
    """An organisation that a person may choose to act for."""

    organisation_id: int
    name: str


@dataclass(frozen=True)
class Actor:
    """The person who does something, the organisation they visibly act for, and the others they might act for."""

    person_id: int
    name: str
    roles: frozenset[Role] = frozenset()
    organisation_id: int | None = None
    organisation_reference: str | None = None
    organisation_name: str | None = None
    others: tuple[Place, ...] = ()

    def may(self, permission: Permission) -> bool:
        """Whether the person's roles give `permission`."""
        if permission in (Permission.ANYONE, Permission.SIGNED_IN):
            return True
        return bool(self.roles & MATRIX.get(permission, frozenset()))

    def require(self, permission: Permission) -> None:
        """Services that are reached by more than one way check again: raises NotAllowed."""
        if not self.may(permission):
            raise NotAllowed(
                "You don't have the role that this needs. Ask a steward, or the person who certifies for you."
            )


def access(permission: Permission) -> Callable[[View], View]:
    """Declare what a view needs. Goes directly below the route."""

    def declare(view: View) -> View:
        view.__access__ = permission  # type: ignore[attr-defined]
        return view

    return declare


def declared(view: Callable[..., Any]) -> Permission | None:
    """The permission that a view declares."""
    return getattr(view, "__access__", None)


def check_every_view_declares_access(app: Flask) -> None:
    """Refuse to start with a view that nobody has thought about.

    Raises:
        RuntimeError: naming every endpoint without a declared permission.
    """
    undeclared = sorted(endpoint for endpoint, view in app.view_functions.items() if declared(view) is None)
    if undeclared:
        raise RuntimeError(f"these views declare no access: {', '.join(undeclared)}")

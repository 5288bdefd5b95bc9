"""Roles, permissions and the matrix between them."""

import pytest
from flask import Flask

from fund.kernel.access import (
    FUND_ROLES,
    MATRIX,
    ORGANISATION_ROLES,
    Actor,
    Permission,
    Role,
    access,
    check_every_view_declares_access,
)
from fund.kernel.errors import NotAllowed

WITHOUT_ROLES = {Permission.ANYONE, Permission.SIGNED_IN, Permission.DEMO}


def test_the_application_refuses_to_start_if_a_view_declares_no_access() -> None:
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/known", "known", access(Permission.ANYONE)(lambda: "known"))
    check_every_view_declares_access(app)
    app.add_url_rule("/forgotten", "forgotten", lambda: "forgotten")
    with pytest.raises(RuntimeError, match="forgotten"):
        check_every_view_declares_access(app)


def test_every_permission_is_in_the_matrix_and_given_by_some_role() -> None:
    assert set(MATRIX) == set(Permission) - WITHOUT_ROLES
    assert all(MATRIX.values())


def test_every_role_is_of_one_kind() -> None:
    assert set(Role) == FUND_ROLES | ORGANISATION_ROLES
    assert not FUND_ROLES & ORGANISATION_ROLES


def test_nobody_who_keeps_the_bank_runs_ballots() -> None:
    assert not MATRIX[Permission.KEEP_BANK] & MATRIX[Permission.RUN_BALLOTS]


def test_an_actor_may_do_what_a_role_gives_and_nothing_else() -> None:
    steward = Actor(1, "Ada", frozenset({Role.STEWARD}))
    assert steward.may(Permission.KEEP_BANK)
    assert not steward.may(Permission.VOTE)
    assert not steward.may(Permission.DEMO)
    with pytest.raises(NotAllowed):
        steward.require(Permission.VOTE)

"""Tests about the code itself: what discipline alone would not keep."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from werkzeug.routing import Rule

from fund.kernel.access import FUND_ROLES, MATRIX, ORGANISATION_ROLES, Permission, Role, declared
from fund.kernel.db import db, transaction
from members.rules import MembershipStatus, Sector
from tests.visitor import Visitor
from tests.world import acting, appoint, found_society, member, official, person

ROOT = Path(__file__).parents[1]
PACKAGES = ("fund", "members", "proposals", "voting", "ledger")


def _sources() -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), path.read_text()


def test_only_the_kernel_commits() -> None:
    callers = {str(path) for path, text in _sources() if re.search(r"(session|connection)(\(\))?\.commit\(", text)}
    assert callers <= {"fund/kernel/db.py", "fund/migrations/env.py"}


def test_rules_know_no_database_and_no_web() -> None:
    for path, text in _sources():
        if path.name == "rules.py" or "methods" in path.parts:
            imported = {
                name.split(".")[0]
                for node in ast.walk(ast.parse(text))
                for name in (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom)
                    else []
                )
            }
            assert not imported & {"sqlalchemy", "flask", "flask_sqlalchemy", "stripe"}, path


def test_no_floats_near_money_or_votes() -> None:
    for path, text in _sources():
        if path.parts[0] in ("ledger", "voting") and path.name != "views.py":
            for node in ast.walk(ast.parse(text)):
                is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
                calls_float = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
                assert not is_float, f"{path}:{getattr(node, 'lineno', '')}"
                assert not calls_float, f"{path}:{getattr(node, 'lineno', '')}"


def test_views_and_forms_stay_in_their_folder() -> None:
    for path, text in _sources():
        for module in re.findall(r"^from ([\w.]+)\.(?:views|forms) import", text, re.M):
            own = ".".join(path.parent.parts)
            assert own.startswith(module) or module == "fund.kernel" or path.name == "app.py", (
                f"{path} imports from {module}"
            )


def _is_modelled(_thing: object, name: str | None, *_: object) -> bool:
    """All but the index of names, which each database has in its own way (`fund.migrations.finding`)."""
    return "organisation_search" not in (name or "")


def test_the_migrated_database_is_what_the_models_say(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": False, "include_object": _is_modelled}
        )
        assert compare_metadata(context, db.metadata) == []


def test_every_revision_is_numbered_and_the_newest_is_named() -> None:
    folder = ROOT / "fund" / "migrations"
    revisions = sorted(path.stem for path in (folder / "versions").glob("*.py"))
    assert [name[:4] for name in revisions] == [f"{number:04d}" for number in range(1, len(revisions) + 1)]
    assert (folder / ".current-head").read_text().strip() == revisions[-1]


def _address(rule: Rule) -> str:
    """An address of the rule with ids that are nowhere."""
    return re.sub(
        r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>", lambda found: "999999" if found[1] == "int" else "none-such", rule.rule
    )


_OPENS = (200, 302, 303, 404)
"""What a page answers to somebody who may open it: 404 where its address names what is nowhere."""


@pytest.mark.parametrize("role", [None, *sorted(FUND_ROLES)], ids=str)
def test_every_page_by_every_role(app: Flask, visitor: Visitor, role: Role | None) -> None:
    """Who may not, is turned away; who may, is not. A GET changes nothing, whoever sends it. The roles in an
    organisation are tried on every route below."""
    found_society()
    if role is not None:
        visitor.sign_in(official(f"A {role}", role)[0])
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        permission = declared(app.view_functions[rule.endpoint])
        assert permission is not None
        status = visitor.client.get(_address(rule)).status_code
        where = f"{rule.endpoint} {rule.rule} as {role}: {status}"
        if permission is Permission.DEMO:
            assert status == 404, where
        elif permission is Permission.ANYONE:
            assert status in _OPENS, where
        elif role is None:
            assert status == 303, where
        elif permission is Permission.SIGNED_IN or role in MATRIX[permission]:
            assert status in _OPENS or (status == 403 and permission in _ALSO_BY_OBJECT), where
        else:
            assert status == 403, where


_FOR_BOTH = {Permission.INSPECT_REGISTERS, Permission.READ_STATEMENTS}
"""Permissions of the office and of members alike: the law lets every member inspect the registers (2014 Act s.103), and
the accounts of a co-operative are its members' to read."""
_NEEDS_NO_ROLE = {Permission.ANYONE, Permission.SIGNED_IN, Permission.DEMO}


def test_every_permission_has_its_row_and_every_role_its_use() -> None:
    """A permission without a row would shut everybody out; a role that nothing names would be an empty title."""
    assert set(MATRIX) == set(Permission) - _NEEDS_NO_ROLE
    assert all(MATRIX.values())
    assert frozenset().union(*MATRIX.values()) == set(Role)
    for permission, roles in MATRIX.items():
        assert roles <= FUND_ROLES or roles <= ORGANISATION_ROLES or permission in _FOR_BOTH, permission


def test_every_route_declares_a_permission_and_every_permission_guards_a_route(app: Flask) -> None:
    used = {declared(app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()}
    assert None not in used
    assert used == set(Permission)


_STANDINGS = {MembershipStatus.MEMBER, MembershipStatus.APPLIED, MembershipStatus.LEFT}
_TRIED_WHOLE = MembershipStatus.MEMBER
"""The standing whose pages are opened without exception: those for anyone as well, and whoever may is let in."""
_SIGN_OUT = {"accounts.sign_out", "accounts.sign_out_everywhere"}


def test_what_a_role_allows_is_the_same_in_every_kind_of_organisation(app: Flask) -> None:
    """The sector gives no permission and takes none away, and nor does the standing: the next test may take three."""
    for role in sorted(ORGANISATION_ROLES):
        for sector in Sector:
            for standing in sorted(_STANDINGS):
                organisation = member(f"{role} of {sector}, {standing}", sector)
                with transaction() as session:
                    session.merge(organisation).status = standing
                somebody = person(f"A {role}")
                appoint(somebody, organisation, role)
                assert acting(somebody, organisation).roles == {role}


@pytest.mark.parametrize(
    ("sector", "standing"),
    [
        (Sector.PUBLIC, MembershipStatus.MEMBER),
        (Sector.VCSE, MembershipStatus.APPLIED),
        (Sector.PRIVATE, MembershipStatus.LEFT),
    ],
)
def test_every_route_by_every_role_of_every_kind_of_organisation(
    app: Flask, visitor: Visitor, sector: Sector, standing: MembershipStatus
) -> None:
    """A person's role decides, never the sector; what is not allowed to a role is allowed to no kind of organisation.
    Nothing answers with an error, and a foreign id is never found."""
    found_society()
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        for role in sorted(ORGANISATION_ROLES):
            organisation = member(f"{role} of {sector}", sector)
            with transaction() as session:
                session.merge(organisation).status = standing
            somebody = person(f"A {role}")
            appoint(somebody, organisation, role)
            visitor.sign_in(somebody, organisation.id)
            for rule in app.url_map.iter_rules():
                permission = declared(app.view_functions[rule.endpoint])
                assert permission is not None
                if rule.endpoint in _SIGN_OUT or (permission is Permission.ANYONE and standing is not _TRIED_WHOLE):
                    continue
                for method in sorted({"GET", "POST"} & (rule.methods or set())):
                    status = visitor.status(_address(rule), method)
                    where = f"{method} {rule.rule} as {role} of a {sector} organisation, {standing}: {status}"
                    assert status < 500, where
                    if permission is Permission.DEMO:
                        assert status == 404, where
                    elif permission not in _NEEDS_NO_ROLE and role not in MATRIX[permission]:
                        assert status == 403, where
                    elif method == "GET":
                        if rule.arguments and permission is not Permission.ANYONE:
                            assert status in (403, 404), where
                        if standing is _TRIED_WHOLE:
                            assert status in _OPENS or (status == 403 and permission in _ALSO_BY_OBJECT), where
    finally:
        app.config["WTF_CSRF_ENABLED"] = True


def test_the_auditor_reads_the_whole_office_and_sends_no_form(app: Flask, visitor: Visitor) -> None:
    """Reads all, changes nothing: every page that the office reads opens, every form that needs a role is refused."""
    found_society()
    visitor.sign_in(official("Ada Auditor", Role.AUDITOR)[0])
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        for rule in app.url_map.iter_rules():
            permission = declared(app.view_functions[rule.endpoint])
            if permission is None or permission in _NEEDS_NO_ROLE:
                continue
            if "POST" in (rule.methods or ()):
                assert Role.AUDITOR not in MATRIX[permission], f"{rule.rule} lets an auditor change something"
                assert visitor.client.post(_address(rule)).status_code == 403, rule.rule
            elif MATRIX[permission] >= {Role.STEWARD, Role.SECRETARY, Role.BOARD} and not rule.arguments:
                assert visitor.client.get(_address(rule)).status_code == 200, rule.rule
    finally:
        app.config["WTF_CSRF_ENABLED"] = True


_ALSO_BY_OBJECT: set[Permission] = set()
"""Permissions whose pages turn a person away by a rule about the object, too."""


@pytest.mark.parametrize("role", [None, *sorted(FUND_ROLES)], ids=str)
def test_every_form_by_every_role(app: Flask, visitor: Visitor, role: Role | None) -> None:
    """Forms that only act: without the role nothing is done, with it a foreign id is not found. The roles in an
    organisation are tried on every route above."""
    found_society()
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        if role is not None:
            visitor.sign_in(official(f"A {role}", role)[0])
        for rule in app.url_map.iter_rules():
            if "POST" not in (rule.methods or ()):
                continue
            permission = declared(app.view_functions[rule.endpoint])
            assert permission is not None
            status = visitor.client.post(_address(rule)).status_code
            where = f"{rule.endpoint} {rule.rule} as {role}: {status}"
            assert status < 500, where
            if permission is Permission.DEMO:
                assert status == 404, where
            elif permission is not Permission.ANYONE and (
                role is None or (permission is not Permission.SIGNED_IN and role not in MATRIX[permission])
            ):
                assert status == 403, where
    finally:
        app.config["WTF_CSRF_ENABLED"] = True

"""Importing statements, settling lines, keeping bank details."""

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from fund.kernel.access import Actor, Role
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from ledger import queries as books
from ledger import service as ledger
from ledger.bank import queries, service
from ledger.bank.models import Payee, Statement, StatementLine
from ledger.bank.rules import NameCheck
from ledger.models import Transfer
from ledger.rules import AccountKind
from members.rules import Sector
from tests.ledger.bank.files import Line, camt
from tests.ledger.books import NOW
from tests.world import member, officer, official

MONDAY: list[Line] = [("2026-06-01", 250_00, "Bredbury Council", "PL-1"), ("2026-06-01", -6_50, "", "SERVICE CHARGE")]
OWNER = "org:GM-0012"


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Sam Steward", Role.STEWARD)[1]


def take(content: bytes, steward: Actor | None, filename: str = "june.xml") -> Statement:
    with transaction():
        return service.import_statement(content=content, filename=filename, actor=steward, now=NOW)


def shared(shared_data: Path, name: str) -> bytes:
    return (shared_data / "bank" / "authored" / name).read_bytes()


def count(table: type[StatementLine | Statement | Transfer]) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_a_statement_books_its_lines_to_bank_and_suspense(steward: Actor) -> None:
    taken = take(camt(MONDAY), steward)
    assert (taken.line_count, taken.known_count, taken.closing_pence) == (2, 0, 243_50)
    assert books.balance(AccountKind.BANK) == 243_50
    assert books.balance(AccountKind.SUSPENSE) == -243_50
    lines = queries.lines_of(taken.id)
    assert [(line.counterparty, line.remittance, line.settled_at) for line in lines] == [
        ("Bredbury Council", "PL-1", None),
        ("", "SERVICE CHARGE", None),
    ]
    assert books.by_key(lines[0].key) is not None
    assert lines[0].key == f"bank:{lines[0].identity}"
    assert (len(queries.open_lines_in()), len(queries.open_lines_out())) == (1, 1)
    assert ledger.check() == []
    assert (
        db.session.scalar(select(AuditEntry.actor_id).where(AuditEntry.action == "statement.imported"))
        == steward.person_id
    )


def test_the_first_statement_tells_the_funds_account_and_others_are_refused(steward: Actor) -> None:
    take(camt(MONDAY), steward)
    account = queries.own_account()
    assert account is not None
    assert (account.name, account.identification.shown) == ("Irwell Fund", "00-99-01 10203040")
    with pytest.raises(RuleBroken, match="is of 00-99-01 99999999, but the fund's account is 00-99-01 10203040"):
        take(camt(MONDAY, account="GB30ZZZZ00990199999999", number=50), steward)
    assert count(Statement) == 1


def test_a_file_that_names_no_account_needs_the_account_first(steward: Actor, shared_data: Path) -> None:
    content = shared(shared_data, "csv/starling_month.csv")
    with pytest.raises(RuleBroken, match="doesn't say which account"):
        take(content, steward)
    with transaction():
        service.set_bank_account(
            name="Irwell", sort_code="00-99-01", account_number="1020 3040", actor=steward, now=NOW
        )
    assert take(content, steward).line_count == 16
    with pytest.raises(Conflict, match="known already"), transaction():
        service.set_bank_account(name="X", sort_code="000000", account_number="00000000", actor=steward, now=NOW)


def test_nothing_is_booked_when_anything_is_wrong(steward: Actor) -> None:
    with pytest.raises(RuleBroken) as broken:
        take(camt(MONDAY, closing=1), steward)
    assert [finding.field for finding in broken.value.findings] == ["file"]
    assert (count(Statement), count(StatementLine), count(Transfer)) == (0, 0, 0)
    assert queries.own_account() is None


def test_the_same_file_again_gives_the_first_result(steward: Actor) -> None:
    first = take(camt(MONDAY), steward)
    assert take(camt(MONDAY), steward, "copy.xml").id == first.id
    assert count(StatementLine) == 2


@pytest.mark.parametrize("pair", ["overlap", "overlap_noref"])
def test_overlapping_statements_book_each_line_once(steward: Actor, shared_data: Path, pair: str) -> None:
    first = take(shared(shared_data, f"camt053/{pair}_1_to_17.xml"), steward)
    second = take(shared(shared_data, f"camt053/{pair}_10_to_31.xml"), steward)
    assert (first.line_count, first.known_count) == (12, 0)
    assert (second.line_count, second.known_count) == (4, 6)
    assert count(StatementLine) == 16
    assert books.balance(AccountKind.BANK) == 950045 - 607500
    assert sum(line.amount_pence == 25_00 and line.booked_on.day == 17 for line in queries.open_lines_in()) == 2


@pytest.mark.parametrize("order", [1, -1])
def test_the_same_month_in_every_format_is_the_same_sixteen_lines(
    steward: Actor, shared_data: Path, order: int
) -> None:
    names = [
        "camt053/month_v02.xml",
        "camt053/month_v08.xml",
        "csv/lloyds_month.csv",
        "csv/natwest_month.csv",
        "csv/nationwide_month.csv",
        "csv/coop_month.csv",
        "csv/starling_month.csv",
        "csv/santander_txt_month.txt",
    ][::order]
    with transaction():
        service.set_bank_account(name="Irwell", sort_code="009901", account_number="10203040", actor=steward, now=NOW)
    taken = [take(shared(shared_data, name), steward) for name in names]
    assert [one.line_count for one in taken] == [16] + [0] * 7
    assert [one.known_count for one in taken] == [0] + [16] * 7
    assert count(StatementLine) == 16


def test_a_gap_between_statements_is_told(steward: Actor, shared_data: Path) -> None:
    take(shared(shared_data, "camt053/month_v08.xml"), steward)
    assert take(shared(shared_data, "camt053/next_month_v08.xml"), steward).remarks == []


def test_a_statement_that_does_not_follow_is_remarked_on(steward: Actor, shared_data: Path) -> None:
    take(shared(shared_data, "camt053/month_v08.xml"), steward)
    remarks = take(shared(shared_data, "camt053/gap_after_month_v08.xml"), steward).remarks
    assert "may be missing" in remarks[0]
    assert "£21,907.62" in remarks[0]


def test_pending_entries_and_noughts_are_left_out(steward: Actor, shared_data: Path) -> None:
    taken = take(shared(shared_data, "camt053/pending_and_info_v08.xml"), steward)
    assert (taken.line_count, taken.left_out_count) == (16, 2)
    taken = take(shared(shared_data, "camt053/zero_amount_entry.xml"), steward)
    assert (taken.known_count, taken.left_out_count) == (16, 1)


def test_a_year_of_one_file(steward: Actor, shared_data: Path) -> None:
    taken = take(shared(shared_data, "year/year_camt053_v08.xml"), steward)
    assert taken.line_count == 2653
    assert books.balance(AccountKind.BANK) == (taken.closing_pence or 0) - (taken.opening_pence or 0)
    assert take(shared(shared_data, "year/year_lloyds.csv"), steward).known_count == 2653


def test_only_who_keeps_the_bank_imports(app: Flask) -> None:
    _, secretary = official("Ada Secretary", Role.SECRETARY)
    with pytest.raises(NotAllowed):
        take(camt(MONDAY), secretary)


def test_a_line_is_settled_once(steward: Actor) -> None:
    line_id = queries.lines_of(take(camt(MONDAY), steward).id)[0].id
    with transaction():
        service.settle(line_id=line_id, settled_as="contribution:RC-1", actor=steward, now=NOW)
    with pytest.raises(Conflict, match="matched this line first"), transaction():
        service.settle(line_id=line_id, settled_as="contribution:RC-2", actor=steward, now=NOW)
    line = queries.line(line_id)
    assert (line.settled_as, line.settled_by_id, line.settled_at) == ("contribution:RC-1", steward.person_id, NOW)
    assert queries.open_lines_in() == []
    with pytest.raises(NotFound):
        queries.line(2**63)


# --- bank details


def give(actor: Actor, owner: str = OWNER, number: str = "12345678") -> int:
    with transaction():
        return service.give_payee(
            owner=owner,
            account_name="Weaste Wheelers",
            sort_code="11-22-33",
            account_number=number,
            actor=actor,
            now=NOW,
        ).id


def verify(payee_id: int, actor: Actor, note: str = "Called 0161 496 0000, Wes read the digits back") -> Payee:
    with transaction():
        return service.verify_payee(payee_id=payee_id, note=note, name_check=NameCheck.MATCH, actor=actor, now=NOW)


@pytest.fixture
def second(app: Flask) -> Actor:
    return official("Tess Second", Role.STEWARD)[1]


def test_details_are_usable_after_a_second_person_and_a_pause(
    steward: Actor, second: Actor, clock: MovableClock
) -> None:
    payee_id = give(steward)
    assert queries.usable_payee(OWNER, NOW + timedelta(days=90)) is None
    verified = verify(payee_id, second)
    assert verified.usable_from == NOW + timedelta(days=3)
    assert queries.usable_payee(OWNER, NOW + timedelta(days=3) - timedelta(seconds=1)) is None
    usable = service.usable_payee(OWNER, NOW + timedelta(days=3))
    assert usable is not None
    assert (usable.id, usable.sort_code, usable.account_number) == (payee_id, "112233", "12345678")


def test_a_name_that_does_not_match_is_agreed_to_by_somebody_else(
    steward: Actor, second: Actor, clock: MovableClock
) -> None:
    third, later = official("Uma Third", Role.STEWARD)[1], NOW + timedelta(days=9)
    payee_id = give(steward)
    with transaction():
        service.verify_payee(
            payee_id=payee_id,
            note="Called",
            name_check=NameCheck.NO_MATCH,
            name_reason="A school: the council holds the account.",
            actor=second,
            now=NOW,
        )
    assert queries.usable_payee(OWNER, later) is None
    for actor, says in ((steward, "You gave"), (second, "You recorded")):
        with pytest.raises(RuleBroken, match=says), transaction():
            service.agree_to_name(payee_id=payee_id, actor=actor, now=NOW)
    with transaction():
        service.agree_to_name(payee_id=payee_id, actor=third, now=NOW)
    usable = queries.usable_payee(OWNER, later)
    assert usable is not None
    assert usable.checked_by == (second.person_id, third.person_id)
    with pytest.raises(Conflict, match="Nothing is open"), transaction():
        service.agree_to_name(payee_id=payee_id, actor=third, now=NOW)


def test_who_gave_details_does_not_record_the_name_check(steward: Actor, second: Actor) -> None:
    payee_id = give(steward)
    with transaction():
        verified = service.verify_payee(
            payee_id=payee_id,
            note="Called",
            name_check=NameCheck.UNAVAILABLE,
            name_reason="Down",
            actor=second,
            now=NOW,
        )
        assert not verified.name_is_settled
    with pytest.raises(RuleBroken, match="You gave"), transaction():
        service.record_name_check(
            payee_id=payee_id, name_check=NameCheck.MATCH, name_returned="", name_reason="", actor=steward, now=NOW
        )


def test_who_gave_details_does_not_verify_them(steward: Actor) -> None:
    payee_id = give(steward)
    with pytest.raises(RuleBroken, match="You gave these details yourself"):
        verify(payee_id, steward)


def test_the_database_knows_the_two_people_rule_too(steward: Actor) -> None:
    payee_id = give(steward)
    with pytest.raises(IntegrityError), transaction() as session:
        session.get_one(Payee, payee_id).verified_by_id = steward.person_id


def test_new_details_stop_payment_to_the_old_ones(steward: Actor, second: Actor) -> None:
    later = NOW + timedelta(days=30)
    first = give(steward)
    verify(first, second)
    newer = give(steward, number="87654321")
    assert queries.usable_payee(OWNER, later) is None
    with transaction():
        service.reject_payee(payee_id=newer, note="Nobody there had changed banks", actor=second, now=NOW)
    usable = queries.usable_payee(OWNER, later)
    assert usable is not None
    assert usable.id == first
    with pytest.raises(Conflict, match="dealt with"):
        verify(newer, second)


def test_an_organisation_gives_its_own_details_and_nobody_elses(app: Flask, second: Actor) -> None:
    organisation = member("Weaste Wheelers", Sector.VCSE)
    _, finance = officer(organisation, Role.FINANCE)
    assert give(finance, owner=organisation.owner)
    with pytest.raises(NotAllowed):
        give(finance)
    with pytest.raises(NotAllowed):
        give(officer(organisation, Role.EDITOR)[1], owner=organisation.owner)
    with pytest.raises(NotAllowed):
        verify(queries.payees()[0].id, finance)


def test_details_are_checked_in_form_all_at_once(steward: Actor) -> None:
    with pytest.raises(RuleBroken) as broken, transaction():
        service.give_payee(owner=OWNER, account_name="", sort_code="1", account_number="2", actor=steward, now=NOW)
    assert {finding.field for finding in broken.value.findings} == {"account_name", "sort_code", "account_number"}


def test_a_call_back_without_a_note_is_none(steward: Actor, second: Actor) -> None:
    payee_id = give(steward)
    with pytest.raises(RuleBroken, match="whom you called"):
        verify(payee_id, second, note=" ")


# --- what waits


def test_tasks_are_for_who_can_do_them(steward: Actor, second: Actor, app: Flask) -> None:
    take(camt(MONDAY), steward)
    give(steward)
    with app.test_request_context():
        assert [task.title for task in queries.tasks(steward, NOW)] == ["Match 1 payment in"]
        assert [task.title for task in queries.tasks(second, NOW)] == [
            "Match 1 payment in",
            "Check 1 set of bank details",
        ]
        assert queries.tasks(official("Ada", Role.SECRETARY)[1], NOW) == []

"""Money out: orders, the file for the bank, confirmation, failure and return."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from lxml import etree

from fund.kernel.access import Actor, Role
from fund.kernel.db import transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from ledger import queries as books
from ledger import service as ledger
from ledger.bank import pain001, payments_csv, queries, service
from ledger.bank.models import PaymentFile, PaymentOrder
from ledger.bank.pain001 import NAMESPACE, Party, Payment
from ledger.bank.rules import NameCheck, OrderState
from ledger.queries import Pot
from ledger.rules import AccountKind
from tests.ledger.bank.files import camt
from tests.ledger.books import GRANT, NOW, commit, put_in
from tests.world import official

OWNER = "org:GM-0012"
LATER = NOW + timedelta(days=7)
"""Monday 8 June 2026, when details verified on the first may be used."""


class People:
    """Three stewards: who gives details, who verifies them, who pays."""

    def __init__(self) -> None:
        _, self.giver = official("Gwen Giver", Role.STEWARD)
        _, self.verifier = official("Vic Verifier", Role.STEWARD)
        _, self.payer = official("Pat Payer", Role.STEWARD)


@pytest.fixture
def people(app: Flask) -> People:
    """A fund with £1,000 committed to a grant and a payee whose details may be used from LATER."""
    found = People()
    put_in(2_000_00)
    commit(1_000_00)
    with transaction():
        service.set_bank_account(
            name="Irwell Fund", sort_code="009901", account_number="10203040", actor=found.payer, now=NOW
        )
    give(found, OWNER)
    return found


def give(people: People, owner: str, name: str = "Weaste Wheelers CIC", number: str = "12345678") -> None:
    with transaction():
        payee = service.give_payee(
            owner=owner, account_name=name, sort_code="11-22-33", account_number=number, actor=people.giver, now=NOW
        )
        service.verify_payee(
            payee_id=payee.id, note="Called back", name_check=NameCheck.MATCH, actor=people.verifier, now=NOW
        )


RUN = "PR-2026-001"


def order(pence: int = 400_00, key: str = "grant:G-2026-003:instalment:1", **more: str) -> PaymentOrder:
    content = {"owner": OWNER, "grant": GRANT, "reference": "G-2026-003-1", "run": RUN} | more
    with transaction():
        return service.order_payment(key=key, pence=pence, description="Instalment 1", actor=None, now=LATER, **content)


def make_file(people: People, *orders: PaymentOrder, actor: Actor | None = None) -> PaymentFile:
    numbers = [one.id for one in orders]
    with transaction():
        return service.make_payment_file(order_ids=numbers, actor=actor or people.payer, now=LATER)


def bank_says(people: People, day: str, pence: int, number: int) -> int:
    with transaction():
        taken = service.import_statement(
            content=camt([(day, pence, "Weaste Wheelers CIC", "G-2026-003-1")], number=number),
            filename=f"{number}.xml",
            actor=people.payer,
            now=LATER,
        )
    return queries.lines_of(taken.id)[0].id


def test_a_payment_from_order_to_confirmation(people: People) -> None:
    one = order()
    assert one.state is OrderState.READY
    assert books.pot().paid_pence == 0
    made = make_file(people, one)
    assert (made.reference, made.total_pence, made.order_count) == ("PF-2026-001", 400_00, 1)
    assert made.execute_on == date(2026, 6, 8)
    assert books.pot() == Pot(2_000_00, 1_000_00, 600_00, 400_00, 400_00)
    assert queries.ready_orders() == []
    line_id = bank_says(people, "2026-06-09", -400_00, 1)
    with transaction():
        service.confirm_order(order_id=one.id, line_id=line_id, actor=people.payer, now=LATER)
    assert queries.order(one.id).state is OrderState.CONFIRMED
    assert queries.line(line_id).settled_as == f"payment:{one.key}"
    assert books.pot() == Pot(2_000_00, 1_000_00, 600_00, 400_00, 0)
    assert books.balance(AccountKind.SUSPENSE) == 0
    assert ledger.check() == []


def test_one_key_one_order(people: People) -> None:
    assert order().id == order().id
    with pytest.raises(Conflict, match=r"£400 to org:GM-0012.*Now asked for: £401"):
        order(401_00)


def test_nobody_is_paid_on_details_that_may_not_be_used(people: People) -> None:
    with pytest.raises(RuleBroken, match="GM-0999 has no bank details"):
        order(owner="org:GM-0999")
    with pytest.raises(RuleBroken, match="no bank details"), transaction():
        service.order_payment(
            key="early", owner=OWNER, grant=GRANT, pence=1, reference="X", description="x", actor=None, now=NOW
        )


def test_a_reference_must_fit_the_bank(people: People) -> None:
    with pytest.raises(RuleBroken, match="1 to 18 plain letters"):
        order(reference="far too long a reference")


def test_who_gave_or_verified_details_does_not_pay(people: People) -> None:
    one = order()
    for actor, words in ((people.giver, "You gave"), (people.verifier, "You verified")):
        with pytest.raises(RuleBroken, match=words):
            make_file(people, one, actor=actor)
    _, board = official("Bo Board", Role.BOARD)
    with pytest.raises(NotAllowed):
        make_file(people, one, actor=board)
    assert queries.order(one.id).state is OrderState.READY
    assert books.pot().paid_pence == 0


def test_details_that_changed_stop_the_payment(people: People) -> None:
    one = order()
    give(people, OWNER, number="87654321")
    with pytest.raises(RuleBroken, match="changed after this payment was ordered"):
        make_file(people, one)


def test_an_order_goes_into_one_file(people: People) -> None:
    one = order()
    make_file(people, one)
    with pytest.raises(Conflict, match="was put into a file"):
        make_file(people, one)
    with pytest.raises(RuleBroken, match="Choose the payment run"):
        make_file(people)


def test_a_file_is_whole_or_not_at_all(people: People) -> None:
    one, two = order(), order(700_00, key="grant:G-2026-003:instalment:2", reference="G-2026-003-2")
    with pytest.raises(RuleBroken, match="£600 is still committed to G-2026-003; this needs £700"):
        make_file(people, one, two)
    assert books.pot().paid_pence == 0
    assert queries.files() == []
    assert len(queries.ready_orders()) == 2


def test_a_payment_file_needs_the_funds_own_account(app: Flask) -> None:
    _, payer = official("Pat", Role.STEWARD)
    with pytest.raises(RuleBroken, match="own account"), transaction():
        service.make_payment_file(order_ids=[1], actor=payer, now=LATER)


def test_only_a_line_of_the_very_sum_confirms(people: People) -> None:
    one = order()
    make_file(people, one)
    wrong = bank_says(people, "2026-06-09", -399_00, 1)
    arriving = bank_says(people, "2026-06-09", 400_00, 2)
    for line_id in (wrong, arriving):
        with pytest.raises(RuleBroken, match="very same sum"), transaction():
            service.confirm_order(order_id=one.id, line_id=line_id, actor=people.payer, now=LATER)
    with pytest.raises(NotFound), transaction():
        service.confirm_order(order_id=one.id, line_id=10**30, actor=people.payer, now=LATER)
    assert queries.order(one.id).state is OrderState.SENT


def test_one_line_confirms_one_payment(people: People) -> None:
    one, two = order(), order(key="grant:G-2026-003:instalment:2")
    make_file(people, one, two)
    line_id = bank_says(people, "2026-06-09", -400_00, 1)
    with transaction():
        service.confirm_order(order_id=one.id, line_id=line_id, actor=people.payer, now=LATER)
    with pytest.raises(Conflict, match="matched this line first"), transaction():
        service.confirm_order(order_id=two.id, line_id=line_id, actor=people.payer, now=LATER)
    with pytest.raises(Conflict, match="is confirmed by the bank"), transaction():
        service.confirm_order(order_id=one.id, line_id=line_id, actor=people.payer, now=LATER)


def fail(people: People, one: PaymentOrder, line_id: int | None = None, reason: str = "Account closed") -> None:
    with transaction():
        service.fail_order(order_id=one.id, reason=reason, line_id=line_id, actor=people.verifier, now=LATER)


def test_one_line_confirms_a_whole_file(people: People) -> None:
    one, other = order(100_00), order(250_00, key="grant:G-2026-003:instalment:2", reference="G-2026-003-2")
    made = make_file(people, one, other)
    with transaction():
        service.import_statement(
            content=camt([("2026-06-09", -349_99, "Bulk", made.reference), ("2026-06-10", -350_00, "Bulk", "")]),
            filename="june.xml",
            actor=people.payer,
            now=LATER,
        )
    short, line = queries.open_lines_out()
    with pytest.raises(RuleBroken, match="the very same sum"), transaction():
        service.confirm_file(reference=made.reference, line_id=short.id, actor=people.payer, now=LATER)
    with transaction():
        confirmed = service.confirm_file(reference=made.reference, line_id=line.id, actor=people.payer, now=LATER)
    assert [(found.state, found.line_id) for found in confirmed] == [(OrderState.CONFIRMED, line.id)] * 2
    assert books.pot().in_transit_pence == 0
    assert books.balance(AccountKind.SUSPENSE) == 349_99
    with pytest.raises(Conflict, match="no longer all on their way"), transaction():
        service.confirm_file(reference=made.reference, line_id=short.id, actor=people.payer, now=LATER)
    assert ledger.check() == []


def test_how_many_payments_were_on_time(people: People) -> None:
    days = {"pay_by": date(2026, 6, 9), "target_on": date(2026, 6, 8)}
    keys = [f"grant:G-2026-003:instalment:{number}" for number in (1, 2, 3)]
    asked = [days, days | {"target_on": date(2026, 6, 9)}, days | {"pay_by": date(2026, 6, 8)}]
    with transaction():
        orders = [
            service.order_payment(
                key=key, owner=OWNER, grant=GRANT, pence=100_00 + number, reference=f"G-{number}",
                description="An instalment", actor=None, now=LATER, run=RUN, **more,
            )
            for number, (key, more) in enumerate(zip(keys, asked, strict=True), 1)
        ]  # fmt: skip
    make_file(people, *orders)
    lines = [("2026-06-09", -(100_00 + number), "Weaste", "") for number in (1, 2, 3)]
    with transaction():
        service.import_statement(content=camt(lines), filename="june.xml", actor=people.payer, now=LATER)
    for found in queries.sent_orders():
        line = next(line for line in queries.open_lines_out() if line.amount_pence == -found.pence)
        with transaction():
            service.confirm_order(order_id=found.id, line_id=line.id, actor=people.payer, now=LATER)
    counted = queries.punctuality(date(2026, 4, 1), date(2027, 3, 31))
    assert (counted.paid, counted.on_time, counted.in_target, counted.percent) == (3, 2, 1, 66)
    assert queries.punctuality(date(2026, 6, 10), date(2027, 3, 31)).paid == 0


def test_what_is_late_and_not_paid_counts_against_punctuality(people: People) -> None:
    with transaction():
        for number, pay_by in ((1, date(2026, 6, 8)), (2, date(2026, 6, 9))):
            service.order_payment(
                key=f"grant:G-2026-003:instalment:{number}", owner=OWNER, grant=GRANT, pence=100_00,
                reference=f"G-{number}", description="An instalment", actor=None, now=LATER, pay_by=pay_by,
                target_on=pay_by, run=RUN,
            )  # fmt: skip
    year = date(2026, 4, 1), date(2027, 3, 31)
    assert queries.punctuality(*year, today=date(2026, 6, 8)).overdue == 0
    assert queries.punctuality(*year, today=date(2026, 6, 9)).overdue == 1
    make_file(people, *queries.ready_orders())
    assert queries.punctuality(*year, today=date(2026, 6, 10)).overdue == 2
    line_id = bank_says(people, "2026-06-09", -100_00, 1)
    with transaction():
        service.confirm_order(order_id=queries.sent_orders()[1].id, line_id=line_id, actor=people.payer, now=LATER)
    counted = queries.punctuality(*year, today=date(2026, 6, 10), unordered=1)
    assert (counted.paid, counted.on_time, counted.overdue, counted.percent) == (1, 1, 2, 33)


def test_a_payment_that_no_statement_shows_after_three_working_days_is_asked_for(app: Flask, people: People) -> None:
    make_file(people, order())  # to be paid on Monday 8 June
    assert queries.sent_without_line(date(2026, 6, 11)) == []
    assert len(queries.sent_without_line(date(2026, 6, 12))) == 1
    late = LATER + timedelta(days=4)
    with app.test_request_context():
        assert "Ask the bank about 1 payment" not in [task.title for task in queries.tasks(people.payer, LATER)]
        assert "Ask the bank about 1 payment" in [task.title for task in queries.tasks(people.payer, late)]


def test_calling_off_a_ready_payment_books_nothing(people: People) -> None:
    one = order()
    with pytest.raises(RuleBroken, match="Cancel the run instead"):
        fail(people, one)
    with transaction():
        service.call_off_run(run=RUN, reason="No longer", actor=people.payer, now=LATER)
    assert queries.order(one.id).state is OrderState.FAILED
    assert books.by_key(one.key) is None
    with pytest.raises(Conflict, match="failed"):
        fail(people, one)


def test_a_sent_payment_that_fails_is_committed_again(people: People) -> None:
    one = order()
    make_file(people, one)
    with pytest.raises(RuleBroken, match="Write why"):
        fail(people, one, reason=" ")
    fail(people, one)
    assert books.pot() == Pot(2_000_00, 1_000_00, 1_000_00, 0, 0)
    again = order(key=f"{one.key}:again", run="PR-2026-002")
    make_file(people, again)
    assert books.pot().paid_pence == 400_00
    assert ledger.check() == []


def test_who_made_the_file_does_not_say_alone_that_a_payment_never_left(people: People) -> None:
    one = order()
    make_file(people, one)
    with pytest.raises(RuleBroken, match="could be paid twice"), transaction():
        service.fail_order(order_id=one.id, reason="Closed", actor=people.payer, now=LATER)
    assert queries.order(one.id).state is OrderState.SENT


def test_a_confirmed_payment_comes_back_by_a_line_of_the_bank(people: People) -> None:
    one = order()
    make_file(people, one)
    left = bank_says(people, "2026-06-09", -400_00, 1)
    with transaction():
        service.confirm_order(order_id=one.id, line_id=left, actor=people.payer, now=LATER)
    with pytest.raises(RuleBroken, match="brought the money back"):
        fail(people, one)
    back = bank_says(people, "2026-06-12", 400_00, 2)
    fail(people, one, back)
    assert books.pot() == Pot(2_000_00, 1_000_00, 1_000_00, 0, 0)
    assert books.balance(AccountKind.SUSPENSE) == 0
    assert books.balance(AccountKind.BANK) == 2_000_00
    paid = books.by_key(one.key)
    assert paid is not None
    undone = books.undone_by(paid.id)
    assert undone is not None
    assert (undone.reason, undone.occurred_on) == ("Account closed", date(2026, 6, 12))
    assert queries.line(back).settled_as == f"returned:{one.key}"
    assert ledger.check() == []


def test_a_payment_that_was_called_failed_can_leave_after_all(people: People) -> None:
    one = order()
    make_file(people, one)
    fail(people, one)
    assert books.pot().committed_pence == 1_000_00
    wrong = bank_says(people, "2026-06-10", -399_99, 1)
    right = bank_says(people, "2026-06-11", -400_00, 2)

    def left_after_all(line_id: int) -> None:
        with transaction():
            service.confirm_late(order_id=one.id, line_id=line_id, actor=people.payer, now=LATER)

    with pytest.raises(RuleBroken, match="very same sum"):
        left_after_all(wrong)
    left_after_all(right)
    found = queries.order(one.id)
    assert (found.state, found.line_id, found.failed_reason) == (OrderState.CONFIRMED, right, "Account closed")
    assert books.pot() == Pot(2_000_00, 1_000_00, 600_00, 400_00, 0)
    assert books.balance(AccountKind.SUSPENSE) == 399_99
    undone = books.by_key(f"{one.key}:returned:1")
    assert undone is not None
    undoing = books.undone_by(undone.id)
    assert undoing is not None
    assert undoing.key == f"{one.key}:left"
    with pytest.raises(Conflict, match="is confirmed by the bank"):
        left_after_all(right)
    fail(people, one, bank_says(people, "2026-06-12", 400_00, 3), "Came back")
    assert books.pot() == Pot(2_000_00, 1_000_00, 1_000_00, 0, 0)
    assert ledger.check() == []


def test_what_never_was_on_its_way_does_not_leave_late(people: People) -> None:
    one = order()
    with transaction():
        service.call_off_run(run=RUN, reason="No longer", actor=people.payer, now=LATER)
    line_id = bank_says(people, "2026-06-11", -400_00, 1)
    with pytest.raises(RuleBroken, match="can't have left late"), transaction():
        service.confirm_late(order_id=one.id, line_id=line_id, actor=people.payer, now=LATER)
    assert queries.line(line_id).settled_at is None


def test_money_that_was_paid_again_meanwhile_is_not_taken_twice_from_the_commitment(people: People) -> None:
    one = order(600_00)
    make_file(people, one)
    fail(people, one)
    make_file(people, order(600_00, key=f"{one.key}:2", run="PR-2026-002"))
    line_id = bank_says(people, "2026-06-11", -600_00, 1)
    with pytest.raises(RuleBroken), transaction():
        service.confirm_late(order_id=one.id, line_id=line_id, actor=people.payer, now=LATER)
    assert queries.line(line_id).settled_at is None
    assert books.pot().paid_pence == 600_00
    assert ledger.check() == []


def test_one_line_confirms_a_part_of_a_file(people: People) -> None:
    orders = [
        order(pence, key=f"grant:G-2026-003:instalment:{number}", reference=f"G-2026-003-{number}")
        for number, pence in enumerate((100_00, 250_00, 50_00), 1)
    ]
    made = make_file(people, *orders)
    line_id = bank_says(people, "2026-06-10", -300_00, 1)

    def confirm(*chosen: PaymentOrder) -> None:
        with transaction():
            service.confirm_file(
                reference=made.reference,
                line_id=line_id,
                order_ids=[one.id for one in chosen],
                actor=people.payer,
                now=LATER,
            )

    with pytest.raises(RuleBroken, match="very same sum"):
        confirm(orders[0])
    confirm(orders[1], orders[2])
    assert [queries.order(one.id).state for one in orders] == [OrderState.SENT, *[OrderState.CONFIRMED] * 2]
    with pytest.raises(Conflict, match="no longer all on their way"):
        confirm(orders[0], orders[1])
    assert books.pot().in_transit_pence == 100_00


# --- the file


def schema(shared_data: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(shared_data / "iso20022" / "pain.001.001.09.xsd"))


def test_the_file_is_valid_and_says_what_is_to_be_paid(people: People, shared_data: Path) -> None:
    give(people, "org:GM-0013", name="Cŵn & Café “Ltd” — Ancoats", number="00000001")
    one, two = order(), order(1_05, key="grant:G-2026-003:instalment:2", owner="org:GM-0013", reference="G-2026-003-2")
    made = make_file(people, one, two)
    document = etree.fromstring(made.content)
    schema(shared_data).assertValid(document)

    def texts(path: str) -> list[str]:
        return [str(found.text) for found in document.iterfind(f".//{path}", {None: NAMESPACE})]  # type: ignore[dict-item]

    assert texts("CtrlSum") == ["401.05", "401.05"]
    assert texts("NbOfTxs") == ["2", "2"]
    assert texts("InstdAmt") == ["400.00", "1.05"]
    assert texts("Ustrd") == ["G-2026-003-1", "G-2026-003-2"]
    assert texts("ClrSysId/Cd") == ["GBDSC"] * 3
    assert texts("MmbId") == ["009901", "112233", "112233"]
    assert texts("Othr/Id") == ["10203040", "12345678", "00000001"]
    assert texts("Othr/SchmeNm/Cd") == ["BBAN"] * 3
    assert texts("Cdtr/Nm") == ["Weaste Wheelers CIC", "Cwn + Cafe Ltd Ancoats"]
    assert texts("ReqdExctnDt/Dt") == ["2026-06-08"]
    assert texts("EndToEndId") == [f"PF-2026-001-{one.id}", f"PF-2026-001-{two.id}"]


def test_the_writer_refuses_nothing_and_nought() -> None:
    debtor = Party("Fund", "009901", "10203040")
    for payments in ([], [Payment("1", 0, debtor, "x")]):
        with pytest.raises(ValueError, match="above nought"):
            pain001.write(message_id="M", made_at=NOW, execute_on=date(2026, 6, 8), debtor=debtor, payments=payments)


def test_a_large_file_of_long_names_is_valid(shared_data: Path) -> None:
    payments = [
        Payment(f"PF-{number}", 10**13, Party("Łódź & Ærø " * 20, "112233", f"{number:08d}"), "R" * 40)
        for number in range(300)
    ]
    content = pain001.write(
        message_id="PF-2026-001",
        made_at=NOW,
        execute_on=date(2026, 6, 8),
        debtor=Party("Fund", "009901", "10203040"),
        payments=payments,
    )
    schema(shared_data).assertValid(etree.fromstring(content))
    assert b"<CtrlSum>30000000000000.00</CtrlSum>" in content


def test_the_table_can_hold_no_formula() -> None:
    payee = Party("=HYPERLINK(1)+Zoë’s Café", "112233", "00000001")
    spaced = Payment("x-2", 5, Party("- +1+1", "112233", "00000001"), "G-1")
    assert payments_csv.write([spaced], date(2026, 6, 8)).decode().splitlines()[1].startswith("1+1,")
    row = payments_csv.write([Payment("x-1", 5, payee, "-1+G-2026")], date(2026, 6, 8)).decode().splitlines()[1]
    assert row == "HYPERLINK(1)+Zoe's Cafe,11-22-33,00000001,0.05,1+G-2026,08/06/2026"

"""Members pledge and pay by bank transfer."""

from collections.abc import Sequence

from fund.demo.bank_statement import ACCOUNT_NAME, ACCOUNT_NUMBER, SORT_CODE, Line
from fund.demo.teller import BOARD_MEMBER, CAST, STEWARD, Teller
from fund.kernel.places import DISTRICTS
from ledger.bank import service as bank
from ledger.bank.questions import service as questions
from members.contributions import service as contributions
from members.contributions.invoices import service as invoices
from members.contributions.schedules import queries as schedule
from members.contributions.schedules.rules import PledgeKind
from members.restrictions import service as restrictions
from members.restrictions.rules import Terms

BURY = next(district.code for district in DISTRICTS if district.name == "Bury")


def open_account(teller: Teller, day: int) -> None:
    """The fund tells its members which account is its own."""
    teller.do(
        lambda: bank.set_bank_account(
            name=ACCOUNT_NAME,
            sort_code=SORT_CODE,
            account_number=ACCOUNT_NUMBER,
            actor=teller.official(STEWARD),
            now=teller.at(day),
        )
    )


def pledge(teller: Teller, organisation: str, pounds: int, day: int, po_number: str | None = None) -> tuple[int, str]:
    """A pledge by the organisation's certifier: (id, reference)."""
    made = teller.do(
        lambda: contributions.pledge(
            organisation_id=teller.organisations[organisation],
            pence=pounds * 100,
            po_number=po_number,
            actor=teller.certifier(organisation),
            now=teller.at(day, 14),
        )
    )
    return made.id, made.reference


def pay_without_reference(teller: Teller, name: str, day: int) -> None:
    """A pledge is paid without quoting its reference, and waits for a person to match it."""
    pledge(teller, name, CAST[name].pays_pounds, day)
    teller.import_statement(
        day + 4, [Line(teller.date(day + 3), CAST[name].pays_pounds * 100, name.upper(), "THANK YOU")]
    )


def pay_for_a_place(teller: Teller, name: str, pounds: int, day: int) -> None:
    """Money kept for one district, on top of the year's contribution: wished for, written down, accepted, paid."""
    made = teller.do(
        lambda: contributions.pledge(
            organisation_id=teller.organisations[name],
            pence=pounds * 100,
            po_number=None,
            wish="For warm places in Bury, please, within two years.",
            actor=teller.certifier(name),
            now=teller.at(day, 14),
        )
    )
    terms = Terms(purpose="Warm places", districts=frozenset({BURY}), spend_by=teller.date(day + 730))
    kept = teller.do(
        lambda: restrictions.propose(
            pledge_reference=made.reference,
            title="Warm places in Bury",
            terms=terms,
            actor=teller.official(STEWARD),
            now=teller.at(day + 1),
        )
    )
    teller.do(
        lambda: restrictions.accept(
            reference=kept.reference, actor=teller.official(BOARD_MEMBER), now=teller.at(day + 1, 16)
        )
    )
    (line,) = teller.import_statement(day + 3, [Line(teller.date(day + 2), pounds * 100, name.upper(), made.reference)])
    teller.do(
        lambda: contributions.match(
            line_id=line.id, pledge_id=made.id, actor=teller.official(STEWARD), now=teller.at(day + 4)
        )
    )


def pledge_by_instalments(teller: Teller, name: str, day: int, *, invoiced: bool) -> None:
    """A pledge in four quarters, the first due thirty days later. Its invoice, where there is one, is never paid."""
    made = teller.do(
        lambda: contributions.pledge(
            organisation_id=teller.organisations[name],
            pence=CAST[name].pays_pounds * 100,
            po_number="PO 4471",
            actor=teller.certifier(name),
            now=teller.at(day, 14),
            kind=PledgeKind.INSTALMENTS,
            first_on=teller.date(day + 30),
            count=4,
            months=3,
        )
    )
    if invoiced:
        first = schedule.of_pledge(made.id)[0].id
        teller.do(lambda: invoices.issue(instalment_id=first, actor=teller.certifier(name), now=teller.at(day, 15)))


def pay(teller: Teller, names: Sequence[str], day: int) -> None:
    """Each pledges and pays its year's contribution within the week, and the statement is matched."""
    pledges = [(name, pledge(teller, name, CAST[name].pays_pounds, day)) for name in names]
    lines = [
        Line(teller.date(day + 3), CAST[name].pays_pounds * 100, name.upper(), reference)
        for name, (_, reference) in pledges
    ]
    taken = teller.import_statement(day + 5, lines)
    for line, (_, (pledge_id, _)) in zip(taken, pledges, strict=True):
        line_id = line.id
        teller.do(
            lambda line_id=line_id, pledge_id=pledge_id: contributions.match(  # type: ignore[misc]
                line_id=line_id, pledge_id=pledge_id, actor=teller.official(STEWARD), now=teller.at(day + 6)
            )
        )


def send_a_file_that_is_asked_about(teller: Teller, day: int) -> None:
    """A file of another program, whose columns and closing balance somebody must tell; nothing of it is booked."""
    content = f"Posted;Words;Party;Sum\n{teller.date(day):%d.%m.%Y};Bank interest;;12,14\n"
    teller.do(
        lambda: questions.take(
            content=content.encode(), filename="interest.csv", actor=teller.official(STEWARD), now=teller.at(day, 20)
        )
    )

"""Whatever is to be paid: the file for the bank is valid, says just that, and no cell of its table is a formula."""

import csv
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree

from ledger.bank import pain001, payments_csv
from ledger.bank.pain001 import NAMESPACE, Party, Payment
from ledger.bank.rules import (
    LONGEST_PAYEE_NAME,
    LONGEST_REFERENCE,
    account_digits,
    bank_detail_faults,
    reference_faults,
    sort_code_digits,
)
from tests.ledger.books import NOW

_BANK_LETTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")
_NASTY = "=+-@\t|%!\"'<>&,;ŁæŸ’–é漢🙂 ‮"
NAMES = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=160),
    st.text(st.sampled_from(_NASTY + "Ab1"), min_size=1, max_size=200),
).filter(lambda name: not list(bank_detail_faults(name, "112233", "12345678")))
REFERENCES = st.text(st.sampled_from(sorted(_BANK_LETTERS)), min_size=1, max_size=LONGEST_REFERENCE).filter(
    lambda reference: not list(reference_faults(reference))
)
DIGITS = "0123456789"


class Asked(NamedTuple):
    """A payment as somebody might ask for it."""

    name: str
    sort_code: str
    account_number: str
    pence: int
    reference: str


ASKED = st.builds(
    Asked,
    NAMES,
    st.text(DIGITS, min_size=6, max_size=6),
    st.text(DIGITS, min_size=6, max_size=8),
    st.integers(1, 10**13),
    REFERENCES,
)


def payments(asked: list[Asked]) -> list[Payment]:
    """Written as the fund keeps them."""
    return [
        Payment(
            f"PF-2026-999-{number}",
            one.pence,
            Party(one.name, sort_code_digits(one.sort_code) or "", account_digits(one.account_number) or ""),
            one.reference,
        )
        for number, one in enumerate(asked, 1)
    ]


_CRAFTED = Asked('=HYPERLINK("http://x")', "000000", "000001", 1, "+1")
_WHOLE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_WHOLE
@given(asked=st.lists(ASKED, min_size=1, max_size=12), day=st.dates(date(2026, 1, 1), date(2099, 1, 1)), name=NAMES)
@example(asked=[_CRAFTED], day=date(2026, 6, 8), name="Łódź & Co")
def test_whatever_is_paid_the_file_is_valid_and_its_sums_are_right(
    shared_data: Path, asked: list[Asked], day: date, name: str
) -> None:
    schema = etree.XMLSchema(etree.parse(shared_data / "iso20022" / "pain.001.001.09.xsd"))
    content = pain001.write(
        message_id="PF-2026-999",
        made_at=NOW + timedelta(seconds=1),
        execute_on=day,
        debtor=Party(name, "009901", "10203040"),
        payments=payments(asked),
    )
    document = etree.fromstring(content)
    schema.assertValid(document)

    def texts(path: str) -> list[str]:
        return [str(found.text) for found in document.iterfind(f".//{path}", {None: NAMESPACE})]  # type: ignore[dict-item]

    total = sum(one.pence for one in asked)
    assert texts("NbOfTxs") == [str(len(asked))] * 2
    assert texts("CtrlSum") == [f"{total // 100}.{total % 100:02}"] * 2
    assert [round(float(one) * 100) if len(one) < 15 else int(one.replace(".", "")) for one in texts("InstdAmt")] == [
        one.pence for one in asked
    ]
    assert texts("Othr/Id")[1:] == [one.account_number.zfill(8) for one in asked]
    assert texts("MmbId")[1:] == [one.sort_code for one in asked]
    assert texts("Ustrd") == [one.reference for one in asked]
    for path, longest in (("Nm", LONGEST_PAYEE_NAME), ("Ustrd", LONGEST_REFERENCE), ("EndToEndId", 35)):
        for written in texts(path):
            assert 1 <= len(written) <= longest
            assert set(written) <= _BANK_LETTERS
            assert written == written.strip()


@_WHOLE
@given(asked=st.lists(ASKED, min_size=1, max_size=12), day=st.dates(date(2026, 1, 1), date(2099, 1, 1)))
@example(asked=[_CRAFTED], day=date(2026, 6, 8))
def test_the_table_reads_back_as_what_is_paid_and_holds_no_formula(asked: list[Asked], day: date) -> None:
    written = payments_csv.write(payments(asked), day)
    rows = list(csv.reader(StringIO(written.decode("ascii"), newline="")))
    assert tuple(rows[0]) == payments_csv.HEADINGS
    assert len(rows) == len(asked) + 1
    for row, one in zip(rows[1:], asked, strict=True):
        name, sort_code, account_number, amount, reference, paid_on = row
        assert name
        assert sort_code.replace("-", "") == one.sort_code
        assert account_number == one.account_number.zfill(8)
        assert int(amount.replace(".", "")) == one.pence
        assert reference == one.reference.lstrip("+-' ")
        assert paid_on == f"{day:%d/%m/%Y}"
        for cell in row:
            assert cell[:1] not in set("=+-@\t\r'")

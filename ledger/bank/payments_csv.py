"""The payment file as a table, for banks whose upload takes no ISO 20022. Pure.

Columns: payee's name, sort code and account number, amount in pounds with two decimals, reference, day. The letters are
those of the XML file, so no field can begin a formula in a spreadsheet.
"""

import csv
from collections.abc import Sequence
from datetime import date
from io import StringIO

from ledger.bank.pain001 import Payment
from ledger.bank.rules import LONGEST_PAYEE_NAME, LONGEST_REFERENCE, bank_text

HEADINGS = ("Name", "Sort code", "Account number", "Amount", "Reference", "Payment date")


def write(payments: Sequence[Payment], execute_on: date) -> bytes:
    """The table, in the order of the file."""
    out = StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(HEADINGS)
    for one in payments:
        sort_code = one.payee.sort_code
        table.writerow(
            [
                bank_text(one.payee.name, LONGEST_PAYEE_NAME).lstrip("+-' "),
                f"{sort_code[:2]}-{sort_code[2:4]}-{sort_code[4:]}",
                one.payee.account_number,
                f"{one.pence // 100}.{one.pence % 100:02}",
                bank_text(one.reference, LONGEST_REFERENCE).lstrip("+-' "),
                f"{execute_on:%d/%m/%Y}",
            ]
        )
    return out.getvalue().encode("ascii")

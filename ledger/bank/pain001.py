"""The payment file: ISO 20022 pain.001.001.09, in sterling, between UK accounts. Pure.

Sort codes stand as clearing member of GBDSC, account numbers as BBAN; the reference that the payee sees stands as
unstructured remittance. A small writer of our own: the libraries leave lengths, accents and nought amounts unchecked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from xml.etree import ElementTree

from ledger.bank.rules import LONGEST_PAYEE_NAME, LONGEST_REFERENCE, bank_text

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"


@dataclass(frozen=True)
class Party:
    """Somebody with a UK bank account."""

    name: str
    sort_code: str
    account_number: str


@dataclass(frozen=True)
class Payment:
    """One payment of a file. `end_to_end_id` comes back in what the bank reports."""

    end_to_end_id: str
    pence: int
    payee: Party
    reference: str


def write(*, message_id: str, made_at: datetime, execute_on: date, debtor: Party, payments: Sequence[Payment]) -> bytes:
    """The file, with the number of payments and their sum in both headers so that the bank can check it.

    Raises:
        ValueError: without payments, or with one that is not above nought.
    """
    if not payments or min(payment.pence for payment in payments) <= 0:
        raise ValueError("a payment file needs payments above nought")
    count, total = str(len(payments)), _pounds(sum(payment.pence for payment in payments))
    document = ElementTree.Element("Document", xmlns=NAMESPACE)
    message = _add(document, "CstmrCdtTrfInitn")
    header = _add(message, "GrpHdr")
    _add(header, "MsgId", message_id)
    _add(header, "CreDtTm", made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _add(header, "NbOfTxs", count)
    _add(header, "CtrlSum", total)
    _add(_add(header, "InitgPty"), "Nm", bank_text(debtor.name, LONGEST_PAYEE_NAME))
    block = _add(message, "PmtInf")
    _add(block, "PmtInfId", message_id)
    _add(block, "PmtMtd", "TRF")
    _add(block, "BtchBookg", "false")  # one line of the statement for each payment, so that each can be matched
    _add(block, "NbOfTxs", count)
    _add(block, "CtrlSum", total)
    _add(_add(_add(block, "PmtTpInf"), "SvcLvl"), "Cd", "URNS")
    _add(_add(block, "ReqdExctnDt"), "Dt", execute_on.isoformat())
    _add(_add(block, "Dbtr"), "Nm", bank_text(debtor.name, LONGEST_PAYEE_NAME))
    _account(_add(block, "DbtrAcct"), debtor)
    _agent(_add(block, "DbtrAgt"), debtor)
    _add(block, "ChrgBr", "SHAR")
    for payment in payments:
        _payment(_add(block, "CdtTrfTxInf"), payment)
    ElementTree.indent(document)
    written: bytes = ElementTree.tostring(document, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _payment(parent: ElementTree.Element, payment: Payment) -> None:
    ids = _add(parent, "PmtId")
    _add(ids, "InstrId", payment.end_to_end_id)
    _add(ids, "EndToEndId", payment.end_to_end_id)
    _add(_add(parent, "Amt"), "InstdAmt", _pounds(payment.pence)).set("Ccy", "GBP")
    _agent(_add(parent, "CdtrAgt"), payment.payee)
    _add(_add(parent, "Cdtr"), "Nm", bank_text(payment.payee.name, LONGEST_PAYEE_NAME))
    _account(_add(parent, "CdtrAcct"), payment.payee)
    _add(_add(parent, "RmtInf"), "Ustrd", bank_text(payment.reference, LONGEST_REFERENCE))


def _agent(parent: ElementTree.Element, party: Party) -> None:
    member = _add(_add(parent, "FinInstnId"), "ClrSysMmbId")
    _add(_add(member, "ClrSysId"), "Cd", "GBDSC")
    _add(member, "MmbId", party.sort_code)


def _account(parent: ElementTree.Element, party: Party) -> None:
    other = _add(_add(parent, "Id"), "Othr")
    _add(other, "Id", party.account_number)
    _add(_add(other, "SchmeNm"), "Cd", "BBAN")
    _add(parent, "Ccy", "GBP")


def _add(parent: ElementTree.Element, tag: str, text: str | None = None) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, tag)
    child.text = text
    return child


def _pounds(pence: int) -> str:
    return f"{pence // 100}.{pence % 100:02d}"

"""Bank statements as a bank would send them (camt.053.001.08), for the demonstration fund's invented account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

ACCOUNT_NAME = "The fund"
SORT_CODE = "009901"
"""Chosen to be unused, like every bank detail here."""
ACCOUNT_NUMBER = "10203040"


@dataclass(frozen=True)
class Line:
    """Money in (pence > 0) or out, with the other party's name and the reference they gave."""

    booked_on: date
    pence: int
    name: str
    reference: str


def _amount(pence: int) -> str:
    return f"{abs(pence) // 100}.{abs(pence) % 100:02d}"


def _way(pence: int) -> str:
    return "CRDT" if pence >= 0 else "DBIT"


def _balance(code: str, pence: int, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='GBP'>{_amount(pence)}</Amt>"
        f"<CdtDbtInd>{_way(pence)}</CdtDbtInd><Dt><Dt>{day.isoformat()}</Dt></Dt></Bal>"
    )


def _entry(line: Line, bank_reference: str) -> str:
    party = "Dbtr" if line.pence >= 0 else "Cdtr"
    return (
        f"<Ntry><Amt Ccy='GBP'>{_amount(line.pence)}</Amt><CdtDbtInd>{_way(line.pence)}</CdtDbtInd>"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{line.booked_on.isoformat()}</Dt></BookgDt>"
        f"<ValDt><Dt>{line.booked_on.isoformat()}</Dt></ValDt><AcctSvcrRef>{bank_reference}</AcctSvcrRef>"
        f"<BkTxCd><Prtry><Cd>FPS</Cd></Prtry></BkTxCd><NtryDtls><TxDtls>"
        f"<RltdPties><{party}><Pty><Nm>{escape(line.name)}</Nm></Pty></{party}></RltdPties>"
        f"<RmtInf><Ustrd>{escape(line.reference)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def statement(number: int, first: date, last: date, opening_pence: int, lines: Sequence[Line]) -> bytes:
    """The statement with electronic sequence `number`, from `first` to `last`; lines in order of their days."""
    made = f"{last.isoformat()}T23:59:59"
    closing_pence = opening_pence + sum(line.pence for line in lines)
    entries = "".join(_entry(line, f"S{number:04d}N{position:04d}") for position, line in enumerate(lines, 1))
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt>"
        f"<GrpHdr><MsgId>S{number}</MsgId><CreDtTm>{made}</CreDtTm></GrpHdr>"
        f"<Stmt><Id>S{number}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><CreDtTm>{made}</CreDtTm>"
        f"<FrToDt><FrDtTm>{first.isoformat()}T00:00:00</FrDtTm><ToDtTm>{made}</ToDtTm></FrToDt>"
        f"<Acct><Id><Othr><Id>{SORT_CODE}{ACCOUNT_NUMBER}</Id><SchmeNm><Cd>BBAN</Cd></SchmeNm></Othr></Id>"
        f"<Ccy>GBP</Ccy><Nm>{ACCOUNT_NAME}</Nm></Acct>"
        f"{_balance('OPBD', opening_pence, first)}{_balance('CLBD', closing_pence, last)}{entries}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()

"""A statement of the fund's account for tests that don't need the shared files."""

from collections.abc import Sequence

OWN = "GB30ZZZZ00990110203040"

Line = tuple[str, int, str, str]
"""Day, signed pence, who, why."""


def camt(
    lines: Sequence[Line], *, opening: int = 0, closing: int | None = None, account: str = OWN, number: int = 1
) -> bytes:
    """A camt.053.001.08 whose balances fit, unless `closing` says otherwise. References are numbered from `number`."""
    closing = opening + sum(line[1] for line in lines) if closing is None else closing
    entries = "".join(
        f"<Ntry>{_amount(pence)}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
        f"<AcctSvcrRef>REF{number + place}</AcctSvcrRef><NtryDtls><TxDtls>"
        f"<RltdPties><Dbtr><Pty><Nm>{who}</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>{why}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        for place, (day, pence, who, why) in enumerate(lines)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        f"<BkToCstmrStmt><Stmt><Id>S{number}</Id>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>GBP</Ccy><Nm>Irwell Fund</Nm></Acct>"
        f"{_balance('OPBD', opening)}{_balance('CLBD', closing)}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _amount(pence: int) -> str:
    way = "CRDT" if pence >= 0 else "DBIT"
    return f'<Amt Ccy="GBP">{abs(pence) // 100}.{abs(pence) % 100:02d}</Amt><CdtDbtInd>{way}</CdtDbtInd>'


def _balance(code: str, pence: int) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(pence)}</Bal>"

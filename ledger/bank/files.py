"""From the bytes of a file to statements: tells what sort of file it is and hands it to its reader. Pure."""

from ledger.bank import camt053, csv_statement, mt940, ofx, qif
from ledger.bank.reading import NO_ANSWERS, Answers, ReadStatement, Unreadable

_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read(content: bytes, answers: Answers = NO_ANSWERS) -> list[ReadStatement]:
    """Every statement of a file: camt.053, MT940, OFX, QIF or CSV.

    Args:
        content: the file.
        answers: what a person said of the order of its dates and of its columns, where readers need that.

    Raises:
        Unreadable: with reasons, when it is no statement or can't be trusted to be whole.
    """
    is_utf16 = content.startswith(_BYTE_ORDER_MARKS)
    start = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not content.strip(b"\r\n") and not content.count(b" "):
        raise Unreadable("The file is empty. Download the statement again.")
    if start.startswith(b"%PDF"):
        raise Unreadable("This is a PDF, not a data export. Ask your bank's site for camt.053, MT940 or CSV.")
    if start.startswith((b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
        raise Unreadable("Archives are not taken. Unpack it and send the statement itself.")
    if not is_utf16 and b"\x00" in content:
        raise Unreadable("The file contains NUL bytes, so it was damaged on the way. Download the statement again.")
    if start.lower().startswith((b"<!doctype html", b"<html")):
        raise Unreadable("This is a web page, not a statement. Sign in to the bank again and download the statement.")
    if ofx.is_ofx(content):
        return ofx.read(content)
    if start.startswith(b"<") or (is_utf16 and content[2:].replace(b"\x00", b"").lstrip().startswith(b"<")):
        return camt053.read(content)
    if mt940.is_mt940(content):
        return mt940.read(content)
    if qif.is_qif(content):
        return [qif.read(content, day_first=answers.day_first)]
    return [csv_statement.read(content, answers)]

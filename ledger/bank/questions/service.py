"""Taking a statement file that may leave something open, answering for it, setting it aside."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken, require
from ledger.bank import service as bank
from ledger.bank.csv_columns import faults
from ledger.bank.csv_statement import unknown_table
from ledger.bank.csv_table import Columns
from ledger.bank.models import Statement
from ledger.bank.questions import queries, rules
from ledger.bank.questions.models import BankLayout, Closing, WaitingFile
from ledger.bank.reading import NO_ANSWERS, Answers, Asking, ReadStatement
from ledger.queries import LARGEST_ID

_AS_REMEMBERED = (
    "It was read as was said once for this layout. If that doesn't hold for this file, open “Remembered layouts” on "
    "the bank page, have it asked again, and send the file again."
)


def take(
    *,
    content: bytes,
    filename: str,
    actor: Actor,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> Statement | WaitingFile:
    """Book a statement file, or keep it until a person has answered what it leaves open.

    What was answered for its layout before is used. The same file again gives the statement, or the wait, that it made
    the first time.

    Raises:
        RuleBroken: with every reason why it can't be taken, whatever was answered.
    """
    actor.require(Permission.KEEP_BANK)
    sha256 = hashlib.sha256(content).hexdigest()
    if (known := bank.taken_before(sha256)) is not None:
        return known
    statement, _ = bank.read_whole(content)
    remembered = queries.layout(rules.layout_of(statement))
    answers = rules.from_row(remembered.answers) if remembered else NO_ANSWERS
    if remembered:
        try:
            statement, _ = bank.read_whole(content, answers)
        except RuleBroken as broken:
            raise RuleBroken([*broken.findings, Finding(_AS_REMEMBERED, "file")]) from broken
    if not statement.questions:
        return bank.import_statement(
            content=content, filename=filename, actor=actor, now=now, answers=answers, progress=progress
        )
    require(bank.account_faults(statement))
    insert = postgresql_insert if db.session().get_bind().dialect.name == "postgresql" else sqlite_insert
    made = db.session.execute(
        insert(WaitingFile)
        .values(
            open_sha256=sha256,
            filename=filename[:200],
            content=content,
            answers=rules.as_row(answers),
            sent_at=now,
            sent_by_id=actor.person_id,
        )
        .on_conflict_do_nothing(index_elements=["open_sha256"])
        .returning(WaitingFile.id)
    ).scalar_one_or_none()
    if made is not None:
        audit.record(actor, "statement.asked", f"waiting_file:{made}", at=now, after={"file": filename[:200]})
    return db.session.scalars(select(WaitingFile).where(WaitingFile.open_sha256 == sha256)).one()


def reading(waiting: WaitingFile) -> ReadStatement:
    """What a waiting file says, as far as it has been answered for."""
    return bank.read_whole(waiting.content, rules.from_row(waiting.answers))[0]


def answer(*, waiting_id: int, answers: Answers, actor: Actor, now: datetime) -> Statement | WaitingFile:
    """Answer for a file, and book it where nothing is left open. What holds for its layout is remembered.

    Raises:
        Conflict: when somebody answered for it or set it aside first.
        RuleBroken: when the file doesn't fit the answers, by the name of the answer.
    """
    waiting = _open(waiting_id, actor)
    before = reading(waiting)
    if answers.columns:
        require(_column_faults(waiting.content, answers.columns))
    merged = rules.both(rules.from_row(waiting.answers), answers)
    try:
        statement, _ = bank.read_whole(waiting.content, merged)
    except RuleBroken as broken:
        field = "balance" if answers.columns else None
        raise RuleBroken(Finding(one.message, field) for one in broken.findings) from broken
    _remember(waiting, before, merged, actor, now)
    if statement.questions:
        waiting.answers = rules.as_row(merged)
        db.session.flush()
        return waiting
    try:
        taken = bank.import_statement(
            content=waiting.content, filename=waiting.filename, actor=actor, now=now, answers=merged
        )
    except RuleBroken as broken:
        raise RuleBroken(Finding(one.message, fix=one.fix) for one in broken.findings) from broken
    waiting.statement_id = taken.id
    _close(waiting, Closing.BOOKED, actor, now)
    return taken


def _column_faults(content: bytes, written: str) -> Iterator[Finding]:
    for name, sentence in faults(unknown_table(content), Columns.of(written)):
        yield Finding(sentence, name)


def _remember(waiting: WaitingFile, before: ReadStatement, answers: Answers, actor: Actor, now: datetime) -> None:
    """Keep for later files what holds for them, if the file's layout was asked about."""
    fingerprint, lasting = rules.layout_of(before), rules.lasting(answers)
    if not fingerprint or lasting == NO_ANSWERS:
        return
    asks_columns = any(one.asking is Asking.COLUMNS for one in before.questions)
    values = {
        "headings": list(unknown_table(waiting.content).heading) if asks_columns else [],
        "filename": waiting.filename,
        "answers": rules.as_row(lasting),
        "told_at": now,
        "told_by_id": actor.person_id,
    }
    if not asks_columns:
        del values["headings"]
    insert = postgresql_insert if db.session().get_bind().dialect.name == "postgresql" else sqlite_insert
    db.session.execute(
        insert(BankLayout)
        .values({"headings": [], **values, "fingerprint": fingerprint})
        .on_conflict_do_update(index_elements=["fingerprint"], set_=values)
    )
    audit.record(actor, "bank_layout.told", fingerprint, at=now, after=dict(rules.told([], lasting)))


def set_aside(*, waiting_id: int, actor: Actor, now: datetime) -> WaitingFile:
    """Set a file aside that isn't to be booked."""
    waiting = _open(waiting_id, actor)
    _close(waiting, Closing.SET_ASIDE, actor, now)
    return waiting


def ask_again(*, layout_id: int, actor: Actor, now: datetime) -> None:
    """Forget what was answered for a layout, so that its next file asks again."""
    actor.require(Permission.KEEP_BANK)
    found = db.session.get(BankLayout, layout_id, with_for_update=True) if 0 < layout_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    audit.record(
        actor,
        "bank_layout.forgotten",
        found.fingerprint,
        at=now,
        before=dict(rules.told(found.headings, rules.from_row(found.answers))),
    )
    db.session.delete(found)
    db.session.flush()


def sweep(now: datetime) -> int:
    """Let go of files that have waited too long; nothing of them was booked."""
    late = db.session.scalars(
        select(WaitingFile)
        .where(WaitingFile.closed_at.is_(None), WaitingFile.sent_at < now - queries.waits(now))
        .order_by(WaitingFile.id)
        .limit(queries.MOST_LISTED)
        .with_for_update()
    ).all()
    for waiting in late:
        _close(waiting, Closing.EXPIRED, None, now)
    return len(late)


def _open(waiting_id: int, actor: Actor) -> WaitingFile:
    actor.require(Permission.KEEP_BANK)
    waiting = queries.waiting_file(waiting_id, lock=True)
    if waiting.closed_at is not None:
        raise Conflict("Somebody has dealt with this file already. Go back to the bank page to see what became of it.")
    return waiting


def _close(waiting: WaitingFile, how: Closing, actor: Actor | None, now: datetime) -> None:
    waiting.open_sha256, waiting.content, waiting.closed_at, waiting.closed_as = None, b"", now, how
    waiting.closed_by_id = actor.person_id if actor else None
    audit.record(actor, f"statement.{how}", f"waiting_file:{waiting.id}", at=now)
    db.session.flush()

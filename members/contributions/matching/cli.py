"""Commands of the bank. `fund.cli` hangs them in its own, and gives them the way to open the fund."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask

import ledger.bank.queries
from fund.kernel.access import Actor
from fund.kernel.db import db, transaction
from ledger.bank.questions import service as questions
from ledger.bank.questions.models import WaitingFile
from ledger.bank.questions.rules import booked
from members.accounts.queries import actor_of, person_by_email
from members.contributions.matching import service


def commands(
    *, opened: Callable[[], AbstractContextManager[Flask]], plainly: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> click.Group:
    """`sicf bank …`.

    Args:
        opened: opens the fund as the environment says.
        plainly: ends expected trouble in a sentence.
    """

    @click.group(name="bank")
    def bank() -> None:
        """The fund's account at the bank."""

    @bank.command(name="import")
    @click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
    @click.option("--as", "email", required=True, help="The e-mail of the steward who imports it.")
    @plainly
    def import_file(file: Path, email: str) -> None:
        """Import a bank statement and match what quotes a reference.

        Takes camt.053, MT940, OFX, QIF and CSV, as the page “Import a bank statement” does. Nothing of FILE is booked
        unless all of it can be. The same FILE again changes nothing.
        """
        with opened() as app:
            now = app.extensions["sicf_clock"].now()
            click.echo(_import(file, _steward(email), now))

    return bank


def _steward(email: str) -> Actor:
    somebody = person_by_email(email)
    if somebody is None or somebody.disabled_at is not None:
        raise click.ClickException(f"Nobody signs in as {email}. Give the e-mail of a steward.")
    return actor_of(somebody.id, somebody.name, None)


def _import(file: Path, actor: Actor, now: datetime) -> str:
    with click.progressbar(length=1, label="Booking lines") as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        with transaction():
            taken = questions.take(
                content=file.read_bytes(), filename=file.name, actor=actor, now=now, progress=progress
            )
            asks = isinstance(taken, WaitingFile)
            said = "" if isinstance(taken, WaitingFile) else booked(taken.line_count, taken.known_count)
    if asks:
        return "The file leaves something open. It is kept: answer on the page “The bank”, then it is booked."
    waiting = sum(ledger.bank.queries.open_line_counts())
    db.session.rollback()
    with click.progressbar(length=max(1, waiting), label="Matching") as bar:
        matched = service.match_what_is_certain(actor=actor, now=now, progress=bar.update)
    left = sum(ledger.bank.queries.open_line_counts())
    return f"{said} {matched:,} matched by their references; {left:,} wait for a person on the page “Money in”."

"""Commands of the books. `fund.cli` hangs them in its own, and gives them the way to open the fund."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask

from ledger.export import service
from ledger.export.rules import Format

_DAY = click.DateTime(["%Y-%m-%d"])


def commands(
    *, opened: Callable[[], AbstractContextManager[Flask]], plainly: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> click.Group:
    """`sicf ledger …`.

    Args:
        opened: opens the fund as the environment says.
        plainly: ends expected trouble in a sentence.
    """

    @click.group(name="ledger")
    def ledger() -> None:
        """The books, for other programs."""

    @ledger.command()
    @click.option(
        "--format", "wanted", type=click.Choice([one.value for one in Format]), required=True, help="The kind of file."
    )
    @click.option("--from", "first", type=_DAY, help="The first day; the beginning of the books unless given.")
    @click.option("--to", "last", type=_DAY, help="The last day; the end of the books unless given.")
    @click.option(
        "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; the screen unless given."
    )
    @plainly
    def export(wanted: str, first: datetime | None, last: datetime | None, output: Path | None) -> None:
        """Write the journal of a period, with every account's balances, for other programs.

        Beancount and hledger files end with our balances as assertions, so that `bean-check` and `hledger check`
        compare every account to the penny. A day counts by when something happened, not by when it was booked.
        """
        if output is None and wanted == Format.XLSX and sys.stdout.isatty():
            raise click.ClickException("A spreadsheet can't be shown here. Say where to: --output books.xlsx")
        with opened() as app, click.progressbar(length=1, label="Writing the journal", file=sys.stderr) as bar:

            def progress(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            found = service.journal(
                first.date() if first else None,
                last.date() if last else None,
                now=app.extensions["sicf_clock"].now(),
                progress=progress,
            )
            pieces = service.written(found, Format(wanted))
            if output is None:
                sys.stdout.buffer.writelines(pieces)
                return
            # Whole or not at all: a file that broke off must not pass for the books.
            half = output.with_name(f"{output.name}.part")
            try:
                with half.open("wb") as file:
                    file.writelines(pieces)
                half.replace(output)
            finally:
                half.unlink(missing_ok=True)
        click.echo(f"The journal is in {output}.", err=True)

    return ledger

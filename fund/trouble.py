"""Expected trouble on the command line, as sentences that say what to do next."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy.exc import OperationalError

from fund.backup import BackupTrouble
from fund.founding import Shape
from fund.kernel.errors import FundError

Command = TypeVar("Command", bound=Callable[..., Any])


def plainly(command: Command) -> Command:
    """End expected trouble in a sentence."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except FundError as error:
            raise click.ClickException(error.message) from error
        except BackupTrouble as error:
            raise click.ClickException(str(error)) from error
        except OperationalError as error:
            raise click.ClickException(database_trouble(error)) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            raise click.ClickException(
                f"{error.filename or 'A file'} can't be used: {error.strerror or error}. "
                "Set SICF_HOME or DATABASE_URL to a place that this user may write to."
            ) from error

    return run  # type: ignore[return-value]


def database_trouble(error: OperationalError) -> str:
    said = " ".join(str(error.orig).split())
    if "locked" in said:
        return "The database is busy with something else. Nothing was changed. Wait a minute and try again."
    if "full" in said:
        return "The disk is full. Nothing was changed. Make room, then try again."
    return (
        f"The database can't be reached or read: {said}. Nothing was changed. "
        "Check that DATABASE_URL is right and that the database server runs, then try again."
    )


SHAPE_TROUBLE = {
    Shape.OLDER: (
        "The database was made by an earlier version of this program. Make a backup with `sicf backup`, "
        "then bring it up to date with `sicf migrate`."
    ),
    Shape.NEWER: (
        "The database was made by a later version of this program. Nothing was changed. "
        "Install that version, or use another database."
    ),
    Shape.FOREIGN: (
        "The database holds tables of something else. Nothing was changed. "
        "Set DATABASE_URL to a database of the fund's own."
    ),
    Shape.EMPTY: "There is no fund here yet. Make one with `sicf init`, or a demonstration with `sicf demo`.",
}

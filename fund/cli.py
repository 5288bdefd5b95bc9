"""The `sicf` command: making a fund, running it, proving it, keeping it safe.

What can be expected to go wrong ends in a sentence that says what to do next, never in a traceback.
"""

import errno
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path

import click
from flask import Flask
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError
from waitress.server import create_server

import ledger.cli
import ledger.service
import members.contributions.matching.cli
import voting.service
from fund import answers, backup, founding, scheduler
from fund.app import create_app
from fund.config import Settings, settings_from_environment
from fund.demo.stripe.practice import open_till
from fund.documents import service as documents
from fund.founding import Shape
from fund.kernel.access import FUND_ROLES, Role
from fund.kernel.db import db, transaction
from fund.kernel.society import Society, SocietyType, society
from fund.trouble import SHAPE_TROUBLE, plainly
from members.accounts.queries import demo_people
from members.offices import service as offices
from members.rules import ROLE_NAMES

_MOST_FAULTS = 20


# --- the application


@contextmanager
def _application(settings: Settings) -> Iterator[Flask]:
    """The application with its context; its connections are closed afterwards."""
    try:
        backend = make_url(settings.database_url).get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise click.ClickException(f"DATABASE_URL names a {backend} database. Use SQLite or PostgreSQL.")
        app = create_app(settings)
    except (ArgumentError, ValueError) as error:
        raise click.ClickException(f"DATABASE_URL or another setting can't be read: {error}") from error
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


@contextmanager
def _fund(settings: Settings) -> Iterator[tuple[Flask, Society]]:
    """The application and the fund in its database; trouble where there is none, or of another shape."""
    with _application(settings) as app:
        if (state := founding.shape()) is not Shape.CURRENT:
            raise click.ClickException(SHAPE_TROUBLE[state])
        if (found := society()) is None:
            raise click.ClickException(SHAPE_TROUBLE[Shape.EMPTY])
        yield app, found


def _prepare_database() -> None:
    """Bring an empty database to its shape; any other must have it."""
    state = founding.shape()
    if state is Shape.EMPTY:
        click.echo("Laying out the database …")
        founding.migrate()
    elif state is not Shape.CURRENT:
        raise click.ClickException(SHAPE_TROUBLE[state])


def _place(settings: Settings) -> str:
    return make_url(settings.database_url).render_as_string(hide_password=True)


@contextmanager
def _bar(label: str) -> Iterator[backup.Progress]:
    with click.progressbar(length=1, label=label) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield progress


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sicf", prog_name="sicf")
def cli() -> None:
    """Run a Social Innovation Collaboration Fund.

    Begin with `sicf demo` to look around a fund that is filled with invented members, or with `sicf init` to make your
    own. Then `sicf run`.

    Without settings the fund lives in one file, var/fund.db in the present folder. These environment variables change
    that: SICF_HOME (the folder), DATABASE_URL (such as postgresql://user@host/fund), SECRET_KEY, BASE_URL (the address
    people reach the site by), PORT, SMTP_URL (the mail server) and MAIL_FROM.
    """
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "WARNING").upper(), format="%(asctime)s %(name)s: %(message)s"
    )


# --- making a fund


@cli.command()
@click.option("--name", help="The fund's name.")
@click.option("--society-type", help=f"The legal shape: {', '.join(kind.value for kind in SocietyType)}.")
@click.option("--year-end", help="The last day of the year of account, such as 31 March.")
@click.option("--steward", help='The first person to sign in, as "Name <e-mail address>".')
@click.option("--address", help="Where the fund can be written to; \\n parts lines.")
@plainly
def init(
    name: str | None, society_type: str | None, year_end: str | None, steward: str | None, address: str | None
) -> None:
    """Make your own fund.

    Asks five questions, or takes the answers from the options. The database must hold no fund yet. At the end it prints
    a link that the first steward opens once, to choose a passphrase.
    """
    settings = settings_from_environment()
    with _application(settings) as app:
        _refuse_where_a_fund_is()
        plan = answers.plan(name, society_type, year_end, steward, address)
        _prepare_database()
        try:
            token = founding.found(plan, app.extensions["sicf_clock"].now())
        except IntegrityError as error:
            raise click.ClickException("Somebody else made a fund here just now. Nothing was changed.") from error
    click.echo(
        f"\n{plan.name} is there: ten districts, default rules, and the starter framework of outcomes and measures."
    )
    click.echo(f"It is kept in {_place(settings)}\n")
    click.echo("What to do next:")
    click.echo("  1. Start it:  sicf run")
    click.echo(f"  2. {plan.steward[0]} opens this link once and chooses a passphrase. Keep it to yourself:")
    click.echo(f"       {settings.base_url}/invitations/{token}")
    click.echo(
        "  3. Ask the others who run the fund: at least a second steward, a secretary, two members of the board and"
    )
    click.echo("     two assessors, one of them with lived experience. For each:")
    click.echo('       sicf invite "Name <e-mail address>" --role secretary')
    click.echo("  4. Organisations ask to join on the site, and the steward finds them under “What needs you”.")
    if settings.smtp_url is None:
        click.echo("\nMail waits until SMTP_URL names a mail server. Nothing is lost meanwhile.")


@cli.command()
@click.argument("person", metavar='"NAME <E-MAIL>"')
@click.option(
    "--role",
    type=click.Choice(sorted(role.value for role in FUND_ROLES)),
    required=True,
    help="What the person does for the fund.",
)
@plainly
def invite(person: str, role: str) -> None:
    """Ask somebody to work for the fund.

    They get a mail with a link, where a mail server is set; the link is printed too. It works once, for 14 days. Some
    roles may be held together: ask once for each. Nobody approves a payment that they prepared, so a fund that pays
    needs a steward who prepares and two other people, stewards or members of the board, who approve.

    Until two people can change roles (secretary or board), this command stands for the fund's first officers. After
    that, a role that touches money or votes is only proposed here, and one of them confirms it on the site.
    """
    name, email = answers.read_person(person)
    settings = settings_from_environment()
    with _fund(settings) as (app, found), transaction():
        proposed = offices.propose_giving(
            name=name,
            email=email,
            role=Role(role),
            reasons="Asked by whoever runs the server, with sicf invite.",
            actor=None,
            now=app.extensions["sicf_clock"].now(),
        )
        fund_name = found.name
    if proposed.token is None:
        click.echo(
            f"{name} is proposed as {ROLE_NAMES[Role(role)].lower()} of {fund_name}. Somebody of the board or the"
        )
        click.echo("secretary confirms it under “What needs you”; then the invitation is sent.")
        return
    token = proposed.token
    click.echo(f"{name} is asked to be {ROLE_NAMES[Role(role)].lower()} of {fund_name}. The link works once:")
    click.echo(f"  {settings.base_url}/invitations/{token}")


def _refuse_where_a_fund_is() -> None:
    """Before anything is asked."""
    state = founding.shape()
    if state not in (Shape.EMPTY, Shape.CURRENT):
        raise click.ClickException(SHAPE_TROUBLE[state])
    if state is Shape.CURRENT and (there := society()) is not None:
        raise click.ClickException(f"This database holds a fund already: {there.name}. Nothing was changed.")
    db.session.rollback()


@cli.command()
@click.option("--if-empty", is_flag=True, help="Do nothing, and be content, where there is a fund already.")
@click.option(
    "--start-over", is_flag=True, help="Remove the demonstration that is there first. Never removes a real fund."
)
@plainly
def demo(if_empty: bool, start_over: bool) -> None:
    """Fill an empty database with a demonstration fund.

    Everybody in it is invented. It shows a closed round with awards and stories, an open round, a ballot to vote in and
    payments that are due. Its mail never leaves, and its clock can be moved on. A database with a real fund is refused.
    """
    settings = settings_from_environment()
    with _application(settings) as app:
        state = founding.shape()
        there = society() if state is Shape.CURRENT else None
        is_demo = there is not None and there.is_demo
        db.session.rollback()
        if there is not None and is_demo and not start_over:
            click.echo(f"There is a demonstration here already: {_place(settings)}. It is kept as it is.")
            return
        if there is not None and not is_demo:
            if if_empty:
                click.echo(f"There is a fund here already: {there.name}. It is kept as it is.")
                return
            raise click.ClickException(
                f"This database holds a real fund, {there.name}. A demonstration never goes into it. "
                "Set SICF_HOME or DATABASE_URL to another place."
            )
        if is_demo:
            click.echo("Removing the demonstration that was here …")
            founding.empty()
        _prepare_database()
        _fill(app)
    click.echo(f"\nThe demonstration is ready in {_place(settings)}. Start it with: sicf run")


def _fill(app: Flask) -> None:
    """Fill the empty fund; where that stops half way, leave nothing behind."""
    from fund.demo.fill import fill

    try:
        fill(app.extensions["sicf_clock"].now(), click.echo)
    except BaseException:
        db.session.rollback()
        founding.empty()
        raise


@cli.command()
@plainly
def migrate() -> None:
    """Bring the database up to this version of the program.

    Make a backup with `sicf backup` first. A database that is up to date stays as it is.
    """
    with _application(settings_from_environment()):
        state = founding.shape()
        if state in (Shape.NEWER, Shape.FOREIGN):
            raise click.ClickException(SHAPE_TROUBLE[state])
        if state is Shape.CURRENT:
            click.echo("The database is up to date.")
            return
        click.echo("Bringing the database up to date …")
        founding.migrate()
        click.echo("Done.")


# --- running it


@cli.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), envvar="PORT", default=8000, show_default=True, help="Where to listen."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Which address of this machine to listen on.")
@click.option("--threads", type=click.IntRange(1, 64), default=8, show_default=True, help="Requests answered at once.")
@click.option("--no-scheduler", is_flag=True, help="Web pages only; `sicf scheduler` then runs elsewhere.")
@plainly
def run(port: int, host: str, threads: int, no_scheduler: bool) -> None:
    """Start the fund: its pages, and the scheduler in the same process.

    It listens on this machine alone. Put a web server with HTTPS before it for others, and set BASE_URL to the address
    they use. Stop it with Ctrl-C.
    """
    environment = {**os.environ, "PORT": str(port)}
    settings = settings_from_environment(environment)
    with _fund(settings) as (app, found):
        listening = _listen(host, port)
        server = create_server(
            app,
            sockets=[listening],
            threads=threads,
            ident=None,
            clear_untrusted_proxy_headers=settings.trusted_proxies == 0,
        )
        click.echo(f"{found.name} is open at {settings.base_url}")
        if found.is_demo:
            _tell_who_is_there(settings.base_url)
        elif settings.smtp_url is None:
            click.echo("Mail waits until SMTP_URL names a mail server.")
        is_practice = found.is_demo and settings.stripe_secret_key is None
        db.session.remove()
        signal.signal(signal.SIGTERM, _stop)
        click.echo("Stop it with Ctrl-C.")
        till = open_till(app, f"http://127.0.0.1:{port}") if is_practice else None
        jobs = None if no_scheduler else scheduler.background(app)
        try:
            if jobs is not None:
                jobs.start()
            server.run()
        finally:
            if jobs is not None and jobs.running:
                jobs.shutdown()
            if till is not None:
                till.stop()
            server.close()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens; trouble, with the way on, where the port isn't to be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=1024)
    except PermissionError as error:
        raise click.ClickException(
            f"This user may not listen on port {port}. Choose one above 1023: sicf run --port 8000"
        ) from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise click.ClickException(
                f"{host} is no address of this machine to listen on: {error.strerror}."
            ) from error
        other = port + 1 if port < 65535 else 8000
        raise click.ClickException(
            f"Port {port} is taken by another program. "
            f"Choose another: sicf run --port {other} (or PORT={other} make run)."
        ) from error


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def _tell_who_is_there(base_url: str) -> None:
    """One person of each kind, whom a visitor of a demonstration may enter as."""
    first: dict[Role, str] = {}
    for person in demo_people():
        for role in person.roles:
            first.setdefault(role, f"{person.name}, {person.place}")
    click.echo(f"To sign in, open {base_url}/sign-in and enter as anybody there. For example:")
    for role in Role:
        if role in first:
            click.echo(f"  {ROLE_NAMES[role] + ':':<32}{first[role]}")


@cli.command(name="scheduler")
@plainly
def scheduler_() -> None:
    """Run the scheduler alone, beside web processes that were started with --no-scheduler.

    It opens and closes rounds and ballots, reminds of reports, seals the books and sends mail. Two at once do no harm.
    Stop it with Ctrl-C.
    """
    with _fund(settings_from_environment()) as (app, found):
        name = found.name
        db.session.remove()
        signal.signal(signal.SIGTERM, _stop)
        jobs = scheduler.background(app)
        try:
            jobs.start()
            click.echo(f"The scheduler of {name} is running. Stop it with Ctrl-C.")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
        finally:
            if jobs.running:
                jobs.shutdown()


@cli.command()
@plainly
def run_due() -> None:
    """Do everything that is due now, once, as the scheduler would.

    Opens and closes rounds and ballots, reminds of reports, seals the books and sends mail. Where a scheduler is at it,
    this waits for it. Running it twice does nothing twice.
    """
    with _fund(settings_from_environment()) as (app, _):
        db.session.rollback()
        done = scheduler.run_due(app)
    for sweep in scheduler.SWEEPS:
        click.echo(f"{sweep.name}: {done[sweep.name]:,} done" if sweep.name in done else f"{sweep.name}: failed")
    failed = [sweep.name for sweep in scheduler.SWEEPS if sweep.name not in done]
    if failed:
        raise click.ClickException(
            f"These failed and will be tried again: {', '.join(failed)}. The lines above say why."
        )


# --- the books


@contextmanager
def _books() -> Iterator[Flask]:
    with _fund(settings_from_environment()) as (app, _):
        yield app


cli.add_command(ledger.cli.commands(opened=_books, plainly=plainly))
cli.add_command(members.contributions.matching.cli.commands(opened=_books, plainly=plainly))


# --- proving it and keeping it safe

_CHECKS: tuple[tuple[str, Callable[[], list[str]]], ...] = (
    ("the books: every transfer, balance and seal", ledger.service.check),
    ("the ballots: every count again from its votes", voting.service.check),
    ("the documents: every issued paper against its fingerprint", documents.check),
)


def _faults() -> list[str]:
    """Every fault, with what is looked at shown as it goes. On PostgreSQL all of it at one instant."""
    db.session.rollback()
    if db.engine.dialect.name == "postgresql":
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    faults: list[str] = []
    for title, look in _CHECKS:
        click.echo(f"Checking {title} … ", nl=False)
        found = look()
        click.echo("sound" if not found else "NOT SOUND")
        faults += found
    db.session.rollback()
    return faults


def _tell(faults: list[str]) -> None:
    if not faults:
        return
    for fault in faults[:_MOST_FAULTS]:
        click.echo(f"  {fault}")
    if len(faults) > _MOST_FAULTS:
        click.echo(f"  … and {len(faults) - _MOST_FAULTS:,} more")
    raise click.ClickException(
        f"Something was altered outside the program. First: {faults[0]} "
        "Keep this database as it is, and compare it with a backup."
    )


@cli.command()
@plainly
def check() -> None:
    """Recompute the books, the ballots and the documents.

    Says what is sound. Ends with exit code 1 and the first altered row if anything isn't.
    """
    with _fund(settings_from_environment()):
        _tell(_faults())
    click.echo("Everything adds up.")


@cli.command(name="backup")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@plainly
def backup_(file: Path | None) -> None:
    """Copy the whole fund to FILE, while it runs.

    Without FILE the backup goes into the present folder under today's date and time.
    """
    settings = settings_from_environment()
    with _fund(settings):
        pass
    ending = "db" if backup.is_sqlite(settings.database_url) else "dump"
    target = (file or Path(f"fund-{backup.stamp()}.{ending}")).absolute()
    with _bar("Copying") as progress:
        size = backup.back_up(settings.database_url, target, progress)
    click.echo(f"The backup is in {target} ({size / 1e6:,.1f} MB). Keep a copy on another machine.")
    if not os.environ.get("SECRET_KEY"):
        click.echo(
            "It holds the fund's data. The secret that signs sign-ins stays here; without it people sign in again."
        )


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--replace", "replacing", is_flag=True, help="Lay it over the fund that is there, which is backed up first."
)
@plainly
def restore(file: Path, replacing: bool) -> None:
    """Bring back the fund from the backup FILE, then check it.

    Stop `sicf run` and `sicf scheduler` first. A fund that is there is left alone unless you say --replace; it is then
    copied aside before anything is changed.
    """
    settings = settings_from_environment()
    backup.examine(settings.database_url, file)
    with _application(settings):
        there = founding.shape()
    if there is not Shape.EMPTY:
        if not replacing:
            raise click.ClickException(
                f"There is a fund in {_place(settings)} already. Nothing was changed. "
                "To lay the backup over it, add --replace."
            )
        aside = _aside(settings)
        with _bar("Copying the present fund aside") as progress:
            backup.back_up(settings.database_url, aside, progress)
        click.echo(f"The fund as it was is in {aside}.")
    with _bar("Restoring") as progress:
        backup.put_back(settings.database_url, file, progress)
    with _fund(settings) as (_, found):
        name = found.name
        _tell(_faults())
    click.echo(f"{name} is back as it was in {file}. Everything adds up.")


def _aside(settings: Settings) -> Path:
    """A free name for the fund that is about to be replaced: beside its file, or in the present folder."""
    ending = "db" if backup.is_sqlite(settings.database_url) else "dump"
    database = make_url(settings.database_url).database
    folder = (Path(database).parent if ending == "db" and database else Path.cwd()).absolute()
    names = (f"before-restore-{backup.stamp()}{more}.{ending}" for more in chain([""], (f"-{n}" for n in count(2))))
    return next(folder / name for name in names if not (folder / name).exists())

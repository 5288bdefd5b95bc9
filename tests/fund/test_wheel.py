"""The wheel: built, installed elsewhere, and run from another folder, it has everything it needs."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parents[2]
FOLDERS = ("fund", "members", "proposals", "voting", "ledger", "templates")
NOT_SHIPPED = {".pyc", ".pyo"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, without the network."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in FOLDERS:
        shutil.copytree(HERE / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(HERE / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (found,) = out.glob("sicf-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `sicf` command of an environment that has the wheel, and of this one only the dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet", "--no-deps",
         "--no-index", "--disable-pip-version-check", str(wheel)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    # A plain path, not `site.addsitedir`: an editable install of the sources here must not be seen.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder / "bin" / "sicf"


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody in another folder."""
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TZ")}
    return {**keep, "HOME": str(tmp_path)}


def sicf(installed: Path, folder: Path, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [str(installed), *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_file_of_the_folders_is_in_it(wheel: Path) -> None:
    shipped = set(ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(HERE).as_posix()
        for folder in FOLDERS
        for path in (HERE / folder).rglob("*")
        if path.is_file() and path.suffix not in NOT_SHIPPED and not any(part == "__pycache__" for part in path.parts)
    }
    assert wanted - shipped == set()
    for name in ("templates/email/message.txt", "templates/base.html", "fund/static/fund.css", "fund/migrations/env.py",
                 "fund/migrations/alembic.ini", "fund/reporting/starter_framework.csv"):  # fmt: skip
        assert name in shipped
    assert not {name for name in shipped if name.startswith(("tests/", "var/"))}


def test_the_code_that_runs_is_the_wheels(installed: Path, tmp_path: Path, elsewhere: dict[str, str]) -> None:
    code = "import fund, templates, ledger; print(fund.__file__, templates.__file__, ledger.__file__)"
    done = subprocess.run(
        [str(installed.parent / "python"), "-c", code], cwd=tmp_path, env=elsewhere, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert all(path.startswith(str(installed.parents[1])) for path in done.stdout.split())


@pytest.fixture
def server(installed: Path, tmp_path: Path, elsewhere: dict[str, str]) -> Iterator[tuple[int, str]]:
    """A fund made and run from another folder: its port, and the path of the first steward's invitation."""
    said = sicf(
        installed, tmp_path, elsewhere,
        "init", "--name", "Wheel Fund", "--society-type", "co_operative", "--year-end", "31 March",
        "--steward", "Sam Lee <sam@example.org>", "--address", "1 Long Street, Salford",
    )  # fmt: skip
    invitation = re.search(r"http://\S+?(/invitations/\S+)", said)
    assert invitation is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(installed), "run", "--port", str(port)],
        cwd=tmp_path,
        env={**elsewhere, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    assert f"Wheel Fund is open at http://127.0.0.1:{port}" in said
    yield port, invitation[1]
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said + rest


def fetch(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_it_makes_and_runs_a_fund_from_another_folder(
    server: tuple[int, str], installed: Path, tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    port, invitation = server
    status, front = fetch(port, "/")
    assert status == 200
    assert "Wheel Fund" in front
    for path in (
        "/money",
        "/rounds",
        "/ballots",
        "/awards",
        "/stories",
        "/members",
        "/words",
        "/join",
        "/sign-in",
        invitation,
    ):
        assert fetch(port, path)[0] == 200, path
    assert fetch(port, "/no-such-page")[0] == 404
    statics = set(re.findall(r'(?:href|src)="(/static/[^"?]+)', front))
    assert any(path.endswith(".css") for path in statics)
    for path in statics:
        assert fetch(port, path)[0] == 200, path
    assert "Everything adds up." in sicf(installed, tmp_path, elsewhere, "check")
    assert "The backup is in" in sicf(installed, tmp_path, elsewhere, "backup", "kept.db")


def test_its_papers_have_their_typeface(installed: Path, tmp_path: Path, elsewhere: dict[str, str]) -> None:
    code = (
        "import sys; from datetime import UTC, datetime; from fund.documents.layer import Paper, Text, render; "
        "sys.stdout.buffer.write(render(Paper('T', 'R', 'I', 'A', datetime(2026, 6, 1, tzinfo=UTC), (Text('x'),))))"
    )
    done = subprocess.run(
        [str(installed.parent / "python"), "-c", code], cwd=tmp_path, env=elsewhere, capture_output=True, check=True
    )
    assert b"SourceSansPro-Regular" in done.stdout
    assert b"Helvetica" not in done.stdout

"""A PostgreSQL server for the length of a test run: Debian's, run as its own user, or the one in pgserver's wheel."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "autovacuum=off")


class ThrowawayPostgres:
    """Starts on a free port of the loopback address, in a folder that goes when it stops.

    `durable`: every commit is written through to the disk, as it is where real money is kept.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self.options = ("autovacuum=off",) if durable else _QUICK
        self.folder = Path(tempfile.mkdtemp(prefix="sicf-postgres-"))
        self.data = self.folder / "data"
        self._as_user: list[str] = []

    def _programs(self) -> Path:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if found and (os.geteuid() != 0 or self._has_user()):
            return found[-1].parent
        if (on_path := shutil.which("initdb")) and os.geteuid() != 0:
            return Path(on_path).parent
        import pgserver

        return Path(pgserver.__file__).parent / "pginstall" / "bin"

    @staticmethod
    def _has_user() -> bool:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return False
        return shutil.which("runuser") is not None

    def start(self) -> str:
        """Start it and return the address of its `postgres` database."""
        programs = self._programs()
        if os.geteuid() == 0:  # initdb and pg_ctl refuse root
            user = "postgres" if self._has_user() else "nobody"
            self._as_user = ["runuser", "-u", user, "--"]
            shutil.chown(self.folder, user)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        run = [
            *self._as_user,
            str(programs / "initdb"),
            "-D",
            str(self.data),
            "-U",
            "sicf",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        subprocess.run([*run, "--locale=C", "--no-sync"], check=True, capture_output=True, cwd="/")
        options = " ".join(f"-c {option}" for option in self.options)
        self._ctl = [*self._as_user, str(programs / "pg_ctl"), "-D", str(self.data), "-w"]
        subprocess.run(
            [
                *self._ctl,
                "-l",
                str(self.data / "log"),
                "-o",
                f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' {options}",
                "start",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        return f"postgresql://sicf@127.0.0.1:{port}/postgres?connect_timeout=10"

    def stop(self) -> None:
        """Stop it and remove its folder."""
        subprocess.run([*self._ctl, "-m", "immediate", "stop"], check=False, capture_output=True, cwd="/")
        shutil.rmtree(self.folder, ignore_errors=True)

"""Beancount and hledger read what we wrote, check it, and say what each account holds."""

import csv
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Transaction


def bean_check(file: Path) -> str:
    """What `bean-check` complains of: nothing, for a sound file."""
    done = subprocess.run(
        [Path(sys.executable).with_name("bean-check"), "--no-cache", file], capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) is (not done.stderr), done
    return done.stderr


def beancount_holds(file: Path) -> dict[str, int]:
    """Account → pence."""
    entries, faults, _ = loader.load_file(str(file))
    assert not faults
    held: dict[str, Decimal] = {}
    for entry in entries:
        for posting in entry.postings if isinstance(entry, Transaction) else ():
            held[posting.account] = held.get(posting.account, Decimal()) + posting.units.number
    return {name: int(pounds * 100) for name, pounds in held.items()}


def hledger_check(file: Path) -> str:
    """What `hledger check --strict` complains of: nothing, for a sound file."""
    return _hledger(file, "check", "--strict").stderr


def hledger_holds(file: Path) -> dict[str, int]:
    """Account → pence."""
    told = _hledger(file, "balance", "--flat", "--empty", "--no-total", "--output-format", "csv")
    assert not told.stderr, told.stderr
    rows = list(csv.reader(told.stdout.splitlines()))[1:]
    return {name: int(Decimal(amount.removesuffix(" GBP")) * 100) for name, amount in rows}


def _hledger(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("hledger") is None:
        assert not os.environ.get("CI"), "hledger must be there in CI"
        pytest.skip("hledger is not installed: sudo apt-get install hledger")
    return subprocess.run(
        ["hledger", "-f", file, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )

"""A home folder without the right to use it is a clear error.

Rights do not bind root: everything is tried as nobody.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.database import posix
from weighbridge.storage.sqlite import FILE_NAME, SqliteDatabase

NOBODY = 65_534

TRY = """
import json, os, sys
from pathlib import Path
from weighbridge.storage.database import Database, prove_writable
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.storage.statements import statement
from weighbridge.core.errors import Problem
statement("set_service_pause")
str(Problem(code="home.not_writable"))  # read while we may
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
answers = []
def write(home):
    with SqliteDatabase(home) as database:
        database.run("set_service_pause", name="a", until=1, steps=0, reason="")
for attempt in (write, prove_writable):
    try:
        attempt(Path(sys.argv[1]))
        answers.append(None)
    except Problem as problem:
        answers.append([type(problem).__name__, problem.message, problem.remedy])
print(json.dumps(answers))
"""


@pytest.fixture
def public() -> Iterator[Path]:
    """A home folder that nobody in particular could use."""
    folder = Path(tempfile.mkdtemp(prefix="weighbridge-"))
    folder.chmod(0o755)
    home = folder / "home"
    SqliteDatabase(home).close()
    if os.geteuid() == 0:
        for path in (home, home / FILE_NAME):
            os.chown(path, NOBODY, NOBODY)
    yield home
    home.chmod(0o755)
    shutil.rmtree(folder)


def as_nobody(home: Path) -> list[Any]:
    ended = subprocess.run(
        [sys.executable, "-c", TRY, str(home)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return list(json.loads(ended.stdout))


@posix
def test_a_home_of_ones_own_is_fine(public: Path) -> None:
    assert as_nobody(public) == [None, None]


@posix
def test_a_folder_that_is_read_only_is_a_clear_error(public: Path) -> None:
    public.chmod(0o500)
    opening, proving = as_nobody(public)
    assert opening[0] == proving[0] == "StateProblem"
    assert str(public) in opening[1]
    assert opening[2]
    assert proving[2]


@posix
def test_a_file_that_is_read_only_is_a_clear_error(public: Path) -> None:
    (public / FILE_NAME).chmod(0o400)
    opening, proving = as_nobody(public)
    assert opening[0] == "StateProblem"
    assert "Permission denied" in opening[1]
    assert opening[2]
    assert proving is None


@posix
def test_a_folder_of_somebody_else_is_a_clear_error(public: Path) -> None:
    public.chmod(0o000)
    opening, proving = as_nobody(public)
    assert opening[0] == proving[0] == "StateProblem"

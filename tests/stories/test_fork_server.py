"""A command that is forked from the forerunner is like one that starts from nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import fork_server
from fixtures.house import House
from fixtures.waiting import PATIENCE

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(not fork_server.SAFE, reason="nothing is forked here"),
]

LOOK = """
import json, os, signal, sys, threading, time
streams = (sys.stdin, sys.stdout, sys.stderr)
seen = {
    "arguments": sys.argv, "path": sys.path, "folder": os.getcwd(), "name": __name__,
    "environment": {n: v for n, v in os.environ.items() if n != "LC_CTYPE"},
    "time": time.strftime("%H %Z", time.localtime(0)), "input": sys.stdin.read(),
    "streams": [(one.name, one.encoding, one.errors, one.isatty()) for one in streams],
    "threads": len(threading.enumerate()), "int": repr(signal.getsignal(signal.SIGINT)),
    "warnings": str(sys.warnoptions), "ours": [n for n in sys.modules if "weighbridge" in n],
}
print(json.dumps(seen))
"""
ENDS = {
    "a number": ("raise SystemExit(3)", 3),
    "a text": ("raise SystemExit('It is over.')", 1),
    "nothing": ("raise SystemExit", 0),
    "an error": ("1 / 0", 1),
    "a warning": ("import warnings; warnings.warn('no')", 1),
    "at once": ("import os; os._exit(9)", 9),
    "a signal": ("import os; os.kill(os.getpid(), 9)", -9),
    "a last word": ("import atexit; atexit.register(print, 'Good-bye.')", 0),
    "a thread": ("import threading; threading.Timer(0.1, print, ['late']).start()", 0),
}


def both(
    house: House, program: Path, said: bytes = b"", folder: Path | None = None
) -> list[subprocess.CompletedProcess[bytes]]:
    """A script run from the forerunner, and run from nothing."""
    command, environment = (
        [sys.executable, str(program), "-x", "é"],
        house.environment({"TZ": "Asia/Tokyo"}),
    )
    warm = fork_server.run(command, environment, input=said, timeout=PATIENCE, cwd=folder)
    cold = subprocess.run(
        command, env=environment, input=said, capture_output=True, cwd=folder, check=False
    )
    return [warm, cold]


def test_it_sees_what_it_would_see(house: House, tmp_path: Path) -> None:
    program = tmp_path / "look.py"
    program.write_text(LOOK, "utf-8")
    warm, cold = (json.loads(one.stdout) for one in both(house, program, b"typed\n", tmp_path))
    assert warm == cold
    assert warm["ours"] == []
    assert warm["time"] == "09 JST"


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_as_it_would_end(house: House, tmp_path: Path, end: str) -> None:
    code, expected = ENDS[end]
    program = tmp_path / "end.py"
    program.write_text(f"print('begun')\n{code}\n", "utf-8")
    warm, cold = both(house, program)
    assert (warm.returncode, warm.stdout) == (cold.returncode, cold.stdout)
    assert warm.stderr.splitlines()[-1:] == cold.stderr.splitlines()[-1:]
    assert warm.returncode == expected


def test_what_it_leaves_open_is_told(house: House, tmp_path: Path) -> None:
    program = tmp_path / "leave.py"
    program.write_text("kept = open(__file__)\nkept.own = kept\n", "utf-8")
    for one in both(house, program):
        assert b"ResourceWarning: unclosed file" in one.stderr


def test_the_command_says_the_same(house: House) -> None:
    for arguments in (["--version"], ["--help"], ["status"], ["snyc"]):
        warm = house.run(*arguments)
        with house.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        assert (warm.code, warm.out, warm.err) == (process.returncode, out, err)


def test_a_command_that_never_ends_is_ended(house: House, tmp_path: Path) -> None:
    program = tmp_path / "sleep.py"
    program.write_text("import time\ntime.sleep(60)\n", "utf-8")
    with pytest.raises(TimeoutError):
        fork_server.run([sys.executable, str(program)], house.environment(), timeout=0.5)

"""The same work by ``withings-sync``, the program that many people switch from.

It runs in an environment of its own, because its dependencies are not ours: ``--beside`` names the
interpreter. Both programs read the same sandbox and write FIT files. ``withings-sync`` reads only
one page, so the sandbox sends everything as one page.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
from command_costs import Cost, Home, home_with, measure, median_cost, row

from weighbridge.config.models import CALLBACK_URL

FIT_TARGET = 'kind = "file"\nformat = "fit"\npath = "fit"\nsince = 2000-01-01'
GROUPS = 5_000

_PROGRAM = """
import sys
from withings_sync import withings2
url, *sys.argv[1:] = sys.argv[1:]
withings2.TOKEN_URL = url + "/v2/oauth2"
withings2.GETMEAS_URL = url + "/measure?action=getmeas"
from withings_sync import sync
sync.main()
"""


def old_program_rows(given: argparse.Namespace) -> Iterator[str]:
    """First sync and nothing new, by both programs; the figure is ours divided by the other."""
    first = f"first sync, {GROUPS:,} groups, cpu of withings-sync"
    nothing = "nothing new, cpu of withings-sync"
    if not _is_installed(given.beside):
        reason = "not installed"
        yield row(first, reason, "0.90 times")
        yield row(nothing, reason, "0.70 times")
        return
    with home_with(GROUPS) as home:
        firsts, nothings = _both(home, given)
    yield row(first, _compared(*firsts), "0.90 times")
    yield row(nothing, _compared(*nothings), "0.70 times")


def _is_installed(python: str) -> bool:
    asked = [python, "-c", "import withings_sync"]
    try:
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def _both(home: Home, given: argparse.Namespace) -> tuple[list[Cost], list[Cost]]:
    """Run both in turn, so that a busy moment of the machine slows both."""
    home.configure(FIT_TARGET)
    home.admin.page_size(GROUPS)
    _log_in_old(home)
    ours, theirs, ours_again, theirs_again = [], [], [], []
    for _ in range(given.runs):
        _forget(home)
        home.log_in()
        ours.append(home.run("sync"))
        ours_again.append(home.run("sync"))
        theirs.append(_run_old(home, given.beside, "2000-01-01"))
        theirs_again.append(_run_old(home, given.beside, "2999-01-01"))
    return [median_cost(ours), median_cost(theirs)], [
        median_cost(ours_again),
        median_cost(theirs_again),
    ]


def _forget(home: Home) -> None:
    for path in home.folder.rglob("*"):
        if path.is_file() and path.name != "weighbridge.toml" and "old" not in path.parts:
            path.unlink()


def _log_in_old(home: Home) -> None:
    tokens = home.tokens
    folder = home.folder / "old"
    folder.mkdir()
    app = {
        "client_id": tokens.client_id,
        "consumer_secret": tokens.client_secret,
        "callback_url": CALLBACK_URL,
    }
    (folder / "withings_app.json").write_bytes(msgspec.json.encode(app))
    code = {"authentification_code": home.admin.code("anna", CALLBACK_URL)}
    (folder / ".withings_user.json").write_bytes(msgspec.json.encode(code))


def _run_old(home: Home, python: str, since: str) -> Cost:
    folder: Path = home.folder / "old"
    command = [python, "-c", _PROGRAM, home.sandbox.url, "--config-folder", str(folder)]
    command += ["--no-upload", "--to-fit", "--output", str(folder / "out")]
    return measure([*command, "--fromdate", since, "--todate", "2999-12-31"], folder)


def _compared(ours: Cost, theirs: Cost) -> str:
    return f"{ours.cpu / theirs.cpu:.2f} times"

"""Imports point one way, and a command that starts imports only what it needs.

The contracts are in pyproject.toml, under ``[tool.importlinter]``. Imports inside functions count.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fixtures.paths import ROOT


def test_imports_keep_to_the_contracts() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


# --- What a start costs ----------------------------------------------------------------------

HEAVY = {
    *("httpx2", "garminconnect", "requests", "curl_cffi", "rich", "fitdecode", "fitparse"),
    *("asyncio", "email", "http.server", "importlib.metadata", "multiprocessing", "unittest"),
    *("uvicorn", "starlette", "jinja2", "paho"),
    *("weighbridge_sandbox", "weighbridge.testing", "weighbridge.sources.withings.client"),
}
CONFIGURATION = """
[withings]
client_id = "client"
client_secret = "secret"

[[person]]
name = "anna"

[[person.target]]
kind = "file"
format = "csv"
path = "anna.csv"
"""


# ``-X importtime`` would not do: it leaves out what ``importlib.import_module`` imports.
RUN_AND_LIST = """
import atexit, sys
listing = sys.argv.pop(1)
atexit.register(lambda: open(listing, "w").write("\\n".join(sys.modules)))
from weighbridge.cli import main
main()
"""


def modules_of(home: Path, *arguments: str) -> set[str]:
    """The modules that a real run of the command has imported when it ends."""
    listing = home / "modules"
    command = [sys.executable, "-c", RUN_AND_LIST, str(listing), *arguments]
    environment = {**os.environ, "WEIGHBRIDGE_HOME": str(home)}
    environment.pop("COVERAGE_PROCESS_START", None)
    run = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in run.stderr, run.stderr
    return set(listing.read_text().splitlines())


def test_help_imports_nothing_heavy_and_no_database(tmp_path: Path) -> None:
    modules = modules_of(tmp_path, "--help")
    assert "weighbridge.cli" in modules
    assert not modules & (HEAVY | {"sqlite3", "msgspec", "tomllib", "weighbridge.config"})


def test_status_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_text(CONFIGURATION)
    modules = modules_of(tmp_path, "status")
    assert "weighbridge.cli.status" in modules
    assert "weighbridge.config" in modules
    assert not modules & HEAVY

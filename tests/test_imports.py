"""Imports point one way, and a command that starts imports only what it needs.

``MAY_IMPORT`` is the whole rule: every part of the package, lowest first, with the parts that it
may import. Imports inside functions count as well.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

GROUND = {"measures", "errors"}
TOOLS = GROUND | {"secret", "progress", "network"}
ROAD = TOOLS | {"connections", "targets.base", "withings", "plan", "archive", "targets"}

MAY_IMPORT: dict[str, set[str]] = {
    # what everybody may use
    "measures": set(),
    "errors": set(),
    "secret": GROUND,
    "progress": GROUND,
    "network": GROUND,
    "connections": set(),
    # the source, the rules, the memory
    "withings": TOOLS,
    "plan": GROUND,
    "archive": GROUND | {"plan", "withings", "targets.base", "connections"},
    # the targets: strangers to the source and to the archive
    "targets.base": GROUND | {"connections"},
    "fit": GROUND,
    "catalogue": set(),
    "speech": GROUND | {"catalogue"},
    "formats": GROUND | {"fit"},
    "history": GROUND,
    "garmin": TOOLS | {"targets.base", "fit", "formats"},
    "trainerroad": TOOLS | {"targets.base"},
    "mqtt": TOOLS | {"targets.base", "speech", "connections", "formats"},
    "targets": TOOLS
    | {"targets.base", "connections", "fit", "formats", "garmin", "trainerroad", "mqtt", "speech"},
    # the road
    "config": TOOLS | {"targets", "targets.base", "withings"},
    "road": ROAD,
    "deliver": ROAD | {"road"},
    "pipeline": ROAD | {"road", "deliver"},
    "assembly": ROAD | {"config", "road", "deliver", "pipeline"},
    "connecting": ROAD | {"config", "assembly"},
    "signing_in": ROAD | {"config", "assembly"},
    "verdicts": ROAD | {"config"},
    "reasons": ROAD | {"config", "assembly"},
    # for people, and for people who test
    "sandbox": GROUND | {"secret", "fit", "formats"},
    "testing": GROUND | {"targets.base", "targets", "fit", "formats"},
    "takeover": ROAD | {"config", "assembly", "formats", "garmin"},
    "cli": ROAD
    | {"fit", "formats", "config", "road", "deliver", "pipeline", "assembly", "takeover"}
    | {"connecting", "signing_in", "verdicts", "reasons", "server"},
    "replacements": ROAD
    | {"cli", "config", "road", "pipeline", "assembly", "takeover", "fit", "formats"},
    "cli.sandbox": {"cli", "errors", "sandbox"},
    "cli.demo": {"cli", "errors", "cli.demo_stage", "cli.demo_server"},
    "cli.demo_server": {"cli", "errors", "cli.demo_stage"},
    "cli.demo_stage": {"cli", "errors", "sandbox"}
    | ROAD
    | {"config", "assembly", "pipeline", "fit"},
    "server": ROAD
    | {"config", "road", "deliver", "pipeline", "assembly", "connecting", "signing_in"}
    | {"verdicts", "reasons", "catalogue", "history", "formats"},
    "__main__": {"cli"},
}

SOURCE = Path(__file__).resolve().parents[1] / "src"
MODULES = sorted((SOURCE / "weighbridge").rglob("*.py"))


def part_of(module: str) -> str:
    """The part to which a module belongs: ``weighbridge.targets.base`` is ``targets.base``."""
    first, _, rest = module.removeprefix("weighbridge.").partition(".")
    two = f"{first}.{rest.partition('.')[0]}"
    if two in MAY_IMPORT:
        return two
    return first


def imported_by(path: Path) -> Iterator[str]:
    """Full names of our own modules that a file imports anywhere, in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write the full name instead of a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_its_part_may_import(path: Path) -> None:
    own = part_of(name_of(path))
    if name_of(path) == "weighbridge":
        allowed = set()
    else:
        assert own in MAY_IMPORT, f"give the new part {own} a line in MAY_IMPORT"
        allowed = MAY_IMPORT[own] | {own, "__version__"}
    ours = {name for name in imported_by(path) if name.startswith("weighbridge.")}
    wrong = sorted(name for name in ours if part_of(name) not in allowed)
    assert not wrong, f"{own} may not import these; see MAY_IMPORT in {Path(__file__).name}"


def test_the_table_itself_has_no_circle() -> None:
    order = list(TopologicalSorter(MAY_IMPORT).static_order())
    assert order.index("errors") < order.index("targets.base") < order.index("pipeline")


def test_only_the_commands_that_are_for_it_import_the_sandbox() -> None:
    users = {part for part, allowed in MAY_IMPORT.items() if allowed & {"sandbox", "testing"}}
    assert users == {"cli.sandbox", "cli.demo_stage"}


def test_imports_inside_functions_are_seen(tmp_path: Path) -> None:
    module = tmp_path / "late.py"
    module.write_text("def f():\n    from weighbridge import sandbox\n    import weighbridge.cli\n")
    assert set(imported_by(module)) == {"weighbridge.sandbox", "weighbridge.cli"}


# --- What a start costs ----------------------------------------------------------------------

HEAVY = {
    *("httpx2", "garminconnect", "requests", "curl_cffi", "rich", "fitdecode", "fitparse"),
    *("asyncio", "email", "http.server", "importlib.metadata", "multiprocessing", "unittest"),
    *("uvicorn", "starlette", "jinja2", "paho"),
    *("weighbridge.sandbox", "weighbridge.testing", "weighbridge.withings.api"),
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

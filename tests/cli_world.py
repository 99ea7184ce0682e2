"""A family whose readings are known, and the command line to ask about them.

The sandbox and the first sync are made once a module. A test gets its own copy of the home folder,
so it may change what it likes; what it does to the clouds, others see as well.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from click.testing import CliRunner

from weighbridge.cli import main

sys.path.insert(0, str(Path(__file__).parent / "stories"))

from house import LONG_AGO, House, Result, group, pressure, weight

NOON = 1_710_068_400
"""2024-03-10 11:00 UTC: noon in Paris, seven in the morning in New York."""
DAY = 86_400

PLAIN = group(1, NOON, (1, 72_400, -3), (6, 21_300, -3))
CUFF = pressure(2, NOON + 3600, 118, 76)
DOUBTFUL = weight(3, NOON + DAY, "72.15", attrib=1)
POISONED = weight(4, NOON + 2 * DAY, "72.0")
AFTER_MIDNIGHT = weight(5, NOON + 2 * DAY + 12 * 3600, "71.9")
"""23:00 UTC on the 12th: the 13th in Paris."""
NEWEST = weight(6, NOON + 5 * DAY, "71.5")
ANNAS = (PLAIN, CUFF, DOUBTFUL, POISONED, AFTER_MIDNIGHT, NEWEST)
BENS = (weight(11, NOON + 600, "88.250"), weight(12, NOON + 2 * DAY + 12 * 3600, "88.1"))


class World(msgspec.Struct):
    """One home folder at the clouds of a house."""

    house: House
    home: Path

    def run(self, *arguments: str, expect: int | None = None, **more: Any) -> Result:
        """Run a command in this process, as the installed command would."""
        return run_here(self.home, *arguments, expect=expect, **more)

    def start(self, *arguments: str, expect: int | None = None, **more: Any) -> Result:
        """Run a command in a process of its own."""
        with mock.patch.object(self.house, "home", self.home):
            return self.house.run(*arguments, expect=expect, **more)

    def configure(self, text: str) -> None:
        """Add lines to the configuration: they belong to the last person."""
        path = self.home / "weighbridge.toml"
        path.write_text(path.read_text("utf-8") + text, "utf-8")

    def reading(self, group: Mapping[str, Any], person: str = "anna") -> str:
        """The name of the reading that a group became."""
        lines = self.run("export", "--format", "json", "--person", person, expect=0).out
        for line in lines.splitlines():
            content = json.loads(line)
            if content["source_groups"] == [group["grpid"]]:
                return str(content["id"])
        raise AssertionError(f"There is no reading of {group}.")

    def states(self, reading: str) -> dict[str, str]:
        """Target → state of a reading."""
        targets = self.run("why", reading, "--json", expect=0).json["targets"]
        return {target["target"]: target["state"] for target in targets}


def run_here(
    home: Path,
    *arguments: str,
    expect: int | None = None,
    input: str | None = None,  # noqa: A002  the name that subprocess uses
    env: Mapping[str, str] = {},
) -> Result:
    """The entry point of the command, with streams and environment of its own."""
    with (
        _environment(home, env),
        mock.patch.object(sys, "argv", ["weighbridge", *arguments]),
        CliRunner().isolation(input) as (out, err, _),
    ):
        code = _code_of_main()
        sys.stdout.flush()
        sys.stderr.flush()
        result = Result(code, out.getvalue().decode(), err.getvalue().decode())
    assert expect is None or result.code == expect, result
    return result


def _code_of_main() -> int:
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    raise AssertionError("The command did not end with an exit code.")


@contextmanager
def _environment(home: Path, extra: Mapping[str, str]) -> Iterator[None]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("WEIGHBRIDGE_", "WITHINGS_", "GARMIN", "HTTP", "NO_PROXY"))
    }
    with mock.patch.dict(os.environ, {**kept, "WEIGHBRIDGE_HOME": str(home), **extra}, clear=True):
        yield


def move_in(world: World) -> None:
    """Sign everybody of the house in, in this process."""
    house = world.house
    house.write_configuration()
    for name, targets in house._people.items():
        code = house.admin.code(name, house.callback_url)
        world.run("login", "withings", "--person", name, "--code", code, expect=0)
        if any('kind = "garmin"' in target for target in targets):
            sign_in(world, name)


def sign_in(world: World, person: str, expect: int = 0) -> Result:
    """Sign a person in at Garmin with the account of the sandbox."""
    email, password, code = world.house.accounts[person]
    more = ["--mfa-code", code] if code else []
    return world.run(
        *("login", "garmin", "--person", person, "--username", email, "--password-stdin", *more),
        input=f"{password}\n",
        expect=expect,
    )


def family(home: Path) -> World:
    """Anna with Garmin and two files, Ben with a file; synced once. Close ``world.house``."""
    home.mkdir(mode=0o700)
    house = House(home)
    house.person("anna", ANNAS, options="height_cm = 170")
    house.target("anna", "garmin")
    house.target("anna", "file", f'name = "table"\nformat = "csv"\npath = "anna.csv"\n{LONG_AGO}')
    house.target("anna", "file", 'name = "fresh"\npath = "fresh.json"')
    house.person("ben", BENS, zone="America/New_York")
    house.target("ben", "file", f'path = "ben.json"\n{LONG_AGO}')
    world = World(house, home)
    move_in(world)
    house.admin.tell("garmin", "poison", timestamps=[POISONED["date"]], status=415)
    world.run("sync", expect=1)
    house.admin.tell("garmin", "poison", timestamps=[])
    return world


def alone(home: Path) -> World:
    """Anna with Garmin and a file and clouds of her own; signed in, nothing synced yet."""
    home.mkdir(mode=0o700)
    house = House(home)
    house.person("anna", [PLAIN])
    house.target("anna", "garmin")
    house.target("anna", "file", f'path = "anna.json"\n{LONG_AGO}')
    world = World(house, home)
    move_in(world)
    return world


def copy_of(world: World, home: Path) -> World:
    """The same moment in a folder of its own."""
    shutil.copytree(world.home, home)
    return World(world.house, home)

"""The stand of the benchmarks: a sandbox in this process, the client in a measured one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from weighbridge_sandbox.admin import Admin
from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.garmin import GarminCloud
from weighbridge_sandbox.household import many_groups
from weighbridge_sandbox.http import Sandbox
from weighbridge_sandbox.withings import WithingsCloud

CALLBACK = "http://localhost:9473/callback"


class Cost(msgspec.Struct, frozen=True):
    """What one process took: processor seconds and its largest memory in MiB."""

    cpu: float
    wall: float
    peak: float


class Home:
    """A home folder whose person has so many groups at the sandbox."""

    def __init__(self, folder: Path, sandbox: Sandbox, withings: WithingsCloud) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.admin = Admin(sandbox.url)
        self.tokens = withings.tokens

    def configure(self, *targets: str) -> None:
        tokens = self.tokens
        tables = "".join(f"\n[[person.target]]\n{target}\n" for target in targets)
        path = self.folder / "weighbridge.toml"
        path.write_text(
            f'[withings]\nurl = "{self.sandbox.url}"\nclient_id = "{tokens.client_id}"\n'
            f'client_secret = "{tokens.client_secret}"\n\n[[person]]\nname = "anna"\n{tables}',
            "utf-8",
        )
        path.chmod(0o600)

    def log_in(self) -> None:
        code = self.admin.code("anna", CALLBACK)
        self.run("login", "withings", "--code", code)

    def run(self, *arguments: str) -> Cost:
        """Run a command once; it must end well (0) or with something left to do (4)."""
        return measure([sys.executable, "-m", "weighbridge", *arguments], self.folder)


_LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
code = process.returncode = os.waitstatus_to_exitcode(status)
print(code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def measure(command: list[str], home: Path) -> Cost:
    """The cost of one process by the operating system's own accounting.

    A small process starts it: the peak memory of a child counts from its fork on, so that it
    would begin with all that this process holds.
    """
    environment = {**os.environ, "WEIGHBRIDGE_HOME": str(home)}
    # An installed program has its bytecode: a shell that forbids writing it measures compiling.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begin = time.perf_counter()
    launcher = [sys.executable, "-S", "-c", _LAUNCHER, *command]
    told = subprocess.run(launcher, env=environment, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - begin
    code, cpu, peak = told.stdout.split()
    if code not in ("0", "4"):
        raise SystemExit(f"{command} ended with {code}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(float(cpu), wall, float(peak) * unit / 2**20)


@contextmanager
def home_with(groups: int) -> Iterator[Home]:
    """A fresh home and a sandbox that holds so many groups."""
    clock = Clock()
    withings = WithingsCloud(clock=clock)
    sandbox = Sandbox([withings, GarminCloud(clock=clock)], clock=clock)
    withings.household.add_profile("anna", groups=many_groups(groups, now=int(time.time())))
    sandbox.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Home(Path(folder), sandbox, withings)
    finally:
        sandbox.close()


def middle(costs: list[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        median(cost.cpu for cost in costs),
        median(cost.wall for cost in costs),
        median(cost.peak for cost in costs),
    )


def row(name: str, figure: Any, limit: Any) -> str:
    """A line of the table."""
    return f"{name:<58} {figure:>14} {limit:>14}"

"""The cost of commands: a sandbox in this process, each command in a measured process."""

from __future__ import annotations

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
from server_process import WEIGHBRIDGE, installed

from weighbridge.config.models import CALLBACK_URL
from weighbridge_sandbox.admin import Admin
from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.garmin import GarminCloud
from weighbridge_sandbox.household import many_groups
from weighbridge_sandbox.http import Sandbox
from weighbridge_sandbox.withings import WithingsCloud


class Cost(msgspec.Struct, frozen=True):
    """What one process used: processor and wall seconds, and its peak memory in MiB."""

    cpu: float
    wall: float
    peak: float


class Home:
    """A home folder whose person, anna, has measure groups at the sandbox."""

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
        code = self.admin.code("anna", CALLBACK_URL)
        self.run("login", "withings", "--code", code)

    def run(self, *arguments: str) -> Cost:
        """Run a command once. It must end with 0 (done) or 4 (something left to do)."""
        return measure([*WEIGHBRIDGE, *arguments], self.folder)


_LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
code = process.returncode = os.waitstatus_to_exitcode(status)
print(code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def measure(command: list[str], home: Path) -> Cost:
    """The cost of one process by the operating system's own accounting.

    A small process starts it: the peak memory of a child counts from its fork on, so it
    would include the memory of this process.
    """
    environment = {**installed(), "WEIGHBRIDGE_HOME": str(home)}
    begin = time.perf_counter()
    launcher = [sys.executable, "-S", "-c", _LAUNCHER, *command]
    done = subprocess.run(launcher, env=environment, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - begin
    code, cpu, peak = done.stdout.split()
    if code not in ("0", "4"):
        raise SystemExit(f"{command} ended with {code}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(float(cpu), wall, float(peak) * unit / 2**20)


@contextmanager
def home_with(groups: int) -> Iterator[Home]:
    """A fresh home, and a sandbox with ``groups`` measure groups."""
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


def median_cost(costs: list[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        median(cost.cpu for cost in costs),
        median(cost.wall for cost in costs),
        median(cost.peak for cost in costs),
    )


def row(name: str, figure: Any, limit: Any) -> str:
    """A line of the table."""
    return f"{name:<58} {figure:>14} {limit:>14}"

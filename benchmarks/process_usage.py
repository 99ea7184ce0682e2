"""The start of a server, its memory, and its processor time while it is idle."""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median

import msgspec
from measured_server import MeasuredServer

IDLE_SECONDS = 30.0


class Memory(msgspec.Struct, frozen=True):
    """RSS and PSS in MiB; None where this system does not report it."""

    resident: float | None
    proportional: float | None

    def __str__(self) -> str:
        return f"{format_figure(self.resident, '.0f')} ({format_figure(self.proportional, '.0f')})"


def start_to_ready(server: MeasuredServer, times: int) -> float:
    """Median seconds of wall time from the start of the process to the first 200 of /readyz."""
    durations = []
    for _ in range(times):
        server.stop()
        durations.append(server.start())
    return median(durations)


def memory(pid: int) -> Memory:
    """The memory of a process now."""
    return Memory(_mib(pid, "status", "VmRSS:"), _mib(pid, "smaps_rollup", "Pss:"))


def _mib(pid: int, file: str, name: str) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return None
    found = [line for line in lines if line.startswith(name)]
    return int(found[0].split()[1]) / 1024 if found else None


def format_figure(figure: float | None, form: str) -> str:
    """A figure for the table; "unknown" where this system does not report it."""
    return "unknown" if figure is None else format(figure, form)


def idle_processor(pid: int) -> float | None:
    """The share of one core that a process takes while nothing happens, in percent."""
    begin, before = time.monotonic(), _processor_seconds(pid)
    if before is None:
        return None
    time.sleep(IDLE_SECONDS)
    after = _processor_seconds(pid)
    assert after is not None
    return (after - before) / (time.monotonic() - begin) * 100


def _processor_seconds(pid: int) -> float | None:
    """Of all its threads, by the accounting of the scheduler: nanoseconds, not ticks."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        return _ticks(pid)


def _ticks(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

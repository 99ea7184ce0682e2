"""All figures of Weighbridge in one table: ``.venv/bin/python benchmarks``.

Most figures are the median of several processes on this machine; the last column is the promise.
The benchmarks fail no test, because machines differ and are noisy.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from archive_size import nothing_new
from command_costs import home_with, measure, median_cost, row
from fit_encoding import encoding_seconds
from old_program import old_program_rows
from pages import pages_rows
from schedule import PEOPLE, start_and_notifications
from server import server_rows

FILE_TARGET = 'kind = "file"\nformat = "csv"\npath = "anna.csv"\nsince = 2000-01-01'


def start_up(runs: int, *arguments: str) -> float:
    """Processor milliseconds of a command over those of an empty Python."""
    with home_with(100) as home:
        home.configure(FILE_TARGET)
        home.log_in()
        home.run("sync")
        costs = [home.run(*arguments) for _ in range(runs)]
    with tempfile.TemporaryDirectory() as folder:
        empty = [measure([sys.executable, "-c", "pass"], Path(folder)) for _ in range(runs)]
    return (median_cost(costs).cpu - median_cost(empty).cpu) * 1000


def first_sync(groups: int, runs: int) -> tuple[float, float]:
    """Processor seconds and peak MiB of a first sync into the archive and a file."""
    costs = []
    for _ in range(runs):
        with home_with(groups) as home:
            home.configure(FILE_TARGET)
            home.log_in()
            costs.append(home.run("sync"))
    cost = median_cost(costs)
    return cost.cpu, cost.peak


def start_up_rows(given: argparse.Namespace) -> Iterator[str]:
    for arguments, promised in (("--help", "50"), ("status", "90")):
        name = f"weighbridge {arguments} over python -c pass, cpu ms"
        yield row(name, f"{start_up(given.runs, arguments):.0f}", promised)


def fit_rows(given: argparse.Namespace) -> Iterator[str]:
    yield row("FIT, 10,000 weigh-ins, cpu ms", f"{encoding_seconds() * 1000:.0f}", "50")


def first_sync_rows(given: argparse.Namespace) -> Iterator[str]:
    for groups in [10_000, 100_000] if given.large else [10_000]:
        cpu, peak = first_sync(groups, given.runs if groups == 10_000 else 1)
        promised = "2.00" if groups == 10_000 else "linear"
        yield row(f"first sync, {groups:,} groups, cpu s", f"{cpu:.2f}", promised)
        yield row(f"first sync, {groups:,} groups, peak MiB", f"{peak:.0f}", "64")


def nothing_new_rows(given: argparse.Namespace) -> Iterator[str]:
    for readings in [1_000, 1_000_000] if given.large else [1_000]:
        cost, to_withings, to_targets = nothing_new(readings, given.runs)
        name = f"nothing new, {readings:,} readings"
        yield row(f"{name}, cpu s", f"{cost.cpu:.3f}", "0.200")
        yield row(f"{name}, peak MiB", f"{cost.peak:.0f}", "40")
        yield row(f"{name}, requests", f"{to_withings} + {to_targets}", "1 + 0")


def schedule_rows(given: argparse.Namespace) -> Iterator[str]:
    for people in PEOPLE:
        at_start, later = start_and_notifications(people)
        name = f"schedule, {people:,} people, cpu us"
        yield row(f"{name}, a job at the start", f"{at_start:.0f}", "50")
        yield row(f"{name}, a notification", f"{later:.0f}", "100")


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "start-up": start_up_rows,
    "fit": fit_rows,
    "first-sync": first_sync_rows,
    "old-program": old_program_rows,
    "nothing-new": nothing_new_rows,
    "schedule": schedule_rows,
    "server": lambda given: server_rows(given.runs),
    "pages": lambda given: pages_rows(given.runs),
}


def _load() -> str:
    """The load of this machine."""
    try:
        return f"load {os.getloadavg()[0]:.1f}"
    except (AttributeError, OSError):  # not on Windows
        return "load unknown"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="processes a figure")
    parser.add_argument("--large", action="store_true", help="also 100,000 groups, 1,000,000 rows")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=[*PARTS], help="these parts")
    parser.add_argument(
        "--beside", default=sys.executable, metavar="PYTHON", help="one that has withings-sync"
    )
    given = parser.parse_args()
    print(f"{os.cpu_count()} processors, {_load()} at the beginning\n")
    print(row("figure", "measured", "promised"))
    for name in given.only:
        for line in PARTS[name](given):
            print(line, flush=True)


if __name__ == "__main__":
    main()

"""Progress of a sync: bars when a person looks, a plain line now and then when not."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from weighbridge.cli.cli_context import CliContext
from weighbridge.cli.output import say
from weighbridge.core.errors import Problem
from weighbridge.core.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

log = logging.getLogger(__name__)

MANY = 500
"""A plain line is written each time so many groups or readings went by."""


@contextmanager
def progress_for(session: CliContext, *, quiet: bool) -> Iterator[Progress]:
    """Log lines with ``-v``, bars at a terminal, elsewhere plain lines when there is much to do."""
    if session.verbose or session.json_logs:
        yield LogProgress()
    elif quiet:
        yield Progress()
    elif sys.stderr.isatty():
        with BarProgress() as bars:
            yield bars
    else:
        yield LineProgress()


class LogProgress(Progress):
    """Every step is an event of the log: numbers and names, never what was measured."""

    def collected(self, person: str, groups: int) -> None:
        log.info("collected", extra={"person": person, "groups": groups})

    def planned(self, person: str, readings: int) -> None:
        log.info("planned", extra={"person": person, "readings": readings})

    def settling(self, person: str, seconds: float) -> None:
        log.info("settling", extra={"person": person, "seconds": round(seconds, 1)})

    def delivering(self, person: str, target: str, owed: int) -> None:
        log.info("delivering", extra={"person": person, "target": target, "owed": owed})

    def delivered(self, person: str, target: str, readings: int) -> None:
        log.info("delivered", extra={"person": person, "target": target, "readings": readings})

    def stopped(self, person: str, where: str, problem: Problem) -> None:
        kind = type(problem).__name__
        log.warning("stopped", extra={"person": person, "where": where, "problem": kind})


class LineProgress(Progress):
    """For logs and pipes: silent about small things."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._count: dict[str, int] = {}
        self._owed: dict[str, int] = {}

    def collected(self, person: str, groups: int) -> None:
        if self._is_worth_a_line(f"{person} collected", groups):
            say(f"{person}: {groups} groups read from Withings")

    def settling(self, person: str, seconds: float) -> None:
        say(f"{person}: a fresh reading may still grow, waiting {seconds:.0f} s")

    def delivering(self, person: str, target: str, owed: int) -> None:
        self._owed[f"{person} {target}"] = owed

    def delivered(self, person: str, target: str, readings: int) -> None:
        key = f"{person} {target}"
        self._count[key] = self._count.get(key, 0) + readings
        if self._is_worth_a_line(key, self._count[key]):
            say(f"{person}: {target}: {self._count[key]} of {self._owed.get(key, 0)} delivered")

    def _is_worth_a_line(self, key: str, number: int) -> bool:
        if number - self._told.get(key, 0) < MANY:
            return False
        self._told[key] = number
        return True


class BarProgress(Progress):
    """For a terminal. The bars appear with the first thing that takes time, and go at the end."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> BarProgress:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def _started(self) -> Bars:
        if self._bars is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
            from rich.progress import Progress as Bars

            self._bars = Bars(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bars.start()
        return self._bars

    def _task(self, name: str, total: int | None) -> TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._started().add_task(name, total=total)
        return self._tasks[name]

    def collected(self, person: str, groups: int) -> None:
        task = self._task(f"{person}: from Withings", None)
        self._started().update(task, completed=groups)

    def planned(self, person: str, readings: int) -> None:
        task = self._task(f"{person}: planned", None)
        self._started().update(task, completed=readings)

    def settling(self, person: str, seconds: float) -> None:
        self._started().console.print(
            f"{person}: a fresh reading may still grow, waiting {seconds:.0f} s"
        )

    def delivering(self, person: str, target: str, owed: int) -> None:
        if owed:
            self._task(f"{person}: to {target}", owed)

    def delivered(self, person: str, target: str, readings: int) -> None:
        task = self._task(f"{person}: to {target}", None)
        self._started().advance(task, readings)

    def stopped(self, person: str, where: str, problem: Problem) -> None:
        """The report at the end says it; a bar that stands still is enough here."""

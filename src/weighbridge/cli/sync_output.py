"""What ``sync`` prints: its progress while it runs, and its report at the end."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from weighbridge.cli.cli_context import CliContext
from weighbridge.cli.output import say
from weighbridge.cli.times import count
from weighbridge.core.commands import command_line
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import Problem
from weighbridge.sync.context import Delivered, Outcome, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

log = logging.getLogger(__name__)

MANY = 500
"""Groups or readings between two plain lines."""


@contextmanager
def progress_for(context: CliContext, *, quiet: bool) -> Iterator[Progress]:
    """The progress of one ``sync``: log lines with ``-v``, bars at a terminal, else plain lines."""
    if context.verbose or context.json_logs:
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


def _settling(person: str, seconds: float) -> str:
    return f"{person}: waiting {seconds:.0f} s, values of a fresh reading may still arrive"


class LineProgress(Progress):
    """For logs and pipes: a plain line for every ``MANY`` groups or readings."""

    def __init__(self) -> None:
        self._shown: dict[str, int] = {}
        self._count: dict[str, int] = {}
        self._owed: dict[str, int] = {}

    def collected(self, person: str, groups: int) -> None:
        if self._is_worth_a_line(f"{person} collected", groups):
            say(f"{person}: {groups} groups read from Withings")

    def settling(self, person: str, seconds: float) -> None:
        say(_settling(person, seconds))

    def delivering(self, person: str, target: str, owed: int) -> None:
        self._owed[f"{person} {target}"] = owed

    def delivered(self, person: str, target: str, readings: int) -> None:
        key = f"{person} {target}"
        self._count[key] = self._count.get(key, 0) + readings
        if self._is_worth_a_line(key, self._count[key]):
            say(f"{person}: {target}: {self._count[key]} of {self._owed.get(key, 0)} delivered")

    def _is_worth_a_line(self, key: str, number: int) -> bool:
        if number - self._shown.get(key, 0) < MANY:
            return False
        self._shown[key] = number
        return True


class BarProgress(Progress):
    """For a terminal. The bars appear with the first slow step and disappear at the end."""

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
        self._started().console.print(_settling(person, seconds))

    def delivering(self, person: str, target: str, owed: int) -> None:
        if owed:
            self._task(f"{person}: to {target}", owed)

    def delivered(self, person: str, target: str, readings: int) -> None:
        task = self._task(f"{person}: to {target}", None)
        self._started().advance(task, readings)

    def stopped(self, person: str, where: str, problem: Problem) -> None:
        """Nothing: the report at the end explains it."""


# --- The report -------------------------------------------------------------------------------

Hints = Callable[[str, Delivered], Iterator[str]]
"""Takes a person and the result of one target; yields what to do next."""


def report(
    outcomes: Sequence[Outcome], say: Callable[[str], None], hints_of: Hints | None = None
) -> None:
    """Report in plain lines; each hint about what to do next comes once, at the end."""
    hints: dict[str, None] = {}
    hints_of = hints_of or _hints
    for outcome in outcomes:
        say(f"{outcome.person}: {_collected(outcome)}")
        if outcome.problem:
            say(f"  Withings: {outcome.problem}")
        for delivered in outcome.deliveries:
            say(f"  {delivered.target}: {_summary(delivered)}")
            if delivered.problem:
                say(f"    {delivered.problem}")
            hints.update(dict.fromkeys(hints_of(outcome.person, delivered)))
    for hint in hints:
        say(hint)


def _collected(outcome: Outcome) -> str:
    parts = [f"{count(outcome.changed, 'new or changed measure group')} from Withings"]
    if not outcome.changed:
        parts = ["nothing new from Withings" if not outcome.problem else "Withings was not read"]
    if outcome.odd:
        parts.append(f"{outcome.odd} not understood, kept as they are")
    if outcome.gone:
        parts.append(f"{outcome.gone} no longer there")
    return ", ".join(parts)


def _hints(person: str, delivered: Delivered) -> Iterator[str]:
    if delivered.older:
        words = ("--person", person, "--target", delivered.target, "--since", "all")
        yield (
            "Older readings are kept, not sent. To send them, all or from a date on:\n"
            f"  {command_line('sync', *words)}"
        )
    if delivered.open.get(State.HELD):
        yield (
            "Held readings may belong to someone else.\n"
            "  See them:    weighbridge deliveries list --state held\n"
            "  Release one: weighbridge deliveries accept READING"
        )
    if delivered.open.get(State.REJECTED):
        yield (
            "Rejected readings need your decision.\n"
            "  See them:    weighbridge deliveries list --state rejected\n"
            "  Then decide: weighbridge deliveries retry, skip or accept READING"
        )


_WORDS = {
    State.PLANNED: "waiting",
    State.SENDING: "being sent",
    State.UNKNOWN: "may have arrived, will be looked for",
    State.BLOCKED: "waiting for a login",
    State.HELD: "held because the owner is in doubt",
    State.REJECTED: "rejected",
}


def _summary(delivered: Delivered) -> str:
    parts = [f"{delivered.sent} sent"] if delivered.sent else []
    if delivered.already_there:
        parts.append(f"{delivered.already_there} already there")
    if delivered.unseen:
        parts.append(f"{delivered.unseen} accepted but not seen there yet")
    parts += [
        f"{delivered.open[state]} {words}"
        for state, words in _WORDS.items()
        if delivered.open.get(state)
    ]
    if delivered.older:
        parts.append(f"{count(delivered.older, 'older reading')} not sent")
    if parts:
        return ", ".join(parts)
    return "not served" if delivered.problem else "up to date"


def outcome_content(outcome: Outcome) -> dict[str, Any]:
    """The result for scripts. The keys are documented in docs/reference/commands.md."""
    return {
        "person": outcome.person,
        "exit_code": int(outcome.exit_code),
        "groups": outcome.groups,
        "changed": outcome.changed,
        "not_understood": outcome.odd,
        "gone": outcome.gone,
        "problem": _problem(outcome.problem),
        "targets": [
            {
                "target": delivered.target,
                "kind": delivered.kind,
                "exit_code": int(delivered.exit_code),
                "sent": delivered.sent,
                "already_there": delivered.already_there,
                "not_seen_yet": delivered.unseen,
                "open": delivered.open,
                "older": delivered.older,
                "problem": _problem(delivered.problem),
            }
            for delivered in outcome.deliveries
        ],
    }


def _problem(problem: Problem | None) -> dict[str, str] | None:
    if problem is None:
        return None
    return {
        "kind": type(problem).__name__,
        "message": problem.message,
        "remedy": problem.remedy,
    }

"""A ledger in memory, and a rule that takes the weight since today."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

import msgspec

from weighbridge.measures import Measurement, MeasureType, Reading
from weighbridge.plan.planner import Add, Change, Known, Older, Rule, Step, owed
from weighbridge.plan.state import State
from weighbridge.plan.window import Window

DAY = 86_400
TODAY = datetime.date(2025, 10, 9)


def takes(reading: Reading) -> Sequence[Measurement]:
    return [one for one in reading.measurements if one.type_code == MeasureType.WEIGHT]


RULE = Rule(takes=takes, since=Window(TODAY, zone="UTC"))


class Rows:
    """A ledger in memory: it carries out the steps like the real one."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[str, Known]] = {}
        self.older: list[str] = []

    def newest(self, names: Iterable[str] | None = None) -> dict[str, Known]:
        wanted = None if names is None else set(names)
        found: dict[str, Known] = {}
        for name, row in self.rows.values():
            if wanted is None or name in wanted:
                found[name] = row
        return found

    def apply(self, steps: Iterable[Step]) -> list[Step]:
        done = list(steps)
        for step in done:
            match step:
                case Add():
                    self._add(step)
                case Change():
                    self.set(step.id, step.state, was=step.was, settles_at=step.settles_at)
                case Older():
                    self.older.append(step.reading_id)
        return done

    def _add(self, step: Add) -> None:
        number = len(self.rows) + 1
        row = Known(number, step.ordinal, step.revision, step.state, step.settles_at)
        self.rows[number] = (step.reading_id, row)

    def set(
        self, number: int, state: State, *, was: State | None = None, settles_at: float = 0.0
    ) -> None:
        name, row = self.rows[number]
        assert was is None or row.state == was
        self.rows[number] = (
            name,
            msgspec.structs.replace(row, state=state, settles_at=settles_at),
        )

    def set_all(self, was: Iterable[State], state: State) -> None:
        for number, (_, row) in list(self.rows.items()):
            if row.state in set(was):
                self.set(number, state, settles_at=row.settles_at)

    def states(self, name: str) -> list[State]:
        return [row.state for one, row in self.rows.values() if one == name]


def plan(
    rows: Rows, readings: Iterable[Reading], rule: Rule = RULE, accepted: Iterable[str] = ()
) -> list[Step]:
    found = list(readings)
    return rows.apply(owed(found, rule, rows.newest(), frozenset(accepted)))

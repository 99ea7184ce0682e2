"""One person and one place, and an engine that serves it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from mortal_world import Fuse, MortalDatabase
from weighbridge.archive.archive import StoredGroup, connect_account
from weighbridge.archive.database import Row
from weighbridge.archive.ledger import Ledger
from weighbridge.archive.recollection import readings_at, touched_readings
from weighbridge.deliver.engine import Engine
from weighbridge.deliver.work import Work
from weighbridge.errors import Problem
from weighbridge.plan.planner import Rule, owed
from weighbridge.plan.window import Window
from weighbridge.targets.base import Target
from weighbridge.testing.builders import NOON, group, group_as_sent
from weighbridge.testing.places import Letterbox

FOR_EVER = 2**62
READINGS = 5


class World[P: Letterbox]:
    """One person, one target, and a clock that moves when somebody says so."""

    def __init__(self, home: Path, place: type[P]) -> None:
        self.home = home
        self.now = float(NOON)
        self.place = place(self.clock)
        self.target: Target = self.place
        self.fuse = Fuse()
        self.start()

    def clock(self) -> float:
        return self.now

    def start(self, at: int | None = None) -> None:
        """A process begins; with ``at`` it ends at that step."""
        self.fuse = Fuse(at)
        self.place.step = self.fuse.burn
        self.database = MortalDatabase(self.home)
        self.archive = connect_account(self.database, "anna", "4711", self.clock)
        self.ledger = Ledger(self.database, "anna", "place", self.now)
        self.database.fuse = self.fuse

    def stop(self) -> None:
        self.database.fuse = Fuse()
        self.place.step = lambda name: None
        self.database.close()

    def weigh(self, kg: str = "70.5", *, at: int = 0, **fields: Any) -> str:
        """Store a weigh-in ``at`` minutes after noon, and write down that it is owed."""
        one = group({1: kg}, group_id=at + 1, taken_at=NOON + 60 * at, **fields)
        self.store([(one.group_id, one.taken_at, group_as_sent(one).decode(), one)])
        [reading] = readings_at(self.archive, [one.taken_at]).values()
        return reading.reading_id

    def store(self, rows: Iterable[tuple[int, int, str, Any]]) -> None:
        with self.database.transaction():
            page = [(one, StoredGroup(raw, None)) for _, _, raw, one in rows]
            self.archive.store(page, [], self.now)
        self.plan()

    def plan(self) -> None:
        rule = Rule(takes=self.target.takes, since=Window(zone="UTC"), settle=0.0)
        with self.database.transaction():
            readings = touched_readings(self.archive, 0, FOR_EVER)
            known = self.ledger.known_at_touched(self.archive.account, 0, FOR_EVER)
            self.ledger.write_down(owed(readings, rule, known, self.ledger.accepted()), self.now)
            self.archive.forget_touched(0, FOR_EVER)

    def deliver(self, cloud_now: float | None = None, **changed: Any) -> Problem | None:
        problem, _ = self.deliver_and_count(cloud_now, **changed)
        return problem

    def deliver_and_count(
        self, cloud_now: float | None = None, **changed: Any
    ) -> tuple[Problem | None, Engine]:
        work = Work(
            target=self.target,
            ledger=self.ledger,
            recall=lambda instants: readings_at(self.archive, instants),
            touch=self.archive.touch,
            renew=lambda: None,
            clock=self.clock,
            told=lambda number: None,
            **changed,
        )
        engine = Engine(work, self.now + 3600 if cloud_now is None else cloud_now)
        return engine.deliver(), engine

    def rows(self) -> list[Row]:
        cursor = self.database._connection.execute(
            "SELECT * FROM delivery ORDER BY taken_at, reading_id, ordinal"
        )
        return list(cursor.fetchall())

    def states(self) -> list[str]:
        return [row["state"] for row in self.rows()]

    def kilograms(self) -> list[tuple[int, Decimal]]:
        """Minutes after noon and weight of everything that stands at the place."""
        return [((at - NOON) // 60, values[1]) for at, _, values in self.place.standing()]

    def calls(self, name: str) -> int:
        return sum(1 for call, _ in self.place.calls if call == name)


@contextmanager
def engine_world[P: Letterbox](home: Path, place: type[P]) -> Iterator[World[P]]:
    """A fresh world; its process ends with the block."""
    world = World(home, place)
    yield world
    world.stop()

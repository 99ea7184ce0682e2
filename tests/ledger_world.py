"""The ledger of one route, and words to write it and to read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weighbridge.archive.database import Database, Row
from weighbridge.archive.ledger import FOR_EVER, Due, Ledger
from weighbridge.plan.planner import Add
from weighbridge.plan.state import State
from weighbridge.testing.builders import NOON


@contextmanager
def open_ledger(home: Path) -> Iterator[Ledger]:
    """A fresh ledger; its file is closed with the block."""
    with Database(home) as database:
        yield Ledger(database, "anna", "garmin", NOON)


def add(
    ledger: Ledger,
    taken_at: int = NOON,
    *,
    ordinal: int = 0,
    state: State = State.PLANNED,
    settles_at: float = 0.0,
) -> int:
    """Write one delivery down; its row id."""
    name = f"reading-{taken_at}"
    step = Add(name, taken_at, ordinal, f"r{ordinal}", state, settles_at, None)
    with ledger.database.transaction():
        ledger.write_down([step], NOON)
    return ledger.known(taken_at, taken_at)[name].id


def due(ledger: Ledger, **changed: float) -> list[Due]:
    clocks = {"now": float(NOON), "cloud_now": float(NOON), "on_its_way_since": FOR_EVER}
    return ledger.due(100, start=0, **{**clocks, **changed})


def settle(ledger: Ledger, number: int, state: State, *, was: State, **fields: object) -> bool:
    return ledger.settle_up(number, was, state, now=NOON, **fields)  # type: ignore[arg-type]


def row_of(ledger: Ledger, number: int) -> Row:
    cursor = ledger.database._connection.execute("SELECT * FROM delivery WHERE id = ?", [number])
    row: Row = cursor.fetchone()
    return row

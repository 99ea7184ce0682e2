"""What the worlds of the engine and of the road share: a process that may end at any step."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from weighbridge.archive.database import Database


class Killed(BaseException):
    """The process ends here."""


class Fuse:
    """Counts the steps of a process, and ends it at one of them and for good."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.steps: list[str] = []

    def burn(self, name: str) -> None:
        self.steps.append(name)
        if self.at is not None and len(self.steps) > self.at:
            raise Killed(name)


class MortalDatabase(Database):
    """Every statement that writes is a step at which the process may end."""

    fuse: Fuse = Fuse()

    def run(self, name: str, /, **values: Any) -> int:
        self.fuse.burn(name)
        return super().run(name, **values)

    def run_many(self, name: str, rows: Any) -> int:
        self.fuse.burn(name)
        return super().run_many(name, rows)


def weights(*minutes: int, kg: str = "70.5") -> list[tuple[int, Decimal]]:
    """The same weight at each of these minutes after noon."""
    return [(minute, Decimal(kg)) for minute in minutes]

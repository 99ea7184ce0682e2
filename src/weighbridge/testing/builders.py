"""Readings, deliveries and a world around a target, in one line each. For tests.

Nothing here imports pytest, so the builders can be used anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from weighbridge.core.measures import Kind, Measurement, MeasureType, Reading
from weighbridge.targets.base import Context, Owed

NOON = 1_760_000_000
"""2025-10-09T08:53:20Z: the instant of a reading when a test does not care."""

UNTHINKABLE = 10**15
"""An instant that no calendar and no FIT file can hold."""

SCALE = "0e1f2a3b4c5d6e7f"
"""The device id of the scale that the builders weigh on."""

UNHEARD_OF = 99_999
"""A measure type that nobody has named yet."""

SESSION_SECRET = "secret-3f9a-in-the-session"  # noqa: S105  it only has to be recognised

type Value = str | int | Decimal


def measurement(code: int, value: Value, position: int | None = None) -> Measurement:
    """A measurement whose mantissa and exponent are exactly those of the decimal text."""
    sign, digits, exponent = Decimal(value).as_tuple()
    assert isinstance(exponent, int), "a measurement is a finite number"
    mantissa = int("".join(map(str, digits)))
    return Measurement(code, -mantissa if sign else mantissa, exponent, position)


def reading(values: Mapping[int, Value], **fields: Any) -> Reading:
    """A reading of the given values by measure type; ``fields`` are those of ``Reading``."""
    kind = fields.get("kind", Kind.BODY)
    taken_at = fields.get("taken_at", NOON)
    defaults = {
        "reading_id": f"{kind}-{taken_at}",
        "kind": kind,
        "taken_at": taken_at,
        "stored_at": taken_at + 5,
        "device": SCALE,
        "model": "Body Smart",
        "timezone": "Europe/Paris",
        "attributions": (0,),
        "group_ids": (abs(taken_at) % 1_000_000_007,),
        "measurements": tuple(measurement(code, value) for code, value in values.items()),
    }
    return Reading(**{**defaults, **fields})


def weigh_in(
    kg: Value = "65.750",
    *,
    fat_percent: Value | None = None,
    others: Mapping[int, Value] | None = None,
    **fields: Any,
) -> Reading:
    """One weigh-in: weight, fat ratio if given, and any other measure types."""
    values: dict[int, Value] = {MeasureType.WEIGHT: kg}
    if fat_percent is not None:
        values[MeasureType.FAT_RATIO] = fat_percent
    return reading({**values, **(others or {})}, **fields)


def blood_pressure(
    systolic: int = 121, diastolic: int = 79, pulse: int | None = 62, **fields: Any
) -> Reading:
    """One blood-pressure reading in mmHg, with the pulse in beats a minute unless None."""
    values: dict[int, Value] = {MeasureType.DIASTOLIC: diastolic, MeasureType.SYSTOLIC: systolic}
    if pulse is not None:
        values[MeasureType.PULSE] = pulse
    return reading(values, **{"kind": Kind.BLOOD_PRESSURE, "model": "BPM Connect", **fields})


def owe(reading: Reading, *, revision: str = "r1", previous: str | None = None) -> Owed:
    """The delivery of one reading."""
    return Owed(reading, revision, previous)


class MemorySession:
    """A target's login, kept in memory. Its repr is indiscreet so that a leak is noticed."""

    def __init__(self, secret: Any = None, account: str | None = None) -> None:
        self._secret = secret
        self._account = account
        self.leased = 0

    def __repr__(self) -> str:
        return f"MemorySession({self._secret!r})"

    def load(self) -> Any | None:
        return self._secret

    def store(self, secret: Any, *, account: str) -> None:
        self._secret, self._account = secret, account

    def account(self) -> str | None:
        return self._account

    def bind(self, account: str) -> None:
        if self._account == "":
            self._account = account

    @contextmanager
    def lease(self) -> Iterator[None]:
        self.leased += 1
        yield


def context(home: Path, *, height: Decimal | None = None, **fields: Any) -> Context:
    """The world around a target: a home folder and a clock that nobody waits for."""
    defaults = {
        "person": "anna",
        "target": "target",
        "home": home,
        "session": MemorySession({"token": SESSION_SECRET}, account="anna@example.org"),
        "height": lambda: height,
        "timezone": None,
        "clock": lambda: float(NOON + 3600),
        "sleep": lambda seconds: None,
    }
    return Context(**{**defaults, **fields})

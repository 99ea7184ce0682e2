"""Readings to what Garmin takes: one FIT file, JSON entries, and what cannot be sent. Pure.

For a blood pressure Garmin takes a local time and a GMT time and believes both
(docs/reference/garmin.md#local-times), so both are made from the same instant here. A blood
pressure sent as FIT never shows up (docs/reference/garmin.md#missing-uploads).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from weighbridge.core.days import first_zone
from weighbridge.core.errors import Problem, Refused
from weighbridge.core.measures import Kind, Measurement, MeasureType, Reading
from weighbridge.targets.base import Owed, oldest_first
from weighbridge.targets.formats.fit_codec import encode_weights
from weighbridge.targets.formats.fit_format import weight_row
from weighbridge.targets.formats.fit_messages import WeightRow
from weighbridge.targets.garmin.remote_entries import Wanted

SERIAL = 1
"""Constant and not zero: the same readings are to give the same bytes
(docs/reference/garmin.md#file-rules)."""

_STEP_GRAMS = 10.0


class WeighIn(msgspec.Struct, frozen=True):
    """One row of the file and whose it is."""

    reading_id: str
    row: WeightRow


class Pressure(msgspec.Struct, frozen=True):
    """One blood pressure as JSON; ``taken_at`` in seconds since 1970."""

    reading_id: str
    taken_at: int
    entry: Mapping[str, Any]


class GarminPayload(msgspec.Struct, frozen=True):
    """What one ``send`` carries."""

    weigh_ins: tuple[WeighIn, ...] = ()
    file: bytes = b""
    """The FIT file of the weigh-ins; empty without any."""
    pressures: tuple[Pressure, ...] = ()
    refused: Mapping[str, Problem | str] = {}
    """Reading id → why it cannot be sent at all."""

    def ids(self) -> list[str]:
        """Every reading that is to be sent."""
        weigh_ins = [one.reading_id for one in self.weigh_ins]
        return weigh_ins + [one.reading_id for one in self.pressures]


class Renderer(msgspec.Struct, frozen=True):
    """How one target writes. ``part`` says what it takes of a reading; ``height`` is in metres."""

    part: Callable[[Reading], Sequence[Measurement]]
    height: Callable[[], Decimal | None]
    timezone: str | None
    manufacturer: int | None = None
    product: int | None = None

    def render(self, owed: Sequence[Owed]) -> GarminPayload:
        """The payload, oldest first."""
        weigh_ins: list[WeighIn] = []
        pressures: list[Pressure] = []
        refused: dict[str, Problem | str] = {}
        height = self.height()
        for reading in (one.reading for one in oldest_first(owed)):
            try:
                if reading.kind == Kind.BODY:
                    weigh_ins.append(WeighIn(reading.reading_id, self._row(reading, height)))
                else:
                    pressures.append(self._pressure(reading))
            except Refused as problem:
                refused[reading.reading_id] = problem
        file = self._file(weigh_ins)
        return GarminPayload(tuple(weigh_ins), file, tuple(pressures), refused)

    def without(self, payload: GarminPayload, done: Collection[str]) -> GarminPayload:
        """The same payload, less some readings."""
        weigh_ins = tuple(one for one in payload.weigh_ins if one.reading_id not in done)
        pressures = tuple(one for one in payload.pressures if one.reading_id not in done)
        return GarminPayload(weigh_ins, self._file(weigh_ins), pressures, payload.refused)

    def wanted(self, owed: Sequence[Owed]) -> tuple[list[Wanted], list[Wanted]]:
        """What to look for: weigh-ins and blood pressures. What cannot be sent is left out."""
        weights: list[Wanted] = []
        pressures: list[Wanted] = []
        for one in owed:
            try:
                if one.reading.kind == Kind.BODY:
                    weights.append(self._wanted_weight(one))
                else:
                    pressures.append(self._wanted_pressure(one))
            except Refused:
                continue
        return weights, pressures

    def _file(self, weigh_ins: Sequence[WeighIn]) -> bytes:
        if not weigh_ins:
            return b""
        return encode_weights(
            [one.row for one in weigh_ins],
            manufacturer=self.manufacturer,
            product=self.product,
            serial=SERIAL,
        )

    def _trimmed(self, reading: Reading) -> Reading:
        return msgspec.structs.replace(reading, measurements=tuple(self.part(reading)))

    def _row(self, reading: Reading, height: Decimal | None) -> WeightRow:
        return weight_row(self._trimmed(reading), height)

    def _pressure(self, reading: Reading) -> Pressure:
        entry = pressure_entry(self._trimmed(reading), self.timezone)
        return Pressure(reading.reading_id, reading.taken_at, entry)

    def _wanted_weight(self, owed: Owed) -> Wanted:
        values = values_of(self._row(owed.reading, None))
        grams = owed.reading.get(MeasureType.WEIGHT)
        return self._wanted(owed, values, grams=float((grams or 0) * 1000))

    def _wanted_pressure(self, owed: Owed) -> Wanted:
        pressure_entry(self._trimmed(owed.reading), self.timezone)
        return self._wanted(owed, pressure_values(owed.reading))

    def _wanted(self, owed: Owed, values: Mapping[str, float], grams: float = 0.0) -> Wanted:
        reading = owed.reading
        wall = wall_clock(reading.taken_at, first_zone(self.timezone, reading.timezone))
        return Wanted(reading.reading_id, reading.taken_at, wall, values, grams, owed.previous)


def values_of(row: WeightRow) -> dict[str, float]:
    """A row in the names and units in which Garmin shows it. What it never shows is left out.

    Basal metabolism is not read back (docs/reference/garmin.md#display); the BMI is derived.
    """
    values = {
        "weight": row.weight * _STEP_GRAMS,
        "bodyFat": _scaled(row.percent_fat, 0.01),
        "bodyWater": _scaled(row.percent_hydration, 0.01),
        "boneMass": _scaled(row.bone_mass, _STEP_GRAMS),
        "muscleMass": _scaled(row.muscle_mass, _STEP_GRAMS),
        "visceralFat": _scaled(row.visceral_fat_rating, 1.0),
        "metabolicAge": _scaled(row.metabolic_age, 1.0),
    }
    return {name: value for name, value in values.items() if value}


def lines_of(payload: GarminPayload) -> Iterator[str]:
    """A payload as a person reads it."""
    for one in payload.weigh_ins:
        shown = {**values_of(one.row), "bmi": _scaled(one.row.bmi, 0.1)}
        yield f"{_time(one.row.taken_at)}  weigh-in  {_listed(shown)}"
    for pressure in payload.pressures:
        entry = pressure.entry
        pulse = f", pulse {entry['pulse']} bpm" if "pulse" in entry else ""
        values = f"{entry['systolic']}/{entry['diastolic']} mmHg{pulse}"
        yield f"{_time(pressure.taken_at)}  blood pressure  {values}"
    for reading_id, reason in payload.refused.items():
        yield f"{reading_id}  cannot be sent: {reason}"


def _listed(shown: Mapping[str, float | None]) -> str:
    return ", ".join(
        _SHOWN[name].format(value) for name, value in shown.items() if value is not None
    )


_SHOWN = {
    "weight": "{:.0f} g",
    "bodyFat": "fat {:.2f} %",
    "bodyWater": "water {:.2f} %",
    "boneMass": "bone {:.0f} g",
    "muscleMass": "muscle {:.0f} g",
    "visceralFat": "visceral fat {:.0f}",
    "metabolicAge": "metabolic age {:.0f}",
    "bmi": "BMI {:.1f}",
}


def _scaled(number: int | None, step: float) -> float | None:
    return None if number is None else number * step


def _time(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


LIMITS = {"systolic": (70, 260), "diastolic": (40, 150), "pulse": (20, 250)}
"""What Garmin's library accepts, in mmHg and beats a minute (docs/reference/garmin.md#calls)."""


def pressure_entry(reading: Reading, timezone: str | None) -> dict[str, Any]:
    """The JSON of one reading. Raises Refused for values beyond ``LIMITS`` or an absurd time.

    ``timezone`` is the person's; without one the measurement's own counts, then UTC.
    """
    zone = first_zone(timezone, reading.timezone)
    values = pressure_values(reading)
    for name, value in values.items():
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise Refused(code=f"garmin.{name}", value=value, low=low, high=high)
    return {
        "measurementTimestampLocal": _text(reading.taken_at, zone),
        "measurementTimestampGMT": _text(reading.taken_at, UTC),
        **values,
        "sourceType": "MANUAL",
        "notes": "",
    }


def pressure_values(reading: Reading) -> dict[str, int]:
    """``systolic``, ``diastolic`` and, when it was measured, ``pulse``: whole numbers."""
    exact = {
        "systolic": reading.get(MeasureType.SYSTOLIC),
        "diastolic": reading.get(MeasureType.DIASTOLIC),
        "pulse": reading.get(MeasureType.PULSE),
    }
    return {name: rounded(value) for name, value in exact.items() if value}


def rounded(value: Decimal) -> int:
    """Half up, never truncated."""
    # A wild exponent would make an integer of a million digits.
    if abs(value) >= 10**6:
        raise Refused(code="reading.absurd")
    return int(value.to_integral_value(ROUND_HALF_UP))


def wall_clock(instant: int, zone: tzinfo) -> int:
    """The wall clock of a zone at an instant, as if it were UTC. Raises Refused like an entry."""
    there = _moment(instant, zone)
    return int(there.replace(tzinfo=UTC).timestamp())


def _text(instant: int, zone: tzinfo) -> str:
    return _moment(instant, zone).strftime("%Y-%m-%dT%H:%M:%S.000")


def _moment(instant: int, zone: tzinfo) -> datetime:
    try:
        return datetime.fromtimestamp(instant, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        raise Refused(code="reading.no_time") from None

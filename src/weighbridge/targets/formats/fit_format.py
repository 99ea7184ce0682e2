"""Readings to the rows of FIT files: which types go in, and how they are named there.

A weigh-in becomes a ``weight_scale`` row, a blood-pressure reading a ``blood_pressure`` row
(docs/reference/garmin.md#messages). Both are pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from weighbridge.core.errors import Refused
from weighbridge.core.measures import Kind, Measurement, MeasureType, Reading
from weighbridge.targets.formats.fit_codec import encode_pressures, encode_weights
from weighbridge.targets.formats.fit_messages import (
    BLOOD_PRESSURE,
    WEIGHT_SCALE,
    PressureRow,
    Row,
    WeightRow,
)
from weighbridge.targets.formats.render_context import bmi, fat_percent, water_percent

SUFFIX = ".fit"

SERIAL = 0x57425247
"""The serial number in our files. Any fixed number but zero will do."""

BODY_TYPES = frozenset(
    {
        MeasureType.WEIGHT,
        MeasureType.FAT_RATIO,
        MeasureType.FAT_MASS,
        MeasureType.MUSCLE_MASS,
        MeasureType.WATER_MASS,
        MeasureType.BONE_MASS,
        MeasureType.VISCERAL_FAT,
        MeasureType.BASAL_METABOLIC_RATE,
        MeasureType.METABOLIC_AGE,
    }
)
PRESSURE_TYPES = frozenset({MeasureType.SYSTOLIC, MeasureType.DIASTOLIC, MeasureType.PULSE})
_TYPES_BESIDE_RATIO = BODY_TYPES - {MeasureType.FAT_MASS}
_NEEDED_OF_BODY = frozenset({MeasureType.WEIGHT})
_NEEDED_OF_PRESSURE = frozenset({MeasureType.SYSTOLIC, MeasureType.DIASTOLIC})


def fit_part(reading: Reading) -> tuple[Measurement, ...]:
    """The measurements that a FIT file can hold; empty when there is no row without more.

    A weigh-in needs a weight, a blood pressure both of its numbers. The fat mass counts only
    when the fat ratio is missing.
    """
    if reading.kind == Kind.BLOOD_PRESSURE:
        return _part(reading, PRESSURE_TYPES, _NEEDED_OF_PRESSURE)
    if reading.kind != Kind.BODY:
        return ()
    has_ratio = MeasureType.FAT_RATIO in [m.type_code for m in reading.measurements]
    return _part(reading, _TYPES_BESIDE_RATIO if has_ratio else BODY_TYPES, _NEEDED_OF_BODY)


def _part(
    reading: Reading, wanted: frozenset[MeasureType], needed: frozenset[MeasureType]
) -> tuple[Measurement, ...]:
    part = tuple([m for m in reading.measurements if m.type_code in wanted])
    return part if needed.issubset([m.type_code for m in part]) else ()


def row(reading: Reading, height_m: Decimal | None) -> Row:
    """The row of a reading of either kind. Raises ``Refused`` when it has none."""
    if reading.kind == Kind.BLOOD_PRESSURE:
        return pressure_row(reading)
    return weight_row(reading, height_m)


def encode(rows: Iterable[Row]) -> bytes:
    """Rows of one kind as a FIT file that names no manufacturer. Raises ``Refused`` for none."""
    rows = list(rows)
    pressures = [row for row in rows if isinstance(row, PressureRow)]
    if pressures:
        return encode_pressures(pressures, manufacturer=None, product=None, serial=SERIAL)
    weights = [row for row in rows if isinstance(row, WeightRow)]
    return encode_weights(weights, manufacturer=None, product=None, serial=SERIAL)


def describe(row: Row) -> str:
    """A row for a person: ``weight_scale 2025-10-09T08:53:20Z weight=65.75 percent_fat=21.3``."""
    message = WEIGHT_SCALE if isinstance(row, WeightRow) else BLOOD_PRESSURE
    time = datetime.fromtimestamp(row.taken_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    numbers = ((field, getattr(row, field.name)) for field in message.fields[1:])
    values = (
        f"{field.name}={Decimal(number) / field.scale}"
        for field, number in numbers
        if number is not None
    )
    return " ".join((message.name, time, *values))


def weight_row(reading: Reading, height_m: Decimal | None) -> WeightRow:
    """The row of a weigh-in. BMI is left out without a height.

    Raises ``Refused`` without a weight and for every value that FIT cannot hold.
    """
    try:
        weight = reading.get(MeasureType.WEIGHT)
        if weight is None:
            raise Refused(code="reading.no_weight")
        return WeightRow.of(
            reading.taken_at,
            weight,
            percent_fat=_measured(fat_percent(reading)),
            percent_hydration=water_percent(reading),
            bone_mass=_measured(reading.get(MeasureType.BONE_MASS)),
            muscle_mass=_measured(reading.get(MeasureType.MUSCLE_MASS)),
            basal_met=_measured(reading.get(MeasureType.BASAL_METABOLIC_RATE)),
            metabolic_age=_measured(reading.get(MeasureType.METABOLIC_AGE)),
            visceral_fat_rating=_measured(reading.get(MeasureType.VISCERAL_FAT)),
            bmi=bmi(reading, height_m),
        )
    except ArithmeticError as error:
        raise _not_a_number() from error


def pressure_row(reading: Reading) -> PressureRow:
    """The row of a blood-pressure reading. Raises ``Refused`` like ``weight_row``."""
    try:
        systolic = reading.get(MeasureType.SYSTOLIC)
        diastolic = reading.get(MeasureType.DIASTOLIC)
        if systolic is None or diastolic is None:
            raise Refused(code="reading.no_pressure")
        pulse = _measured(reading.get(MeasureType.PULSE))
        return PressureRow.of(reading.taken_at, systolic, diastolic, pulse)
    except ArithmeticError as error:
        raise _not_a_number() from error


def _measured(value: Decimal | None) -> Decimal | None:
    """No body has 0 % fat or bones of 0 kg: Withings writes 0 for what it did not measure."""
    return value or None


def _not_a_number() -> Refused:
    return Refused(code="reading.absurd")

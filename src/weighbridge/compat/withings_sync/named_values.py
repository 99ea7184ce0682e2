"""Readings in the JSON of ``withings-sync``: local time → name → ``{"Value", "Unit"}``. Pure.

Names and units are the original's, so that what reads its files goes on working. Different on
purpose: type 170 is visceral fat and has a name of its own (there it overwrites the extracellular
water), values of body parts are told apart (there the last one wins), and times are those of the
place where the person was measured, not of the computer.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from weighbridge.core.measures import Kind, Measurement, Reading
from weighbridge.targets.formats.render_context import Owner, bmi, instant, water_percent

NAMES = {
    1: ("Weight", "kg"),
    4: ("Height", "meter"),
    5: ("Fat Free Mass", "kg"),
    6: ("Fat Ratio", "%"),
    8: ("Fat Mass Weight", "kg"),
    9: ("Diastolic Blood Pressure", "mmHg"),
    10: ("Systolic Blood Pressure", "mmHg"),
    11: ("Heart Pulse", "bpm"),
    12: ("Temperature", "celsius"),
    54: ("SP02", "%"),
    71: ("Body Temperature", "celsius"),
    73: ("Skin Temperature", "celsius"),
    76: ("Muscle Mass", "kg"),
    77: ("Hydration", "kg"),
    88: ("Bone Mass", "kg"),
    91: ("Pulse Wave Velocity", "m/s"),
    123: ("VO2 max", "ml/min/kg"),
    130: ("Atrial fibrillation result", "ms"),
    135: ("QRS interval duration based on ECG signal", "ms"),
    136: ("PR interval duration based on ECG signal", "ms"),
    137: ("QT interval duration based on ECG signal", "ms"),
    138: ("Corrected QT interval duration based on ECG signal", "ms"),
    139: ("Atrial fibrillation result from PPG", "ms"),
    155: ("Vascular age", "years"),
    158: ("Nerve Health Score left foot", ""),
    159: ("Nerve Health Score right foot", ""),
    167: ("Nerve Health Score feet", ""),
    168: ("Extracellular Water", "kg"),
    169: ("Intracellular Water", "kg"),
    170: ("Visceral Fat", ""),
    174: ("Fat Mass for segments in mass unit", "kg"),
    175: ("Muscle Mass for segments in mass unit", "kg"),
    196: ("Electrodermal activity feet", ""),
    197: ("Electrodermal activity left foot", ""),
    198: ("Electrodermal activity right foot", ""),
}
"""Measure type → name and unit."""

UNKNOWN = "unknown"

Values = dict[str, dict[str, Any]]


def named_values(readings: Iterable[Reading], owner: Owner) -> dict[str, Values]:
    """The content of the file, in the order of the readings. Raises Refused like ``instant``.

    A weigh-in and a blood pressure of one second share a key. Two of the same kind, or the same
    wall clock in the hour that is repeated in autumn, do not: the offset from UTC, then a number
    is added to the later one.
    """
    content: dict[str, Values] = {}
    taken: dict[str, tuple[int, set[str]]] = {}
    for reading in readings:
        key = _free_key(reading, owner, taken)
        content.setdefault(key, {}).update(values_of(reading, owner))
    return content


def values_of(reading: Reading, owner: Owner) -> Values:
    """The values of one reading by their names."""
    values: Values = {}
    for measurement in (*reading.measurements, *reading.segments):
        name, unit = _name_of(measurement)
        values.setdefault(name, {"Value": _number(measurement), "Unit": unit})
    if reading.kind == Kind.BODY:
        values["BMI"] = {"Value": _rounded(bmi(reading, owner.height_m), 1), "Unit": "kg/m^2"}
        values["Percent_Hydration"] = {"Value": _rounded(water_percent(reading), 2), "Unit": "%"}
    return values


def _free_key(reading: Reading, owner: Owner, taken: dict[str, tuple[int, set[str]]]) -> str:
    local = datetime.datetime.fromisoformat(instant(reading, owner).local)
    short, long = str(local.replace(tzinfo=None)), str(local)
    keys = [short, long, *(f"{long} {number}" for number in range(2, 100))]
    for key in keys:
        at, kinds = taken.setdefault(key, (reading.taken_at, set()))
        if at == reading.taken_at and reading.kind not in kinds:
            kinds.add(reading.kind)
            return key
    return reading.reading_id


def _name_of(measurement: Measurement) -> tuple[str, str]:
    name, unit = NAMES.get(measurement.type_code, (UNKNOWN, ""))
    if name == UNKNOWN:
        name = f"{UNKNOWN} {measurement.type_code}"
    if measurement.position is not None:
        name = f"{name} {measurement.position}"
    return name.replace(" ", "_"), unit


def _number(measurement: Measurement) -> float | int | None:
    """Rounded to two decimals, half up; a whole number when it was sent as one."""
    try:
        value = measurement.value
    except ArithmeticError:
        return None
    if measurement.exponent >= 0 and abs(value) < 10**15:
        return int(value)
    return _rounded(value, 2)


def _rounded(value: Decimal | None, digits: int) -> float | None:
    """None for what is absent, and for a number out of all proportion."""
    if value is None or abs(value) >= 10**15:
        return None
    return float(value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))

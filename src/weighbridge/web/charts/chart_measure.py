"""What can be shown of a body: each measure type, of each part of it, and the body mass index."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from weighbridge.core.measures import MeasureType, type_name, unit_of
from weighbridge.web.charts.trend import DAY, HALF_LIFE

_DIGITS = {"kg": 2, "m": 2, "percent": 1, "celsius": 1, "m_per_s": 1, "kg_per_m2": 1}
_DIGITS |= dict.fromkeys(("umol_per_l", "mmol_per_l", "ml_per_min_per_kg"), 1)
_DIGITS |= dict.fromkeys(("mmhg", "bpm", "ms", "years", "kcal_per_day", "us"), 0)
_DIGITS_OF_TYPE = {int(MeasureType.URINE_SPECIFIC_GRAVITY): 3}
_CLASSES = frozenset({int(MeasureType.AFIB_ECG), int(MeasureType.AFIB_PPG)})
"""Their numbers are names of findings: a mean of them says nothing."""
_HALF_LIVES = dict.fromkeys(("mmhg", "bpm"), 14.0 * DAY) | {"celsius": 1.0 * DAY}

_ORDER = (
    *(MeasureType.WEIGHT, MeasureType.FAT_RATIO, MeasureType.FAT_MASS, MeasureType.FAT_FREE_MASS),
    *(MeasureType.MUSCLE_MASS, MeasureType.WATER_MASS, MeasureType.BONE_MASS),
    MeasureType.VISCERAL_FAT,
    *(MeasureType.SYSTOLIC, MeasureType.DIASTOLIC, MeasureType.PULSE),
    *(MeasureType.BODY_TEMPERATURE, MeasureType.TEMPERATURE, MeasureType.SKIN_TEMPERATURE),
    MeasureType.SPO2,
)
_RANK = {int(code): rank for rank, code in enumerate(_ORDER)}


class Measure(msgspec.Struct, frozen=True):
    """One measure of one part of the body; ``position`` None: of the whole."""

    slug: str
    """Its name in an address: ``weight``, ``type_999``, ``segment_fat_mass.12``."""
    code: int
    """The type of the values that it is made of."""
    position: int | None
    unit: str
    digits: int
    half_life: float | None
    """Of the smoothed line, in seconds; None: there is none."""

    @property
    def is_bmi(self) -> bool:
        """Whether it is computed from the weight."""
        return self.slug == _BMI


_BMI = "bmi"
BMI = Measure(_BMI, int(MeasureType.WEIGHT), None, "kg_per_m2", 1, HALF_LIFE)


def measure_of(code: int, position: int | None = None) -> Measure:
    """The measure of a type; of a part of the body, if ``position`` names one."""
    unit = unit_of(code)
    place = "" if position is None else f".{position}"
    digits = _DIGITS_OF_TYPE.get(code, _DIGITS.get(unit, 1))
    half_life = None if code in _CLASSES else _HALF_LIVES.get(unit, HALF_LIFE)
    if code in _CLASSES:
        digits = 0
    return Measure(f"{type_name(code)}{place}", code, position, unit, digits, half_life)


def rank(measure: Measure) -> tuple[bool, int, int, bool]:
    """The order of a menu: what most people look for first, parts of the body and unnamed last."""
    first = _RANK.get(measure.code, len(_RANK))
    place = measure.code * 100 + (measure.position or 0)
    return (measure.position is not None, first, place, measure.is_bmi)


def body_mass_index(kg: Decimal, height_m: Decimal) -> Decimal:
    """In kg/m²."""
    return kg / (height_m * height_m)

"""Measures as a chart shows them, and units for people. Exact until they are rounded.

A stone is shown as two numbers, ``11 st 5.2 lb``, and so is a foot. On an axis such a value is
counted in the smaller of the two units.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from weighbridge.core.measures import MeasureType, type_name, unit_of
from weighbridge.web.charts.series import DAY, HALF_LIFE

LARGEST = Decimal(10) ** 9
"""No value of a body is as large in any unit. What is comes from a broken measurement."""


class Unit(msgspec.Struct, frozen=True):
    """How a value in an SI unit is shown: ``(value - zero) / size``.

    With ``many``, so many of the unit ``small`` make one: a value is then counted in ``small``.
    """

    name: str
    size: Decimal = Decimal(1)
    zero: Decimal = Decimal(0)
    digits: int | None = None
    """Decimal places; None: those of the measure itself."""
    many: int = 0
    small: str = ""


_POUND = Decimal("0.45359237")
"""Kilograms, exact by definition: the international yard and pound agreement of 1959."""
_INCH = Decimal("0.0254")
"""Metres, exact by the same agreement."""

_CHOICES = {
    "kg": (
        Unit("kg"),
        Unit("lb", _POUND, digits=1),
        Unit("st", _POUND, digits=1, many=14, small="lb"),
    ),
    "celsius": (
        Unit("celsius"),
        Unit("fahrenheit", Decimal(5) / 9, Decimal(-160) / 9, digits=1),
    ),
    "m": (
        Unit("m"),
        Unit("cm", Decimal("0.01"), digits=1),
        Unit("ft", _INCH, digits=1, many=12, small="in"),
    ),
}


class Amount(msgspec.Struct, frozen=True):
    """A number with its unit, rounded as it is shown."""

    number: Decimal
    unit: str


def choices(unit: str) -> tuple[Unit, ...]:
    """The units in which values of an SI unit can be shown; the SI unit itself is the first."""
    return _CHOICES.get(unit) or (Unit(unit),)


def choose(unit: str, wanted: Iterable[str]) -> Unit:
    """The first of the wanted units that fits an SI unit, else the SI unit itself."""
    fitting = {one.name: one for one in choices(unit)}
    return next((fitting[name] for name in wanted if name in fitting), choices(unit)[0])


def is_unit(name: str) -> bool:
    """Whether there is such a unit to choose."""
    return any(name == one.name for units in _CHOICES.values() for one in units)


def same_quantity(name: str) -> frozenset[str]:
    """A unit and those that may be chosen instead of it."""
    for units in _CHOICES.values():
        names = frozenset(one.name for one in units)
        if name in names:
            return names
    return frozenset({name})


def convert(value: Decimal, unit: Unit) -> Decimal:
    """A value in the unit; in its smaller one for stones and feet. To 28 digits."""
    if unit.name == "fahrenheit":  # 5/9 has no end: this way 37 °C are exactly 98.6 °F
        return value * 9 / 5 + 32
    return (value - unit.zero) / unit.size


def digits_in(unit: Unit, digits: int) -> int:
    """Decimal places in a unit, for a measure that has ``digits`` of them in its SI unit."""
    return digits if unit.digits is None else unit.digits


def rounded(value: Decimal, digits: int) -> Decimal:
    """Rounded half up; ``LARGEST`` or more is left alone."""
    if abs(value) >= LARGEST:
        return value
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def amounts(value: Decimal, unit: Unit, digits: int) -> tuple[Amount, ...]:
    """What is shown for a value that was converted: one number, or ``11 st`` and ``5.2 lb``.

    Rounded before it is split, so that nothing is ever ``10 st 14.0 lb``.
    """
    shown = rounded(value, digits)
    if not unit.many:
        return (Amount(shown, unit.name),)
    big = int(abs(shown) / unit.many)
    small = Amount(abs(shown) - big * unit.many, unit.small)
    if not big:
        return (Amount(shown, unit.small),)
    return (Amount(Decimal(-big if shown < 0 else big), unit.name), small)


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

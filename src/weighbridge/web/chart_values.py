"""Measures, units for people, and values in the order of time, as a chart shows them. Pure.

Values come in SI units as ``weighbridge.core.measures`` has them and are exact until they are
rounded; instants are UTC seconds. A stone is shown as two numbers, ``11 st 5.2 lb``, and so is a
foot. On an axis such a value is counted in the smaller of the two units.

The smoothed line says what a value was on the whole, without the ups and downs of a day. It is a
weighted mean of all readings so far: a reading counts half as much when it is one half-life older,
a quarter when it is two older, and so on, however unevenly the readings lie in time. Later readings
never change what was drawn for earlier ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from weighbridge.core.measures import MeasureType, type_name, unit_of

DAY = 86_400
HALF_LIFE = 7.0 * DAY
"""Seconds. A week takes out water, meals and week-ends, and still shows a month's change."""
FORGOTTEN = 20
"""Half-lives after which a reading counts less than a millionth: older ones need not be read."""


def smooth(times: Sequence[int], values: Sequence[float], half_life: float) -> list[float]:
    """The smoothed value at each instant (seconds, ascending; ``half_life`` in seconds).

    The mean is moved by each value's share and not built from sums: a constant then stays exactly
    that constant. Raises ValueError when the instants do not ascend.
    """
    trend: list[float] = []
    mean = weight = 0.0
    last = times[0] if times else 0
    for at, value in zip(times, values, strict=True):
        if at < last:
            raise ValueError("instants must ascend")
        weight = weight * 0.5 ** ((at - last) / half_life) + 1.0
        mean += (value - mean) / weight
        trend.append(mean)
        last = at
    return trend


type Column = list[float | None]

_KEPT_OF_EACH = 4
"""The first, the last, the lowest and the highest value of a stretch of time."""


class Series(msgspec.Struct, frozen=True):
    """Columns of equal length; ``trend`` is empty when nothing is smoothed. UTC seconds."""

    times: list[int]
    values: list[float]
    trend: list[float]

    def __len__(self) -> int:
        return len(self.times)

    def pick(self, indices: Iterable[int]) -> Series:
        """Some of the points, in the order of ``indices``."""
        chosen = list(indices)
        return Series(
            [self.times[i] for i in chosen],
            [self.values[i] for i in chosen],
            [self.trend[i] for i in chosen] if self.trend else [],
        )


def make_series(points: Iterable[tuple[int, float]], half_life: float | None) -> Series:
    """The series of points in the order of time. ``half_life`` in seconds; None: no trend."""
    times: list[int] = []
    values: list[float] = []
    for at, value in points:
        times.append(at)
        values.append(value)
    trend = smooth(times, values, half_life) if half_life is not None else []
    return Series(times, values, trend)


def from_instant(series: Series, start: int) -> Series:
    """What lies at an instant or later. Its trend remembers what came before."""
    first = bisect_left(series.times, start)
    return series.pick(range(first, len(series))) if first else series


def thin(series: Series, most: int) -> Series:
    """At most so many points (4 or more): of each stretch of time its ends and its extremes.

    A chart of the result looks like a chart of the whole: the lowest and the highest value of each
    stretch are there, so no peak is lost.
    """
    if len(series) <= most:
        return series
    return series.pick(_kept(series, max(most // _KEPT_OF_EACH, 1)))


def _kept(series: Series, stretches: int) -> Iterator[int]:
    times, values = series.times, series.values
    start, length = times[0], (times[-1] - times[0]) / stretches or 1.0
    begin = 0
    for number in range(1, stretches + 1):
        end = len(times) if number == stretches else bisect_left(times, start + number * length)
        if begin < end:
            inside = range(begin, end)
            low = min(inside, key=values.__getitem__)
            high = max(inside, key=values.__getitem__)
            yield from sorted({begin, low, high, end - 1})
        begin = max(begin, end)


def side_by_side(all_series: Sequence[Series]) -> tuple[list[int], list[Column]]:
    """One column of instants for several series, and their values and trends as columns of it.

    Each series gives its values, then its trend if it has one; None where it has nothing.
    """
    times = sorted({at for series in all_series for at in series.times})
    columns: list[Column] = []
    for series in all_series:
        columns.append(_spread(times, series.times, series.values))
        if series.trend:
            columns.append(_spread(times, series.times, series.trend))
    return times, columns


def _spread(times: Sequence[int], own: Sequence[int], values: Sequence[float]) -> Column:
    """Two values of the same second: the later one is shown."""
    if own == times:
        return list(values)
    by_time = dict(zip(own, values, strict=True))
    return [by_time.get(at) for at in times]


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

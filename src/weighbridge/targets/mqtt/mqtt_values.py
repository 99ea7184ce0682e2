"""From measurements to JSON: numbers, instants, the newest of each kind. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

from weighbridge.core.measures import SEGMENT_TYPES, WHOLE_BODY, Measurement, MeasureType
from weighbridge.targets.base import Newest
from weighbridge.targets.formats.decimals import part_name
from weighbridge.targets.mqtt.sensors import SEGMENTS_OF, SENSORS, Sensor

FINEST = 3
"""Digits behind the point. A scale resolves grams; what Withings adds behind them is the noise of
binary numbers, like 53.800003 kg (docs/reference/withings-api.md#values)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = Decimal(10) ** 15
_PRECISION = 60


def rounded(value: Decimal, places: int = FINEST) -> Decimal:
    """The value rounded half up to ``places`` digits; as it is when no body could have it."""
    if abs(value) >= _LARGEST:
        return value
    with localcontext(prec=_PRECISION):
        return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def number(value: Decimal | None, places: int = FINEST) -> int | float | None:
    """The value as a JSON number: ``81.43`` for 81430 * 10**-3, and 62 for a pulse of 62.

    None for None, and for what a JSON number cannot hold.
    """
    if value is None:
        return None
    if value.as_tuple().exponent == 0 and abs(value) < _LARGEST:
        return int(value)
    near = float(rounded(value, places))
    return near if math.isfinite(near) else None


def instant(taken_at: float) -> str | None:
    """ISO 8601 with zone, in whole seconds, as Home Assistant demands it; None if impossible."""
    try:
        return (_EPOCH + timedelta(seconds=math.floor(taken_at))).isoformat()
    except (OverflowError, ValueError):
        return None


def bmi(kg: Decimal | None, metres: Decimal | None) -> Decimal | None:
    """Body mass index in kg/m² with one digit; None without a weight or a possible height."""
    if kg is None or metres is None or not (0 < kg < _LARGEST and Decimal("0.1") < metres < 10):
        return None
    return rounded(kg / metres**2, 1)


def by_sensor(
    newest: Sequence[Newest], height: Decimal | None = None
) -> list[tuple[Sensor, Decimal]]:
    """The sensors that have a value, with it. Goals and types without a name make none.

    ``height`` in metres is the configured one; None: the newest that was measured.
    """
    values = {code: one.measurement.value for code, one in _whole_body(newest).items()}
    index = bmi(values.get(MeasureType.WEIGHT), height or values.get(MeasureType.HEIGHT))
    found = ((one, index if one.code is None else values.get(one.code)) for one in SENSORS)
    return [(sensor, value) for sensor, value in found if value is not None]


def by_part(measurements: Iterable[Measurement]) -> dict[str, dict[str, int | float | None]]:
    """Sensor key → part of the body → kilograms. The last of a place wins."""
    parts: dict[str, dict[str, int | float | None]] = {}
    for one in measurements:
        if one.type_code in SEGMENTS_OF and one.position not in (None, WHOLE_BODY):
            places = parts.setdefault(SEGMENTS_OF[one.type_code], {})
            places[part_name(one.position)] = number(one.value)
    return parts


def _whole_body(newest: Sequence[Newest]) -> dict[int, Newest]:
    """The newest value of each type. A cuff names the arm: that is no part of the body here."""
    found: dict[int, Newest] = {}
    for one in newest:
        code = one.measurement.type_code
        if code not in SEGMENT_TYPES and (code not in found or _rank(one) > _rank(found[code])):
            found[code] = one
    return found


def _rank(one: Newest) -> tuple[int, bool]:
    return one.taken_at, one.measurement.position in (None, WHOLE_BODY)

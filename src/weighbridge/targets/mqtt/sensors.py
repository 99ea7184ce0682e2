"""Which sensors there are: one for each measure type that has a name, and the BMI. Pure.

Units and classes are those with which Home Assistant shows a value as it was sent
(docs/reference/home-assistant.md#units-and-classes): ``mmHg`` with the class ``pressure`` becomes
inHg on an American installation, ``m/s`` with ``speed`` becomes mph. So those have no class, nor
has anything that was not verified.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import msgspec

from weighbridge import __version__
from weighbridge.core.measures import SEGMENT_TYPES, WHOLE_BODY, Measurement, MeasureType, type_name
from weighbridge.core.measures import MeasureType as Type
from weighbridge.targets.base import Newest, ServerStatus
from weighbridge.targets.formats.render_context import part_name


class Sensor(msgspec.Struct, frozen=True):
    """One number of a person, as Home Assistant is to show it."""

    code: int | None
    """The measure type; None: computed."""
    name: str | None
    """None: Home Assistant's own word for the class, in the language of its owner."""
    unit: str | None
    precision: int | None
    """Digits behind the point that are shown; None: the number means a word."""
    icon: str | None = None
    device_class: str | None = None
    called: str | None = None
    """The key, when it is not the name of the measure type."""
    enabled: bool = True

    @property
    def key(self) -> str:
        """Its name in the state and in the ids that never change."""
        return self.called or type_name(self.code or 0)

    @property
    def entity(self) -> str:
        """The end of the id that people see: ``body_fat`` for the name "Body fat"."""
        return (self.name or self.key).lower().replace(" ", "_")


def _mass(code: int, name: str | None, icon: str | None = None, precision: int = 1) -> Sensor:
    return Sensor(code, name, "kg", precision, icon, "weight")


SENSORS = (
    _mass(Type.WEIGHT, None),
    Sensor(Type.FAT_RATIO, "Body fat", "%", 1, "mdi:percent"),
    _mass(Type.FAT_MASS, "Fat mass"),
    _mass(Type.FAT_FREE_MASS, "Fat free mass"),
    _mass(Type.MUSCLE_MASS, "Muscle mass", "mdi:arm-flex"),
    _mass(Type.BONE_MASS, "Bone mass", "mdi:bone", 2),
    Sensor(Type.WATER_MASS, "Body water", "kg", 1, "mdi:water", "weight", "hydration"),
    _mass(Type.EXTRACELLULAR_WATER, "Extracellular water", "mdi:water-outline"),
    _mass(Type.INTRACELLULAR_WATER, "Intracellular water", "mdi:water-circle"),
    Sensor(Type.VISCERAL_FAT, "Visceral fat", None, 1, "mdi:gauge"),
    Sensor(None, "BMI", "kg/m²", 1, "mdi:human", None, "bmi"),
    Sensor(Type.BASAL_METABOLIC_RATE, "Basal metabolic rate", "kcal/d", 0, "mdi:fire"),
    Sensor(Type.METABOLIC_AGE, "Metabolic age", "y", 0, "mdi:calendar-clock"),
    Sensor(Type.HEIGHT, "Height", "m", 2, None, "distance", None, False),
    # the heart
    Sensor(Type.PULSE, "Heart rate", "bpm", 0, "mdi:heart-pulse", None, "heart_rate"),
    Sensor(Type.SYSTOLIC, "Systolic blood pressure", "mmHg", 0, "mdi:heart-plus"),
    Sensor(Type.DIASTOLIC, "Diastolic blood pressure", "mmHg", 0, "mdi:heart-minus"),
    Sensor(Type.SPO2, "SpO2", "%", 0, "mdi:water-percent"),
    Sensor(Type.PULSE_WAVE_VELOCITY, "Pulse wave velocity", "m/s", 1, "mdi:pulse"),
    Sensor(Type.VASCULAR_AGE, "Vascular age", "y", 0, "mdi:calendar-heart"),
    Sensor(Type.VO2_MAX, "VO2 max", "ml/min/kg", 1, "mdi:run"),
    Sensor(Type.AFIB_ECG, "Atrial fibrillation ECG", None, None, "mdi:heart-flash"),
    Sensor(Type.AFIB_PPG, "Atrial fibrillation PPG", None, None, "mdi:heart-flash"),
    Sensor(Type.QRS_DURATION, "QRS duration", "ms", 0, "mdi:heart-settings"),
    Sensor(Type.PR_INTERVAL, "PR interval", "ms", 0, "mdi:heart-settings"),
    Sensor(Type.QT_INTERVAL, "QT interval", "ms", 0, "mdi:heart-settings"),
    Sensor(Type.CORRECTED_QT_INTERVAL, "Corrected QT interval", "ms", 0, "mdi:heart-settings"),
    # temperature, nerves and skin
    Sensor(Type.TEMPERATURE, "Temperature", "°C", 1, None, "temperature"),
    Sensor(Type.BODY_TEMPERATURE, "Body temperature", "°C", 1, None, "temperature"),
    Sensor(Type.SKIN_TEMPERATURE, "Skin temperature", "°C", 1, None, "temperature"),
    Sensor(Type.NERVE_HEALTH, "Nerve health", None, 0, "mdi:foot-print"),
    Sensor(Type.NERVE_HEALTH_LEFT_FOOT, "Nerve health left foot", None, 0, "mdi:foot-print"),
    Sensor(Type.NERVE_HEALTH_RIGHT_FOOT, "Nerve health right foot", None, 0, "mdi:foot-print"),
    Sensor(Type.NERVE_RESPONSE, "Nerve response", None, 0, "mdi:foot-print"),
    Sensor(Type.NERVE_RESPONSE_LEFT_FOOT, "Nerve response left foot", None, 0, "mdi:foot-print"),
    Sensor(Type.NERVE_RESPONSE_RIGHT_FOOT, "Nerve response right foot", None, 0, "mdi:foot-print"),
    Sensor(Type.SKIN_CONDUCTANCE, "Skin conductance", "µS", 0, "mdi:hand-water"),
    # urine
    Sensor(Type.URINARY_PH, "Urinary pH", None, 1, "mdi:test-tube"),
    Sensor(Type.URINE_SPECIFIC_GRAVITY, "Urine specific gravity", None, 3, "mdi:test-tube"),
    Sensor(Type.URINARY_NITRITES, "Urinary nitrites", "µmol/L", 1, "mdi:test-tube"),
    Sensor(Type.URINARY_KETONES, "Urinary ketones", "mmol/L", 1, "mdi:test-tube"),
    Sensor(Type.URINARY_VITAMIN_C, "Urinary vitamin C", "mmol/L", 2, "mdi:test-tube"),
    Sensor(Type.URINARY_CALCIUM, "Urinary calcium", "mmol/L", 1, "mdi:test-tube"),
    Sensor(Type.URINARY_CREATININE, "Urinary creatinine", "mmol/L", 1, "mdi:test-tube"),
    Sensor(
        Type.URINARY_CALCIUM_CREATININE_RATIO,
        *("Urinary calcium creatinine ratio", None, 2, "mdi:test-tube"),
    ),
)
"""All sensors, in the order in which they are announced."""

SEGMENTS_OF = {
    int(Type.SEGMENT_FAT_FREE_MASS): "fat_free_mass",
    int(Type.SEGMENT_FAT_MASS): "fat_mass",
    int(Type.SEGMENT_MUSCLE_MASS): "muscle_mass",
}
"""Types that describe a part of the body, and the sensor whose attributes they are."""


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


BATTERY_LEVELS = ("low", "medium", "high")
"""The words that Withings has for a battery (docs/reference/withings-api.md#devices)."""


def person_state(newest: Sequence[Newest], *, height: Decimal | None = None) -> dict[str, Any]:
    """The newest value by sensor key, ``measured_at`` and ``segments``; SI units.

    ``height`` in metres is the configured one, for the BMI; None: the newest measured one.
    """
    values = {sensor.key: number(value) for sensor, value in by_sensor(newest, height)}
    last = max((one.taken_at for one in newest), default=None)
    oldest_first = sorted(newest, key=lambda one: one.taken_at)
    return {
        **values,
        "measured_at": None if last is None else instant(last),
        "segments": by_part(one.measurement for one in oldest_first),
    }


def bridge_info(status: ServerStatus) -> dict[str, Any]:
    """Version, last sync, what is wrong (a sentence) and the battery of the scale."""
    return {
        "version": __version__,
        "last_sync": None if status.last_sync is None else instant(status.last_sync),
        "problem": status.problem.message() if status.problem else None,
        "scale_battery": status.battery if status.battery in BATTERY_LEVELS else None,
    }

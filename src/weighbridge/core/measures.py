"""Measurement, measure group, reading and measure type: the terms of the field. No I/O.

Times are integers, seconds since 1970-01-01T00:00:00Z. Values are ``mantissa * 10**exponent``,
exactly as Withings sent them, in SI units (kg, m, mmHg, bpm, percent, degree Celsius).
"""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum

import msgspec

END_OF_TIME = 2**62
"""A time after all others, in seconds, that a database can hold."""

KG_IN_A_POUND = Decimal("0.45359237")
"""Exact by definition: the international yard and pound agreement of 1959."""


class MeasureType(IntEnum):
    """The measure types that have a name. Other types are accepted as well.

    Source: docs/reference/withings-api.md#measure-types.
    """

    WEIGHT = 1
    HEIGHT = 4
    FAT_FREE_MASS = 5
    FAT_RATIO = 6
    FAT_MASS = 8
    DIASTOLIC = 9
    SYSTOLIC = 10
    PULSE = 11
    TEMPERATURE = 12
    SPO2 = 54
    BODY_TEMPERATURE = 71
    SKIN_TEMPERATURE = 73
    MUSCLE_MASS = 76
    WATER_MASS = 77
    BONE_MASS = 88
    PULSE_WAVE_VELOCITY = 91
    VO2_MAX = 123
    AFIB_ECG = 130
    QRS_DURATION = 135
    PR_INTERVAL = 136
    QT_INTERVAL = 137
    CORRECTED_QT_INTERVAL = 138
    AFIB_PPG = 139
    URINARY_PH = 147
    URINE_SPECIFIC_GRAVITY = 148
    URINARY_NITRITES = 151
    VASCULAR_AGE = 155
    NERVE_HEALTH_LEFT_FOOT = 158
    NERVE_HEALTH_RIGHT_FOOT = 159
    NERVE_HEALTH = 167
    EXTRACELLULAR_WATER = 168
    INTRACELLULAR_WATER = 169
    VISCERAL_FAT = 170
    SEGMENT_FAT_FREE_MASS = 173
    SEGMENT_FAT_MASS = 174
    SEGMENT_MUSCLE_MASS = 175
    NERVE_RESPONSE = 196
    NERVE_RESPONSE_LEFT_FOOT = 197
    NERVE_RESPONSE_RIGHT_FOOT = 198
    URINARY_KETONES = 204
    URINARY_VITAMIN_C = 205
    BASAL_METABOLIC_RATE = 226
    METABOLIC_AGE = 227
    SKIN_CONDUCTANCE = 229
    URINARY_CALCIUM = 248
    URINARY_CREATININE = 249
    URINARY_CALCIUM_CREATININE_RATIO = 251


_UNITS = {
    "kg": (1, 5, 8, 76, 77, 88, 168, 169, 173, 174, 175),
    "m": (4,),
    "percent": (6, 54),
    "mmhg": (9, 10),
    "bpm": (11,),
    "celsius": (12, 71, 73),
    "m_per_s": (91,),
    "ml_per_min_per_kg": (123,),
    "ms": (135, 136, 137, 138),
    "umol_per_l": (151,),
    "years": (155, 227),
    "mmol_per_l": (204, 205, 248, 249),
    "kcal_per_day": (226,),
    "us": (229,),
}
_UNIT_OF = {code: unit for unit, codes in _UNITS.items() for code in codes}
_KNOWN = {int(member): member.name.lower() for member in MeasureType}

WHOLE_BODY = 7
"""The ``position`` of values of the whole body (docs/reference/withings-api.md#positions)."""

SEGMENT_TYPES = frozenset({173, 174, 175})
"""Types that only ever describe a part of the body."""

BLOOD_PRESSURE_TYPES = frozenset({int(MeasureType.DIASTOLIC), int(MeasureType.SYSTOLIC)})


def type_name(code: int) -> str:
    """The name of a measure type; ``type_<n>`` for a type without a name."""
    return _KNOWN.get(code, f"type_{code}")


def unit_of(code: int) -> str:
    """The unit as used in field names (``kg``, ``mmhg``); empty for scores and classes."""
    return _UNIT_OF.get(code, "")


def field_name(code: int) -> str:
    """The name with its unit, as files and JSON use it: ``weight_kg``, ``pulse_bpm``."""
    unit = unit_of(code)
    return f"{type_name(code)}_{unit}" if unit else type_name(code)


class Measurement(msgspec.Struct, frozen=True, gc=False):
    """One quantity, exactly as it was sent: ``mantissa * 10**exponent``."""

    type_code: int
    mantissa: int
    exponent: int
    position: int | None = None

    @property
    def value(self) -> Decimal:
        """The exact value."""
        return Decimal(self.mantissa).scaleb(self.exponent)


class MeasureGroup(msgspec.Struct, frozen=True):
    """What the source returns: measurements taken together, under one ``grpid``."""

    group_id: int
    taken_at: int
    stored_at: int | None
    updated_at: int | None
    attribution: int
    category: int
    device: str | None
    model: str | None
    timezone: str | None
    measurements: tuple[Measurement, ...]


class Kind:
    """What a reading is about. Open on purpose: these are the two that targets tell apart."""

    BODY = "body"
    BLOOD_PRESSURE = "blood_pressure"


READING_KINDS = frozenset({Kind.BODY, Kind.BLOOD_PRESSURE})
"""The kinds of record that are readings."""


class Reading(msgspec.Struct, frozen=True):
    """What a person would call one weigh-in or one blood-pressure reading.

    ``measurements`` holds one whole-body value per type, ``segments`` the values of body parts
    (with their ``position``). ``stored_at`` is the time at which the newest group was stored.
    """

    reading_id: str
    kind: str
    taken_at: int
    stored_at: int
    device: str | None
    model: str | None
    timezone: str | None
    attributions: tuple[int, ...]
    group_ids: tuple[int, ...]
    measurements: tuple[Measurement, ...]
    segments: tuple[Measurement, ...] = ()
    ambiguous: bool = False

    @property
    def id(self) -> str:
        """Its name among all records (``weighbridge.core.records.Record``)."""
        return self.reading_id

    @property
    def start(self) -> int:
        """The instant at which it was taken, in UTC seconds."""
        return self.taken_at

    @property
    def end(self) -> None:
        """A reading has no duration."""

    @property
    def zone(self) -> str | None:
        """The zone in which it was taken."""
        return self.timezone

    @property
    def values(self) -> tuple[Measurement, ...]:
        """All values: those of the whole body, then those of its parts."""
        return (*self.measurements, *self.segments)

    @property
    def attributes(self) -> dict[str, str]:
        """Device and model, as far as they are known."""
        known = {"device": self.device, "model": self.model}
        return {name: text for name, text in known.items() if text}

    def get(self, code: int) -> Decimal | None:
        """The exact value of one type, or None. Absent is never zero."""
        for measurement in self.measurements:
            if measurement.type_code == code:
                return measurement.value
        return None

"""The two FIT messages that we write, as rows of integers ready for the wire.

Numbers, base types and scales are those of the FIT profile (docs/reference/garmin.md#messages).
A row holds what goes into the file: ``weight=6575`` is 65.75 kg. ``WeightRow.of`` and
``PressureRow.of`` make rows from exact values; they round half up and refuse what does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

import msgspec

from weighbridge.core.errors import Refused

FIT_EPOCH = 631_065_600
"""1989-12-31T00:00:00Z, where FIT begins to count seconds."""

FIRST_INSTANT = FIT_EPOCH + 0x10000000
"""1998-07-03T21:24:16Z. Smaller time stamps mean "since the device was switched on"."""

LAST_INSTANT = FIT_EPOCH + 0xFFFFFFFE

LARGEST_WEIGHT = Decimal("655.33")
"""In kg. The next number means "the scale is still calculating"."""


class BaseType(msgspec.Struct, frozen=True):
    """How a number lies in the file."""

    code: int
    size: int
    letter: str
    """The letter of the ``struct`` module."""
    invalid: int
    """Means "no value"; everything below it is a value."""


ENUM = BaseType(0x00, 1, "B", 0xFF)
UINT8 = BaseType(0x02, 1, "B", 0xFF)
UINT16 = BaseType(0x84, 2, "H", 0xFFFF)
UINT32 = BaseType(0x86, 4, "I", 0xFFFFFFFF)
UINT32Z = BaseType(0x8C, 4, "I", 0)


class Field(msgspec.Struct, frozen=True):
    """One column of a message. The number on the wire is the physical value times ``scale``."""

    name: str
    number: int
    base: BaseType
    scale: int = 1


class FitMessage(msgspec.Struct, frozen=True):
    """One message of the profile, with the columns that we use, in the order we write them."""

    name: str
    number: int
    file_type: int
    fields: tuple[Field, ...]


TIMESTAMP = Field("timestamp", 253, UINT32)

WEIGHT_SCALE = FitMessage(
    name="weight_scale",
    number=30,
    file_type=9,
    fields=(
        TIMESTAMP,
        Field("weight", 0, UINT16, 100),
        Field("percent_fat", 1, UINT16, 100),
        Field("percent_hydration", 2, UINT16, 100),
        Field("bone_mass", 4, UINT16, 100),
        Field("muscle_mass", 5, UINT16, 100),
        Field("basal_met", 7, UINT16, 4),
        Field("metabolic_age", 10, UINT8),
        Field("visceral_fat_rating", 11, UINT8),
        Field("bmi", 13, UINT16, 10),
    ),
)

BLOOD_PRESSURE = FitMessage(
    name="blood_pressure",
    number=51,
    file_type=14,
    fields=(
        TIMESTAMP,
        Field("systolic", 0, UINT16),
        Field("diastolic", 1, UINT16),
        Field("heart_rate", 6, UINT8),
    ),
)

_WEIGHT_FIELDS = {field.name: field for field in WEIGHT_SCALE.fields}
_PRESSURE_FIELDS = {field.name: field for field in BLOOD_PRESSURE.fields}


class WeightRow(msgspec.Struct, frozen=True, gc=False):
    """One weigh-in on the wire. The order of the fields is that of ``WEIGHT_SCALE``."""

    timestamp: int
    weight: int
    percent_fat: int | None = None
    percent_hydration: int | None = None
    bone_mass: int | None = None
    muscle_mass: int | None = None
    basal_met: int | None = None
    metabolic_age: int | None = None
    visceral_fat_rating: int | None = None
    bmi: int | None = None

    @classmethod
    def of(cls, taken_at: int, weight: Decimal, **values: Decimal | None) -> Self:
        """A row from exact values: kg, percent, kcal a day, years, kg/m².

        ``taken_at`` counts seconds since 1970. Raises ``Refused`` for a weight that is not above
        zero or above 655.33 kg, and for every value that its field cannot hold.
        """
        if not 0 < weight <= LARGEST_WEIGHT:
            raise Refused(code="fit.weight")
        grams_10 = _on_the_wire(_WEIGHT_FIELDS["weight"], weight)
        if grams_10 == 0:
            raise Refused(code="fit.light")
        return cls(_timestamp(taken_at), grams_10, **_columns(_WEIGHT_FIELDS, values))

    @property
    def taken_at(self) -> int:
        """Seconds since 1970."""
        return self.timestamp + FIT_EPOCH


class PressureRow(msgspec.Struct, frozen=True, gc=False):
    """One blood-pressure reading on the wire. The order of the fields is ``BLOOD_PRESSURE``'s."""

    timestamp: int
    systolic: int
    diastolic: int
    heart_rate: int | None = None

    @classmethod
    def of(
        cls,
        taken_at: int,
        systolic: Decimal,
        diastolic: Decimal,
        heart_rate: Decimal | None = None,
    ) -> Self:
        """A row from exact values: mmHg and beats a minute. Raises ``Refused`` like WeightRow."""
        if not (systolic > 0 and diastolic > 0):
            raise Refused(code="fit.pressure")
        values = {"systolic": systolic, "diastolic": diastolic, "heart_rate": heart_rate}
        return cls(_timestamp(taken_at), **_columns(_PRESSURE_FIELDS, values))

    @property
    def taken_at(self) -> int:
        """Seconds since 1970."""
        return self.timestamp + FIT_EPOCH


type Row = WeightRow | PressureRow


def _columns(fields: Mapping[str, Field], values: Mapping[str, Decimal | None]) -> dict[str, int]:
    return {
        name: _on_the_wire(fields[name], value)
        for name, value in values.items()
        if value is not None
    }


def _on_the_wire(field: Field, value: Decimal) -> int:
    # The comparison comes first: a wild exponent would make an integer of a million digits.
    if 0 <= value < field.base.invalid:
        number = int((value * field.scale).to_integral_value(ROUND_HALF_UP))
        if number < field.base.invalid:
            return number
    raise Refused(code="fit.value", field=field.name)


def _timestamp(taken_at: int) -> int:
    if not FIRST_INSTANT <= taken_at <= LAST_INSTANT:
        raise Refused(code="fit.time")
    return taken_at - FIT_EPOCH

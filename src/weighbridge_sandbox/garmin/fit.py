"""Reads uploaded FIT files as strictly as Garmin might (docs/reference/garmin.md#fit-files).

A file that breaks one rule is refused as a whole, and the reason is written down: the real
service only ever says "The file is of a type we do not support."
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from fitdecode.records import FitDataMessage

EPOCH = 631_065_600
"""FIT time 0 in Unix time: 1989-12-31T00:00:00Z."""
MOST_ROWS = 1000
"""Above this Garmin answers 504 (XiaoSiHwang/garmin-weight-sync#8)."""

_FILE_ID, _WEIGHT_SCALE, _BLOOD_PRESSURE = 0, 30, 51
_TYPE, _TIMESTAMP = 0, 253
_WEIGHT_FILE, _BLOOD_PRESSURE_FILE = 9, 14
_STILL_CALCULATING = 0xFFFE

_COLUMNS = {
    0: ("weight_kg", 100),
    1: ("fat_percent", 100),
    2: ("water_percent", 100),
    3: ("visceral_fat_kg", 100),
    4: ("bone_kg", 100),
    5: ("muscle_kg", 100),
    7: ("basal_kcal", 4),
    8: ("physique_rating", 1),
    9: ("active_kcal", 4),
    10: ("metabolic_age_years", 1),
    11: ("visceral_fat_rating", 1),
    13: ("bmi", 10),
}
"""Field number of ``weight_scale`` → our name and the scale (docs/reference/garmin.md#messages)."""

VALUES = tuple(name for name, _ in _COLUMNS.values())
"""Every value that a weigh-in may have."""


class FitRuleError(Exception):
    """The file breaks a rule. ``too_big``: it is right but more than Garmin can digest."""

    def __init__(self, reason: str, *, too_big: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.too_big = too_big


class WeightRow(msgspec.Struct, frozen=True):
    """One weigh-in of a file: Unix seconds, and the values exactly as they were encoded."""

    taken_at: int
    values: dict[str, Decimal]


class FitFile(msgspec.Struct, frozen=True):
    """What a file holds. ``blood_pressures`` are counted and, as at Garmin, never seen again."""

    rows: tuple[WeightRow, ...]
    blood_pressures: int


def read_fit(content: bytes) -> FitFile:
    """Decode and judge one file. Raises FitRuleError, and ImportError without ``fitdecode``."""
    messages = list(_messages(content))
    if not messages or messages[0].global_mesg_num != _FILE_ID:
        raise FitRuleError("the first message is not file_id")
    if sum(message.global_mesg_num == _FILE_ID for message in messages) > 1:
        raise FitRuleError("there is more than one file_id")
    kind = _raw(messages[0], _TYPE)
    if kind not in (_WEIGHT_FILE, _BLOOD_PRESSURE_FILE):
        raise FitRuleError(f"the file type is {kind}, not 9 (weight) or 14 (blood pressure)")
    _check_order(messages[1:])
    rows = tuple(_row(m) for m in messages if m.global_mesg_num == _WEIGHT_SCALE)
    pressures = sum(m.global_mesg_num == _BLOOD_PRESSURE for m in messages)
    _check_contents(kind, len(rows), pressures)
    return FitFile(rows, pressures)


def _messages(content: bytes) -> Iterator[FitDataMessage]:
    """Every data message, raw. Checks header, definitions and CRC on the way."""
    import fitdecode  # an extra, and heavy

    headers = 0
    try:
        with fitdecode.FitReader(
            content,
            processor=None,
            check_crc=fitdecode.CrcCheck.RAISE,
            error_handling=fitdecode.ErrorHandling.RAISE,
        ) as frames:
            for frame in frames:
                headers += frame.frame_type == fitdecode.FIT_FRAME_HEADER
                if frame.frame_type == fitdecode.FIT_FRAME_DATA:
                    yield frame
    except Exception as error:  # a broken file also makes fitdecode fail an assertion
        raise FitRuleError(f"this is no FIT file: {error}") from error
    if headers != 1:
        raise FitRuleError(
            "this is no FIT file: it is empty" if not headers else "two files in one"
        )


def _raw(message: FitDataMessage, number: int) -> int | None:
    """The number on the wire, or None when the field is missing or holds the invalid pattern."""
    for field in message.fields:
        if field.def_num != number or field.raw_value is None:
            continue
        if not isinstance(field.raw_value, int):
            raise FitRuleError(f"field {number} of {message.name} is not a whole number")
        return field.raw_value
    return None


def _check_order(messages: list[FitDataMessage]) -> None:
    last = 0
    for message in messages:
        taken_at = _raw(message, _TIMESTAMP)
        if taken_at is None:
            continue
        if taken_at < last:
            raise FitRuleError("the time stamps do not ascend")
        last = taken_at


def _row(message: FitDataMessage) -> WeightRow:
    """One weigh-in. A row with nothing but a time sinks the file (withings-sync#97)."""
    taken_at, weight = _raw(message, _TIMESTAMP), _raw(message, 0)
    if taken_at is None:
        raise FitRuleError("a weigh-in has no time stamp")
    if not weight or weight == _STILL_CALCULATING:
        raise FitRuleError(f"the weigh-in of {taken_at + EPOCH} has no weight")
    values = {
        name: Decimal(raw) / scale
        for number, (name, scale) in _COLUMNS.items()
        if (raw := _raw(message, number)) is not None
    }
    return WeightRow(taken_at + EPOCH, values)


def _check_contents(kind: int, rows: int, pressures: int) -> None:
    if rows > MOST_ROWS:
        raise FitRuleError(f"{rows} weigh-ins in one file", too_big=True)
    if rows and pressures:
        raise FitRuleError("weight and blood pressure in one file")
    if rows and kind != _WEIGHT_FILE:
        raise FitRuleError(f"weigh-ins in a file of type {kind}")
    if not rows and not pressures:
        raise FitRuleError("there is nothing in the file")

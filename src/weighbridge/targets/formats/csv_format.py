"""CSV after RFC 4180: UTF-8, commas, lines that end in CR LF, one line a reading.

The columns never move: ``id``, ``taken_at`` (UTC), ``local_time``, ``timezone``, ``kind``,
``device``, then one for every named measure type in the order of its Withings number, as name
and unit (``weight_kg``), then ``bmi`` and ``water_percent`` (rounded to one decimal), and last
``other``. Values have exactly the digits that Withings sent; what was not measured is empty.

``other`` holds types without a name and values of body parts, separated by semicolons:
``type_999=1.5;segment_fat_mass_kg[left_arm]=1.234``.

A spreadsheet takes text that begins with ``=``, ``+``, ``-`` or ``@`` for a formula. Text that
comes from the cloud and begins so gets an apostrophe in front.
"""

from __future__ import annotations

import re
from decimal import Decimal

from weighbridge.core.measures import Measurement, MeasureType, Reading, field_name
from weighbridge.targets.formats.render_context import (
    Owner,
    bmi,
    instant,
    number,
    one_decimal,
    part_name,
    water_percent,
)

SUFFIX = ".csv"

_SEGMENT_TYPES = frozenset(
    {
        MeasureType.SEGMENT_FAT_FREE_MASS,
        MeasureType.SEGMENT_FAT_MASS,
        MeasureType.SEGMENT_MUSCLE_MASS,
    }
)
_SCALARS = tuple(int(code) for code in sorted(MeasureType) if code not in _SEGMENT_TYPES)
_NAMED = frozenset(_SCALARS)

COLUMNS = (
    "id",
    "taken_at",
    "local_time",
    "timezone",
    "kind",
    "device",
    *(field_name(code) for code in _SCALARS),
    "bmi",
    "water_percent",
    "other",
)
LINE_END = b"\r\n"
HEADER = ",".join(COLUMNS).encode() + LINE_END

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_NEEDS_QUOTES = re.compile(r'[",]')
_FORMULA = ("=", "+", "-", "@")


def encode(reading: Reading, owner: Owner) -> bytes:
    """One line. Raises ``Refused`` when the time of the reading is in no calendar."""
    moment = instant(reading, owner)
    values = {m.type_code: number(m) for m in reversed(reading.measurements)}
    cells = (
        _quoted(_plain(reading.reading_id)),
        moment.utc,
        moment.local,
        _text(moment.timezone),
        _text(reading.kind),
        _text(reading.model or ""),
        *(values.get(code, "") for code in _SCALARS),
        _rounded(bmi(reading, owner.height_m)),
        _rounded(water_percent(reading)),
        _quoted(";".join(_others(reading))),
    )
    return ",".join(cells).encode() + LINE_END


def read_id(line: bytes) -> str | None:
    """The id of the reading in a line; None for the header and for an empty line."""
    text = line.decode("utf-8-sig", "replace").rstrip("\r\n")
    first = _cells(text)[0] if text.startswith('"') else text.partition(",")[0]
    return first if first and first != COLUMNS[0] else None


def is_whole(line: bytes) -> bool:
    """A line is complete when it has all columns."""
    return len(_cells(line.decode("utf-8-sig", "replace").rstrip("\r\n"))) == len(COLUMNS)


def _rounded(value: Decimal | None) -> str:
    return "" if value is None else one_decimal(value)


def _others(reading: Reading) -> list[str]:
    unnamed = [m for m in reading.measurements if m.type_code not in _NAMED]
    return [
        *(f"{field_name(m.type_code)}={number(m)}" for m in unnamed),
        *(f"{_segment_name(m)}={number(m)}" for m in reading.segments),
    ]


def _segment_name(segment: Measurement) -> str:
    return f"{field_name(segment.type_code)}[{part_name(segment.position)}]"


def _text(text: str) -> str:
    """Text from outside: it can neither break the line nor become a formula."""
    text = _plain(text)
    return _quoted(f"'{text}" if text.lstrip().startswith(_FORMULA) else text)


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _quoted(text: str) -> str:
    if not _NEEDS_QUOTES.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _cells(text: str) -> list[str]:
    from csv import Error, reader

    try:
        return next(reader([text], strict=True), [""])
    except Error:
        return [""]

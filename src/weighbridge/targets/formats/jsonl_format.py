"""JSON lines: one object a reading, in UTF-8, one a line.

Always there, in this order:

``id``             text: the reading, the same for ever
``person``         text
``kind``           ``body``, ``blood_pressure``, or a kind that is added later
``taken_at``       the instant in UTC: ``2025-10-09T08:53:20Z``
``local_time``     the same instant where the person is: ``2025-10-09T10:53:20+02:00``
``timezone``       the IANA zone of ``local_time``: the configured one, else the measurement's
                   own, else ``UTC``
``device``         text or null: the model of the device
``source_groups``  numbers: the Withings measure groups that the reading was made of

Then what was measured, in the order of the Withings types, each as name and unit
(``weight_kg``, ``fat_ratio_percent``, ``systolic_mmhg``) with exactly the digits that Withings
sent; a type without a name is ``type_<n>``. What was not measured is left out. Then, when they
can be computed, ``bmi`` and ``water_percent``, rounded to one decimal. Last and always there:

``segments``       objects with ``name``, ``position`` (a number or null), ``part``, ``value``,
                   ``unit``: values of parts of the body

Keys may be added; none changes its meaning.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from weighbridge.core.measures import Measurement, Reading, field_name, type_name, unit_of
from weighbridge.targets.formats.render_context import (
    Owner,
    bmi,
    instant,
    number,
    one_decimal,
    part_name,
    water_percent,
)

HEADER = b""
LINE_END = b"\n"
SUFFIX = ".json"

_START = b'{"id":"'


class _Head(msgspec.Struct):
    """The beginning of every line, in this order."""

    id: str
    person: str
    kind: str
    taken_at: str
    local_time: str
    timezone: str
    device: str | None
    source_groups: tuple[int, ...]


class _Identified(msgspec.Struct):
    id: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Identified)
_name = lru_cache(maxsize=512)(field_name)
_code = attrgetter("type_code")


def encode(reading: Reading, owner: Owner) -> bytes:
    """One line. Raises ``Refused`` when the time of the reading is in no calendar."""
    utc, local, timezone = instant(reading, owner)
    head = _Head(
        reading.reading_id,
        owner.name,
        reading.kind,
        utc,
        local,
        timezone,
        reading.model,
        reading.group_ids,
    )
    values = _values(reading, owner)
    # The numbers are put in as text: JSON knows no limit to their digits, floats do.
    pairs = "".join([f',"{name}":{value}' for name, value in values.items()])
    segments = _encoder.encode([_segment(segment) for segment in reading.segments])
    return b'%b%b,"segments":%b}\n' % (_encoder.encode(head)[:-1], pairs.encode(), segments)


def _values(reading: Reading, owner: Owner) -> dict[str, str]:
    """Name → number as text. Of a type that comes twice, the first counts."""
    values: dict[str, str] = {}
    for measurement in sorted(reading.measurements, key=_code):
        values.setdefault(_name(measurement.type_code), number(measurement))
    if (index := bmi(reading, owner.height_m)) is not None:
        values["bmi"] = one_decimal(index)
    if (water := water_percent(reading)) is not None:
        values["water_percent"] = one_decimal(water)
    return values


def read_id(line: bytes) -> str | None:
    """The id of the reading in a line, or None."""
    if line.startswith(_START):
        quoted, end, _ = line[len(_START) :].partition(b'"')
        if end and b"\\" not in quoted and quoted.isascii():
            return quoted.decode()
    return _decoded_id(line)


def is_whole(line: bytes) -> bool:
    """A line is complete when it is one JSON object with an id."""
    return _decoded_id(line) is not None


def _decoded_id(line: bytes) -> str | None:
    try:
        return _decoder.decode(line).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _segment(segment: Measurement) -> dict[str, Any]:
    return {
        "name": type_name(segment.type_code),
        "position": segment.position,
        "part": part_name(segment.position),
        "value": msgspec.Raw(number(segment).encode()),
        "unit": unit_of(segment.type_code),
    }

"""Rows to the bytes of a FIT file.

One kind of row a file, ``file_id`` first, rows in ascending time, columns that no row fills left
out, one definition (docs/reference/garmin.md#file-rules). The same rows give the same
bytes, in whatever order they come.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from weighbridge.core.errors import ConfigProblem, Refused
from weighbridge.targets.formats.fit.crc import crc16
from weighbridge.targets.formats.fit.fit_messages import (
    BLOOD_PRESSURE,
    ENUM,
    UINT16,
    UINT32,
    UINT32Z,
    WEIGHT_SCALE,
    Field,
    FitMessage,
    PressureRow,
    Row,
    WeightRow,
)

FILE_ID = 0
FILE_ID_FIELDS = (
    Field("type", 0, ENUM),
    Field("manufacturer", 1, UINT16),
    Field("product", 2, UINT16),
    Field("serial_number", 3, UINT32Z),
    Field("time_created", 4, UINT32),
)

HEADER = struct.Struct("<BBHI4s")
PROTOCOL_VERSION = 0x10
PROFILE_VERSION = 2100
DEFINITION = 0x40
"""This bit of a record's first byte says that the record defines a local message type."""
FILE_ID_LOCAL, ROW_LOCAL = 0, 1


def encode_weights(
    rows: Sequence[WeightRow], *, manufacturer: int | None, product: int | None, serial: int
) -> bytes:
    """A file of type weight (9). ``manufacturer`` or ``product`` None: none is named.

    Raises ``Refused`` without rows and ``ConfigProblem`` for an identity that FIT cannot hold.
    """
    return _encode(WEIGHT_SCALE, rows, _identity(manufacturer, product, serial))


def encode_pressures(
    rows: Sequence[PressureRow], *, manufacturer: int | None, product: int | None, serial: int
) -> bytes:
    """A file of type blood pressure (14); otherwise like ``encode_weights``."""
    return _encode(BLOOD_PRESSURE, rows, _identity(manufacturer, product, serial))


def _identity(manufacturer: int | None, product: int | None, serial: int) -> tuple[int, int, int]:
    if not 0 < serial <= 0xFFFFFFFF:
        raise ConfigProblem(code="fit.serial")
    return _code("manufacturer", manufacturer), _code("product", product), serial


def _code(name: str, number: int | None) -> int:
    if number is None:
        return UINT16.invalid
    if not 0 <= number < UINT16.invalid:
        raise ConfigProblem(code="fit.code", name=name)
    return number


def _encode(message: FitMessage, rows: Sequence[Row], identity: tuple[int, int, int]) -> bytes:
    if not rows:
        raise Refused(code="fit.empty")
    fields, numbers = _filled(message, rows)
    newest = numbers[-1][0]
    pack = packer(fields).pack
    records = b"".join(
        (
            definition(FILE_ID_LOCAL, FILE_ID, FILE_ID_FIELDS),
            packer(FILE_ID_FIELDS).pack(FILE_ID_LOCAL, message.file_type, *identity, newest),
            definition(ROW_LOCAL, message.number, fields),
            *(pack(ROW_LOCAL, *row) for row in numbers),
        )
    )
    return _framed(records)


def _filled(message: FitMessage, rows: Sequence[Row]) -> tuple[list[Field], list[tuple[int, ...]]]:
    """The columns that some row fills, and the rows as plain numbers in ascending time.

    Column by column is several times quicker than row by row.
    """
    fields: list[Field] = []
    columns: list[list[int]] = []
    for field in message.fields:
        column = [getattr(row, field.name) for row in rows]
        if any(number is not None for number in column):
            invalid = field.base.invalid
            fields.append(field)
            columns.append([invalid if number is None else number for number in column])
    return fields, sorted(zip(*columns, strict=True))


def definition(local: int, number: int, fields: Sequence[Field]) -> bytes:
    """The record that says how the data records of one local type are laid out."""
    head = struct.pack("<BBBHB", DEFINITION | local, 0, 0, number, len(fields))
    return head + b"".join(
        bytes((field.number, field.base.size, field.base.code)) for field in fields
    )


def packer(fields: Iterable[Field]) -> struct.Struct:
    """One data record: its local type, then the fields."""
    return struct.Struct("<B" + "".join(field.base.letter for field in fields))


def _framed(records: bytes) -> bytes:
    head = HEADER.pack(14, PROTOCOL_VERSION, PROFILE_VERSION, len(records), b".FIT")
    content = head + struct.pack("<H", crc16(head)) + records
    return content + struct.pack("<H", crc16(content))

"""Rows to the bytes of a FIT file, and back.

One kind of row a file, ``file_id`` first, rows in ascending time, columns that no row fills left
out, one definition (docs/reference/garmin.md#file-rules). The same rows give the same bytes, in
whatever order they come. Reading refuses everything that we never write (other messages, other
columns, other layouts, a wrong check sum), so that merging rows into a file loses nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import msgspec

from weighbridge.core.errors import ConfigProblem, Refused
from weighbridge.targets.formats.fit_messages import (
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


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_TABLE = tuple(_remainder(byte) for byte in range(256))


def crc16(content: bytes, start: int = 0) -> int:
    """The check sum of ``content``, continued from ``start``."""
    crc = start
    table = _TABLE
    for byte in content:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


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


HEADER_SIZE = 14
CRC_SIZE = 2
DEFINITION_SIZE = 6
"""Bytes of a definition record before its fields, of which each takes ``FIELD_SIZE``."""
FIELD_SIZE = 3


def read_weights(content: bytes) -> list[WeightRow]:
    """The rows of a weight file, in ascending time. Raises ``Refused`` for anything else."""
    return _read(WEIGHT_SCALE, WeightRow, content)


def read_pressures(content: bytes) -> list[PressureRow]:
    """The rows of a blood-pressure file. Raises ``Refused`` for anything else."""
    return _read(BLOOD_PRESSURE, PressureRow, content)


def _read[R: Row](message: FitMessage, row: type[R], content: bytes) -> list[R]:
    fields, rest = _definition(message, _after_file_id(message, _unframed(content)))
    record = packer(fields)
    if not rest or len(rest) % record.size:
        raise _not_ours("it ends in the middle of a row")
    columns = [_columns(fields, numbers) for numbers in record.iter_unpack(rest)]
    try:
        return msgspec.convert(columns, list[row])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise _not_ours("a row lacks what every row has") from error


def _unframed(content: bytes) -> bytes:
    """The records between header and check sum."""
    if len(content) < HEADER_SIZE + CRC_SIZE:
        raise _not_ours("it is too short")
    head, records = content[:HEADER_SIZE], content[HEADER_SIZE:-CRC_SIZE]
    ours = HEADER.pack(HEADER_SIZE, PROTOCOL_VERSION, PROFILE_VERSION, len(records), b".FIT")
    if head[:-CRC_SIZE] != ours:
        raise _not_ours("its header or its length is not the one that we write")
    # The check sum of anything together with its own check sum is zero.
    if crc16(head) or crc16(content):
        raise _not_ours("its check sum is wrong")
    return records


def _after_file_id(message: FitMessage, records: bytes) -> bytes:
    start = definition(FILE_ID_LOCAL, FILE_ID, FILE_ID_FIELDS)
    record = packer(FILE_ID_FIELDS)
    end = len(start) + record.size
    if not records.startswith(start) or len(records) < end:
        raise _not_ours("it does not begin with our file_id")
    local, file_type, *_ = record.unpack_from(records, len(start))
    if (local, file_type) != (FILE_ID_LOCAL, message.file_type):
        raise _not_ours(f"its type is not {message.file_type} ({message.name})")
    return records[end:]


def _definition(message: FitMessage, records: bytes) -> tuple[list[Field], bytes]:
    """The columns of the file and what follows their definition."""
    if len(records) < DEFINITION_SIZE or records[0] != DEFINITION | ROW_LOCAL:
        raise _not_ours("it does not define its rows")
    end = DEFINITION_SIZE + FIELD_SIZE * records[DEFINITION_SIZE - 1]
    numbers = set(records[DEFINITION_SIZE:end:FIELD_SIZE])
    fields = [field for field in message.fields if field.number in numbers]
    if records[:end] != definition(ROW_LOCAL, message.number, fields):
        raise _not_ours("its columns are not the ones that we write")
    return fields, records[end:]


def _columns(fields: list[Field], numbers: tuple[int, ...]) -> dict[str, int]:
    local, *values = numbers
    if local != ROW_LOCAL:
        raise _not_ours("it holds other records than rows")
    return {
        field.name: value
        for field, value in zip(fields, values, strict=True)
        if value != field.base.invalid
    }


def _not_ours(why: str) -> Refused:
    return Refused(code="fit.foreign", detail=why)

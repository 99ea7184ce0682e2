"""Read back the FIT files that ``fit.encoder`` wrote, and no others.

Whoever merges new rows into a file must be sure that nothing in it gets lost. So everything
that we never write is refused: other messages, other columns, other layouts, a wrong check sum.
"""

from __future__ import annotations

import msgspec

from weighbridge.core.errors import Refused
from weighbridge.targets.formats.fit.crc import crc16
from weighbridge.targets.formats.fit.fit_encoder import (
    DEFINITION,
    FILE_ID,
    FILE_ID_FIELDS,
    FILE_ID_LOCAL,
    HEADER,
    PROFILE_VERSION,
    PROTOCOL_VERSION,
    ROW_LOCAL,
    definition,
    packer,
)
from weighbridge.targets.formats.fit.fit_messages import (
    BLOOD_PRESSURE,
    WEIGHT_SCALE,
    Field,
    FitMessage,
    PressureRow,
    Row,
    WeightRow,
)

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

"""The check sum of FIT files: CRC-16, reflected polynomial 0xA001, start 0, no final xor
(docs/reference/garmin.md#layout). Garmin answers a wrong one with "a type we do not support".
"""

from __future__ import annotations


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

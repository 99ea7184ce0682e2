"""Text as TOML."""

from __future__ import annotations


def quote(text: str) -> str:
    """A TOML basic string for any text (https://toml.io/en/v1.0.0#string)."""
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if ord(char) < 0x20 or ord(char) == 0x7F:
        return f"\\u{ord(char):04x}"
    return char

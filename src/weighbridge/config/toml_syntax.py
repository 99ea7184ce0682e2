"""Parsing TOML. A broken statement is reported and left out, so that the rest of the file is still
checked and all mistakes are reported at once.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from weighbridge.config.table_reader import ConfigDocument
from weighbridge.config.toml_lines import Statement

_MOST = 20  # broken statements; after so many the file is no TOML at all
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_OPEN_END = ("Unclosed", "Unterminated", "Expected '")
_REMEDIES = {
    "Invalid value": 'Text needs quotation marks: key = "text".',
    "Expected '=' after a key": "Write key = value.",
    "Illegal character '\\n'": "Close the quotation marks.",
    "Unterminated string": "Close the quotation marks.",
    "Unescaped '\\'": "Write paths with / or in 'single quotes'.",
    "Cannot overwrite a value": "The key is there twice: keep one.",
    "Cannot declare": "The table is there twice: put its keys together.",
    "Expected ']' at the end of a table": "Close the brackets.",
    "Unclosed array": "Close the list with ].",
}


def parse(document: ConfigDocument, text: str) -> dict[str, Any]:
    """The document, as far as it can be understood. Marks the document when parts are left out."""
    for _ in range(_MOST):
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            message = str(error)
        except RecursionError:
            message = "Nested too deeply (at line 1, column 1)"
        document.is_whole = False
        broken = _report(document, message)
        shorter = _without(text, broken)
        if shorter == text:
            break
        text = shorter
    return {}


def _report(document: ConfigDocument, message: str) -> Statement | None:
    """Report a syntax error at its line and return the statement around it."""
    place = _PLACE.search(message)
    sentence = _PLACE.sub("", message)
    last = document.lines.statements[-1].last if document.lines.statements else 1
    line = int(place.group(1)) if place and place.group(1) else last
    broken = document.lines.statement(line)
    if broken and sentence.startswith(_OPEN_END):
        line = broken.first
    elif broken and broken.first < line:
        sentence += f" (in the value that begins on line {broken.first})"
    remedy = next(
        (text for start, text in _REMEDIES.items() if sentence.startswith(start)),
        "See https://toml.io for how values are written.",
    )
    document.report(line, "", f"This is no TOML: {sentence}.", remedy)
    return broken


def _without(text: str, broken: Statement | None) -> str:
    """The text with a statement made empty; all lines keep their numbers.

    What follows a broken header belongs to an unknown table, so it is left out too.
    """
    if broken is None:
        return ""
    lines = text.split("\n")
    end = len(lines) if broken.is_header else broken.last
    lines[broken.first - 1 : end] = [""] * (end - broken.first + 1)
    return "\n".join(lines)

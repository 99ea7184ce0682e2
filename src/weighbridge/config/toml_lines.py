"""The line of each key in a TOML text, and what is broken in it. ``tomllib`` reads values, forgets
positions and stops at the first error; so the text is cut into statements that it reads one by one.

A key path is a tuple of names and list positions: ``("person", 0, "target", 1, "path")``.
TOML 1.0, https://toml.io/en/v1.0.0, sections "Keys", "Table" and "Array of Tables".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

KeyPath = tuple[str | int, ...]

_CLOSING = re.compile(r"\]|\"\"\"|'''")
"""A line without one of these ends no statement that began above it."""
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


class Statement(NamedTuple):
    """A header or a ``key = value`` with the lines it covers, both counted from 1."""

    first: int
    last: int
    is_header: bool


class TomlLines:
    """The statements of one text, and the lines of its keys. A broken statement has no keys."""

    def __init__(self, text: str) -> None:
        self.statements: list[Statement] = []
        self._lines: dict[KeyPath, int] = {}
        self._tables: dict[KeyPath, int] = {}
        """Array of tables → how many of its tables were opened so far."""
        rows, table = text.split("\n"), KeyPath()
        following = 0
        while following < len(rows):
            first = following
            following += 1
            if not rows[first].strip() or rows[first].lstrip().startswith("#"):
                continue
            content, following = _read_statement(rows, first)
            statement = Statement(first + 1, following, rows[first].lstrip().startswith("["))
            self.statements.append(statement)
            if statement.is_header:
                table = self._open_table(content, statement.first)
            else:
                self._note(table, content, statement.first)

    def line(self, path: KeyPath) -> int | None:
        """The line of a key, or of the nearest table around it; None for the text as a whole."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path)

    def statement(self, line: int) -> Statement | None:
        """The statement that covers a line, or None."""
        covering = (found for found in self.statements if found.first <= line <= found.last)
        return next(covering, None)

    def _open_table(self, content: Any, line: int) -> KeyPath:
        """Note a header, read as ``{"a": {"b": {}}}`` or ``{"a": {"b": [{}]}}``; its path.

        Inside an array of tables a name means the table that was opened last.
        """
        path = KeyPath()
        while content:
            [(name, content)] = content.items()
            path = (*path, name)
            self._lines.setdefault(path, line)
            if isinstance(content, list):
                self._tables[path] = self._tables.get(path, 0) + 1
                content = {}
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
                self._lines.setdefault(path, line)
        return path

    def _note(self, path: KeyPath, value: Any, line: int) -> None:
        """Note each key of a value. All that stands in one statement is on its first line."""
        if path:
            self._lines.setdefault(path, line)
        if isinstance(value, dict):
            for name, inner in value.items():
                self._note((*path, name), inner, line)
        elif isinstance(value, list):
            for position, inner in enumerate(value):
                self._note((*path, position), inner, line)


def _read_statement(rows: list[str], first: int) -> tuple[dict[str, Any], int]:
    """The content of the statement that begins in a row, and the row that follows it.

    It ends where ``tomllib`` understands it. One that is broken has no content; when a header seems
    to stand inside it, it goes on to the end, for nobody knows whose keys follow.
    """
    import tomllib

    for last in range(first, len(rows)):
        if last > first and not _CLOSING.search(rows[last]):
            continue
        text = "\n".join(rows[first : last + 1]) + "\n"
        try:
            return tomllib.loads(text), last + 1
        except RecursionError:
            return {}, last + 1
        except tomllib.TOMLDecodeError as error:
            if not str(error).endswith("end of document)"):
                inside = rows[first + 1 : last + 1]
                hides = any(row.lstrip().startswith("[") for row in inside)
                return {}, len(rows) if hides else last + 1
    return {}, len(rows)


def parse(
    text: str, lines: TomlLines, report: Callable[[int, str, str, str], None]
) -> tuple[dict[str, Any], bool]:
    """The content of a text as far as it can be understood, and whether that is all of it.

    What is broken is reported (line, no key, sentence, remedy) and left out, so that the rest is
    still checked and all mistakes are reported at once.
    """
    import tomllib

    is_whole = True
    for _ in range(_MOST):
        try:
            return tomllib.loads(text), is_whole
        except tomllib.TOMLDecodeError as error:
            message = str(error)
        except RecursionError:
            message = "Nested too deeply (at line 1, column 1)"
        is_whole = False
        line, broken, sentence, remedy = _explain(message, lines)
        report(line, "", f"This is no TOML: {sentence}.", remedy)
        shorter = _without(text, broken)
        if shorter == text:
            break
        text = shorter
    return {}, False


def _explain(message: str, lines: TomlLines) -> tuple[int, Statement | None, str, str]:
    """The line of an error, the statement around it, what is wrong and a remedy."""
    place = _PLACE.search(message)
    sentence = _PLACE.sub("", message)
    last = lines.statements[-1].last if lines.statements else 1
    line = int(place.group(1)) if place and place.group(1) else last
    broken = lines.statement(line)
    if broken and sentence.startswith(_OPEN_END):
        line = broken.first
    elif broken and broken.first < line:
        sentence += f" (in the value that begins on line {broken.first})"
    remedies = (text for start, text in _REMEDIES.items() if sentence.startswith(start))
    return line, broken, sentence, next(remedies, "See https://toml.io for how values are written.")


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

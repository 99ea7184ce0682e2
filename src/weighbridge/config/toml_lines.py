"""The line of each key in a TOML text. ``tomllib`` reads values but forgets positions.

A key path is a tuple of names and list positions: ``("person", 0, "target", 1, "path")``.
The text may be broken: what cannot be understood is skipped, and nothing is ever raised.
TOML 1.0, https://toml.io/en/v1.0.0, sections "Keys", "Table" and "Array of Tables".
"""

from __future__ import annotations

import re
from typing import NamedTuple

KeyPath = tuple[str | int, ...]

_STRINGS = {  # the long quotes first: two of the short ones are an empty string
    '"""': re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL),
    "'''": re.compile(r"'''(?:[^']|'(?!''))*'{3,5}"),
    '"': re.compile(r'"(?:[^"\\\n]|\\[^\n])*"'),
    "'": re.compile(r"'[^'\n]*'"),
}
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]*")
_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_DEEPEST = 50  # levels; a broken text must not exhaust the stack


class Statement(NamedTuple):
    """A header or a ``key = value`` with the lines it covers, both counted from 1."""

    first: int
    last: int
    is_header: bool


class TomlLines:
    """The lines of all keys of one text."""

    def __init__(self, text: str) -> None:
        self.statements: list[Statement] = []
        self._text = text
        self._at = 0
        self._counted_to = 0
        self._line = 1
        self._lines: dict[KeyPath, int] = {}
        self._elements: dict[KeyPath, int] = {}
        self._read()

    def line(self, path: KeyPath) -> int | None:
        """The line of a key, or of the nearest table around it; None for the text as a whole."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path)

    def statement(self, line: int) -> Statement | None:
        """The statement that covers a line, or None."""
        covering = (found for found in self.statements if found.first <= line <= found.last)
        return next(covering, None)

    def _read(self) -> None:
        table: KeyPath = ()
        self._match(_GAP)
        while self._at < len(self._text):
            first, is_header = self._line_here(), self._text[self._at] == "["
            if is_header:
                table = self._header()
            else:
                self._pair(table)
            self._to_line_end()
            self.statements.append(Statement(first, self._line_here(), is_header))
            self._match(_GAP)

    def _header(self) -> KeyPath:
        in_list = self._text.startswith("[[", self._at)
        line = self._line_here()
        self._at += 2 if in_list else 1
        *around, last = self._key() or [""]
        path: KeyPath = ()
        for name in around:
            path = self._newest((*path, name))
            self._lines.setdefault(path, line)
        path = (*path, last)
        if in_list:
            self._lines.setdefault(path, line)
            self._elements[path] = self._elements.get(path, 0) + 1
        path = self._newest(path)
        self._lines.setdefault(path, line)
        return path

    def _newest(self, path: KeyPath) -> KeyPath:
        """Inside an array of tables a name means the table that was opened last."""
        count = self._elements.get(path)
        return path if count is None else (*path, count - 1)

    def _pair(self, table: KeyPath) -> None:
        """Read ``key = value`` and remember its line."""
        line = self._line_here()
        path = table
        for name in self._key():
            path = (*path, name)
            self._lines.setdefault(path, line)
        self._match(_SPACE)
        if self._text.startswith("=", self._at):
            self._at += 1
            self._match(_SPACE)
            self._value(path)

    def _key(self) -> list[str]:
        """The names of a dotted key, quotes removed; as many as can be understood."""
        names: list[str] = []
        while True:
            self._match(_SPACE)
            name = self._match_string()
            if name:
                names.append(_unquote(name))
            elif name := self._match(_BARE_KEY):
                names.append(name)
            else:
                return names
            self._match(_SPACE)
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _value(self, path: KeyPath) -> None:
        opening = self._text[self._at : self._at + 1]
        if opening == "[" and len(path) < _DEEPEST:
            self._elements_of_list(path)
        elif opening == "{" and len(path) < _DEEPEST:
            self._pairs_of_table(path)
        elif not self._match_string():
            self._match(_BARE_VALUE)

    def _elements_of_list(self, path: KeyPath) -> None:
        self._at += 1
        position = 0
        while self._inside("]"):
            self._lines.setdefault((*path, position), self._line_here())
            self._value((*path, position))
            position += 1
            self._after_element("]")

    def _pairs_of_table(self, path: KeyPath) -> None:
        self._at += 1
        while self._inside("}"):
            self._pair(path)
            self._after_element("}")

    def _inside(self, closing: str) -> bool:
        """Step to the next element; False at the closing bracket or the end of the text."""
        self._match(_GAP)
        if self._text.startswith(closing, self._at):
            self._at += 1
            return False
        return self._at < len(self._text)

    def _after_element(self, closing: str) -> None:
        """Skip the comma, or the character that is there instead."""
        self._match(_GAP)
        if not self._text.startswith(closing, self._at):
            self._at += 1

    def _to_line_end(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found.group()

    def _match_string(self) -> str:
        """A quoted string with its quotes; one that is never closed goes as far as it can."""
        start = self._at
        for opening, pattern in _STRINGS.items():
            if self._text.startswith(opening, start):
                if found := self._match(pattern):
                    return found
                if len(opening) == 3:
                    self._at = len(self._text)
                else:
                    self._to_line_end()
                return self._text[start : self._at]
        return ""

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line


def _unquote(name: str) -> str:
    if name.startswith("'") or "\\" not in name:
        return name[1:-1]
    import tomllib

    try:
        return next(iter(tomllib.loads(f"{name} = 0")))
    except tomllib.TOMLDecodeError:
        return name[1:-1]

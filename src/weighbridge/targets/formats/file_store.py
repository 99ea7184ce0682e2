"""Where readings are written: a file of lines, FIT files, or one file for each reading.

FIT has no place for the id of a reading. The reference of a row is its time and its value
(``1760000000:6575``), and a row is replaced only under that reference. So two readings of the
same second stay two, and a row that a person removed is simply written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from weighbridge.core.errors import Refused
from weighbridge.targets.base import Existing
from weighbridge.targets.formats.disk import (
    expect_file,
    expect_folder,
    make_folder,
    real_path,
    replace,
)
from weighbridge.targets.formats.fit_codec import read_pressures, read_weights
from weighbridge.targets.formats.fit_format import encode
from weighbridge.targets.formats.fit_messages import PressureRow, Row, WeightRow
from weighbridge.targets.formats.line_file import LineFile, LineFormat


class FileEntry(msgspec.Struct, frozen=True):
    """One reading, ready to be written."""

    reading_id: str
    taken_at: int
    content: bytes | Row
    previous: str | None = None
    """The reference under which an earlier revision was written."""


class Shelf(Protocol):
    """Writing twice changes nothing. Raises ``OSError`` as it comes, and ``RetryLater``."""

    def find(self, entries: Sequence[FileEntry]) -> dict[str, Existing]:
        """Reading id → its entry in the file; nothing for what is not there."""

    def write(self, entries: Sequence[FileEntry], written: dict[str, str]) -> None:
        """Write or replace; notes reading id → reference of what is safe on the disk."""


class LineShelf:
    """All readings in one file, a line each. The reference of a reading is its id."""

    def __init__(self, path: Path, form: LineFormat) -> None:
        self._file = LineFile(path, form)

    def find(self, entries: Sequence[FileEntry]) -> dict[str, Existing]:
        lines = _contents(entries)
        return {
            one: Existing(one, line == lines[one].rstrip(b"\r\n"))
            for one, line in self._file.find(lines).items()
        }

    def write(self, entries: Sequence[FileEntry], written: dict[str, str]) -> None:
        lines = _contents(entries)
        make_folder(self._file.path.parent)
        self._file.write(lines)
        written.update(zip(lines, lines, strict=True))


class FolderShelf:
    """One file for each reading, named by its id. The reference is the file name."""

    def __init__(self, folder: Path, suffix: str, header: bytes = b"") -> None:
        self._folder = folder
        self._suffix = suffix
        self._header = header

    def find(self, entries: Sequence[FileEntry]) -> dict[str, Existing]:
        expect_folder(self._folder)
        found = {}
        for entry in entries:
            path = self._path(entry)
            with suppress(FileNotFoundError):
                same = path.read_bytes() == self._whole(entry)
                found[entry.reading_id] = Existing(path.name, same)
        return found

    def write(self, entries: Sequence[FileEntry], written: dict[str, str]) -> None:
        existing = self.find(entries)
        make_folder(self._folder)
        for entry in entries:
            path = self._path(entry)
            if entry.reading_id not in existing or not existing[entry.reading_id].same:
                replace(real_path(path), [self._whole(entry)])
            written[entry.reading_id] = path.name

    def _path(self, entry: FileEntry) -> Path:
        return self._folder / f"{file_name(entry.reading_id)}{self._suffix}"

    def _whole(self, entry: FileEntry) -> bytes:
        if isinstance(entry.content, bytes):
            return self._header + entry.content
        return encode([entry.content])


def file_name(reading_id: str) -> str:
    """The id as a file name that every system allows; different ids stay different."""
    return "".join(
        sign if sign.isascii() and (sign.isalnum() or sign in "-_") else f"%{ord(sign):x}%"
        for sign in reading_id
    )


def _contents(entries: Iterable[FileEntry]) -> dict[str, bytes]:
    return {
        entry.reading_id: entry.content for entry in entries if isinstance(entry.content, bytes)
    }


def reference(row: Row) -> str:
    """How a row is found again: its time and its value."""
    if isinstance(row, WeightRow):
        return f"{row.taken_at}:{row.weight}"
    return f"{row.taken_at}:{row.systolic}/{row.diastolic}"


class FitShelf:
    """Weigh-ins in one file, blood pressure in a second one beside it: FIT never mixes them."""

    def __init__(self, path: Path) -> None:
        beside = path.with_name(f"{path.stem}.blood_pressure{path.suffix}")
        self._files = (FitFile(path, WeightRow), FitFile(beside, PressureRow))

    def find(self, entries: Sequence[FileEntry]) -> dict[str, Existing]:
        found: dict[str, Existing] = {}
        for file in self._files:
            found.update(file.find(entries))
        return found

    def write(self, entries: Sequence[FileEntry], written: dict[str, str]) -> None:
        for file in self._files:
            file.write(entries, written)


class FitFile:
    """One file with the rows of one kind; entries of the other kind are passed over."""

    def __init__(self, path: Path, kind: type[Row]) -> None:
        self._path = path
        self._kind = kind

    def find(self, entries: Sequence[FileEntry]) -> dict[str, Existing]:
        mine = self._mine(entries)
        if not mine:
            return {}
        try:
            rows = _Rows(self._read(self._content()))
        except Refused:
            return {}
        found = ((entry.reading_id, rows.existing(entry, row)) for entry, row in mine)
        return {reading_id: existing for reading_id, existing in found if existing}

    def write(self, entries: Sequence[FileEntry], written: dict[str, str]) -> None:
        mine = self._mine(entries)
        if not mine:
            return
        make_folder(self._path.parent)
        content = self._content()
        rows = self._rows(content)
        for entry, row in mine:
            rows.put(entry, row)
        merged = encode(rows)
        if merged != content:
            replace(self._path, [merged])
        written.update((entry.reading_id, reference(row)) for entry, row in mine)

    def _mine(self, entries: Iterable[FileEntry]) -> list[tuple[FileEntry, Row]]:
        return [
            (entry, entry.content) for entry in entries if isinstance(entry.content, self._kind)
        ]

    def _content(self) -> bytes:
        expect_file(self._path)
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""

    def _read(self, content: bytes) -> Sequence[Row]:
        if not content:
            return []
        return read_weights(content) if self._kind is WeightRow else read_pressures(content)

    def _rows(self, content: bytes) -> _Rows:
        """The rows of the file. One that is not ours is kept under another name, never lost."""
        try:
            return _Rows(self._read(content))
        except Refused as problem:
            self._put_aside(problem)
            return _Rows([])

    def _put_aside(self, problem: Refused) -> None:
        from logging import getLogger

        number = 1
        while (aside := self._aside(number)).exists():
            number += 1
        self._path.rename(aside)
        getLogger(__name__).warning("put aside as %s: %s %s", aside, self._path, problem.message)

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.stem}.unreadable-{number}{self._path.suffix}")


class _Rows:
    """The rows of a file by their second."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._by_second: dict[int, list[Row]] = {}
        for row in rows:
            self._at(row.taken_at).append(row)

    def __iter__(self) -> Iterator[Row]:
        return (row for rows in self._by_second.values() for row in rows)

    def existing(self, entry: FileEntry, row: Row) -> Existing | None:
        """The row of an entry: the same, or its earlier revision."""
        if row in self._at(row.taken_at):
            return Existing(reference(row), same=True)
        earlier = self._earlier(entry)
        return Existing(reference(earlier), same=False) if earlier else None

    def put(self, entry: FileEntry, row: Row) -> None:
        """Add a row, in the place of its earlier revision."""
        if row in self._at(row.taken_at):
            return
        if (earlier := self._earlier(entry)) is not None:
            self._at(earlier.taken_at).remove(earlier)
        self._at(row.taken_at).append(row)

    def _at(self, second: int) -> list[Row]:
        return self._by_second.setdefault(second, [])

    def _earlier(self, entry: FileEntry) -> Row | None:
        """The row of the earlier revision. Without a known reference the second has to do."""
        if entry.previous is None:
            return None
        rows = self._at(_second(entry.previous, entry.taken_at))
        matches = (row for row in rows if entry.previous in ("", reference(row)))
        return next(matches, None)


def _second(reference: str, otherwise: int) -> int:
    second = reference.partition(":")[0]
    return int(second) if second.isdecimal() else otherwise

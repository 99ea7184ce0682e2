"""Where written readings stand: one file of lines, or one file for each reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from weighbridge.targets.formats.disk import expect_folder, make_folder, real_path, replace
from weighbridge.targets.formats.fit.fit_messages import Row
from weighbridge.targets.formats.fit_format import encode
from weighbridge.targets.formats.line_file import LineFile
from weighbridge.targets.formats.text_lines import LineFormat


class FileEntry(msgspec.Struct, frozen=True):
    """One reading, ready to be written."""

    reading_id: str
    taken_at: int
    content: bytes | Row
    previous: str | None = None
    """The reference under which an earlier revision was written."""


class FileState(msgspec.Struct, frozen=True):
    """What stands on a shelf in the place of an entry."""

    reference: str
    same: bool


class Shelf(Protocol):
    """Writing twice changes nothing. Raises ``OSError`` as it comes, and ``RetryLater``."""

    def find(self, entries: Sequence[FileEntry]) -> dict[str, FileState]:
        """Reading id → its entry in the file; nothing for what is not there."""

    def write(self, entries: Sequence[FileEntry], written: dict[str, str]) -> None:
        """Write or replace; notes reading id → reference of what is safe on the disk."""


class LineShelf:
    """All readings in one file, a line each. The reference of a reading is its id."""

    def __init__(self, path: Path, form: LineFormat) -> None:
        self._file = LineFile(path, form)

    def find(self, entries: Sequence[FileEntry]) -> dict[str, FileState]:
        lines = _contents(entries)
        return {
            one: FileState(one, line == lines[one].rstrip(b"\r\n"))
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

    def find(self, entries: Sequence[FileEntry]) -> dict[str, FileState]:
        expect_folder(self._folder)
        found = {}
        for entry in entries:
            path = self._path(entry)
            with suppress(FileNotFoundError):
                same = path.read_bytes() == self._whole(entry)
                found[entry.reading_id] = FileState(path.name, same)
        return found

    def write(self, entries: Sequence[FileEntry], written: dict[str, str]) -> None:
        standing = self.find(entries)
        make_folder(self._folder)
        for entry in entries:
            path = self._path(entry)
            if entry.reading_id not in standing or not standing[entry.reading_id].same:
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

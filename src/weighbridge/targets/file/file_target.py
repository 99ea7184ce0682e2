"""The target: lines of a text file, rows of a FIT file, or a file for each reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar
from zlib import crc32

import msgspec

from weighbridge.core.errors import ConfigProblem, Problem, Refused, RetryLater
from weighbridge.core.measures import Measurement, Reading
from weighbridge.targets.base import Context, Existing, Owed, Receipt, oldest_first
from weighbridge.targets.formats import csv_format, fit_format, jsonl_format
from weighbridge.targets.formats.disk import check_writable, locked, real_path, trouble_with
from weighbridge.targets.formats.file_store import (
    FileEntry,
    FitShelf,
    FolderShelf,
    LineShelf,
    Shelf,
)
from weighbridge.targets.formats.fit_messages import Row
from weighbridge.targets.formats.line_file import LineFormat
from weighbridge.targets.formats.render_context import Owner

_LINES: Mapping[str, LineFormat] = {"json": jsonl_format, "csv": csv_format}


class FilePayload(msgspec.Struct, frozen=True):
    """The readings as they are written, oldest first."""

    entries: tuple[FileEntry, ...]
    refused: dict[str, Problem | str]
    """Reading id → why the format cannot hold it."""


class FileTarget:
    """Writing a reading again changes nothing, so whatever is in doubt is simply written again."""

    batch_size: ClassVar[int] = 1000
    idempotent: ClassVar[bool] = True
    visible_after: ClassVar[float] = 0.0

    def __init__(self, path: str, shape: str, context: Context, *, each: bool = False) -> None:
        """``shape`` is ``json``, ``csv`` or ``fit``; ``each``: a file for each reading."""
        self._path = _absolute(path, context.home)
        self._shape = shape
        self._each = each
        self._context = context
        self._lines = _LINES.get(shape)
        self._shelves: dict[Path, Shelf] = {}

    def __repr__(self) -> str:
        return f"FileTarget({str(self._path)!r}, format={self._shape!r})"

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        """Everything for the text formats, what FIT knows for ``fit``."""
        if self._lines is None:
            return fit_format.fit_part(reading)
        return (*reading.measurements, *reading.segments)

    def render(self, owed: Sequence[Owed]) -> FilePayload:
        """The lines or rows of these readings, oldest first."""
        context = self._context
        owner = Owner(context.person, context.timezone, context.height())
        entries: list[FileEntry] = []
        refused: dict[str, Problem | str] = {}
        for one in oldest_first(owed):
            try:
                content = self._content(one.reading, owner)
            except Refused as problem:
                refused[one.reading_id] = problem
            else:
                taken_at = one.reading.taken_at
                entries.append(FileEntry(one.reading_id, taken_at, content, one.previous))
        return FilePayload(tuple(entries), refused)

    def _content(self, reading: Reading, owner: Owner) -> bytes | Row:
        if self._lines is None:
            return fit_format.row(reading, owner.height_m)
        return self._lines.encode(reading, owner)

    def preview(self, payload: FilePayload) -> Iterator[str]:
        """The lines as they would be written; FIT rows as names and values."""
        for entry in payload.entries:
            if isinstance(entry.content, bytes):
                yield entry.content.decode().rstrip("\r\n")
            else:
                yield fit_format.describe(entry.content)
        for reading_id, reason in payload.refused.items():
            yield f"not written: {reading_id}: {reason}"

    def send(self, payload: FilePayload) -> Receipt:
        """Write. Raises ``RetryLater`` for a disk that is full, read-only or in use."""
        written: dict[str, str] = {}
        problem: RetryLater | None = None
        try:
            if payload.entries:
                self._write(payload.entries, written)
        except RetryLater as error:
            if not written and not payload.refused:
                raise
            problem = error
        return Receipt(delivered=written, refused=payload.refused, problem=problem)

    def find_existing(self, owed: Sequence[Owed]) -> Mapping[str, Existing]:
        """What the file holds for these readings."""
        entries = self.render(owed).entries
        with trouble_with(self._path):
            return self._shelf().find(entries)

    def check(self) -> str:
        """Prove that the file could be written, without writing it."""
        folder = self._path if self._each else self._path.parent
        with trouble_with(folder):
            check_writable(folder)
        return f"writes {self._shape} to {self._path}"

    def _write(self, entries: Sequence[FileEntry], written: dict[str, str]) -> None:
        with trouble_with(self._path):
            shelf = self._shelf()
            with locked(self._lock_file(), self._path):
                shelf.write(entries, written)

    def _lock_file(self) -> Path:
        name = crc32(bytes(real_path(self._path)))
        # In our own home: the disk of the file may know no locks, and its folder stays tidy.
        return self._context.home / "locks" / f"file-{name:08x}.lock"

    def _shelf(self) -> Shelf:
        """The shelf at the path, which may be a link that leads elsewhere tomorrow."""
        path = real_path(self._path)
        if path not in self._shelves:
            self._shelves = {path: self._new_shelf(path)}
        return self._shelves[path]

    def _new_shelf(self, path: Path) -> Shelf:
        if self._each:
            form = self._lines
            return (
                FolderShelf(path, form.SUFFIX, form.HEADER)
                if form
                else FolderShelf(path, fit_format.SUFFIX)
            )
        return FitShelf(path) if self._lines is None else LineShelf(path, self._lines)


def _absolute(path: str, home: Path) -> Path:
    try:
        return home / Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigProblem(code="file.no_home", path=path) from error

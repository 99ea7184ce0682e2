"""A file of one line a reading: appended, and replaced where a reading has changed.

New lines are appended in one write. A changed line is written by copying the file, line by line,
and putting the copy in its place. Lines that are not ours stay as they are.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from weighbridge.core.measures import Reading
from weighbridge.targets.formats.disk import expect_file, open_private, replace, sync_folder
from weighbridge.targets.formats.render_context import Owner

_EMPTY = -1


class LineIndex:
    """Ids to offsets. An id may come out with offsets of others (equal hash): compare the line."""

    def __init__(self) -> None:
        self._hashes = array("q")
        self._offsets = array("q")
        self._slots = array("i", [_EMPTY]) * 1024

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, reading_id: str, offset: int) -> None:
        """Note that the line of this reading begins at ``offset``."""
        if 3 * len(self._hashes) >= 2 * len(self._slots):
            self._grow()
        self._hashes.append(hash(reading_id))
        self._offsets.append(offset)
        self._place(len(self._hashes) - 1)

    def offsets(self, reading_id: str) -> Iterator[int]:
        """Where lines of this reading may begin, the earliest added first."""
        wanted = hash(reading_id)
        mask = len(self._slots) - 1
        slot = wanted & mask
        while (entry := self._slots[slot]) != _EMPTY:
            if self._hashes[entry] == wanted:
                yield self._offsets[entry]
            slot = (slot + 1) & mask

    def _place(self, entry: int) -> None:
        slots = self._slots
        mask = len(slots) - 1
        slot = self._hashes[entry] & mask
        while slots[slot] != _EMPTY:
            slot = (slot + 1) & mask
        slots[slot] = entry

    def _grow(self) -> None:
        self._slots = array("i", [_EMPTY]) * (2 * len(self._slots))
        for entry in range(len(self._hashes)):
            self._place(entry)


class LineFormat(Protocol):
    """A text format in which every reading is one line, found again by its id."""

    @property
    def HEADER(self) -> bytes:  # noqa: N802  a constant of the module
        """The first line of a file with its line end; empty when the format has none."""

    @property
    def LINE_END(self) -> bytes:  # noqa: N802
        """What ends each line."""

    @property
    def SUFFIX(self) -> str:  # noqa: N802
        """The usual end of a file name, with the dot."""

    def encode(self, reading: Reading, owner: Owner) -> bytes:
        """One line with its line end. Raises ``Refused`` for a time in no calendar."""

    def read_id(self, line: bytes) -> str | None:
        """The id of the reading in a line; None for a header or anything that is not ours."""

    def is_whole(self, line: bytes) -> bool:
        """Whether a line that has no line end is nevertheless complete."""


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class LineFile:
    """One file. Raises ``OSError`` as it comes and ``RetryLater`` for a folder in its place.

    It remembers the place of each reading, in one pass over the file, until another program
    changes the file. It is not safe against other writers: hold a lock while calling.
    """

    def __init__(self, path: Path, form: LineFormat) -> None:
        self.path = path
        self._form = form
        self._forget()

    def _forget(self) -> None:
        self._index = LineIndex()
        self._stamp: tuple[int, int, int] | None = None
        self._headed = not self._form.HEADER
        self._end = 0
        """Where the last complete line ends."""
        self._missing = b""
        """The line end that the last complete line lacks."""
        self._torn = False

    def find(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The lines of those readings that are in the file, without their line ends."""
        self._look()
        wanted = {one: list(self._index.offsets(one)) for one in ids}
        if not any(wanted.values()):
            return {}
        with self.path.open("rb") as file:
            found = {one: self._line(file, one, offsets) for one, offsets in wanted.items()}
        return {one: line for one, line in found.items() if line is not None}

    def write(self, lines: Mapping[str, bytes]) -> None:
        """Bring the lines of these readings into the file: id → line with its line end."""
        standing = self.find(lines)
        new = [line for one, line in lines.items() if one not in standing]
        changed = {
            one: lines[one] for one, line in standing.items() if line != _without_end(lines[one])
        }
        if changed:
            self._rewrite(changed, new)
        elif new or self._torn:
            self._append(new)

    def _line(self, file: IO[bytes], reading_id: str, offsets: list[int]) -> bytes | None:
        for offset in offsets:
            file.seek(offset)
            line = _without_end(file.readline())
            if self._form.read_id(line) == reading_id:
                return line
        return None

    def _look(self) -> None:
        """Read the file once, unless it is still as we left it."""
        expect_file(self.path)
        stamp = self._stamp_now()
        if stamp is not None and stamp == self._stamp:
            return
        self._forget()
        if stamp is not None:
            with self.path.open("rb") as file:
                for line in file:
                    self._note(line)
        self._stamp = stamp

    def _note(self, line: bytes) -> None:
        """Take one line, read or written, into the memory of the file."""
        if not line.endswith(b"\n"):
            # An editor left out the last line end; or the last write was cut short, and then
            # this beginning of a line is overwritten by what comes next.
            if not self._form.is_whole(line):
                self._torn = True
                return
            self._missing = b"\n" if line.endswith(b"\r") else self._form.LINE_END
        if (reading_id := self._form.read_id(line)) is not None:
            self._index.add(reading_id, self._end)
        self._headed = self._headed or self._is_header(line)
        self._end += len(line)

    def _is_header(self, line: bytes) -> bool:
        return _without_end(line).removeprefix(_BYTE_ORDER_MARK) == _without_end(self._form.HEADER)

    def _stamp_now(self) -> tuple[int, int, int] | None:
        """What tells whether the file is still the same; None when there is none."""
        with suppress(FileNotFoundError):
            status = self.path.stat()
            return status.st_ino, status.st_size, status.st_mtime_ns
        return None

    def _headed_lines(self, lines: list[bytes]) -> list[bytes]:
        """New lines, under a header if the file has none (it is new, or a person removed it)."""
        return lines if self._headed or not lines else [self._form.HEADER, *lines]

    def _append(self, lines: list[bytes]) -> None:
        lines = self._headed_lines(lines)
        existed = self._stamp is not None
        with open_private(self.path, "r+b" if existed else "xb", buffering=0) as file:
            try:
                file.truncate(self._end)
                file.seek(self._end)
                _write_all(file, b"".join((self._missing, *lines)))
                os.fsync(file.fileno())
            except OSError:
                self._stamp = None
                with suppress(OSError):
                    file.truncate(self._end)
                raise
        if not existed:
            sync_folder(self.path.parent)
        self._remember(lines)

    def _remember(self, lines: list[bytes]) -> None:
        self._end += len(self._missing)
        self._missing, self._torn = b"", False
        for line in lines:
            self._note(line)
        self._stamp = self._stamp_now()

    def _rewrite(self, changed: Mapping[str, bytes], new: list[bytes]) -> None:
        replace(self.path, self._rewritten(changed, new))
        self._stamp = None

    def _rewritten(self, changed: Mapping[str, bytes], new: list[bytes]) -> Iterator[bytes]:
        """The lines of the file with the changed ones in place, each once, then the new ones."""
        left = dict(changed)
        with self.path.open("rb") as file:
            for line in self._complete(file):
                reading_id = self._form.read_id(line)
                if reading_id not in changed:
                    yield line
                elif reading_id in left:
                    yield left.pop(reading_id)
        yield from self._headed_lines(new)

    def _complete(self, file: IO[bytes]) -> Iterator[bytes]:
        """The lines up to the last complete one, each with its line end."""
        rest = self._end
        for line in file:
            rest -= len(line)
            if rest < 0:
                return
            yield line if line.endswith(b"\n") else line + self._missing


def _write_all(file: IO[bytes], content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _without_end(line: bytes) -> bytes:
    return line.rstrip(b"\r\n")

"""Where the readings of a file begin, by their id, in a few bytes each.

A hundred thousand readings take about three megabytes here; a dict of their ids takes fifteen.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

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

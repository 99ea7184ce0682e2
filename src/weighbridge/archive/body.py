"""What is known of a person's body: the newest value of each measure type, and the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice

from weighbridge.archive.archive import Archive
from weighbridge.archive.recollection import readings_at
from weighbridge.measures import SEGMENT_TYPES, Measurement, MeasureType, Reading
from weighbridge.targets.base import Newest

FURTHEST = 200
"""How many instants are looked through for a certain value of one type."""


def newest_height(archive: Archive) -> Decimal | None:
    """The newest height of all time in metres, or None."""
    for instant in archive.instants_with(MeasureType.HEIGHT):
        for reading in readings_at(archive, [instant]).values():
            height = reading.get(MeasureType.HEIGHT)
            if height is not None and height > 0:
                return height
    return None


class ArchivedBody:
    """``weighbridge.targets.base.Body`` over an archive, which may come to be later."""

    def __init__(
        self, archive: Callable[[], Archive | None], is_certain: Callable[[Reading], bool]
    ) -> None:
        self._archive = archive
        self._is_certain = is_certain

    def userid(self) -> str | None:
        """The person's Withings user id; None before an account was connected."""
        archive = self._archive()
        return archive.userid if archive else None

    def newest(self) -> list[Newest]:
        """The newest value of each measure type, and of each place for values of body parts."""
        archive = self._archive()
        if archive is None:
            return []
        known: dict[int, list[Reading]] = {}
        found: list[Newest] = []
        for code in archive.measured_types():
            found += self._newest_of(archive, code, known)
        return found

    def _newest_of(
        self, archive: Archive, code: int, known: dict[int, list[Reading]]
    ) -> Iterator[Newest]:
        whole = code in SEGMENT_TYPES
        parts = False
        for instant in islice(archive.instants_with(code), FURTHEST):
            if instant not in known:
                known[instant] = self._certain_at(archive, instant)
            for reading in known[instant]:
                if not whole and (value := _of_type(reading.measurements, code)):
                    yield Newest(value[0], instant)
                    whole = True
                if not parts and (values := _of_type(reading.segments, code)):
                    yield from (Newest(value, instant) for value in values)
                    parts = True
            if whole and (parts or code not in SEGMENT_TYPES):
                return

    def before(self, reading: Reading, code: int) -> Newest | None:
        """The value of a type in the newest reading that was taken before this one."""
        archive = self._archive()
        if archive is None:
            return None
        for instant in islice(archive.instants_with(code, reading.taken_at), FURTHEST):
            for earlier in self._certain_at(archive, instant):
                if value := _of_type(earlier.measurements, code):
                    return Newest(value[0], instant)
        return None

    def _certain_at(self, archive: Archive, instant: int) -> list[Reading]:
        return [r for r in readings_at(archive, [instant]).values() if self._is_certain(r)]


def _of_type(values: Iterable[Measurement], code: int) -> list[Measurement]:
    return [value for value in values if value.type_code == code]

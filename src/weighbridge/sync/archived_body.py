"""What is known of a person's body, for targets (``weighbridge.targets.base.Body``)."""

from __future__ import annotations

from collections.abc import Callable

from weighbridge.core.measures import Reading
from weighbridge.storage.archive import Archive
from weighbridge.storage.points import Point, Points
from weighbridge.targets.base import Newest


class ArchivedBody:
    """Read from an archive when it is asked; there may be none yet."""

    def __init__(self, archive: Callable[[], Archive | None], *, counts_doubtful: bool) -> None:
        self._archive = archive
        self._counts_doubtful = counts_doubtful

    def userid(self) -> str | None:
        """The person's Withings user id; None before an account was connected."""
        archive = self._archive()
        return archive.userid if archive else None

    def newest(self) -> list[Newest]:
        """The newest value of each measure type, and of each place for values of body parts."""
        points = self._points()
        return [_newest(point) for point in points.newest()] if points else []

    def before(self, reading: Reading, code: int) -> Newest | None:
        """The value of a type in the newest reading that was taken before this one."""
        points = self._points()
        found = points.before(reading.taken_at, code) if points else None
        return _newest(found) if found else None

    def _points(self) -> Points | None:
        archive = self._archive()
        return Points(archive, counts_doubtful=self._counts_doubtful) if archive else None


def _newest(point: Point) -> Newest:
    return Newest(point.measurement, point.taken_at)

"""The records that were planned last: what is delivered right afterwards is not parsed again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from weighbridge.core.records import Record
from weighbridge.storage.archive import Archive
from weighbridge.storage.database import Database
from weighbridge.sync.stored_readings import feed_records_at, feeds_of

MOST_INSTANTS = 4_000
"""Four megabytes or so. The oldest are delivered first, so what comes beyond is not kept."""


class PlannedRecords:
    """What the archive holds at some instants, as long as nobody has written since.

    ``forget`` before this connection changes groups; what others do is noticed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version = -1
        self._kept: dict[tuple[str, int], list[Record]] = {}

    def forget(self) -> None:
        """The groups are about to change."""
        self._kept.clear()

    def keep(self, feed: str, instants: Sequence[int], records: Iterable[Record]) -> None:
        """All records of a feed at some instants: call it in the transaction that read them."""
        self._notice_others()
        room = MOST_INSTANTS - len(self._kept)
        found: dict[int, list[Record]] = {instant: [] for instant in instants[: max(room, 0)]}
        for record in records:
            if record.start in found:
                found[record.start].append(record)
        self._kept.update(((feed, instant), group) for instant, group in found.items())

    def at(self, archive: Archive, instants: Collection[int]) -> dict[str, Record]:
        """Id → record, for all records of all feeds at these instants."""
        self._notice_others()
        return {
            record.id: record
            for feed in feeds_of(archive)
            for record in self._of_feed(archive.of(feed.name), set(instants))
        }

    def _of_feed(self, archive: Archive, instants: set[int]) -> list[Record]:
        kept = [self._kept.get((archive.feed, instant)) for instant in instants]
        missing = [i for i, records in zip(instants, kept, strict=True) if records is None]
        stored = feed_records_at(archive, missing) if missing else []
        return [*stored, *(record for records in kept if records for record in records)]

    def _notice_others(self) -> None:
        version = self._database.version_of_others()
        if version != self._version:
            self._kept.clear()
            self._version = version

"""Points: each value of each reading by type and time, so that the newest and the history of a type
are found without reading groups. Derived from readings in the transaction that plans them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from weighbridge.core.measures import Measurement, MeasureType
from weighbridge.core.records import Record
from weighbridge.storage.archive import Archive
from weighbridge.storage.database import Row

WHOLE = -1
"""The place of a value that is about no part of the body. (A key cannot be NULL.)"""


class Point(msgspec.Struct, frozen=True):
    """A value and the instant at which it was measured, in epoch seconds."""

    measurement: Measurement
    taken_at: int


class Points:
    """The points of one person's account.

    Readings whose owner is in doubt do not count unless a person accepted them, or
    ``counts_doubtful``.
    """

    def __init__(self, archive: Archive, *, counts_doubtful: bool = False) -> None:
        self._database = archive.database
        self._account = archive.account
        self._feed = archive.feed
        self._who = {
            "account": archive.account,
            "person": archive.person,
            "doubtful": int(counts_doubtful),
        }

    def keep(self, start: int, end: int, records: Iterable[Record]) -> None:
        """Replace the points of the touched instants of a window by those of their records."""
        self._database.run(
            "forget_points", account=self._account, feed=self._feed, start=start, end=end
        )
        self._database.run_many("add_point", self._rows(records))

    def _rows(self, records: Iterable[Record]) -> Iterator[dict[str, object]]:
        for record in records:
            for one in record.values:
                yield {
                    "account": self._account,
                    "type_code": one.type_code,
                    "position": WHOLE if one.position is None else one.position,
                    "taken_at": record.start,
                    "reading_id": record.id,
                    "mantissa": one.mantissa,
                    "exponent": one.exponent,
                    "doubtful": int(record.ambiguous),
                }

    def newest(self) -> Iterator[Point]:
        """The newest value of each measure type, and of each place for values of body parts."""
        for code, position in self._places():
            row = self._newest_row(code, position)
            if row is not None:
                yield _point(row)

    def places(self) -> Iterator[tuple[int, int]]:
        """Each type and place (``WHOLE`` or a part of the body) of which there is a value."""
        return (place for place in self._places() if self._newest_row(*place) is not None)

    def _newest_row(self, code: int, position: int) -> Row | None:
        return self._database.one("newest_point", type_code=code, position=position, **self._who)

    def types(self) -> Iterator[int]:
        """The measure types of which there is a value, doubtful ones included."""
        code = -1
        while (found := self._next_type(code)) is not None:
            code = found
            yield code

    def _next_type(self, code: int) -> int | None:
        row = self._database.one("next_type", account=self._account, type_code=code)
        return row["type_code"] if row else None

    def _places(self) -> Iterator[tuple[int, int]]:
        """Each type with each place: a small question for each, however many points there are."""
        for code in self.types():
            position = WHOLE - 1
            while row := self._database.one(
                "next_position", account=self._account, type_code=code, position=position
            ):
                position = row["position"]
                yield code, position

    def before(self, instant: int, code: int) -> Point | None:
        """The newest value of a type that was measured before an instant."""
        row = self._database.one("point_before", type_code=code, before=instant, **self._who)
        return None if row is None else _point(row)

    def between(self, code: int, start: int, end: int, position: int = WHOLE) -> Iterator[Point]:
        """The values of a type, or of one part of the body, in a window, oldest first."""
        rows = self._database.each(
            "points_between",
            type_code=code,
            position=position,
            start=start,
            end=end,
            **self._who,
        )
        return map(_point, rows)

    def height(self) -> Decimal | None:
        """The newest height of all time in metres, or None."""
        row = self._database.one(
            "newest_height", account=self._account, type_code=MeasureType.HEIGHT
        )
        return None if row is None else _point(row).measurement.value

    def holds(self, codes: Iterable[int], start: int, end: int) -> bool:
        """Whether a window holds a value of one of these types, doubtful ones included."""
        return any(
            self._database.one(
                "has_point", account=self._account, type_code=code, start=start, end=end
            )
            for code in codes
        )


def _point(row: Row) -> Point:
    place = None if row["position"] == WHOLE else row["position"]
    value = Measurement(row["type_code"], row["mantissa"], row["exponent"], place)
    return Point(value, row["taken_at"])

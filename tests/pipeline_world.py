"""A small Withings, one person's home and two places: the whole road in memory."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from mortal_world import Fuse, MortalDatabase
from weighbridge.archive.archive import account_archive, connect_account
from weighbridge.archive.database import Database
from weighbridge.archive.lease import Leases
from weighbridge.archive.ledger import Ledger
from weighbridge.errors import Problem
from weighbridge.measures import MeasureGroup
from weighbridge.pipeline import bring_up_to_date
from weighbridge.plan.planner import Rule
from weighbridge.plan.window import Window
from weighbridge.progress import Progress
from weighbridge.road import Delivered, Outcome, Road, Route
from weighbridge.targets.base import Target
from weighbridge.testing.builders import NOON, group, group_as_sent
from weighbridge.testing.places import Letterbox, Notebook, Place
from weighbridge.withings.parse import Page, parse_page

SETTLE = 10.0
TODAY = datetime.date(2025, 10, 9)


class Cloud:
    """A small Withings: groups, pages, and a clock of its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.groups: dict[int, MeasureGroup] = {}
        self.odd: list[bytes] = []
        self.page_size = 2
        self.asked: list[dict[str, int | None]] = []
        self.problem: Problem | None = None
        self.fail_after = 0
        """The page after which ``problem`` is raised."""
        self.between: Callable[[int], None] = lambda page: None

    def put(self, *groups: MeasureGroup) -> None:
        for one in groups:
            self.groups[one.group_id] = one

    def pages(
        self, *, lastupdate: int | None = None, start: int | None = None, end: int | None = None
    ) -> Iterator[Page]:
        """Pages as the real client yields them, made from the bytes of an answer."""
        self.asked.append({"lastupdate": lastupdate, "start": start, "end": end})
        offset = 0
        for number in range(1000):
            self.between(number)
            if self.problem and number >= self.fail_after:
                raise self.problem
            chosen = self._chosen(lastupdate, start, end)
            rows = [*self.odd, *map(group_as_sent, chosen)]
            more = len(rows) > offset + self.page_size
            yield self._page(rows[offset : offset + self.page_size], more)
            offset += self.page_size
            if not more:
                return

    def _chosen(
        self, lastupdate: int | None, start: int | None, end: int | None
    ) -> list[MeasureGroup]:
        if lastupdate is not None:
            found = [one for one in self.groups.values() if (one.updated_at or 0) >= lastupdate]
        else:
            assert start is not None
            assert end is not None
            found = [one for one in self.groups.values() if start <= one.taken_at <= end]
        return sorted(found, key=lambda one: (one.updated_at or 0, one.group_id))

    def _page(self, rows: Sequence[bytes], more: bool) -> Page:
        listed = b",".join(rows)
        body = (
            b'{"updatetime":%d,"timezone":"Europe/Paris","more":%d,"offset":%d,"measuregrps":[%s]}'
        )
        return parse_page(body % (self.clock(), more, 1, listed))


class World:
    """One person's home and two places; the host's clock may be wrong."""

    def __init__(self, home: Path, *, host_ahead: float = 0.0) -> None:
        self.home = home
        self.now = float(NOON + 3600)
        self.host_ahead = host_ahead
        self.naps: list[float] = []
        self.while_asleep: Callable[[], None] = lambda: None
        self.cloud = Cloud(lambda: self.now)
        self.place, self.notes = Place(self.clock), Notebook(self.clock)
        self.targets: dict[str, Target | Problem] = {"place": self.place, "notes": self.notes}
        self.fingerprint = "rules"
        self.since = Window(datetime.date(2020, 1, 1), zone="UTC")
        self.person = "anna"
        self.fuse = Fuse()
        with Database(home) as database:
            connect_account(database, "anna", "4711", self.clock)

    def clock(self) -> float:
        return self.now + self.host_ahead

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds
        self.while_asleep()

    def sync(
        self,
        window: Window | None = None,
        *,
        only: Sequence[str] = (),
        at: int | None = None,
        settle: float = SETTLE,
    ) -> Outcome:
        """A process of its own: it opens everything, walks the road once and ends."""
        self.fuse = Fuse(at)
        with closing(MortalDatabase(self.home)) as database:
            leases = Leases(database, self.clock, self.sleep)
            road = self.road(database, leases, only, settle)
            self.cloud.between = lambda page: self.fuse.burn(f"page {page}")
            self.place.step = self.notes.step = self.fuse.burn
            database.fuse = self.fuse  # a step of opening is no step of the road
            try:
                return bring_up_to_date(road, window)
            finally:
                leases.close()
                self.cloud.between = lambda page: None
                self.place.step = self.notes.step = lambda name: None

    def road(
        self, database: Database, leases: Leases, only: Sequence[str] = (), settle: float = SETTLE
    ) -> Road:
        return Road(
            self.person,
            database=database,
            leases=leases,
            archive=account_archive(database, self.person),
            source=lambda: self.cloud,
            routes=[
                self._route(database, name, target, not only or name in only, settle)
                for name, target in self.targets.items()
            ],
            clock=self.clock,
            sleep=self.sleep,
            progress=Progress(),
        )

    def _route(
        self,
        database: Database,
        name: str,
        target: Target | Problem,
        selected: bool,
        settle: float,
    ) -> Route:
        broken = isinstance(target, Problem)
        return Route(
            name=name,
            kind="memory",
            target=None if isinstance(target, Problem) else target,
            ledger=Ledger(database, self.person, name, self.clock()),
            rule=Rule(
                takes=(lambda reading: ()) if isinstance(target, Problem) else target.takes,
                since=self.since,
                settle=settle,
            ),
            fingerprint=self.fingerprint,
            selected=selected,
            problem=target if isinstance(target, Problem) and broken else None,
        )

    def weigh(self, kg: str = "70.5", *, at: int = 0, number: int | None = None) -> None:
        """A weigh-in ``at`` minutes after noon reaches the cloud five seconds later."""
        self.cloud.put(group({1: kg}, group_id=number or at + 1, taken_at=NOON + 60 * at))

    def ledger(self) -> list[tuple[Any, ...]]:
        return self._rows(
            "SELECT r.target, d.reading_id, d.ordinal, d.revision, d.state FROM delivery AS d"
            " JOIN route AS r ON r.id = d.route ORDER BY 1, 2, 3"
        )

    def states(self, target: str = "place") -> list[str]:
        return [row[4] for row in self.ledger() if row[0] == target]

    def archived(self) -> list[tuple[Any, ...]]:
        rows = self._rows("SELECT group_id, raw, gone_at IS NULL FROM measure_group ORDER BY 1")
        return [*rows, *self._rows("SELECT raw FROM odd_group ORDER BY 1")]

    def cursor(self) -> int:
        return int(self._rows("SELECT cursor FROM account")[0][0])

    def older(self) -> list[int]:
        return [row[0] for row in self._rows("SELECT older FROM route ORDER BY target")]

    def kilograms(self, place: Letterbox | None = None) -> list[tuple[int, Decimal]]:
        """Minutes after noon and weight of everything that stands at a place."""
        standing = (place or self.place).standing()
        return [((at - NOON) // 60, values[1]) for at, _, values in standing if 1 in values]

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with Database(self.home) as database:
            return [tuple(row) for row in database._connection.execute(sql)]


def fresh(number: int, values: dict[int, Any], *, stored_at: float) -> MeasureGroup:
    return group(values, group_id=number, taken_at=NOON, stored_at=int(stored_at))


def delivered(outcome: Outcome, target: str = "place") -> Delivered:
    [found] = [one for one in outcome.deliveries if one.target == target]
    return found

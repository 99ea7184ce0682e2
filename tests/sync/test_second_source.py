"""A source of another package, with a kind of record of its own: nothing that exists is edited."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from fixtures.groups import group, group_as_sent
from weighbridge import sources
from weighbridge.core.days import Window
from weighbridge.core.measures import READING_KINDS, Measurement
from weighbridge.core.records import MEASURES, reading_id
from weighbridge.sources.base import Feed, OddGroup, Page, SourceKind
from weighbridge.sources.withings.kind import parse_group
from weighbridge.sources.withings.readings import readings
from weighbridge.storage.archive import Archive, connect_account
from weighbridge.storage.database import Database
from weighbridge.storage.leases import Leases
from weighbridge.storage.ledger import Ledger
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.sync.context import Outcome, PersonSync, Progress, Route
from weighbridge.sync.pipeline import bring_up_to_date
from weighbridge.sync.planner import Rule
from weighbridge.targets.base import Owed, Receipt
from weighbridge.testing.builders import NOON

ASLEEP = 100_001
"""A measure type that only this source has: seconds asleep."""
NIGHT = "night"
BEDTIME = NOON + 10 * 3600


class Night(msgspec.Struct, frozen=True):
    """Its own kind of record: from going to bed to getting up."""

    id: str
    start: int
    end: int
    stored_at: int
    zone: str | None
    values: tuple[Measurement, ...]
    kind: str = NIGHT
    attributes: dict[str, str] = {}
    ambiguous: bool = False


class _Sent(msgspec.Struct, frozen=True):
    group_id: int
    taken_at: int
    until: int
    asleep: int
    updated_at: int
    category: int = 1


def parse_night(raw: bytes | msgspec.Raw, zone: str | None) -> _Sent:
    try:
        return msgspec.json.decode(raw, type=_Sent)
    except msgspec.MsgspecError as error:
        raise OddGroup(str(error)) from None


def nights(groups: Iterable[_Sent], account: str) -> Iterator[Night]:
    for one in groups:
        name = reading_id(account, one.taken_at, "", NIGHT)
        asleep = Measurement(ASLEEP, one.asleep, 0)
        yield Night(name, one.taken_at, one.until, one.updated_at, None, (asleep,))


KIND = SourceKind(
    name="bedside",
    service="Bedside",
    feeds=(
        Feed(MEASURES, READING_KINDS, parse_group, readings, keeps_points=True),
        Feed("nights", frozenset({NIGHT}), parse_night, nights),
    ),
)


class Bedside:
    """The cloud of that source: what it holds of each feed, and what it was asked."""

    def __init__(self) -> None:
        self.sent: dict[str, list[bytes]] = {MEASURES: [], "nights": []}
        self.asked: list[tuple[str, int | None, int | None]] = []

    def pages(
        self,
        feed: str,
        *,
        changed_since: int | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> Iterator[Page]:
        self.asked.append((feed, changed_since, start))
        yield Page(self.sent[feed], BEDTIME + 90_000, None, last=True)

    def sleep(self, *, night: int, asleep: int, changed_at: int = 0) -> None:
        content = _Sent(night, BEDTIME, BEDTIME + 28_800, asleep, changed_at or BEDTIME + 30_000)
        self.sent["nights"] = [msgspec.json.encode(content)]


class SleepDiary:
    """A target that takes nights and no readings."""

    batch_size: ClassVar[int] = 10
    idempotent: ClassVar[bool] = True
    kinds: ClassVar[frozenset[str]] = frozenset({NIGHT})

    def __init__(self) -> None:
        self.lines: list[str] = []

    def takes(self, record: Any) -> Sequence[Measurement]:
        return tuple(record.values)

    def render(self, owed: Sequence[Owed]) -> Sequence[Owed]:
        return owed

    def preview(self, payload: Sequence[Owed]) -> Iterable[str]:
        return [one.reading_id for one in payload]

    def send(self, payload: Sequence[Owed]) -> Receipt:
        for one in payload:
            night: Any = one.reading
            hours = ((night.end or night.start) - night.start) // 3600
            self.lines.append(f"{hours} h in bed, {night.values[0].mantissa} s asleep")
        return Receipt({one.reading_id: "" for one in payload})


class Home:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.cloud, self.diary = Bedside(), SleepDiary()
        self.archive = connect_account(database, "bea", "b-1", self.clock, source="bedside")

    def clock(self) -> float:
        return float(BEDTIME + 90_000)

    def sync(self, window: Window | None = None) -> Outcome:
        leases = Leases(self.database, self.clock, lambda seconds: None)
        rule = Rule(
            takes=self.diary.takes, since=Window(zone="UTC"), kinds=self.diary.kinds, settle=0.0
        )
        ledger = Ledger(self.database, "bea", "diary", self.clock())
        person = PersonSync(
            "bea",
            database=self.database,
            leases=leases,
            archive=self.archive,
            source=lambda: self.cloud,
            routes=[Route("diary", "diary", self.diary, ledger, rule, "rules")],
            clock=self.clock,
            sleep=lambda seconds: None,
            progress=Progress(),
        )
        try:
            return bring_up_to_date(person, window)
        finally:
            leases.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.database._connection.execute(sql)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    point = EntryPoint("bedside", f"{__name__}:KIND", sources.GROUP)

    def offered(**wanted: str) -> EntryPoints:
        return EntryPoints([point]).select(**wanted)

    monkeypatch.setattr("importlib.metadata.entry_points", offered)
    sources.load_source.cache_clear()
    with SqliteDatabase(tmp_path / "home") as database:
        yield Home(database)
    sources.load_source.cache_clear()


def nights_of(archive: Archive) -> Archive:
    return archive.of("nights")


def test_a_night_is_collected_stored_planned_and_delivered(home: Home) -> None:
    home.cloud.sleep(night=7, asleep=25_000)
    outcome = home.sync()
    assert outcome.problem is None
    assert outcome.changed == 1
    assert home.diary.lines == ["8 h in bed, 25000 s asleep"]
    assert home.rows("SELECT kind, state FROM delivery") == [(NIGHT, "delivered")]
    assert home.rows("SELECT feed, group_id, taken_at FROM raw_group") == [("nights", 7, BEDTIME)]
    assert not home.archive.anything_touched()


def test_each_feed_has_a_cursor_of_its_own(home: Home) -> None:
    home.cloud.sleep(night=7, asleep=25_000, changed_at=BEDTIME + 40_000)
    home.cloud.sent[MEASURES] = [
        group_as_sent(group({1: 70}, group_id=7, taken_at=BEDTIME, stored_at=BEDTIME + 20_000))
    ]
    home.sync()
    assert home.archive.cursor == BEDTIME + 20_000
    assert nights_of(home.archive).cursor == BEDTIME + 40_000
    home.cloud.asked.clear()
    home.sync()
    assert home.cloud.asked == [
        (MEASURES, BEDTIME + 20_000, None),
        ("nights", BEDTIME + 40_000, None),
    ]


def test_a_reading_and_a_night_of_the_same_instant_do_not_withdraw_each_other(home: Home) -> None:
    home.cloud.sleep(night=7, asleep=25_000)
    home.cloud.sent[MEASURES] = [group_as_sent(group({1: 70}, group_id=7, taken_at=BEDTIME))]
    home.diary.kinds = frozenset({NIGHT, *READING_KINDS})  # type: ignore[misc]
    home.sync()
    home.cloud.sent[MEASURES] = [group_as_sent(group({1: 71}, group_id=7, taken_at=BEDTIME))]
    home.sync()
    found = home.rows("SELECT kind, ordinal, state FROM delivery ORDER BY 1, 2")
    assert found == [("body", 0, "delivered"), ("body", 1, "delivered"), (NIGHT, 0, "delivered")]


def test_a_night_that_grew_is_sent_again_and_one_that_is_gone_is_not_owed(home: Home) -> None:
    home.cloud.sleep(night=7, asleep=25_000)
    home.sync()
    home.cloud.sleep(night=7, asleep=26_000)
    home.sync()
    assert home.diary.lines[-1] == "8 h in bed, 26000 s asleep"
    home.cloud.sent["nights"] = []
    day = datetime.datetime.fromtimestamp(BEDTIME, datetime.UTC).date()
    assert home.sync(Window(day, zone="UTC")).gone == 1


def test_a_night_that_cannot_be_understood_is_kept_and_counted(home: Home) -> None:
    home.cloud.sent["nights"] = [b'{"group_id":"seven"}']
    assert home.sync().odd == 1
    assert home.rows("SELECT feed, raw FROM odd_group") == [("nights", '{"group_id":"seven"}')]


def test_the_points_of_readings_are_those_of_their_feed(home: Home) -> None:
    home.cloud.sent[MEASURES] = [group_as_sent(group({1: 70}, group_id=7, taken_at=BEDTIME))]
    home.sync()
    home.cloud.sleep(night=7, asleep=25_000)
    home.sync()
    assert home.rows("SELECT type_code, mantissa FROM point") == [(1, 70)]


def test_a_source_that_nobody_offers_is_a_mistake_of_the_installation() -> None:
    with pytest.raises(sources.ConfigProblem, match='There is no source "elsewhere"'):
        sources.load_source("elsewhere")

"""The whole road for one person: stopped anywhere and run again, it ends where it would have."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from weighbridge.archive.archive import account_archive, connect_account
from weighbridge.archive.database import Database
from weighbridge.archive.lease import Leases
from weighbridge.archive.ledger import Ledger
from weighbridge.archive.recollection import readings_between
from weighbridge.errors import ExitCode, LoginNeeded, Problem, RetryLater, StateProblem
from weighbridge.measures import MeasureGroup, Measurement, Reading
from weighbridge.pipeline import bring_up_to_date, plan
from weighbridge.plan.planner import Rule
from weighbridge.plan.window import Window
from weighbridge.progress import Progress
from weighbridge.road import Delivered, Outcome, Road, Route
from weighbridge.targets.base import Target
from weighbridge.testing.builders import NOON, group, group_as_sent
from weighbridge.testing.places import Letterbox, Notebook, Place
from weighbridge.withings.parse import Page, parse_page

DAY = 86_400
FOR_EVER = 2**62
SETTLE = 10.0
TODAY = datetime.date(2025, 10, 9)


class Killed(BaseException):
    """The process ends here."""


class Fuse:
    """Counts the steps of a process, and ends it at one of them and for good."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.steps: list[str] = []

    def burn(self, name: str) -> None:
        self.steps.append(name)
        if self.at is not None and len(self.steps) > self.at:
            raise Killed(name)


class MortalDatabase(Database):
    """Every statement that writes is a step at which the process may end."""

    fuse: Fuse = Fuse()

    def run(self, name: str, /, **values: Any) -> int:
        self.fuse.burn(name)
        return super().run(name, **values)

    def run_many(self, name: str, rows: Any) -> int:
        self.fuse.burn(name)
        return super().run_many(name, rows)


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


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home")


def weights(*minutes: int, kg: str = "70.5") -> list[tuple[int, Decimal]]:
    return [(minute, Decimal(kg)) for minute in minutes]


def delivered(outcome: Outcome, target: str = "place") -> Delivered:
    [found] = [one for one in outcome.deliveries if one.target == target]
    return found


# The straight road


def test_everything_is_collected_planned_and_delivered(world: World) -> None:
    for minute in range(5):
        world.weigh(at=minute)
    outcome = world.sync()
    assert outcome.problem is None
    assert outcome.exit_code is ExitCode.DONE
    assert (outcome.groups, outcome.changed, outcome.odd) == (5, 5, 0)
    assert world.kilograms() == world.kilograms(world.notes) == weights(*range(5))
    assert delivered(outcome).sent == 5
    assert world.naps == []


def test_a_second_run_asks_once_and_does_nothing(world: World) -> None:
    world.weigh()
    world.sync()
    world.cloud.asked.clear()
    calls = [len(world.place.calls), len(world.notes.calls)]
    outcome = world.sync()
    assert outcome.exit_code is ExitCode.DONE
    assert world.cloud.asked == [{"lastupdate": NOON + 5, "start": None, "end": None}]
    assert [len(world.place.calls), len(world.notes.calls)] == calls


def test_an_edited_group_corrects_what_was_delivered(world: World) -> None:
    world.weigh("70.5")
    world.sync()
    world.cloud.put(group({1: "71.5"}, taken_at=NOON, updated_at=NOON + 500))
    world.sync()
    assert world.kilograms() == world.kilograms(world.notes) == weights(0, kg="71.5")


def test_weight_and_blood_pressure_in_the_same_second_are_both_delivered(world: World) -> None:
    world.cloud.put(group({1: 80}, group_id=1), group({9: 79, 10: 121}, group_id=2))
    world.sync()
    assert [kind for _, kind, _ in world.place.standing()] == ["blood_pressure", "body"]


# The cursor


def test_the_cursor_moves_with_the_last_page_only(world: World) -> None:
    for minute in range(6):
        world.weigh(at=minute)
    world.cloud.problem, world.cloud.fail_after = RetryLater("Status 503."), 2
    outcome = world.sync()
    assert isinstance(outcome.problem, RetryLater)
    assert outcome.exit_code is ExitCode.LATER
    assert world.cursor() == 0
    assert world.kilograms() == weights(0, 1, 2, 3), "what arrived is delivered"
    world.cloud.problem = None
    outcome = world.sync()
    assert outcome.changed == 2
    assert world.cursor() == NOON + 5 * 60 + 5
    assert world.kilograms() == weights(*range(6))


class ById(Cloud):
    """The order is not guaranteed: here it is that of the ids."""

    def _chosen(self, *bounds: int | None) -> list[MeasureGroup]:
        return sorted(super()._chosen(*bounds), key=lambda one: one.group_id)


def test_what_changes_while_the_pages_are_read_is_not_lost(world: World) -> None:
    cloud = ById(lambda: world.now)
    world.cloud = cloud
    for minute in range(4):
        world.weigh(at=minute)
    began = int(world.now)
    original = Cloud._page

    def page(self: Cloud, rows: Sequence[bytes], more: bool) -> Page:
        made = original(self, rows, more)
        if int(world.now) == began:  # this was the first one
            cloud.put(group({1: 60}, group_id=0, taken_at=NOON - 60, updated_at=began + 1))
            cloud.put(group({1: 71}, group_id=4, taken_at=NOON + 180, updated_at=began + 2))
            world.now += 2
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cloud, "_page", page)
        world.sync()
    assert (3, Decimal(71)) in world.kilograms()
    assert (-1, Decimal(60)) not in world.kilograms(), "it came onto a page that was read"
    world.sync()
    assert (-1, Decimal(60)) in world.kilograms()


def test_the_cursor_is_the_services_own(world: World) -> None:
    world.cloud.put(group({1: 80}, updated_at=int(world.now) + 5000))
    world.sync()
    assert world.cursor() == int(world.now)


def test_groups_without_a_time_of_change_never_move_the_cursor(world: World) -> None:
    world.cloud.put(group({1: 80}, stored_at=None, updated_at=None))
    world.sync()
    assert world.cursor() == 0
    assert world.sync().changed == 0
    assert world.kilograms() == weights(0, kg="80")


# Settling


def fresh(number: int, values: dict[int, Any], *, stored_at: float) -> MeasureGroup:
    return group(values, group_id=number, taken_at=NOON, stored_at=int(stored_at))


@pytest.mark.parametrize("host_ahead", [0.0, 5 * 3600.0, -5 * 3600.0])
def test_a_fresh_reading_settles_by_the_clock_of_the_cloud(
    tmp_path: Path, host_ahead: float
) -> None:
    world = World(tmp_path, host_ahead=host_ahead)
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now - 3))
    outcome = world.sync()
    assert world.naps == [SETTLE - 3]
    assert outcome.exit_code is ExitCode.DONE
    assert world.kilograms() == weights(0)


@pytest.mark.parametrize("host_ahead", [0.0, 5 * 3600.0, -5 * 3600.0])
def test_a_reading_that_has_settled_is_not_waited_for(tmp_path: Path, host_ahead: float) -> None:
    world = World(tmp_path, host_ahead=host_ahead)
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now - SETTLE))
    world.sync()
    assert world.naps == []
    assert world.kilograms() == weights(0)


def test_a_group_that_comes_while_we_wait_goes_out_with_the_others(world: World) -> None:
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now - 3))

    late = fresh(2, {6: "20.5"}, stored_at=world.now + 1)
    world.while_asleep = lambda: world.cloud.put(late)
    world.sync()
    assert world.naps == [7, 4], "it grew, so it settles anew"
    [(_, _, values)] = world.place.standing()
    assert values == {1: Decimal("70.5"), 6: Decimal("20.5")}
    assert [call for call, _ in world.place.calls if call in ("send", "replace")] == ["send"]
    assert world.states() == ["superseded", "confirmed"]


def test_a_late_group_grows_what_was_delivered(world: World) -> None:
    world.cloud.put(group({1: "70.5"}, group_id=1))
    world.sync()
    world.cloud.put(group({6: "20.5"}, group_id=2, stored_at=NOON + 600))
    world.sync()
    [(_, _, values)] = world.place.standing()
    assert values == {1: Decimal("70.5"), 6: Decimal("20.5")}


def test_settle_zero_sends_at_once_and_again_when_it_grows(world: World) -> None:
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now))
    world.sync(settle=0.0)
    assert world.naps == []
    assert world.kilograms() == weights(0)
    world.cloud.put(fresh(2, {6: "20.5"}, stored_at=world.now + 5))
    world.now += 5
    world.sync(settle=0.0)
    assert len(world.place.standing()) == 1


def test_one_never_waits_for_longer_than_a_reading_settles(world: World) -> None:
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now + 10 * DAY))
    outcome = world.sync()
    assert world.naps == [SETTLE]
    assert outcome.exit_code is ExitCode.DONE
    assert len(world.place.standing()) == 1


def test_without_an_answer_nobody_waits(world: World) -> None:
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now))
    world.cloud.page_size = 1
    world.weigh(at=5)
    world.cloud.problem, world.cloud.fail_after = RetryLater("Status 503."), 1
    world.sync()
    assert world.naps == []


# One odd answer harms nobody else


def test_an_odd_group_is_kept_and_counted_and_the_rest_goes_on(world: World) -> None:
    world.cloud.odd = [b'"not even an object"', b'{"grpid": "?", "date": 1}']
    world.weigh()
    outcome = world.sync()
    assert outcome.odd == 2
    assert outcome.exit_code is ExitCode.DONE
    assert world.kilograms() == weights(0)
    assert ('"not even an object"',) in world.archived()


def test_without_an_account_a_person_must_log_in_and_nothing_else_fails(world: World) -> None:
    world.person = "ben"
    outcome = world.sync()
    assert isinstance(outcome.problem, LoginNeeded)
    assert "weighbridge login withings --person ben" in outcome.problem.remedy
    assert outcome.exit_code is ExitCode.LOG_IN
    assert [one.problem for one in outcome.deliveries] == [None, None]


def test_withings_in_trouble_does_not_stop_what_is_known_already(world: World) -> None:
    world.weigh()
    world.place.faults.append(_fault(RetryLater("Busy.")))
    world.sync()
    assert world.states() == ["planned"]
    world.cloud.problem = LoginNeeded("The login is dead.")
    outcome = world.sync()
    assert outcome.exit_code is ExitCode.LOG_IN
    assert world.kilograms() == weights(0)
    assert world._rows("SELECT trouble FROM account") == [("The login is dead.",)]


def _fault(problem: BaseException) -> Any:
    from weighbridge.testing.places import Fault

    return Fault(problem)


# Targets are strangers to each other


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (RetryLater("Busy."), ExitCode.LATER),
        (LoginNeeded("Log in."), ExitCode.LOG_IN),
        (ValueError("a defect"), ExitCode.LOOK),
    ],
)
def test_a_target_in_trouble_does_not_stop_the_other(
    world: World, problem: Exception, code: ExitCode
) -> None:
    world.weigh()
    world.place.blind.append(problem)
    outcome = world.sync()
    assert outcome.exit_code is code
    assert world.kilograms() == []
    assert world.kilograms(world.notes) == weights(0)
    assert delivered(outcome, "notes").exit_code is ExitCode.DONE


class Defective(Place):
    """Its ``takes`` has a defect for one reading."""

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        if reading.taken_at == NOON + 60:
            raise ZeroDivisionError
        return super().takes(reading)


def test_a_target_that_cannot_be_planned_does_not_stop_the_other(world: World) -> None:
    world.targets["place"] = Defective(world.clock)
    for minute in range(3):
        world.weigh(at=minute)
    outcome = world.sync()
    assert outcome.exit_code is ExitCode.LOOK
    assert isinstance(delivered(outcome).problem, Problem)
    assert world.kilograms(world.notes) == weights(0, 1, 2)
    world.targets["place"] = world.place
    assert world.sync().exit_code is ExitCode.DONE
    assert world.kilograms() == weights(0, 1, 2), "nothing was forgotten meanwhile"


def test_a_target_that_cannot_be_built_now_gets_everything_later(world: World) -> None:
    world.weigh(at=0)
    world.sync()
    world.targets["place"] = StateProblem("A part is missing.", remedy="Install it.")
    world.weigh(at=1)
    outcome = world.sync()
    assert delivered(outcome).problem is world.targets["place"]
    assert world.kilograms(world.notes) == weights(0, 1)
    world.targets["place"] = world.place
    world.sync()
    assert world.kilograms() == weights(0, 1)


def test_a_target_that_was_away_gets_what_it_missed(world: World) -> None:
    world.weigh(at=0)
    world.sync()
    away = world.targets.pop("place")
    world.weigh(at=1)
    world.sync()
    world.targets["place"] = away
    world.sync()
    assert world.kilograms() == weights(0, 1)


def test_what_waits_for_a_target_survives_that_it_cannot_be_built(world: World) -> None:
    world.weigh()
    world.place.faults.append(_fault(RetryLater("Busy.")))
    world.sync()
    world.targets["place"] = StateProblem("A part is missing.", remedy="Install it.")
    world.cloud.put(group({167: 60}, group_id=2, updated_at=NOON + 900))
    world.sync()
    assert world.states() == ["planned"]


def test_a_target_that_is_not_chosen_is_planned_and_not_served(world: World) -> None:
    world.weigh()
    outcome = world.sync(only=["notes"])
    assert [one.target for one in outcome.deliveries] == ["notes"]
    assert world.kilograms() == []
    assert world.states() == ["planned"]
    world.sync()
    assert world.kilograms() == weights(0)


def test_a_new_rule_has_everything_planned_once_more(world: World) -> None:
    world.since = Window(TODAY, zone="UTC")
    world.weigh(at=-2000)
    world.weigh(at=0)
    world.sync()
    assert world.kilograms() == weights(0)
    world.since, world.fingerprint = Window(zone="UTC"), "other rules"
    world.sync()
    assert world.kilograms() == weights(-2000, 0)


def test_the_pause_that_a_target_asked_for_is_kept(world: World) -> None:
    world.weigh()
    world.place.faults.append(_fault(RetryLater("Busy.", after=600)))
    world.sync()
    calls = len(world.place.calls)
    outcome = world.sync()
    problem = delivered(outcome).problem
    assert isinstance(problem, RetryLater)
    assert problem.remedy
    assert len(world.place.calls) == calls
    world.now += 600
    assert world.sync().exit_code is ExitCode.DONE
    assert world.kilograms() == weights(0)


def test_a_blocked_target_is_named_until_somebody_logs_in(world: World) -> None:
    world.weigh()
    world.place.blind.append(LoginNeeded("Log in.", remedy="Run: weighbridge login"))
    world.sync()
    calls = len(world.place.calls)
    outcome = world.sync()
    assert outcome.exit_code is ExitCode.LOG_IN
    assert len(world.place.calls) == calls
    with Database(world.home) as database:
        Ledger(database, "anna", "place", world.clock()).wake()
    assert world.sync().exit_code is ExitCode.DONE
    assert world.kilograms() == weights(0)


# Windows


def test_older_readings_are_counted_once_and_sent_when_asked_for(world: World) -> None:
    world.since = Window(TODAY, zone="UTC")
    world.weigh(at=-2000)
    world.weigh(at=0)
    outcome = world.sync()
    assert delivered(outcome).older == 1
    world.cloud.put(group({167: 60}, group_id=9, taken_at=NOON - 60 * 2000, updated_at=NOON + 99))
    assert delivered(world.sync()).older == 1
    outcome = world.sync(Window(zone="UTC"), only=["place"])
    assert delivered(outcome).older == 0
    assert len(world.place.standing()) == 2
    assert world.older() == [1, 0]


def test_a_window_is_read_again_and_marks_what_is_gone(world: World) -> None:
    for minute in range(4):
        world.weigh(at=minute)
    world.place.faults.append(_fault(RetryLater("Busy.")))
    world.sync()
    del world.cloud.groups[3]
    assert world.sync(only=["notes"]).gone == 0, "a deleted group is not told"
    outcome = world.sync(Window(TODAY, TODAY, "UTC"))
    assert outcome.gone == 1
    assert world.cloud.asked[-1]["lastupdate"] is None
    assert world.kilograms() == weights(0, 1, 3)
    assert "superseded" in world.states()
    with Database(world.home) as database:
        archive = account_archive(database, "anna")
        assert archive is not None
        assert len(list(readings_between(archive, 0, FOR_EVER))) == 3


def test_a_window_with_an_odd_group_marks_nothing_as_gone(world: World) -> None:
    world.weigh(at=0)
    world.weigh(at=1)
    world.sync()
    del world.cloud.groups[2]
    world.cloud.odd = [b'{"grpid": 2, "date": "?"}']
    assert world.sync(Window(TODAY, TODAY, "UTC")).gone == 0


def test_a_window_does_not_move_the_cursor(world: World) -> None:
    world.weigh()
    world.sync(Window(TODAY, TODAY, "UTC"))
    assert world.cursor() == 0
    assert world.kilograms() == weights(0)


def test_a_window_that_breaks_off_marks_nothing_as_gone(world: World) -> None:
    for minute in range(4):
        world.weigh(at=minute)
    world.sync()
    world.cloud.problem, world.cloud.fail_after = RetryLater("Status 503."), 1
    outcome = world.sync(Window(TODAY, TODAY, "UTC"))
    assert isinstance(outcome.problem, RetryLater)
    assert outcome.gone == 0


# The home folder


def test_a_disk_that_fills_up_loses_nothing(world: World) -> None:
    for minute in range(400):
        world.weigh(at=minute - 400)
    world.cloud.page_size = 50
    with Database(world.home) as database:
        pages = database._connection.execute("PRAGMA page_count").fetchone()[0]

    def small(self: Database, *args: Any) -> None:
        original(self, *args)
        self._connection.execute(f"PRAGMA max_page_count = {pages + 8}")

    original = Database.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "__init__", small)
        with pytest.raises(StateProblem, match="full"):
            world.sync()
    assert world.cursor() == 0
    assert world.sync().exit_code is ExitCode.DONE
    assert world.kilograms() == weights(*range(-400, 0))


def test_planning_twice_changes_nothing(world: World) -> None:
    for minute in range(3):
        world.weigh(at=minute)
    world.sync()
    before = world.ledger()
    with Database(world.home) as database:
        leases = Leases(database, world.clock, world.sleep)
        archive = account_archive(database, "anna")
        assert archive is not None
        archive.touch_everything()
        plan(world.road(database, leases), None)
        assert archive.next_touched(-1, 10) == []
    assert world.ledger() == before


def test_many_instants_are_planned_in_several_transactions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weighbridge.pipeline.INSTANTS_AT_ONCE", 2)
    for minute in range(7):
        world.weigh(at=minute)
    world.sync()
    assert world.kilograms() == weights(*range(7))


# Killed


def _household(folder: Path) -> World:
    """Something was delivered before; now there are new, late, corrected and odd groups."""
    world = World(folder)
    world.weigh("70.5", at=0)
    world.weigh("70.5", at=1)
    world.sync()
    later = {"stored_at": NOON + 700}
    world.cloud.put(group({1: "71.5"}, group_id=1, taken_at=NOON, updated_at=NOON + 700))
    world.cloud.put(group({167: 60}, group_id=20, taken_at=NOON + 60, **later))
    world.cloud.put(group({4: "1.72"}, group_id=21, taken_at=NOON - 60, **later))
    world.cloud.put(group({9: 79, 10: 121}, group_id=22, taken_at=NOON + 120, **later))
    world.cloud.put(group({1: 80}, group_id=23, taken_at=NOON + 120, **later))
    world.cloud.put(fresh(24, {1: 60}, stored_at=world.now - 5))
    world.cloud.odd = [b'"not even an object"']
    return world


def _result(world: World) -> dict[str, Any]:
    return {
        "ledger": world.ledger(),
        "archive": world.archived(),
        "cursor": world.cursor(),
        "place": world.place.standing(),
        "notes": world.notes.standing(),
        "touched": world._rows("SELECT * FROM touched"),
    }


def _run_to_the_end(world: World) -> None:
    """The next runs; the first one long enough after that what was sent could be seen."""
    for _ in range(3):
        world.now += 3600
        if world.sync().exit_code is ExitCode.DONE:
            return
    raise AssertionError("it never ends")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    world = _household(tmp_path_factory.mktemp("undisturbed"))
    assert world.sync().exit_code is ExitCode.DONE
    return _result(world), len(world.fuse.steps)


def test_the_undisturbed_run_has_many_steps(undisturbed: tuple[dict[str, Any], int]) -> None:
    result, steps = undisturbed
    assert steps > 60
    assert len(result["place"]) == 5
    assert {row[4] for row in result["ledger"]} <= {"confirmed", "delivered", "superseded"}


@pytest.mark.parametrize("part", range(4))
def test_killed_between_any_two_steps_it_ends_like_the_run_that_nobody_killed(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int], part: int
) -> None:
    expected, steps = undisturbed
    for step in range(part, steps, 4):
        world = _household(tmp_path / str(step))
        with pytest.raises(Killed):
            world.sync(at=step)
        name = world.fuse.steps[step]
        _run_to_the_end(world)
        assert _result(world) == expected, f"killed at step {step}: {name}"


def test_killed_twice_it_ends_the_same_way(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int]
) -> None:
    expected, steps = undisturbed
    for step in range(5, steps, 11):
        world = _household(tmp_path / str(step))
        with pytest.raises(Killed):
            world.sync(at=step)
        world.now += 3600
        with suppress(Killed):  # it may have little left to do
            world.sync(at=step // 2)
        _run_to_the_end(world)
        assert _result(world) == expected, f"killed at step {step} and {step // 2}"


def test_a_road_knows_its_errands_by_their_urgency() -> None:
    assert Outcome("anna").exit_code is ExitCode.DONE
    one = Delivered("a", "memory", open={"rejected": 1})
    other = Delivered("b", "memory", open={"blocked": 1})
    assert Outcome("anna", deliveries=[one]).exit_code is ExitCode.LOOK
    assert Outcome("anna", deliveries=[one, other]).exit_code is ExitCode.LOG_IN
    held = msgspec.structs.replace(one, open={"held": 3})
    assert Outcome("anna", deliveries=[held]).exit_code is ExitCode.DONE

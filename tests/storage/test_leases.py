"""One holder at a time, in threads and in processes, also when one of them is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from weighbridge.core.errors import RetryLater, StateProblem
from weighbridge.core.reason import plain
from weighbridge.storage.api_pauses import ApiPauseStore, SignInBreaker, breaker_name
from weighbridge.storage.database import Database
from weighbridge.storage.leases import Leases, name_of
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.testing.builders import NOON

HOUR = 3600.0


class Clock:
    """It moves only when somebody sleeps or says so."""

    def __init__(self) -> None:
        self.now = float(NOON)
        self.slept = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


@contextmanager
def leases_of(home: Path, clock: Clock) -> Iterator[Leases]:
    with SqliteDatabase(home) as database:
        leases = Leases(database, clock, clock.sleep)
        try:
            yield leases
        finally:
            leases.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mine(tmp_path: Path, clock: Clock) -> Iterator[Leases]:
    with leases_of(tmp_path, clock) as leases:
        yield leases


@pytest.fixture
def theirs(tmp_path: Path, clock: Clock) -> Iterator[Leases]:
    with leases_of(tmp_path, clock) as leases:
        yield leases


def test_a_lease_that_is_held_is_waited_for_and_then_given_up(
    mine: Leases, theirs: Leases, clock: Clock
) -> None:
    with mine.hold("x", seconds=60, patience=0), pytest.raises(RetryLater) as caught:
        theirs._take("x", 60, 2.0)
    assert 2.0 <= clock.slept < 2.2
    assert caught.value.remedy


def test_a_lease_that_was_given_back_is_free_at_once(
    mine: Leases, theirs: Leases, clock: Clock
) -> None:
    with mine.hold("x", seconds=60, patience=0):
        pass
    with theirs.hold("x", seconds=60, patience=0):
        pass
    assert clock.slept == 0


def test_leases_of_other_names_do_not_wait_for_each_other(
    mine: Leases, theirs: Leases, clock: Clock
) -> None:
    with mine.hold("x", seconds=60, patience=0), theirs.hold("y", seconds=60, patience=0):
        assert clock.slept == 0


def test_two_people_never_share_a_lease_or_a_breaker_however_they_are_called() -> None:
    odd = [("anna to b", "c"), ("anna", "b to c"), ('anna", "b', "c"), ("anna", 'b", "c')]
    assert len({name_of("deliveries", *names) for names in odd}) == len(odd)
    assert name_of("deliveries", "anna", "b") != name_of("login", "anna", "b")
    odd = [("anna at b", "c"), ("anna", "b at c")]
    names = {breaker_name(*names) for names in odd} | {breaker_name("anna", "b", "c")}
    assert len(names) == 3


def test_a_lease_is_given_back_when_the_work_fails(mine: Leases, theirs: Leases) -> None:
    with pytest.raises(ZeroDivisionError), mine.hold("x", seconds=60, patience=0):
        raise ZeroDivisionError
    with theirs.hold("x", seconds=60, patience=0):
        pass


def test_a_lease_whose_time_is_over_is_taken_and_the_loser_hears_of_it(
    mine: Leases, theirs: Leases, clock: Clock
) -> None:
    with mine.hold("x", seconds=60, patience=0) as renew:
        clock.now += 60
        with theirs.hold("x", seconds=60, patience=0) as renew_theirs:
            with pytest.raises(RetryLater, match="took over"):
                renew()
            renew_theirs()


def test_the_loser_does_not_give_back_what_is_no_longer_his(
    mine: Leases, theirs: Leases, clock: Clock
) -> None:
    with theirs.hold("x", seconds=600, patience=0), pytest.raises(RetryLater):
        mine._take("x", 60, 0)
    with mine.hold("x", seconds=60, patience=0):
        clock.now += 61
        theirs._take("x", 600, 0)
    with pytest.raises(RetryLater):
        mine._take("x", 60, 0)


def test_renewing_makes_it_last(mine: Leases, theirs: Leases, clock: Clock) -> None:
    with mine.hold("x", seconds=60, patience=0) as renew:
        for _ in range(5):
            clock.now += 50
            renew()
            with pytest.raises(RetryLater):
                theirs._take("x", 60, 0)


def test_a_living_holder_is_not_taken_for_dead(mine: Leases, theirs: Leases) -> None:
    with mine.hold("x", seconds=60, patience=0):
        assert not theirs._life.is_over(mine._life.name)


def test_nothing_is_left_behind(tmp_path: Path, clock: Clock) -> None:
    with leases_of(tmp_path, clock) as leases, leases.hold("x", seconds=60, patience=0):
        assert len(list((tmp_path / "run").iterdir())) == 1
    assert list((tmp_path / "run").iterdir()) == []


def test_only_one_thread_at_a_time_is_inside(tmp_path: Path) -> None:
    inside, most, guard = 0, 0, threading.Lock()
    entered: list[int] = []

    def enter(number: int) -> None:
        nonlocal inside, most
        with SqliteDatabase(tmp_path) as database:
            leases = Leases(database, time.time, lambda seconds: time.sleep(0.002))
            with leases.hold("x", seconds=60, patience=60):
                with guard:
                    inside += 1
                    most = max(most, inside)
                entered.append(number)
                with guard:
                    inside -= 1
            leases.close()

    SqliteDatabase(tmp_path).close()
    threads = [threading.Thread(target=enter, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert most == 1
    assert sorted(entered) == list(range(6))


HOLD = """
import sys, time
from pathlib import Path
from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.storage.leases import Leases

with SqliteDatabase(Path(sys.argv[1])) as database:
    leases = Leases(database, time.time, time.sleep)
    with leases.hold("x", seconds=900, patience=0), leases.hold("y", seconds=900, patience=0):
        print("held", flush=True)
        sys.stdin.readline()
"""


@contextmanager
def holder(home: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(home)]
    with subprocess.Popen(
        command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_lease_holds_across_processes(tmp_path: Path) -> None:
    SqliteDatabase(tmp_path).close()
    with holder(tmp_path), leases_of(tmp_path, Clock()) as leases:
        leases._clock = time.time
        with pytest.raises(RetryLater):
            leases._take("x", 60, 1.0)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_the_leases_of_a_killed_process_are_free_at_once(tmp_path: Path) -> None:
    SqliteDatabase(tmp_path).close()
    with holder(tmp_path) as process, leases_of(tmp_path, Clock()) as leases:
        leases._clock = time.time
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
        with leases.hold("x", seconds=60, patience=0), leases.hold("y", seconds=60, patience=0):
            pass
    assert list((tmp_path / "run").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_clear_error(mine: Leases, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file in the way")
    with pytest.raises(StateProblem) as caught, mine.hold("x", seconds=60, patience=0):
        pass
    assert str(tmp_path / "run") in caught.value.message
    assert caught.value.remedy


# The pause and the breaker


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase(tmp_path) as opened:
        yield opened


def test_setting_the_pause_never_shortens_it(database: Database) -> None:
    pause = ApiPauseStore(database, "withings")
    assert pause.until() == 0
    for until in (NOON + 60, NOON + 30, NOON + 90, 0):
        pause.set(until)
    assert pause.until() == NOON + 90
    assert ApiPauseStore(database, "another").until() == 0


def test_the_pause_holds_every_process(database: Database, tmp_path: Path) -> None:
    ApiPauseStore(database, "withings").set(NOON + 60)
    with SqliteDatabase(tmp_path) as other:
        assert ApiPauseStore(other, "withings").until() == NOON + 60


def test_the_breaker_opens_for_two_hours_and_doubles_up_to_a_day(
    database: Database, clock: Clock
) -> None:
    breaker = SignInBreaker(database, "sign-in", clock)
    assert breaker.state() is None
    hours = []
    for _ in range(7):
        hours.append((breaker.open(plain("status 429")).until - clock.now) / HOUR)
        clock.now += hours[-1] * HOUR
    assert hours == [2, 4, 8, 16, 24, 24, 24]


def test_the_breaker_is_open_until_its_time_is_over(database: Database, clock: Clock) -> None:
    breaker = SignInBreaker(database, "sign-in", clock)
    breaker.open(plain("status 429"))
    clock.now += 2 * HOUR - 1
    state = SignInBreaker(database, "sign-in", clock).state()
    assert state is not None
    assert (state.steps, state.reason, state.until) == (1, plain("status 429"), clock.now + 1)
    clock.now += 1
    assert breaker.state() is None


def test_a_success_closes_the_breaker_and_forgets_its_steps(
    database: Database, clock: Clock
) -> None:
    breaker = SignInBreaker(database, "sign-in", clock)
    breaker.open(plain("one"))
    breaker.open(plain("two"))
    breaker.close()
    assert breaker.state() is None
    assert breaker.open(plain("three")).steps == 1
    assert breaker.open(plain("four")).until == clock.now + 4 * HOUR

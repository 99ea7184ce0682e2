"""All processes of a home together make at most 120 calls a minute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.withings_memory import Clock
from weighbridge.core.errors import RetryLater
from weighbridge.sources.withings.call_policy import CALLS, SECONDS, CallPolicy
from weighbridge.storage.api_pauses import ApiPauseStore, CallLog
from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase(tmp_path) as opened:
        yield opened


class Budget:
    """The calls that one process makes."""

    def __init__(self, database: Database, clock: Clock, patience: float = 30.0) -> None:
        self._policy = CallPolicy(
            ApiPauseStore(database, "withings"),
            CallLog(database),
            clock=clock,
            sleep=clock.sleep,
            patience=patience,
        )

    def spend(self) -> None:
        self._policy.call(lambda: None)


def test_what_fits_into_a_minute_does_not_wait(database: Database) -> None:
    clock = Clock()
    budget = Budget(database, clock)
    for _ in range(CALLS):
        budget.spend()
    assert clock.naps == []


def test_one_call_too_many_waits_until_the_oldest_is_a_minute_old(database: Database) -> None:
    clock = Clock()
    budget = Budget(database, clock)
    for _ in range(CALLS):
        budget.spend()
        clock.now += 0.3
    budget.spend()
    assert clock.naps == pytest.approx([SECONDS - CALLS * 0.3])


def test_nobody_waits_longer_than_the_patience(database: Database) -> None:
    clock = Clock()
    budget = Budget(database, clock)
    for _ in range(CALLS):
        budget.spend()
    with pytest.raises(RetryLater) as caught:
        budget.spend()
    assert caught.value.after == pytest.approx(SECONDS)
    assert clock.naps == []


def test_several_processes_share_the_budget(database: Database, tmp_path: Path) -> None:
    clock = Clock()
    with SqliteDatabase(tmp_path) as other:
        first, second = Budget(database, clock), Budget(other, clock, patience=61.0)
        for _ in range(CALLS - 1):
            first.spend()
        second.spend()
        second.spend()
    assert clock.naps == [SECONDS]


def test_a_clock_that_was_set_back_holds_nobody_up(database: Database) -> None:
    clock = Clock()
    budget = Budget(database, clock)
    for _ in range(CALLS):
        budget.spend()
    clock.now -= 86_400
    budget.spend()
    assert clock.naps == []


def test_only_the_calls_of_the_last_minute_are_kept(database: Database) -> None:
    clock = Clock()
    budget = Budget(database, clock)
    for _ in range(10):
        budget.spend()
        clock.now += SECONDS
    row = database.one("withings_calls")
    assert row is not None
    assert row["number"] == 1


@given(st.lists(st.floats(0, 5), min_size=CALLS, max_size=CALLS * 3))
@settings(max_examples=15, deadline=None)
def test_no_minute_ever_has_more_calls_than_allowed(
    tmp_path_factory: pytest.TempPathFactory, pauses: list[float]
) -> None:
    clock = Clock()
    times = []
    with SqliteDatabase(tmp_path_factory.mktemp("home")) as database:
        budget = Budget(database, clock, patience=SECONDS + 1)
        for pause in pauses:
            budget.spend()
            times.append(clock.now)
            clock.now += pause
    later = zip(times, times[CALLS:], strict=False)
    assert all(end - begin >= SECONDS - 1e-6 for begin, end in later)

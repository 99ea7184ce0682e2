"""The intake answers when a notification is durable, stores many at once, and survives a bad
disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from fixtures.waiting import PATIENCE
from weighbridge.core.errors import RetryLater, StateProblem
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.notification_queue import NotificationQueue
from weighbridge.sources.withings.notification import Notification
from weighbridge.storage.archive import connect_account
from weighbridge.storage.database import Database
from weighbridge.storage.notification_store import (
    KEPT_SECONDS,
    open_notifications,
    settle_notifications,
)
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.testing.builders import NOON

WEIGH_IN = Notification("4711", 1, NOON - 1, NOON)


class House:
    """A home folder with one person, and an intake in front of it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.now = NOON + 100.0
        self.woken: list[str] = []
        self.opened = 0
        self.trouble: Exception | None = None
        self.counts = ProcessCounters()
        self.gate = threading.Event()
        self.gate.set()
        with self.database() as database:
            self.account = connect_account(database, "anna", "4711", self.clock).account

    def clock(self) -> float:
        return self.now

    def database(self) -> Database:
        return SqliteDatabase(self.home)

    def open(self) -> Database:
        self.gate.wait(PATIENCE)
        self.opened += 1
        if self.trouble:
            raise self.trouble
        return self.database()

    def intake(
        self, wake: Callable[[str], object] | None = None, room: int = 2000
    ) -> NotificationQueue:
        wake = wake or self.woken.append
        return NotificationQueue(self.open, self.clock, wake, counts=self.counts, room=room)

    def stored(self) -> int:
        with self.database() as database:
            return len(open_notifications(database, self.account))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


@pytest.fixture
def intake(house: House) -> Iterator[NotificationQueue]:
    intake = house.intake()
    intake.start()
    yield intake
    house.gate.set()
    intake.stop()


def test_a_notification_is_durable_and_its_person_woken_when_it_is_answered(
    house: House, intake: NotificationQueue
) -> None:
    intake.take(WEIGH_IN).result(PATIENCE)
    assert house.stored() == 1
    assert house.woken == ["anna"]


def test_what_comes_in_during_a_commit_shares_the_next_one(
    house: House, intake: NotificationQueue
) -> None:
    house.gate.clear()  # the thread is busy
    answers = [intake.take(WEIGH_IN) for _ in range(300)]
    assert not any(answer.done() for answer in answers)
    house.gate.set()
    for answer in answers:
        answer.result(PATIENCE)
    assert house.stored() == 300
    assert len(house.woken) <= 2


def test_a_notification_for_nobody_is_answered_dropped_and_counted(
    house: House, intake: NotificationQueue
) -> None:
    intake.take(Notification("9", 1)).result(PATIENCE)
    intake.take(WEIGH_IN).result(PATIENCE)
    intake.stop()
    assert house.stored() == 1
    counts = house.counts.snapshot().counts
    assert counts == {("notifications",): 1, ("notifications_dropped", "unknown_user"): 1}


def test_whoever_finds_no_room_is_told_when_to_come_again(house: House) -> None:
    intake = house.intake(room=2)
    intake.take(WEIGH_IN)
    intake.take(WEIGH_IN)
    with pytest.raises(RetryLater) as turned_away:
        intake.take(WEIGH_IN)
    assert turned_away.value.after
    intake.start()
    intake.stop()
    assert house.stored() == 2


def test_a_database_that_cannot_be_opened_is_told_and_tried_again(
    house: House, intake: NotificationQueue
) -> None:
    house.trouble = StateProblem("The disk is full.", remedy="Make room.")
    with pytest.raises(StateProblem):
        intake.take(WEIGH_IN).result(PATIENCE)
    assert house.woken == []
    house.trouble = None
    intake.take(WEIGH_IN).result(PATIENCE)
    assert house.opened == 2
    assert house.stored() == 1


def test_a_trouble_that_nobody_foresaw_does_not_end_the_thread(
    house: House, intake: NotificationQueue
) -> None:
    house.trouble = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        intake.take(WEIGH_IN).result(PATIENCE)
    house.trouble = None
    intake.take(WEIGH_IN).result(PATIENCE)
    assert house.stored() == 1


def test_a_notification_that_cannot_be_written_is_not_answered_as_if_it_were(
    house: House, intake: NotificationQueue
) -> None:
    intake.take(WEIGH_IN).result(PATIENCE)
    with pytest.raises((StateProblem, OverflowError)):
        intake.take(Notification("4711", 2**63)).result(PATIENCE)  # no column can hold it
    intake.take(WEIGH_IN).result(PATIENCE)
    assert house.stored() == 2


def test_a_broken_wake_up_costs_nobody_the_answer(house: House) -> None:
    def wake(person: str) -> None:
        raise RuntimeError(person)

    intake = house.intake(wake)
    intake.start()
    intake.take(WEIGH_IN).result(PATIENCE)
    intake.take(WEIGH_IN).result(PATIENCE)
    intake.stop()
    assert house.stored() == 2


def test_who_went_away_harms_nobody_and_is_stored_all_the_same(
    house: House, intake: NotificationQueue
) -> None:
    house.gate.clear()
    gone: Future[None] = intake.take(WEIGH_IN)
    gone.cancel()
    stays = intake.take(WEIGH_IN)
    house.gate.set()
    stays.result(PATIENCE)
    intake.take(WEIGH_IN).result(PATIENCE)
    assert house.stored() == 3


def test_stopping_stores_what_waits_and_takes_no_more(house: House) -> None:
    intake = house.intake()
    answers = [intake.take(WEIGH_IN) for _ in range(50)]
    intake.start()
    intake.stop()
    assert all(answer.done() for answer in answers)
    assert house.stored() == 50
    with pytest.raises(RetryLater):
        intake.take(WEIGH_IN)


def test_stopping_twice_or_before_the_start_is_harmless(house: House) -> None:
    house.intake().stop()
    intake = house.intake()
    intake.start()
    intake.stop()
    intake.stop()
    assert "weighbridge-notifications" not in {thread.name for thread in threading.enumerate()}


def test_old_notifications_are_tidied_away_once_a_day(
    house: House, intake: NotificationQueue
) -> None:
    with house.database() as database:

        def settle_all() -> None:
            ids = [notification.id for notification in open_notifications(database, house.account)]
            settle_notifications(database, ids, house.now)

        def rows() -> int:
            found = database._connection.execute("SELECT count(*) FROM notification").fetchone()
            return int(found[0])

        intake.take(WEIGH_IN).result(PATIENCE)
        settle_all()
        house.now += KEPT_SECONDS + 1
        intake.take(WEIGH_IN).result(PATIENCE)
        intake.stop()
        assert rows() == 1


def test_a_person_who_left_the_configuration_is_not_notified_for(house: House) -> None:
    intake = NotificationQueue(
        house.open,
        house.clock,
        house.woken.append,
        is_ours=lambda person: False,
        counts=house.counts,
    )
    intake.start()
    intake.take(WEIGH_IN).result(PATIENCE)
    intake.stop()
    assert (house.stored(), house.woken) == (0, [])
    assert house.counts.snapshot().counts["notifications_dropped", "unknown_user"] == 1


def test_a_defect_while_tidying_up_does_not_end_the_thread(
    house: House, intake: NotificationQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("weighbridge.runtime.notification_queue.forget_old_notifications", fail)
    intake.take(WEIGH_IN).result(PATIENCE)
    intake.take(WEIGH_IN).result(PATIENCE)
    assert house.stored() == 2

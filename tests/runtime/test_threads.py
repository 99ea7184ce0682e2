"""No thread of the server dies without a word, and none holds up its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from fixtures.waiting import PATIENCE
from weighbridge.core.errors import RetryLater
from weighbridge.runtime.threads import ThreadGroup, sleep_until


@pytest.fixture
def shutdown() -> Iterator[threading.Event]:
    shutdown = threading.Event()
    yield shutdown
    shutdown.set()


@pytest.mark.parametrize(
    "trouble", [RetryLater("The database is in use."), ZeroDivisionError("a defect")]
)
def test_a_thread_that_failed_is_started_again_and_says_so(
    shutdown: threading.Event, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    group, done, calls = ThreadGroup(shutdown, restart_after=0.0), threading.Event(), list[int]()

    def work() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise trouble
        done.set()

    group.start("worker-0", work)
    assert done.wait(PATIENCE)
    assert group.join(PATIENCE)
    assert len(calls) == 3, "what returns has ended"
    told = [record for record in caplog.records if record.message == "thread_failed"]
    assert [record.__dict__["part"] for record in told] == ["worker-0"] * 2


def test_whoever_sleeps_is_woken_by_the_end_and_not_started_again(
    shutdown: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    group, calls = ThreadGroup(shutdown, restart_after=0.0), list[int]()

    def work() -> None:
        calls.append(1)
        sleep_until(shutdown)(10 * PATIENCE)

    group.start("subscriptions", work)
    shutdown.set()
    assert group.join(PATIENCE)
    assert len(calls) <= 1
    assert caplog.records == []


def test_a_thread_that_hangs_does_not_hold_up_the_end(shutdown: threading.Event) -> None:
    group, gate = ThreadGroup(shutdown), threading.Event()

    def hang() -> None:
        gate.wait(PATIENCE)

    for number in range(3):
        group.start(f"worker-{number}", hang)
    assert not group.join(0.05)
    gate.set()
    assert group.join(PATIENCE)

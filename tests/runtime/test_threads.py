"""No thread of the server dies without a word, and none holds up its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from fixtures.waiting import PATIENCE
from weighbridge.core.errors import RetryLater
from weighbridge.runtime.shutdown import Shutdown
from weighbridge.runtime.threads import ThreadGroup


@pytest.fixture
def halt() -> Iterator[Shutdown]:
    halt = Shutdown()
    yield halt
    halt.set()


@pytest.mark.parametrize(
    "trouble", [RetryLater("The database is in use."), ZeroDivisionError("a defect")]
)
def test_a_thread_that_failed_begins_anew_and_says_so(
    halt: Shutdown, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    crew, done, calls = ThreadGroup(halt, rest=0.0), threading.Event(), list[int]()

    def work() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise trouble
        done.set()

    crew.begin("worker-0", work)
    assert done.wait(PATIENCE)
    assert crew.part(PATIENCE)
    assert len(calls) == 3, "what returns has ended"
    told = [record for record in caplog.records if record.message == "thread_failed"]
    assert [record.__dict__["part"] for record in told] == ["worker-0"] * 2


def test_whoever_sleeps_is_woken_by_the_end_and_not_begun_anew(
    halt: Shutdown, caplog: pytest.LogCaptureFixture
) -> None:
    crew, calls = ThreadGroup(halt, rest=0.0), list[int]()

    def work() -> None:
        calls.append(1)
        halt.sleep(10 * PATIENCE)

    crew.begin("subscriptions", work)
    halt.set()
    assert crew.part(PATIENCE)
    assert len(calls) <= 1
    assert caplog.records == []


def test_a_thread_that_hangs_does_not_hold_up_the_end(halt: Shutdown) -> None:
    crew, gate = ThreadGroup(halt), threading.Event()

    def hang() -> None:
        gate.wait(PATIENCE)

    for number in range(3):
        crew.begin(f"worker-{number}", hang)
    assert not crew.part(0.05)
    gate.set()
    assert crew.part(PATIENCE)

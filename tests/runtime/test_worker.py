"""A worker goes on whatever an errand brings, and nothing that was due is forgotten."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from weighbridge.core.errors import StateProblem
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.schedule import Job, Schedule
from weighbridge.runtime.worker import AFTER_A_DEFECT, Worker

NOW = 1_000_000.0


class Rounds:
    """Each errand meets the next trouble; after the last one the scheduler is closed."""

    def __init__(self, scheduler: Schedule, *troubles: Exception | None) -> None:
        self.scheduler = scheduler
        self.troubles = list(troubles)
        self.errands: list[Job] = []

    def run(self, errand: Job) -> None:
        self.errands.append(errand)
        trouble = self.troubles.pop(0)
        if not self.troubles:
            self.scheduler.close()
        if trouble is not None:
            raise trouble


@pytest.mark.parametrize(
    "trouble", [StateProblem("The disk is full."), ZeroDivisionError("a defect")]
)
def test_everything_that_was_due_is_taken_up_again_after_trouble(
    trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler, counts = Schedule(["anna", "ben"], lambda: NOW), ProcessCounters()
    rounds = Rounds(scheduler, trouble, None)
    scheduler.ask("anna", NOW - 9)
    scheduler.notified("anna")
    scheduler.announce("anna", "mqtt", NOW)
    scheduler.serve("ben", NOW)
    with caplog.at_level(logging.WARNING):
        Worker(cast(Any, rounds), scheduler, counts, lambda: NOW).work()
    assert [errand.person for errand in rounds.errands] == ["anna", "ben"]
    diary = scheduler._diaries["anna"]
    later = NOW + AFTER_A_DEFECT
    assert (diary.ask_at, diary.notified_at, diary.serve_at) == (later, later, later)
    assert diary.announce == {"mqtt": later}
    assert not diary.at_work
    assert counts.tally().rounds["failed"] == 1
    assert [record.message for record in caplog.records] == ["round_failed"]

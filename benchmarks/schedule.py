"""What the schedule of the server costs for an event, with few and with many people.

    python benchmarks/schedule.py

At a start everybody is due: their polls, and then one delivery to a target that may take its time.
After that, notifications come for one person at a time. Nothing outside is touched: this is the
schedule alone, in one thread.
"""

from __future__ import annotations

import time
from random import Random

from weighbridge.runtime.schedule import MemorySchedule

PEOPLE = (10, 1_000, 10_000)
NOTIFICATIONS = 1_000
START = 1_000_000.0
POLL = 10_800.0


class Clock:
    """It moves when the benchmark says so."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


def start_and_notifications(people: int) -> tuple[float, float]:
    """Processor microseconds for one job at the start, and for one notification with its jobs."""
    clock, dice = Clock(), Random(1)
    schedule = MemorySchedule(clock, most_deferrable=3)
    names = [f"person {number}" for number in range(people)]
    begun = time.process_time()
    for name in names:
        schedule.poll_at(name, clock())
        schedule.deliver_deferrable_at(name, clock())
    jobs = _carry_out(schedule, clock)
    at_start = (time.process_time() - begun) / jobs
    begun = time.process_time()
    for _ in range(NOTIFICATIONS):
        clock.now += 0.01
        name = dice.choice(names)
        schedule.notified(name)
        schedule.deliver_deferrable_at(name, clock())
        _carry_out(schedule, clock)
    later = (time.process_time() - begun) / NOTIFICATIONS
    return at_start * 1e6, later * 1e6


def _carry_out(schedule: MemorySchedule, clock: Clock) -> int:
    """Everything that is due; each job plans its next poll."""
    number = 0
    while job := schedule.take(wait=False):
        if not job.deferrable:
            schedule.poll_at(job.person, clock() + POLL)
        schedule.done(job)
        number += 1
    return number


def main() -> None:
    """Print what was measured."""
    for people in PEOPLE:
        at_start, later = start_and_notifications(people)
        print(f"{people:>6,} people: {at_start:.1f} us a job at the start", end=", ")
        print(f"{later:.1f} us a notification")


if __name__ == "__main__":
    main()

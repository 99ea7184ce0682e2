"""Everybody gets their turn, one thread at a time, and nothing that was planned is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.waiting import PATIENCE
from weighbridge.runtime.schedule import (
    COMPACT_ABOVE,
    LONGEST_WAIT,
    NEVER,
    Job,
    MemorySchedule,
    Planned,
    Schedule,
    Task,
)

NOW = 1_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def made(most_deferrable: int = 1) -> tuple[MemorySchedule, Clock]:
    clock = Clock()
    return MemorySchedule(clock, most_deferrable=most_deferrable), clock


def taken(schedule: Schedule) -> Job:
    job = schedule.take(wait=False)
    assert job is not None
    return job


def test_a_notification_goes_before_everything_that_only_became_due() -> None:
    schedule, _ = made()
    schedule.poll_at("anna", NOW - 500)
    schedule.notified("ben")
    assert taken(schedule) == Job("ben", notified=True)
    assert taken(schedule) == Job("anna", poll=True)


def test_a_person_who_is_due_already_goes_first_once_withings_notifies() -> None:
    schedule, _ = made()
    schedule.poll_at("anna", NOW - 2)
    schedule.poll_at("ben", NOW - 1)
    schedule.poll_at("zoe", NOW - 3)
    assert taken(schedule).person == "zoe"
    schedule.notified("ben")
    assert taken(schedule) == Job("ben", poll=True, notified=True)
    assert taken(schedule).person == "anna"


def test_those_who_have_been_due_for_longest_are_next() -> None:
    schedule, _ = made()
    schedule.deliver_at("anna", NOW - 1)
    schedule.poll_at("ben", NOW - 3)
    schedule.deliver_at("zoe", NOW - 2)
    assert [taken(schedule).person for _ in range(3)] == ["ben", "zoe", "anna"]


def test_twenty_notifications_are_one_job() -> None:
    schedule, _ = made()
    for _ in range(20):
        schedule.notified("anna")
    assert taken(schedule).notified
    assert schedule.take(wait=False) is None


def test_a_person_is_at_work_once_and_what_comes_meanwhile_is_done_next() -> None:
    schedule, _ = made()
    schedule.notified("anna")
    first = taken(schedule)
    schedule.notified("anna")
    schedule.poll_at("ben", NOW)
    assert taken(schedule).person == "ben"
    assert schedule.take(wait=False) is None
    schedule.done(first)
    assert taken(schedule) == Job("anna", notified=True)


def test_what_is_due_together_is_one_job_and_the_rest_stays() -> None:
    schedule, clock = made()
    schedule.poll_at("anna", NOW)
    schedule.deliver_at("anna", NOW)
    schedule.republish_at("anna", "mqtt", NOW)
    schedule.republish_at("anna", "other", NOW + 5)
    first = taken(schedule)
    assert first == Job("anna", poll=True, republish=frozenset({"mqtt"}))
    schedule.done(first)
    clock.now += 5
    assert taken(schedule) == Job("anna", republish=frozenset({"other"}))


def test_the_earlier_of_two_times_counts() -> None:
    schedule, _ = made()
    schedule.poll_at("anna", NOW + 100)
    schedule.poll_at("anna", NOW + 900)
    assert schedule.planned("anna").at("poll") == NOW + 100
    assert schedule.planned("ben") == Planned()


def test_when_the_clock_is_set_back_everything_moves_along() -> None:
    schedule, clock = made()
    schedule.deliver_at("anna", NOW)
    schedule.done(taken(schedule))
    schedule.poll_at("anna", NOW + 100)
    schedule.notified("anna", 10)
    schedule.republish_at("anna", "mqtt", NOW + 20)
    schedule.deliver_deferrable_at("anna", NOW + 30)
    clock.now -= 5 * 3600
    schedule.deliver_at("anna", clock.now)
    schedule.done(taken(schedule))
    assert schedule.planned("anna").at("poll") == clock.now + 100
    clock.now += 30
    job = taken(schedule)
    assert (job.notified, job.republish) == (True, frozenset({"mqtt"}))
    assert taken(schedule).deferrable


def test_those_who_were_due_before_the_clock_was_set_back_stay_first() -> None:
    schedule, clock = made()
    for before, name in enumerate(["carl", "dora", "ben"]):
        schedule.poll_at(name, NOW - before)
    assert taken(schedule).person == "ben"
    clock.now -= 100
    assert taken(schedule).person == "dora"
    schedule.poll_at("anna", clock.now + 50)
    clock.now += 60
    assert [taken(schedule).person for _ in range(2)] == ["carl", "anna"]


def test_when_the_clock_is_set_forward_nothing_moves() -> None:
    schedule, clock = made()
    schedule.poll_at("anna", NOW + 100)
    clock.now += 5 * 3600
    assert taken(schedule).poll


def test_a_target_that_takes_its_time_delays_nobody() -> None:
    schedule, _ = made()
    schedule.deliver_deferrable_at("anna", NOW, since=NOW - 3)
    assert taken(schedule) == Job("anna", deferrable=True, since=NOW - 3)
    schedule.notified("anna")
    assert taken(schedule) == Job("anna", notified=True)


def test_one_thread_is_left_for_what_must_not_wait() -> None:
    schedule, _ = made()
    schedule.deliver_deferrable_at("anna", NOW)
    schedule.deliver_deferrable_at("ben", NOW)
    first = taken(schedule)
    schedule.poll_at("ben", NOW)
    assert not taken(schedule).deferrable, "the other deferrable job waits, although it was first"
    assert schedule.take(wait=False) is None
    schedule.done(first)
    assert taken(schedule).deferrable


# --- The same as a schedule that looks at everybody each time -------------------------------------


class NaiveSchedule:
    """The rules written down plainly: every take looks at everybody."""

    def __init__(self, clock: Clock, most_deferrable: int) -> None:
        self.clock = clock
        self.most_deferrable = most_deferrable
        self.plans: dict[tuple[str, bool], Planned] = {}
        self.at_work: set[tuple[str, bool]] = set()

    def plan(self, key: tuple[str, bool], task: Task, at: float) -> None:
        plan = self.plans.get(key, Planned())
        self.plans[key] = Planned({**plan.times, task: min(at, plan.at(task))})

    def take(self) -> Job | None:
        now = self.clock()
        full = sum(deferrable for _, deferrable in self.at_work) >= self.most_deferrable
        due = [
            (plan.at("notified") > now, deferrable, plan.due_at, person)
            for (person, deferrable), plan in self.plans.items()
            if plan.due_at <= now
            and (person, deferrable) not in self.at_work
            and not (deferrable and full)
        ]
        if not due:
            return None
        _, deferrable, _, person = min(due)
        plan = self.plans[person, deferrable]
        self.at_work.add((person, deferrable))
        due_tasks = {task for task, at in plan.times.items() if at <= now}
        self.plans[person, deferrable] = Planned(
            {task: at for task, at in plan.times.items() if task not in due_tasks}
        )
        republish = frozenset(task[1] for task in due_tasks if isinstance(task, tuple))
        return Job(person, "poll" in due_tasks, "notified" in due_tasks, republish, deferrable)

    def done(self, job: Job) -> None:
        self.at_work.remove((job.person, job.deferrable))

    def set_back(self, seconds: float) -> None:
        for key, plan in self.plans.items():
            self.plans[key] = Planned({task: at - seconds for task, at in plan.times.items()})


PEOPLE = st.sampled_from(["anna", "ben", "carl", "zoe"])
EVENTS = st.one_of(
    st.tuples(
        st.sampled_from(["notified", "poll", "deliver", "deferrable", "republish"]),
        PEOPLE,
        st.integers(-5, 30),
    ),
    st.tuples(st.sampled_from(["take", "take", "done", "later", "set back"]), st.integers(0, 9)),
)


class Pair:
    """A schedule with a heap and the naive one, told the same."""

    def __init__(self, most_deferrable: int) -> None:
        self.clock = Clock()
        self.heap = MemorySchedule(self.clock, most_deferrable=most_deferrable)
        self.naive = NaiveSchedule(self.clock, most_deferrable)
        self.running: list[Job] = []

    def plan(self, what: str, person: str, delay: int) -> None:
        at = self.clock() + delay
        match what:
            case "notified":
                self.heap.notified(person, delay)
                self.naive.plan((person, False), "notified", at)
            case "poll":
                self.heap.poll_at(person, at)
                self.naive.plan((person, False), "poll", at)
            case "deliver":
                self.heap.deliver_at(person, at)
                self.naive.plan((person, False), "deliver", at)
            case "deferrable":
                self.heap.deliver_deferrable_at(person, at)
                self.naive.plan((person, True), "deliver", at)
            case "republish":
                self.heap.republish_at(person, "mqtt", at)
                self.naive.plan((person, False), ("republish", "mqtt"), at)

    def go_on(self, what: str, number: int) -> None:
        match what:
            case "take":
                job = self.heap.take(wait=False)
                assert job == self.naive.take()
                if job is not None:
                    self.running.append(job)
            case "done" if self.running:
                job = self.running.pop(number % len(self.running))
                self.heap.done(job)
                self.naive.done(job)
            case "later":
                self.clock.now += number
            case "set back":
                self.go_on("take", 0)  # it is noticed when the next job is taken
                self.clock.now -= number
                self.naive.set_back(number)
                self.go_on("take", 0)


@settings(max_examples=300)
@given(st.integers(1, 3), st.lists(EVENTS, max_size=80))
def test_the_jobs_are_those_of_a_schedule_that_looks_at_everybody(
    most_deferrable: int, events: list[tuple[Any, ...]]
) -> None:
    pair = Pair(most_deferrable)
    for event in events:
        if len(event) == 3:
            pair.plan(*event)
        else:
            pair.go_on(*event)
        at_work = [(job.person, job.deferrable) for job in pair.running]
        assert len(at_work) == len(set(at_work)), "a person is at work in one thread at a time"
        assert sum(deferrable for _, deferrable in at_work) <= most_deferrable
    pair.clock.now += 100
    while True:
        before = len(pair.running)
        pair.go_on("take", 0)
        if len(pair.running) == before and not pair.running:
            break
        pair.go_on("done", 0)
    assert all(plan.due_at == NEVER for plan in pair.naive.plans.values()), "nothing is forgotten"


def test_times_that_no_longer_hold_do_not_pile_up() -> None:
    schedule, clock = made()
    for _ in range(50 * COMPACT_ABOVE):
        schedule.poll_at("anna", clock.now + 10_000)
        schedule.poll_at("anna", clock.now)
        schedule.done(taken(schedule))
    assert len(schedule._alarms) <= COMPACT_ABOVE + 5


# --- With threads ---------------------------------------------------------------------------------


@contextmanager
def working(schedule: Schedule, number: int, heard: Callable[[Job], None]) -> Iterator[None]:
    """So many threads that take jobs and end them at once."""

    def work() -> None:
        while (job := schedule.take()) is not None:
            schedule.done(job)
            heard(job)

    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        schedule.close()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "closing ends all of them"


def test_threads_that_wait_are_woken_and_nobody_is_forgotten() -> None:
    schedule, _ = made()
    jobs: Queue[Job] = Queue()
    with working(schedule, 4, jobs.put):
        for number in range(10):
            schedule.notified(f"person {number}")
            schedule.deliver_deferrable_at(f"person {number}", NOW)
        found = {
            (job.person, job.deferrable) for job in (jobs.get(timeout=PATIENCE) for _ in range(20))
        }
    assert len(found) == 20


def test_a_time_that_is_planned_while_all_threads_wait_is_kept() -> None:
    schedule = MemorySchedule(time.time)
    jobs: Queue[Job] = Queue()
    with working(schedule, 3, jobs.put):
        schedule.deliver_at("anna", time.time() + 0.02)
        schedule.poll_at("ben", time.time() + 0.05)
        long_before_a_look_at_the_clock = LONGEST_WAIT / 3
        found = [jobs.get(timeout=long_before_a_look_at_the_clock).person for _ in range(2)]
    assert found == ["anna", "ben"]

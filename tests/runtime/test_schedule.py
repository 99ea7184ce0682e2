"""Everybody comes to their turn, one thread at a time, and nothing that was noted is forgotten."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from fixtures.waiting import PATIENCE
from weighbridge.runtime.schedule import Job, Schedule

NOW = 1_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def scheduler(*people: str) -> tuple[Schedule, Clock]:
    clock = Clock()
    return Schedule(people or ("anna", "ben"), clock), clock


def taken(diaries: Schedule) -> Job:
    errand = diaries.take()
    assert errand is not None
    return errand


def test_a_notification_goes_before_everything_that_only_became_due() -> None:
    diaries, _ = scheduler()
    diaries.ask("anna", NOW - 500)
    diaries.notified("ben")
    assert taken(diaries) == Job("ben", asking=False, notified=True, announce=frozenset())
    assert taken(diaries) == Job("anna", asking=True, notified=False, announce=frozenset())


def test_whoever_has_been_due_for_longest_is_next() -> None:
    diaries, _ = scheduler("anna", "ben", "zoe")
    diaries.serve("anna", NOW - 1)
    diaries.ask("ben", NOW - 3)
    diaries.serve("zoe", NOW - 2)
    assert [taken(diaries).person for _ in range(3)] == ["ben", "zoe", "anna"]


def test_twenty_notifications_are_one_errand() -> None:
    diaries, _ = scheduler()
    for _ in range(20):
        diaries.notified("anna")
    assert taken(diaries).notified
    diaries.close()
    assert diaries.take() is None


def test_nobody_is_at_work_twice_and_what_comes_meanwhile_is_done_next() -> None:
    diaries, clock = scheduler()
    diaries.notified("anna")
    first = taken(diaries)
    diaries.notified("anna")
    diaries.ask("ben", NOW)
    assert taken(diaries).person == "ben"
    diaries.done(first)
    again = taken(diaries)
    assert (first.person, again.person, again.notified) == ("anna", "anna", True)
    assert clock() == NOW


def test_what_is_due_together_is_one_errand_and_the_rest_stays() -> None:
    diaries, clock = scheduler()
    diaries.ask("anna", NOW)
    diaries.serve("anna", NOW)
    diaries.announce("anna", "mqtt", NOW)
    diaries.announce("anna", "other", NOW + 5)
    first = taken(diaries)
    assert first == Job("anna", True, False, frozenset({"mqtt"}))
    diaries.done(first)
    clock.now += 5
    assert taken(diaries) == Job("anna", False, False, frozenset({"other"}))


def test_the_earlier_of_two_times_counts() -> None:
    diaries, _ = scheduler()
    diaries.ask("anna", NOW + 100)
    diaries.ask("anna", NOW + 900)
    assert diaries.next_ask("anna") == NOW + 100
    assert diaries.next_ask("ben") is None


def test_a_name_that_nobody_has_is_harmless() -> None:
    diaries, _ = scheduler()
    diaries.notified("nobody")
    diaries.ask("anna", NOW)
    assert taken(diaries).person == "anna"


def test_a_thread_that_waits_is_woken() -> None:
    diaries, _ = scheduler()
    found: list[Job | None] = []
    waiting = threading.Thread(target=lambda: found.append(diaries.take()))
    waiting.start()
    diaries.notified("anna")
    waiting.join(PATIENCE)
    assert [errand.person for errand in found if errand] == ["anna"]


def test_closing_wakes_everybody() -> None:
    diaries, _ = scheduler()
    found: list[Job | None] = []
    waiting = [threading.Thread(target=lambda: found.append(diaries.take())) for _ in range(3)]
    for thread in waiting:
        thread.start()
    diaries.close()
    for thread in waiting:
        thread.join(PATIENCE)
    assert found == [None] * 3


NOTES = st.tuples(
    st.sampled_from(["notification", "ask", "serve", "announce"]),
    st.sampled_from(["anna", "ben", "zoe"]),
    st.integers(0, 50),
)


@given(st.lists(NOTES, max_size=40))
def test_whatever_is_noted_is_done_and_never_before_its_time(
    notes: list[tuple[str, str, int]],
) -> None:
    diaries, clock = scheduler("anna", "ben", "zoe")
    for what, person, delay in notes:
        match what:
            case "notification":
                diaries.notified(person, delay)
            case "announce":
                diaries.announce(person, "mqtt", NOW + delay)
            case _:
                getattr(diaries, what)(person, NOW + delay)
    done: set[tuple[str, str]] = set()
    for moment in sorted({delay for _, _, delay in notes}):
        clock.now = NOW + moment
        due = {(what, person) for what, person, delay in notes if delay <= moment}
        while any(diary.due_at() <= clock.now for diary in diaries._diaries.values()):
            errand = taken(diaries)
            flags = {
                "ask": errand.asking,
                "notification": errand.notified,
                "announce": errand.announce,
            }
            found = {(what, errand.person) for what, is_due in flags.items() if is_due}
            assert found <= due, "before its time"
            done |= found | {("serve", errand.person)}
            diaries.done(errand)
    assert {(what, person) for what, person, _ in notes} <= done


def test_when_the_clock_is_set_back_everything_moves_along() -> None:
    diaries, clock = scheduler("anna")
    diaries.serve("anna", NOW)
    diaries.done(taken(diaries))
    diaries.ask("anna", NOW + 100)
    diaries.notified("anna", 10)
    diaries.announce("anna", "mqtt", NOW + 20)
    clock.now -= 5 * 3600
    diaries.serve("anna", clock.now)
    diaries.done(taken(diaries))
    assert diaries.next_ask("anna") == clock.now + 100
    clock.now += 20
    errand = taken(diaries)
    assert (errand.notified, errand.announce) == (True, frozenset({"mqtt"}))


def test_when_the_clock_is_set_forward_nothing_moves() -> None:
    diaries, clock = scheduler("anna")
    diaries.ask("anna", NOW + 100)
    clock.now += 5 * 3600
    assert taken(diaries).asking


def test_a_target_that_takes_its_time_holds_nobody_up() -> None:
    diaries, _ = scheduler()
    diaries.serve_slow("anna", NOW, since=NOW - 3)
    slow = taken(diaries)
    assert (slow.slow, slow.since) == (True, NOW - 3)
    diaries.notified("anna")
    quick = taken(diaries)
    assert (quick.person, quick.slow, quick.notified) == ("anna", False, True)


def test_one_thread_is_left_for_those_who_must_not_wait() -> None:
    diaries, _ = scheduler()
    diaries.serve_slow("anna", NOW)
    diaries.serve_slow("ben", NOW)
    first = taken(diaries)
    diaries.ask("ben", NOW)
    assert not taken(diaries).slow, "the other slow one waits although it was first"
    diaries.done(first)
    assert taken(diaries).slow

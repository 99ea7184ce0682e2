"""What one job does for a person: ask only when it must, deliver, and plan when to come again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.jobs import World, world
from weighbridge.core.errors import StateProblem
from weighbridge.core.reason import plain
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.jobs import LOOK_BACK, RETRY_AFTER_FAILURE, JobRunner
from weighbridge.runtime.poll_policy import ECHO, NOT_TWICE, PATIENCE, SAME_BURST, PollPolicy
from weighbridge.runtime.schedule import Job, MemorySchedule, Planned
from weighbridge.storage.leases import Leases, name_of
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.sync import route_delivery
from weighbridge.sync.collecting import OVERLAP

POLL = 3 * 3600.0
AT_ONCE = 'kind = "file"\npath = "anna.jsonl"\nsettle = 0\n'


@pytest.fixture
def house(tmp_path: Path) -> Iterator[World]:
    with world(
        tmp_path / "home", target='kind = "file"\npath = "anna.jsonl"\nsettle = 0\n'
    ) as made:
        made.weigh_in("70.0")
        made.run(poll=True)
        made.clock.offset += 100
        yield made


def test_a_notification_is_one_request_and_a_delivery(house: World) -> None:
    before, already = house.asked(), len(house.delivered())
    house.notified(house.weigh_in("72.4"))
    house.run(notified=True)
    assert house.asked() == before + 1
    assert len(house.delivered()) == already + 1
    assert house.open_notifications() == 0


def test_the_other_notifications_of_a_burst_ask_nothing(house: World) -> None:
    taken_at = house.weigh_in()
    house.notified(taken_at)
    house.run(notified=True)
    before = house.asked()
    for appli in (1, 4, 1, 4, 1):
        house.clock.offset += SAME_BURST / 10
        house.notified(taken_at, appli)
    house.run(notified=True)
    assert house.asked() == before
    assert house.open_notifications() == 0
    due = house.next_poll()
    assert due == pytest.approx(house.clock() + LOOK_BACK), "one more look, to be sure"


def test_a_notification_that_was_being_stored_while_we_asked_asks_nothing(house: World) -> None:
    taken_at = house.weigh_in()
    house.notified(taken_at)
    house.clock.offset += 0.01
    house.run(notified=True)
    before = house.asked()
    house.clock.offset -= 0.01
    house.notified(taken_at)
    house.run(notified=True)
    assert house.asked() == before
    assert house.open_notifications() == 0


def test_a_notification_about_something_that_we_do_not_hold_is_followed_at_once(
    house: World,
) -> None:
    taken_at = house.weigh_in()
    house.notified(taken_at)
    house.run(notified=True)
    before = house.asked()
    house.notified(taken_at + 3600)
    house.run(notified=True)
    assert house.asked() == before + 1


def test_a_notification_that_comes_later_is_followed(house: World) -> None:
    taken_at = house.weigh_in()
    house.notified(taken_at)
    house.run(notified=True)
    before = house.asked()
    house.clock.offset += SAME_BURST + 0.5
    house.notified(taken_at)
    house.run(notified=True)
    assert house.asked() == before + 1


def test_withings_is_never_asked_the_same_twice_within_ten_seconds(house: World) -> None:
    house.cloud.repetitions.window = 10
    for _ in range(6):
        house.notified(int(house.clock()) - 5)
        house.run(notified=True)
        house.clock.offset += 2
    asked = [one["fields"].get("lastupdate") for one in house.admin.requests(path="/measure")]
    assert len({one for one in asked[1:] if one}) == 6
    row = house.services.database.one("account_of", person="anna")
    assert row is not None
    assert row["trouble"] is None, "the stand-in refuses identical calls"
    house.clock.offset += NOT_TWICE
    house.run(poll=True)
    asked = [one["fields"].get("lastupdate") for one in house.admin.requests(path="/measure")]
    assert [one for one in asked if one][-1] == str(house.archive.cursor - OVERLAP)


def test_a_reading_that_was_deleted_is_noticed_when_withings_tells_of_it(house: World) -> None:
    taken_at = house.weigh_in("99.9")
    house.notified(taken_at)
    house.run(notified=True)
    house.clock.offset += 600
    for group in house.admin.tell("withings", "groups", profile="anna"):
        if group["date"] == taken_at:
            house.admin.tell("withings", "delete_group", grpid=group["grpid"], notify=False)
    assert taken_at in house.archive.last_instants(9)
    house.notified(taken_at)
    house.run(notified=True)
    assert taken_at not in house.archive.last_instants(9)
    assert house.open_notifications() == 0


def test_an_echo_of_a_weigh_in_is_looked_into_once_and_later(house: World) -> None:
    taken_at = house.weigh_in()
    house.notified(taken_at)
    house.run(notified=True)
    before = house.asked()
    for _ in range(3):
        house.clock.offset += 2
        house.notified(taken_at)
        house.run(notified=True)
    assert house.asked() == before + 3
    assert house.open_notifications() == 3
    house.clock.offset += ECHO
    house.run(notified=True)
    assert house.asked() == before + 5, "what is new, and the days of which it was told"
    assert house.open_notifications() == 0


def test_a_person_is_looked_at_again_after_the_poll(house: World) -> None:
    house.run(poll=True)
    due = house.next_poll()
    assert due == pytest.approx(house.clock() + POLL)


def test_while_withings_is_down_notifications_stay_open_and_are_tried_again(house: World) -> None:
    taken_at = house.weigh_in()
    house.admin.fault("status", path="/measure", status=500, times=1)
    house.notified(taken_at)
    house.run(notified=True)
    assert house.open_notifications() == 1
    due = house.next_poll()
    assert 60 <= due - house.clock() <= 70
    house.run_next()
    assert house.open_notifications() == 0
    assert house.run_next().deferrable
    assert len(house.delivered()) == 2


def test_the_longer_withings_is_down_the_rarer_it_is_asked(house: World) -> None:
    waits = []
    for _ in range(6):
        house.admin.fault("status", path="/measure", status=500, times=1)
        house.run(poll=True)
        due = house.next_poll()
        waits.append(due - house.clock())
        house.clock.offset += waits[-1]
    assert waits == sorted(waits)
    assert waits[-1] > 600


def test_a_login_that_is_needed_is_told_and_costs_no_request(house: World) -> None:
    store = house.services.tokens("anna")
    store.mark_login_needed(plain("Withings does not accept the stored login any more."))
    before = len(house.admin.requests())
    house.run(poll=True)
    assert len(house.admin.requests()) == before
    person, news = house.ended[-1]
    assert (person, news.last_sync) == ("anna", None)
    assert news.problem is not None
    assert "does not accept" in news.problem.message()


def test_somebody_who_is_not_connected_is_left_alone(tmp_path: Path) -> None:
    with world(tmp_path / "home", connected=False) as made:
        made.run(poll=True)
        assert made.asked() == 0
        told = [(person, news.last_sync, news.about) for person, news in made.ended]
        assert set(told) == {("anna", None, "anna, Withings")}
        problem = made.ended[-1][1].problem
        assert problem is not None
        assert "weighbridge login withings --person anna" in problem.remedy()


def test_what_settles_is_due_when_it_has_settled_and_is_not_asked_for_again(
    tmp_path: Path,
) -> None:
    with world(tmp_path / "home") as made:
        made.run(poll=True)
        made.clock.offset += 100
        made.notified(made.weigh_in())
        made.run(notified=True)
        assert made.delivered() == []
        before, now = made.asked(), made.clock()
        job = made.run_next()
        assert not job.poll
        assert made.clock() - now == pytest.approx(10, abs=1)
        assert len(made.delivered()) == 1
        assert made.asked() == before


def subscribe(house: World) -> None:
    account = house.archive.account
    house.services.database.run("begin_subscriptions", account=account, callback="https://x.test/n")
    house.services.database.run("note_subscribed", account=account, now=1.0, next_try_at=1e12)


def test_a_reading_that_only_the_poll_found_is_reported_once(
    house: World, caplog: pytest.LogCaptureFixture
) -> None:
    subscribe(house)
    house.weigh_in()
    house.run(poll=True)
    assert house.missed() == 0, "its notification may be on the way"
    house.clock.offset += PATIENCE
    for _ in range(2):
        house.run()
    assert house.missed() == 1
    assert caplog.text.count("found_without_notification") == 1


def test_a_poll_that_was_faster_than_the_notification_is_not_reported(house: World) -> None:
    subscribe(house)
    taken_at = house.weigh_in()
    house.run(poll=True)
    house.notified(taken_at)
    house.clock.offset += PATIENCE
    house.run(notified=True)
    assert house.missed() == 0


def test_what_was_announced_or_never_subscribed_is_not_reported(house: World) -> None:
    house.weigh_in()
    house.run(poll=True)
    assert house.missed() == 0, "nobody is subscribed"


def test_the_time_from_notification_to_delivery_is_counted(house: World) -> None:
    house.notified(house.weigh_in())
    house.run(notified=True)
    assert set(house.counts.snapshot().delays) == {"file"}


def test_a_target_that_another_process_serves_does_not_keep_a_person_waiting(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route_delivery, "SHORT_PATIENCE", 0.0)
    naps: list[float] = []
    house.services.leases._sleep = naps.append
    house.weigh_in("71.1")
    with SqliteDatabase(house.home) as other:
        leases = Leases(other, house.clock, naps.append)
        with leases.hold(name_of("deliveries", "anna", "file"), seconds=900, patience=0):
            house.run(poll=True)
        leases.close()
    assert naps == []
    assert len(house.delivered()) == 1
    job = house.run_next()
    assert not job.poll
    assert len(house.delivered()) == 2


def test_how_far_the_clock_of_the_cloud_is_ahead_is_known_until_the_next_answer(
    house: World,
) -> None:
    person = house.services.settings.directory.person("anna")
    asking = PollPolicy(house.clock, {})
    first, second = house.services.person_sync(person), house.services.person_sync(person)
    asking.begin(first)
    first.set_cloud_time(int(house.clock()) + 7200)
    asking.note_answer(first, 0)
    asking.prepare(second)
    assert second.cloud_now() == pytest.approx(house.clock() + 7200, abs=1)


# --- A thread that works --------------------------------------------------------------------------


class StubbornRunner(JobRunner):
    """Each job meets the next problem; after the last one the schedule is closed."""

    def meet(self, *problems: Exception | None) -> list[Job]:
        self.problems = list(problems)
        self.jobs: list[Job] = []
        self.work()
        return self.jobs

    def run(self, job: Job) -> None:
        self.jobs.append(job)
        problem = self.problems.pop(0)
        if not self.problems:
            self._schedule.close()
        if problem is not None:
            raise problem


@pytest.mark.parametrize(
    "problem", [StateProblem("The disk is full."), ZeroDivisionError("a defect")]
)
def test_everything_that_was_due_is_planned_again_after_a_failure(
    house: World, problem: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    schedule, counts, now = MemorySchedule(house.clock), ProcessCounters(), house.clock()
    runner = StubbornRunner(
        house.services, schedule, counts, {}, random=lambda: 0.5, ended=lambda *status: None
    )
    schedule.poll_at("anna", now - 9)
    schedule.notified("anna")
    schedule.republish_at("anna", "mqtt", now)
    schedule.deliver_at("ben", now)
    with caplog.at_level(logging.WARNING):
        jobs = runner.meet(problem, None)
    assert [job.person for job in jobs] == ["anna", "ben"]
    later = now + RETRY_AFTER_FAILURE
    assert schedule.planned("anna") == Planned(
        {"poll": later, "deliver": later, "notified": later, ("republish", "mqtt"): later}
    )
    assert counts.snapshot().counts["sync_jobs", "failed"] == 1
    assert [record.message for record in caplog.records] == ["job_failed"]


def test_a_deferrable_job_that_failed_is_planned_again_as_such(house: World) -> None:
    schedule = MemorySchedule(house.clock)
    runner = StubbornRunner(
        house.services, schedule, ProcessCounters(), {}, random=lambda: 0.5, ended=print
    )
    schedule.deliver_deferrable_at("anna", house.clock())
    schedule.deliver_deferrable_at("ben", house.clock())
    runner.meet(ZeroDivisionError("a defect"), None)
    later = house.clock() + RETRY_AFTER_FAILURE
    assert schedule.planned("anna", deferrable=True).at("deliver") == later
    assert schedule.planned("anna") == Planned()


def test_a_person_who_left_the_configuration_is_forgotten(house: World) -> None:
    house.schedule.poll_at("nobody", house.clock() + 900)
    house.runner.run(Job("nobody", notified=True))
    assert house.schedule.planned("nobody") == Planned()
    assert house.ended[-1][0] == "anna"

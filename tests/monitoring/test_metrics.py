"""``/metrics``: read back by the parser of Prometheus, complete, and without anybody in it."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fixtures.monitoring import DAY, HOUR, START, World
from fixtures.paths import ROOT
from weighbridge import __version__
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import ExitCode, LoginNeeded, RetryLater
from weighbridge.monitoring.metrics import render
from weighbridge.runtime.counters import BUCKETS, JOB_OUTCOMES, Durations, ProcessCounters
from weighbridge.sync.context import Delivered, Outcome

PEOPLE = ("anna", "ben")
type Samples = dict[tuple[str, frozenset[str]], float]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home", *PEOPLE)


def read_back(page: bytes) -> Samples:
    """(name, label values) → value."""
    return {
        (sample.name.removeprefix("weighbridge_"), frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def metrics(world: World) -> Samples:
    return read_back(render(world.parts))


def value(samples: Samples, name: str, *labels: str) -> float:
    return samples[name, frozenset(labels)]


def outcome(**fields: object) -> Outcome:
    return Outcome("anna", **fields)  # type: ignore[arg-type]


# --- What is counted --------------------------------------------------------------------------


def test_everything_that_was_counted_is_read_back(world: World) -> None:
    counts = world.parts.counts
    counts.add("notifications", number=4)
    counts.add("notifications_dropped", "unknown_user")
    counts.add("notifications_refused", "wrong_secret")
    counts.add("notifications_refused", "wrong_secret")
    counts.add("withings_requests")
    counts.add("target_connections")
    counts.add("missed_notifications", number=2)
    counts.add("sync_jobs", "failed")
    sent = Delivered("broker", "mqtt", sent=3, already_there=1)
    counts.job_ended(outcome(changed=5, deliveries=[sent]))
    samples = metrics(world)
    for name, labels, number in (
        ("notifications_total", (), 4),
        ("notifications_dropped_total", ("unknown_user",), 1),
        ("notifications_refused_total", ("wrong_secret",), 2),
        ("withings_requests_total", (), 1),
        ("target_connections_total", (), 1),
        ("missed_notifications_total", (), 2),
        ("groups_total", (), 5),
        ("sync_jobs_total", ("done",), 1),
        ("sync_jobs_total", ("failed",), 1),
        ("sync_jobs_total", ("later",), 0),
        ("deliveries_total", ("mqtt", "sent"), 3),
        ("deliveries_total", ("mqtt", "already_there"), 1),
    ):
        assert value(samples, name, *labels) == number, name
    assert value(samples, "info", __version__) == 1
    assert value(samples, "started_timestamp_seconds") == START


def test_problems_are_counted_by_kind_and_class(world: World) -> None:
    refused = Delivered("mine", "garmin", problem=LoginNeeded("Log in."))
    world.parts.counts.job_ended(outcome(problem=RetryLater("Later."), deliveries=[refused]))
    samples = metrics(world)
    assert value(samples, "problems_total", "withings", "RetryLater") == 1
    assert value(samples, "problems_total", "garmin", "LoginNeeded") == 1
    assert value(samples, "sync_jobs_total", "login_needed") == 1


def test_every_end_of_a_round_has_a_word() -> None:
    assert set(JOB_OUTCOMES) == set(ExitCode)


def test_delays_are_a_histogram_of_prometheus(world: World) -> None:
    for seconds in (0.01, 0.02, 12.0, 1e6, -5.0):
        world.parts.counts.delivered("mqtt", seconds)
    samples = metrics(world)
    name = "delivery_delay_seconds_bucket"
    ends = [0.01, 0.025, 10.0, 15.0, 3600.0]
    assert [value(samples, name, "mqtt", str(end)) for end in ends] == [2, 3, 3, 4, 4]
    assert value(samples, name, "mqtt", "+Inf") == 5
    assert value(samples, "delivery_delay_seconds_count", "mqtt") == 5
    assert value(samples, "delivery_delay_seconds_sum", "mqtt") == pytest.approx(1_000_012.03)


def test_each_end_of_a_bucket_belongs_to_it() -> None:
    for number, end in enumerate(BUCKETS):
        durations = Durations()
        durations.add(end)
        assert durations.buckets.index(1) == number


def test_no_count_is_lost_between_threads() -> None:
    counts = ProcessCounters()

    def count() -> None:
        for _ in range(500):
            counts.add("notifications")
            counts.add("notifications_refused", "too_large")
            counts.delivered("mqtt", 1.0)
            counts.snapshot()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally = counts.snapshot()
    assert (
        tally.counts["notifications",] == tally.counts["notifications_refused", "too_large"] == 2000
    )
    assert tally.delays["mqtt"].total == 2000


def test_a_tally_is_a_copy_of_one_moment() -> None:
    counts = ProcessCounters()
    counts.delivered("mqtt", 1.0)
    before = counts.snapshot()
    counts.delivered("mqtt", 1.0)
    counts.add("notifications_dropped", "unknown_user")
    assert before.delays["mqtt"].total == 1.0
    assert not before.counts


# --- What the database says -------------------------------------------------------------------


def test_the_house_is_counted_without_its_people(world: World) -> None:
    world.owe(1)
    world.owe(2, State.REJECTED)
    world.owe(1, person="ben", target="garmin")
    world.owe(1, person="ben", target="file")
    world.spoil_subscription("ben")
    world.refuse("ben")
    world.now += HOUR
    samples = metrics(world)
    for name, labels, number in (
        ("database_up", (), 1),
        ("people", ("connected",), 2),
        ("people", ("login_needed",), 0),
        ("people", ("failing",), 1),
        ("withings_silence_seconds", (), HOUR),
        ("subscriptions_failing", (), 1),
        ("open_deliveries", ("garmin", "planned"), 2),
        ("open_deliveries", ("garmin", "rejected"), 1),
        ("open_deliveries", ("garmin", "blocked"), 0),
        ("open_deliveries", ("file", "planned"), 1),
        ("unseen_deliveries", ("garmin",), 0),
        ("targets_needing_login", ("garmin",), 0),
        ("open_notifications", (), 0),
        ("groups_not_understood", (), 0),
        ("alerts", (), 0),
        ("alert_messages_waiting", (), 0),
    ):
        assert value(samples, name, *labels) == number, name


def test_who_must_log_in_is_counted_apart(world: World) -> None:
    world.log_out("anna")
    world.owe(1, person="ben")
    world.need_login(person="ben")
    world.now += DAY
    world.answer("ben")
    samples = metrics(world)
    assert value(samples, "people", "connected") == 1
    assert value(samples, "people", "login_needed") == 1
    assert value(samples, "withings_silence_seconds") == 0, "without those who must log in"
    assert value(samples, "targets_needing_login", "garmin") == 1
    assert value(samples, "open_deliveries", "garmin", "blocked") == 1


def test_what_waits_in_the_other_tables_is_counted(world: World) -> None:
    with world.database() as database:
        run = database._connection.execute
        run("INSERT INTO notification (account, appli, received_at) VALUES (1, 1, 5), (2, 4, 6)")
        run("INSERT INTO notification (account, appli, received_at, done_at) VALUES (1, 1, 5, 6)")
        run("INSERT INTO odd_group VALUES (1, 'measures', 'f', 'new', '{}', 5)")
        run("INSERT INTO alert VALUES ('a', 1, 2, 'x', NULL), ('b', 1, NULL, 'x', NULL)")
        run("INSERT INTO alert_message (channel, reason, made_at) VALUES (0, 'x', 1)")
    samples = metrics(world)
    assert value(samples, "open_notifications") == 2
    assert value(samples, "groups_not_understood") == 1
    assert value(samples, "alerts") == 1, "what was told; the other one has not lasted yet"
    assert value(samples, "alert_messages_waiting") == 1


def test_nobody_is_in_it(tmp_path: Path) -> None:
    target = '[[person.target]]\nkind = "file"\nname = "annas-diary"\npath = "a.csv"\n'
    world = World(tmp_path / "home", *PEOPLE, targets=target)
    world.owe(1, target="annas-diary")
    world.need_login("annas-diary")
    world.refuse("anna", "anna is away")
    world.parts.counts.job_ended(
        outcome(deliveries=[Delivered("annas-diary", "file", sent=1, problem=LoginNeeded("x"))])
    )
    page = render(world.parts).decode()
    assert 'kind="file"' in page
    assert not any(word in page for word in ("anna", "ben", "diary", str(world.home)))


def test_without_a_database_the_counts_are_there_all_the_same(world: World) -> None:
    world.parts.counts.add("notifications")
    path = world.home / "weighbridge.db"
    path.rename(world.home / "away.db")
    path.mkdir()
    samples = metrics(world)
    assert value(samples, "database_up") == 0
    assert value(samples, "notifications_total") == 1
    assert ("people", frozenset({"connected"})) not in samples


def test_the_page_names_every_metric_and_no_other(world: World) -> None:
    page = ROOT / "docs" / "how-to" / "watch.md"
    table = set(re.findall(r"^\| `(weighbridge_\w+)` \|", page.read_text("utf-8"), re.M))
    told = set(re.findall(r"^# TYPE (weighbridge_\w+) ", render(world.parts).decode(), re.M))
    assert table == told

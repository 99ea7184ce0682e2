"""Telling: through a real Apprise to a real receiver, whatever the receiver does; and the ping."""

from __future__ import annotations

import builtins
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.monitoring import DAY, HOUR, MINUTE, TOO_LONG, Receiver, World, receiver
from fixtures.waiting import PATIENCE
from weighbridge.core.errors import StateProblem
from weighbridge.core.secret import Secret
from weighbridge.monitoring import alert_loop, health
from weighbridge.monitoring.alert_channels import (
    FIRST_WAIT,
    LONGEST_WAIT,
    PING_EVERY,
    SEND_LIMIT,
    Channel,
    Ping,
)
from weighbridge.monitoring.alert_loop import PROVE_EVERY, AlertLoop
from weighbridge.monitoring.alerts import CALM
from weighbridge.monitoring.checks import HOME_CALM, HOME_PATIENCE

LOGIN = (
    "anna, Withings: A new login is needed. The login was withdrawn. "
    "Run: weighbridge login withings --person anna"
)
WORKS = "anna, Withings: The login works again. There is nothing to do."


@pytest.fixture
def heard() -> Iterator[tuple[Receiver, str]]:
    with receiver() as found:
        yield found


@pytest.fixture
def ear(heard: tuple[Receiver, str]) -> Receiver:
    return heard[0]


@pytest.fixture
def world(tmp_path: Path, heard: tuple[Receiver, str]) -> World:
    return World(tmp_path / "home", "anna", alerts=heard[1])


def look(world: World, watch: AlertLoop, *, after: float = 0.0) -> None:
    world.now += after
    watch.look()


def test_a_trouble_is_told_once_and_its_end_once(world: World, ear: Receiver) -> None:
    watch = AlertLoop(world.parts)
    look(world, watch)
    assert ear.heard == []
    world.log_out("anna")
    look(world, watch)
    assert ear.heard == [("/one", LOGIN)]
    for _ in range(5):
        look(world, watch, after=HOUR)
    assert len(ear.heard) == 1
    world.connect("anna")
    look(world, watch)
    look(world, watch, after=CALM)
    look(world, watch, after=DAY)
    assert ear.sentences == [LOGIN, WORKS]


def test_alerts_speak_the_configured_language(tmp_path: Path, heard: tuple[Receiver, str]) -> None:
    ear, alerts = heard
    world = World(tmp_path / "haus", "anna", alerts=f'{alerts}\nlanguage = "de"')
    world.log_out("anna")
    look(world, AlertLoop(world.parts))
    [sentence] = ear.sentences
    assert sentence.startswith("anna, Withings: Eine neue Anmeldung ist nötig. ")
    assert sentence.endswith(" Führe aus: weighbridge login withings --person anna")


def test_a_restart_tells_nothing_twice_and_forgets_nothing(world: World, ear: Receiver) -> None:
    world.log_out("anna")
    look(world, AlertLoop(world.parts))
    for _ in range(3):
        look(world, AlertLoop(world.parts), after=HOUR)
    world.connect("anna")
    look(world, AlertLoop(world.parts))
    look(world, AlertLoop(world.parts), after=CALM)
    look(world, AlertLoop(world.parts), after=CALM)
    assert ear.sentences == [LOGIN, WORKS]


def test_a_broken_channel_is_tried_again_with_growing_pauses_and_still_told(
    world: World, ear: Receiver
) -> None:
    watch = AlertLoop(world.parts)
    tries = [0]

    def count() -> None:
        tries[0] += 1

    ear.before_answer, ear.status = count, 500
    world.log_out("anna")
    look(world, watch)
    look(world, watch, after=FIRST_WAIT - 1)
    assert tries == [1]
    look(world, watch, after=1)
    look(world, watch, after=FIRST_WAIT)
    assert tries == [2]
    world.connect("anna")
    look(world, watch, after=MINUTE)
    look(world, watch, after=CALM)
    ear.status = 200
    look(world, watch, after=LONGEST_WAIT)
    assert ear.sentences == [LOGIN, WORKS], "in the order in which it happened"
    look(world, watch, after=HOUR)
    assert len(ear.heard) == 2


def test_what_a_broken_channel_owes_survives_a_restart(world: World, ear: Receiver) -> None:
    ear.status = 500
    world.log_out("anna")
    look(world, AlertLoop(world.parts))
    ear.status = 200
    look(world, AlertLoop(world.parts), after=MINUTE)
    assert ear.sentences == [LOGIN]


def test_a_broken_channel_does_not_keep_another_one_waiting(
    tmp_path: Path, heard: tuple[Receiver, str]
) -> None:
    ear, alerts = heard
    broken = alerts.replace('["json', '["nonsense://x", "json')
    world = World(tmp_path / "two", "anna", alerts=broken)
    world.log_out("anna")
    watch = AlertLoop(world.parts)
    look(world, watch)
    look(world, watch, after=HOUR)
    assert ear.sentences == [LOGIN]
    assert [row["channel"] for row in world.rows("alert_message")] == [0]
    world.configure(alerts)
    look(world, AlertLoop(world.parts))
    assert ear.sentences == [LOGIN, LOGIN], "the address was corrected: what it owes is told"


def test_without_a_channel_everything_is_remembered(world: World, ear: Receiver) -> None:
    alerts = world.parts.settings.alerts
    world.configure()
    world.log_out("anna")
    look(world, AlertLoop(world.parts))
    assert [(row["name"], row["reported_at"]) for row in world.rows("alert")] == [
        ("source_login: anna", None)
    ]
    address = alerts.urls[0].reveal()
    world.configure(f'urls = ["{address}"]')
    look(world, AlertLoop(world.parts))
    assert ear.sentences == [LOGIN]


# --- The home folder --------------------------------------------------------------------------


def test_a_home_folder_that_cannot_be_used_is_told_without_its_database(
    world: World, ear: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = AlertLoop(world.parts)
    look(world, watch)
    with monkeypatch.context() as broken:
        full = StateProblem("The database could not grow: the disk is full.", remedy="Make room.")

        def fail(database: object) -> None:
            raise full

        broken.setattr(health, "prove_writable", fail)
        look(world, watch, after=PROVE_EVERY)
        assert ear.heard == [], "what passes at once is not told"
        look(world, watch, after=HOME_PATIENCE)
        look(world, watch, after=HOUR)
    assert ear.sentences == [str(full)]
    look(world, watch, after=MINUTE)
    look(world, watch, after=HOME_CALM)
    look(world, watch, after=HOUR)
    assert ear.sentences == [
        str(full),
        "Weighbridge can use its home folder again. There is nothing to do.",
    ]


def test_what_was_sent_while_the_database_broke_is_not_sent_again(
    world: World, ear: Receiver
) -> None:
    watch = AlertLoop(world.parts)
    path, away = world.home / "weighbridge.db", world.home / "away.db"

    def break_it() -> None:
        with world.database() as database:
            database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path.rename(away)
        path.mkdir()  # cannot be opened, also where we are root

    ear.before_answer = break_it
    world.log_out("anna")
    look(world, watch)
    ear.before_answer = lambda: None
    assert ear.sentences == [LOGIN]
    path.rmdir()
    away.rename(path)
    look(world, watch, after=MINUTE)
    assert ear.sentences == [LOGIN]
    assert world.rows("alert_message") == []


def test_a_defect_of_the_watch_ends_no_thread(
    world: World, ear: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(alert_loop, "note_results", None)
    watch = AlertLoop(world.parts)
    look(world, watch)
    look(world, watch, after=HOME_PATIENCE)
    assert "watch_failed" in caplog.text
    assert ear.sentences == ["The watch failed unexpectedly (TypeError). Look into the log."]
    assert ear.pings == 0


def test_a_defect_while_telling_ends_the_thread_neither(
    world: World, ear: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(alert_loop, "FIRST_LOOK", 0.0)
    monkeypatch.setattr(alert_loop, "PERIOD", 0.0)
    looks, again = [0], threading.Event()

    def fail(*_: object) -> bool:
        looks[0] += 1
        if looks[0] > 1:
            again.set()
        raise ZeroDivisionError

    watch = AlertLoop(world.parts)
    monkeypatch.setattr(watch, "_send", fail)
    watch.start()
    assert again.wait(PATIENCE)
    watch.stop()
    assert "watch_failed" in caplog.text


# --- The ping ---------------------------------------------------------------------------------


def test_while_all_is_well_the_ping_goes_out_every_five_minutes(
    world: World, ear: Receiver
) -> None:
    watch = AlertLoop(world.parts)
    for _ in range(11):
        look(world, watch)
        world.now += MINUTE
    assert ear.pings == 3


def test_nothing_is_pinged_while_something_is_wrong_or_only_seems_to_be_over(
    world: World, ear: Receiver
) -> None:
    watch = AlertLoop(world.parts)
    world.log_out("anna")
    look(world, watch)
    look(world, watch, after=PING_EVERY)
    world.connect("anna")
    look(world, watch, after=PING_EVERY)
    assert ear.pings == 0
    look(world, watch, after=CALM)
    assert ear.pings == 1


def test_a_trouble_that_has_not_lasted_yet_does_not_stop_the_ping(
    world: World, ear: Receiver
) -> None:
    world.refuse("anna")
    look(world, AlertLoop(world.parts))
    assert ear.pings == 1
    look(world, AlertLoop(world.parts), after=TOO_LONG)
    assert ear.pings == 2, "it counts from now on, for some minutes"
    look(world, AlertLoop(world.parts), after=CALM)
    assert ear.pings == 2


def test_an_alert_that_cannot_be_told_stops_the_ping_so_that_somebody_hears_of_it(
    tmp_path: Path, heard: tuple[Receiver, str]
) -> None:
    ear, alerts = heard
    world = World(tmp_path / "deaf", "anna", alerts=alerts.replace("json:", "nonsense:"))
    watch = AlertLoop(world.parts)
    world.log_out("anna")
    look(world, watch)
    world.connect("anna")
    for _ in range(4):
        look(world, watch, after=CALM)
    assert world.rows("alert") == []
    assert ear.pings == 0


def test_a_ping_that_fails_is_tried_at_the_next_look_and_named_once(
    world: World, ear: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    watch = AlertLoop(world.parts)
    ear.status = 404
    look(world, watch)
    look(world, watch, after=MINUTE)
    assert [r.getMessage() for r in caplog.records] == ["ping_failed"]
    assert "status 404" in str(vars(caplog.records[0])["reason"])
    ear.status = 200
    look(world, watch, after=MINUTE)
    assert ear.pings == 1


def test_the_ping_goes_over_tls_or_to_this_machine(caplog: pytest.LogCaptureFixture) -> None:
    Ping(Secret.of_value("http://monitor.example/secret")).send(0.0)
    [record] = caplog.records
    assert "must begin with https://" in str(vars(record)["reason"])
    assert "secret" not in str(vars(record))


# --- Secrets, and what is missing -------------------------------------------------------------

HUSH = "hush-hush-token"


@pytest.mark.parametrize(
    "address",
    [
        *(f"json://user:{HUSH}@127.0.0.1:9/x", f"tgram://123456789:{HUSH}/1", f"nonsense://{HUSH}"),
        *(f"mailto://anna:{HUSH}@127.0.0.1:9?smtp=127.0.0.1", HUSH),
    ],
)
def test_no_address_is_in_any_log_line(
    address: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(1)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody is there
    channel = Channel(1, Secret.of_value(address))
    assert channel.send("Something is wrong.", 0.0) is False
    Ping(Secret.of_value(f"http://127.0.0.1:9/{HUSH}")).send(0.0)
    out, err = capfd.readouterr()
    logged = "".join(str(vars(record)) for record in caplog.records)
    assert {"alert_not_sent", "ping_failed"} <= {r.getMessage() for r in caplog.records}
    assert HUSH not in logged + out + err


def test_a_failure_is_named_once_and_not_every_minute(caplog: pytest.LogCaptureFixture) -> None:
    channel = Channel(1, Secret.of_value("nonsense://x"))
    for now in range(3):
        channel.send("Something is wrong.", now)
    assert [record.getMessage() for record in caplog.records] == ["alert_not_sent"]


def test_without_apprise_the_log_says_once_what_to_install(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("apprise"):
            raise ModuleNotFoundError(name=name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    watch = AlertLoop(world.parts)
    world.log_out("anna")
    look(world, watch)
    look(world, watch, after=HOUR)
    reasons = [str(vars(r)["reason"]) for r in caplog.records if r.getMessage() == "alert_not_sent"]
    assert reasons == [
        "Alerts need apprise, which is not installed. Run: pip install 'weighbridge[alerts]'"
    ]


def test_the_start_says_when_alerts_cannot_be_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    watch = AlertLoop(world.parts)
    watch.start()
    watch.stop()
    assert [record.getMessage() for record in caplog.records] == ["alerts_cannot_be_sent"]


# --- The thread -------------------------------------------------------------------------------


def test_the_thread_looks_by_itself_and_ends_when_it_is_told(
    world: World, ear: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_loop, "FIRST_LOOK", 0.0)
    came = threading.Event()
    ear.before_answer = came.set
    world.log_out("anna")
    watch = AlertLoop(world.parts)
    watch.start()
    assert came.wait(PATIENCE)
    watch.stop()
    assert not any(t.name == "weighbridge-watch" for t in threading.enumerate())
    assert ear.sentences == [LOGIN]


def test_a_channel_that_hangs_holds_up_neither_the_end_nor_the_database(
    world: World, ear: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_loop, "FIRST_LOOK", 0.0)
    hangs, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        go_on.wait(PATIENCE)

    ear.before_answer = hang
    world.log_out("anna")
    watch = AlertLoop(world.parts)
    watch.start()
    assert hangs.wait(PATIENCE)
    world.answer("anna")  # writes at once: nobody holds the database
    watch.stop()
    assert watch._thread.is_alive(), "it was waited for"
    go_on.set()
    watch._thread.join(PATIENCE)
    assert not watch._thread.is_alive()


def test_a_channel_has_a_time_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SEND_LIMIT <= 30
    monkeypatch.setattr("weighbridge.monitoring.alert_channels.SEND_LIMIT", 0.05)
    go_on = threading.Event()
    with receiver() as (ear, alerts):
        ear.before_answer = lambda: go_on.wait(PATIENCE)
        world.configure(alerts)
        channel = Channel(1, world.parts.settings.alerts.urls[0])
        assert channel.send("Something is wrong.", world.now) is False
        go_on.set()


def test_stopping_before_starting_is_harmless(world: World) -> None:
    AlertLoop(world.parts).stop()


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment of this machine sets must not lead the messages elsewhere."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    logging.getLogger("apprise").setLevel(logging.NOTSET)

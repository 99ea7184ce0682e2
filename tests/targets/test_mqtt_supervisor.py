"""The connection while the server runs: made again, Home Assistant's birth, the button, the end.

A real Mosquitto is killed and frozen; the limits are short so that nobody waits.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fixtures.broker import HELLO, PACE, QUICK, make, words
from fixtures.mosquitto import Mosquitto, ServerOfTests, listening, mosquitto, needs_mosquitto
from fixtures.waiting import PATIENCE, wait_until
from weighbridge.core.errors import LoginNeeded, RetryLater
from weighbridge.core.reason import plain
from weighbridge.targets.base import ServerStatus
from weighbridge.targets.mqtt.broker import BrokerLimits
from weighbridge.targets.mqtt.broker_messages import MqttMessage
from weighbridge.targets.mqtt.connection_supervisor import ReconnectPolicy
from weighbridge.testing.builders import NOON

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker that nothing happens to."""
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture
def server() -> ServerOfTests:
    return ServerOfTests()


@pytest.fixture
def base(request: pytest.FixtureRequest) -> str:
    """A base topic of its own for each test."""
    return f"base-{abs(hash(request.node.name))}"


def remembering(
    asked: list[tuple[float, float]], answer: float | None = None
) -> Callable[[float, float], float]:
    """Chance that always falls on the lower bound, or on ``answer``."""

    def between(low: float, high: float) -> float:
        asked.append((low, high))
        return low if answer is None else answer

    return between


# --- Living there ---------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_a_resident_is_online_until_it_leaves(
    shared: Mosquitto, base: str, server: ServerOfTests, protocol: Any
) -> None:
    with listening(shared, f"{base}/#", f"{base}-discovery/#", "test/#") as listener:
        broker = make(shared, base, protocol=protocol)
        broker.stay_connected(server, "anna", "mqtt", "home")
        wait_until(lambda: server.back == [("anna", "mqtt")])
        listener.all_is_said()
        [device] = listener.under("/config")
        assert device.json()["device"]["configuration_url"] == server.url
        assert listener.under("/bridge/info")[0].json()["last_sync"] is None
        assert words(listener, base) == ["online"]
        broker.close()
        listener.all_is_said()
        assert words(listener, base) == ["online", "offline"]
    with listening(shared, f"{base}/#", "test/#") as late:
        late.all_is_said()
        assert words(late, base) == ["offline"]


def test_staying_waits_in_the_background_for_a_broker_that_is_away(
    tmp_path: Path, base: str, server: ServerOfTests
) -> None:
    where = Mosquitto(tmp_path)
    with closing(make(where, base)) as broker:
        broker.stay_connected(server, "anna", "mqtt", "home")
        with pytest.raises(RetryLater, match="cannot be reached"):
            broker.publish([HELLO])
        where.start()
        wait_until(lambda: server.back)
        broker.publish([HELLO])
        where.stop()


def test_whoever_publishes_while_the_first_connection_is_made_waits_for_it(
    shared: Mosquitto, base: str, server: ServerOfTests
) -> None:
    with closing(make(shared, base)) as broker:
        broker.stay_connected(server, "anna", "mqtt", "home")
        broker.publish([HELLO])


def test_a_broker_that_was_killed_is_found_again_and_told_everything(
    tmp_path: Path, base: str, server: ServerOfTests
) -> None:
    with mosquitto(tmp_path) as where, closing(make(where, base)) as broker:
        broker.stay_connected(server, "anna", "mqtt", "home")
        wait_until(lambda: server.back)
        broker.remember("a", b"b")
        assert broker.remembers("a", b"b")
        where.kill()
        wait_until(lambda: not broker.remembers("a", b"b"))
        with pytest.raises(RetryLater):
            broker.publish([MqttMessage("test/lost", b"", retain=True)])
        where.start()
        wait_until(lambda: len(server.back) == 2)
        assert not broker.remembers("a", b"b")
        with listening(where) as listener:
            listener.all_is_said()
            assert words(listener, base) == ["online"]
            assert listener.under("test/lost") == [], "it was kept in memory and sent later"
            assert len(listener.under("/config")) == 1


def test_a_frozen_broker_is_left_and_found_again(
    tmp_path: Path, base: str, server: ServerOfTests
) -> None:
    with (
        mosquitto(tmp_path) as where,
        listening(where) as listener,
        closing(make(where, base, QUICK)) as broker,
    ):
        broker.stay_connected(server, "anna", "mqtt", "home")
        wait_until(lambda: server.back)
        where.freeze()
        with pytest.raises(RetryLater):
            broker.publish([HELLO])
        where.thaw()
        wait_until(lambda: len(server.back) == 2)
        broker.publish([MqttMessage("test/again", b"")])
        listener.all_is_said()
        assert words(listener, base)[-1] == "online"
        assert len(listener.under("test/again")) == 1
        assert len(listener.under("test/hello")) <= 1


def test_a_socket_that_breaks_is_noticed_by_everybody(
    shared: Mosquitto, base: str, server: ServerOfTests
) -> None:
    with (
        listening(shared, f"{base}/#", "test/#") as listener,
        closing(make(shared, base)) as broker,
    ):
        broker.stay_connected(server, "anna", "mqtt", "home")
        wait_until(lambda: server.back)
        assert broker._connection is not None
        broker._connection.cut()
        wait_until(lambda: len(server.back) == 2)
        listener.all_is_said()
        assert words(listener, base) == ["online", "offline", "online"]


def test_home_assistants_birth_is_answered_after_a_while(
    shared: Mosquitto, base: str, server: ServerOfTests
) -> None:
    asked: list[tuple[float, float]] = []
    with listening(shared, f"{base}/#", f"{base}-discovery/#", "test/#") as listener:
        broker = make(shared, base)
        broker._uniform = remembering(asked)
        with closing(broker):
            broker.stay_connected(server, "anna", "mqtt", "home")
            wait_until(lambda: server.back)
            listener.say(f"{base}-discovery/status", "offline")
            listener.say(f"{base}-discovery/status", "online")
            wait_until(lambda: len(server.back) == 2)
            listener.all_is_said()
    assert asked[0] == PACE.birth
    assert len(listener.under("/config")) == 2


def test_the_button_asks_for_a_sync_and_an_old_wish_does_not(
    shared: Mosquitto, base: str, server: ServerOfTests
) -> None:
    with listening(shared, f"{base}/#", "test/#") as listener:
        listener.say(f"{base}/bridge/request/sync", "PRESS", retain=True)
        with closing(make(shared, base)) as broker:
            broker.stay_connected(server, "anna", "mqtt", "home")
            wait_until(lambda: server.back)
            assert server.syncs == 0
            listener.say(f"{base}/bridge/request/sync", "PRESS")
            wait_until(lambda: server.syncs == 1)
            [answer] = wait_until(lambda: listener.under("/bridge/response/sync"))
            assert (answer.json()["status"], answer.retained) == ("ok", False)
        listener.say(f"{base}/bridge/request/sync", retain=True)


def test_everybody_who_stays_is_told_and_latecomers_too(
    shared: Mosquitto, base: str, server: ServerOfTests
) -> None:
    with closing(make(shared, base)) as broker:
        broker.publish([HELLO])  # as a visitor
        broker.stay_connected(server, "anna", "mqtt", "home")
        broker.stay_connected(server, "ben", "mqtt", "home")
        wait_until(lambda: len(server.back) == 2)
        broker.stay_connected(server, "carla", "mqtt", "home")
        wait_until(lambda: len(server.back) == 3)
        assert sorted(server.back) == [(name, "mqtt") for name in ("anna", "ben", "carla")]


def test_the_news_of_the_house_are_the_worst_of_everybody(
    shared: Mosquitto, base: str, server: ServerOfTests
) -> None:
    with listening(shared, f"{base}/#", f"{base}-discovery/#", "test/#") as listener:
        with closing(make(shared, base)) as broker:
            broker.publish_status("anna", ServerStatus(problem=plain("nobody stays yet")))
            broker.stay_connected(server, "anna", "mqtt", "home")
            wait_until(lambda: server.back)
            broker.publish_status("anna", ServerStatus(last_sync=NOON, battery="high"))
            broker.publish_status(
                "ben", ServerStatus(last_sync=NOON + 60, problem=plain("Log in."), battery="low")
            )

            def newest() -> Any:
                return listener.under("/bridge/info")[-1].json()

            wait_until(lambda: listener.under("/bridge/info") and newest()["problem"] == "Log in.")
            assert newest()["scale_battery"] == "low"
            assert newest()["last_sync"] == "2025-10-09T08:54:20+00:00"
            components = listener.under("/config")[-1].json()["components"]
            assert "scale_battery" in components
        with closing(make(shared, base)) as broker:  # the next start knows of no battery yet
            broker.stay_connected(server, "anna", "mqtt", "home")
            wait_until(lambda: len(server.back) == 2)
            listener.all_is_said()
            components = listener.under("/config")[-1].json()["components"]
            assert "unique_id" in components["scale_battery"]


def test_leaving_a_frozen_broker_is_quick(tmp_path: Path, base: str, server: ServerOfTests) -> None:
    with mosquitto(tmp_path) as where:
        broker = make(where, base)
        broker.stay_connected(server, "anna", "mqtt", "home")
        wait_until(lambda: server.back)
        where.freeze()
        began = time.monotonic()
        broker.close()
        assert time.monotonic() - began < BrokerLimits().answer


def test_leaving_while_nobody_answers_is_quick(tmp_path: Path, server: ServerOfTests) -> None:
    where = Mosquitto(tmp_path)
    with socket.create_server(("127.0.0.1", where.port)):
        broker = make(where, limits=BrokerLimits(answer=PATIENCE, close=0.2))
        broker.stay_connected(server, "anna", "mqtt", "home")
        began = time.monotonic()
        broker.close()
        assert time.monotonic() - began < PATIENCE / 2


def test_a_refused_resident_is_patient_and_says_why(tmp_path: Path, server: ServerOfTests) -> None:
    asked: list[tuple[float, float]] = []
    with (
        mosquitto(tmp_path, anonymous=False) as where,
        closing(
            make(where, limits=BrokerLimits(reconnect=ReconnectPolicy(shortest=0.01, longest=60)))
        ) as broker,
    ):
        broker._uniform = remembering(asked)
        broker.stay_connected(server, "anna", "mqtt", "home")
        wait_until(lambda: asked)
        with pytest.raises(LoginNeeded):
            broker.publish([HELLO])
    assert asked == [(30, 60)]


def test_attempts_come_slower_and_slower_within_bounds(
    tmp_path: Path, server: ServerOfTests
) -> None:
    asked: list[tuple[float, float]] = []
    with closing(make(Mosquitto(tmp_path), limits=BrokerLimits())) as broker:
        broker._uniform = remembering(asked, 0.0)
        broker.stay_connected(server, "anna", "mqtt", "home")
        wait_until(lambda: len(asked) >= 8)
    assert asked[:8] == [(1, 2), (2, 4), (4, 8), (8, 16), (16, 32), *[(30, 60)] * 3]


def test_the_client_id_belongs_to_the_installation(
    shared: Mosquitto, server: ServerOfTests
) -> None:
    def client_id(installation: str, base: str) -> str:
        broker = make(shared, base)
        supervisor = broker._new_supervisor(server, installation)
        return supervisor.request.client_id

    found = client_id("one", "base")
    assert found == client_id("one", "base")
    assert len({found, client_id("two", "base"), client_id("one", "other")}) == 3
    assert len(found) == 23
    assert found.isalnum()


def test_a_house_that_fails_does_not_end_the_stay(
    shared: Mosquitto, base: str, server: ServerOfTests, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(ServerOfTests):
        def on_connected(self, person: str, target: str, delay: float = 0.0) -> None:
            super().on_connected(person, target)
            if len(self.back) == 1:
                raise ZeroDivisionError

    broken = Broken()
    with closing(make(shared, base)) as broker:
        broker.stay_connected(broken, "anna", "mqtt", "home")
        wait_until(lambda: len(broken.back) == 2)
        broker.publish([HELLO])
    assert "mqtt_failed" in caplog.text


def test_a_defect_while_greeting_leaves_no_connection_that_nobody_attends(
    shared: Mosquitto, base: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(ServerOfTests):
        asked = 0

        def __getattribute__(self, name: str) -> Any:
            if name == "url":
                Broken.asked += 1
                if Broken.asked == 1:
                    raise ZeroDivisionError
            return super().__getattribute__(name)

    broken = Broken()
    with closing(make(shared, base)) as broker:
        broker._uniform = remembering([], answer=60.0)
        broker.stay_connected(broken, "anna", "mqtt", "home")
        wait_until(lambda: "mqtt_failed" in caplog.text)
        with pytest.raises(RetryLater):
            broker.publish([HELLO])

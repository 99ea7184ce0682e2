"""The example for Mosquitto: a real one with this configuration and its access list."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from fixtures.contrib_image import CONTRIB
from fixtures.mosquitto import Mosquitto, ServerOfTests, needs_mosquitto, world
from fixtures.waiting import PATIENCE, wait_until
from weighbridge.core.network import SharedResources
from weighbridge.core.secret import Secret
from weighbridge.targets.base import KeepsConnection
from weighbridge.targets.mqtt.mqtt_options import MqttOptions
from weighbridge.targets.mqtt.mqtt_target import MqttTarget
from weighbridge.testing.builders import owe, weigh_in

pytestmark = needs_mosquitto

PASSWORDS = {"weighbridge": "brings-the-weight", "homeassistant": "keeps-the-server"}
PLACE = "/etc/mosquitto/weighbridge."


class Example(Mosquitto):
    """A broker with ``mosquitto.conf``; only its port and the places of its files are others."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        passwords, access = folder / "weighbridge.passwords", folder / "weighbridge.acl"
        passwords.touch(mode=0o600)
        for user, password in PASSWORDS.items():
            words = ["mosquitto_passwd", "-b", str(passwords), user, password]
            subprocess.run(words, check=True, capture_output=True)
        shutil.copy2(CONTRIB / "mosquitto.acl", access)
        access.chmod(0o600)
        text = (CONTRIB / "mosquitto.conf").read_text("utf-8")
        assert text.count("\nlistener 1883\n") == 1
        text = text.replace("\nlistener 1883\n", f"\nlistener {self.port} 127.0.0.1\n")
        assert text.count(f" {PLACE}") > 2
        text = text.replace(f"_file {PLACE}", f"_file {folder}/weighbridge.")
        text = text.replace("persistence true", f"persistence true\npersistence_location {folder}/")
        self._lines = ("user root", *text.splitlines())


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    running = Example(tmp_path_factory.mktemp("broker"))
    running.start()
    yield running
    running.stop()


class Visitor:
    """Somebody at the broker; MQTT 5, so that a refusal is told."""

    def __init__(self, broker: Example, user: str | None, password: str | None = None) -> None:
        self.heard: dict[str, bytes] = {}
        self.answers: list[str] = []
        self.client = Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTv5, reconnect_on_failure=False
        )
        if user:
            self.client.username_pw_set(user, password)
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.answers.append(str(reason))
        self.client.on_message = lambda _c, _u, said: self.heard.update({said.topic: said.payload})
        self.client.on_publish = lambda _c, _u, _m, reason, _p: self.answers.append(str(reason))
        self.client.on_subscribe = lambda _c, _u, _m, _r, _p: self.answers.append("subscribed")
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def answer(self) -> str:
        """What the broker said to the last thing that was done."""
        wait_until(lambda: self.answers)
        return self.answers.pop(0)

    def publish(self, topic: str) -> str:
        self.client.publish(topic, b"word", 1)
        return self.answer()

    def listen(self, topic: str = "#") -> None:
        self.client.subscribe(topic, 1)
        assert self.answer() == "subscribed"

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def home_assistant(broker: Example) -> Iterator[Visitor]:
    visitor = Visitor(broker, "homeassistant", PASSWORDS["homeassistant"])
    assert visitor.answer() == "Success"
    visitor.listen()
    yield visitor
    visitor.close()


@pytest.mark.parametrize(
    ("user", "password"),
    [(None, None), ("weighbridge", "wrong"), ("root", "x"), ("weighbridge", "")],
)
def test_nobody_gets_in_without_a_password(
    broker: Example, user: str | None, password: str | None
) -> None:
    visitor = Visitor(broker, user, password)
    assert visitor.answer() in {"Not authorized", "Bad user name or password"}
    visitor.close()


def test_weighbridge_may_do_all_that_it_does(
    broker: Example, home_assistant: Visitor, tmp_path: Path
) -> None:
    """The real target: discovery, state, event, Home Assistant's birth, the button, the goodbye."""
    options = MqttOptions(
        url=f"mqtt://weighbridge@127.0.0.1:{broker.port}",
        password=Secret.of_value(PASSWORDS["weighbridge"]),
        protocol="5",
    )
    reading, server = weigh_in(), ServerOfTests()
    with SharedResources() as connections:
        target = MqttTarget(options, world(tmp_path, connections, reading))
        assert isinstance(target, KeepsConnection)
        target.start(server)
        wait_until(lambda: server.back)
        target.republish()
        receipt = target.send(target.render([owe(reading)]))
        assert not receipt.refused
        home_assistant.client.publish("weighbridge/bridge/request/sync", b"PRESS", 1)
        wait_until(lambda: server.syncs)
        wait_until(lambda: "weighbridge/bridge/response/sync" in home_assistant.heard)
        home_assistant.client.publish("homeassistant/status", b"online", 1)
    wait_until(lambda: home_assistant.heard["weighbridge/bridge/state"] == b"offline")
    assert {
        "homeassistant/device/weighbridge_bridge/config",
        "homeassistant/device/weighbridge_12345678/config",
        "weighbridge/12345678/state",
        "weighbridge/12345678/event",
    } <= set(home_assistant.heard)


def test_weighbridge_may_do_nothing_else(broker: Example, home_assistant: Visitor) -> None:
    visitor = Visitor(broker, "weighbridge", PASSWORDS["weighbridge"])
    assert visitor.answer() == "Success"
    for topic in ("homeassistant/light/kitchen/config", "homeassistant/status", "door/open"):
        assert visitor.publish(topic) == "Not authorized", topic
    visitor.listen()
    home_assistant.client.publish("door/open", b"now", 1).wait_for_publish(PATIENCE)
    assert visitor.publish("weighbridge/12345678/event") == "Success"
    wait_until(lambda: "weighbridge/12345678/event" in visitor.heard)
    assert "door/open" not in visitor.heard
    visitor.close()

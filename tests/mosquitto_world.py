"""A real Mosquitto on a free port, somebody who writes down what is said there, and a house."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from weighbridge.connections import Connections
from weighbridge.measures import Reading
from weighbridge.targets.base import Context, Newest
from weighbridge.testing.builders import NOON, context

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

needs_mosquitto = pytest.mark.skipif(
    PROGRAM is None or os.name != "posix", reason="mosquitto is not installed"
)

PATIENCE = 5.0
"""Seconds that a test waits for what comes in milliseconds."""


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What the condition says as soon as it says something."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.002)
    return found


class Mosquitto:
    """One broker. ``lines`` are added to its configuration."""

    def __init__(self, folder: Path, *lines: str, anonymous: bool = True) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port: int = found.getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._configuration = folder / f"mosquitto-{self.port}.conf"
        self._lines = (
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'true' if anonymous else 'false'}",
            "user root",
            *lines,
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert PROGRAM is not None
        self._configuration.write_text("\n".join(self._lines) + "\n")
        self._process = subprocess.Popen(
            [PROGRAM, "-c", str(self._configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._is_listening)

    def _is_listening(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self.thaw()
            self._signal(number)
            self._process.wait(PATIENCE)
            self._process = None


@contextlib.contextmanager
def mosquitto(folder: Path, *lines: str, anonymous: bool = True) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, *lines, anonymous=anonymous)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Said(msgspec.Struct, frozen=True):
    """One message as a listener got it."""

    topic: str
    payload: bytes
    retained: bool
    qos: int
    expiry: int | None

    def json(self) -> Any:
        return msgspec.json.decode(self.payload)


class Listener:
    """Writes down everything that is said at a broker. It speaks MQTT 5, to see expiries."""

    def __init__(self, broker: Mosquitto, *topics: str) -> None:
        self.heard: list[Said] = []
        self._topics = topics or ("#",)
        self._ready = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._connected
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = self._heard
        self.client.on_socket_open = lambda _client, _userdata, opened: opened.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        assert self._ready.wait(PATIENCE)

    def _connected(self, client: Client, *_: Any) -> None:
        client.subscribe([(topic, 1) for topic in self._topics])

    def _heard(self, client: Client, _userdata: Any, message: Any) -> None:
        opened: Any = client.socket()
        if opened is not None and hasattr(socket, "TCP_QUICKACK"):  # else each costs 40 ms
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        expiry = getattr(message.properties, "MessageExpiryInterval", None)
        said = Said(message.topic, message.payload, bool(message.retain), message.qos, expiry)
        self.heard.append(said)

    def under(self, end: str) -> list[Said]:
        """What was said under topics with this end, in order."""
        return [said for said in self.heard if said.topic.endswith(end)]

    def events(self) -> list[Any]:
        return [said.json() for said in self.under("/event")]

    def say(self, topic: str, payload: str = "", *, retain: bool = False) -> None:
        self.client.publish(topic, payload, 1, retain).wait_for_publish(PATIENCE)

    def all_is_said(self) -> None:
        """Wait until everything that was published before has arrived here."""
        word = f"{time.monotonic_ns()}"
        self.say("test/fence", word)
        until(lambda: any(said.payload == word.encode() for said in list(self.heard)))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextlib.contextmanager
def listening(broker: Mosquitto, *topics: str) -> Iterator[Listener]:
    listener = Listener(broker, *topics)
    try:
        yield listener
    finally:
        listener.close()


class Body:
    """What is known of a body, as a list of readings."""

    def __init__(self, userid: str = "12345678", *readings: Reading) -> None:
        self._userid = userid
        self.readings = list(readings)

    def userid(self) -> str:
        return self._userid

    def newest(self) -> list[Newest]:
        found = {
            (one.type_code, one.position): Newest(one, reading.taken_at)
            for reading in sorted(self.readings, key=lambda known: known.taken_at)
            for one in (*reading.measurements, *reading.segments)
        }
        return list(found.values())

    def before(self, reading: Reading, code: int) -> Newest | None:
        older = [known for known in self.readings if known.taken_at < reading.taken_at]
        for known in sorted(older, key=lambda known: -known.taken_at):
            for one in known.measurements:
                if one.type_code == code:
                    return Newest(one, known.taken_at)
        return None


class HouseOfTests:
    """Writes down what targets ask of the server."""

    url: str | None = "http://192.0.2.10:9474/"

    def __init__(self) -> None:
        self.back: list[tuple[str, str]] = []
        self.refused: list[tuple[str, str]] = []
        self.syncs = 0

    def came_back(self, person: str, target: str, delay: float = 0.0) -> None:
        self.back.append((person, target))

    def locked_out(self, person: str, target: str) -> None:
        self.refused.append((person, target))

    def sync_now(self, person: str | None = None) -> None:
        self.syncs += 1


def world(folder: Path, connections: Connections, *readings: Reading, **fields: Any) -> Context:
    """The world around an MQTT target that was connected one second before noon."""
    body = Body(fields.pop("userid", "12345678"), *readings)
    defaults: dict[str, Any] = {
        "connections": connections,
        "body": body,
        "connected_at": lambda: NOON - 1.0,
        "installation": lambda: "installation-of-tests",
    }
    return context(folder, **{**defaults, **fields})


def ids(events: Sequence[Any]) -> list[str]:
    return [event["id"] for event in events]

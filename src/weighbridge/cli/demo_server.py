"""The server's part of the demo: Withings notifies, and the reading arrives by itself.

``weighbridge serve`` runs in a process of its own, as for everybody. Where Mosquitto and paho are
installed, a broker runs as well, and the sentence that a speaker would say is heard there.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from weighbridge.cli.output import say
from weighbridge.core.errors import ExitCode, RetryLater

if TYPE_CHECKING:
    from weighbridge.cli.demo_stage import Stage

KG = "71.6"
LOG = "server.log"
REMEDY = f"Look into {LOG} in the folder of the demo."
SOON = 30.0  # seconds; it takes one or two, or ten where the reading settles first


def show_server(stage: Stage) -> ExitCode:
    """Let the server be told of a weigh-in. Raises RetryLater when something stays away."""
    person, port = stage.people[0], _free_port()
    say(click.style("\nThe server: weighbridge serve", bold=True))
    with _broker(stage.folder) as broker:
        stage.write_configuration(port=port, broker=broker)
        with _hearing(broker) as heard, _serving(stage.folder, port):
            say(f"It listens at http://127.0.0.1:{port} and tells Withings that address.")
            _wait(lambda: stage.is_subscribed(person), "subscription")
            if broker:
                _wait(lambda: "state" in heard, "state at MQTT")
            time.sleep(1)  # what is as old as the connection to the broker is the past for it
            _show_weigh_in(stage, person, heard if broker else None)
    return ExitCode.DONE


def _show_weigh_in(stage: Stage, person: str, heard: dict[str, bytes] | None) -> None:
    say(f"{person} steps on the scale: {KG} kg. Nobody asks for anything.")
    begun = time.monotonic()

    def since() -> str:
        return f"after {time.monotonic() - begun:.2f} s"

    stage.weigh_in_now(person, KG)
    if heard is None:
        say("  MQTT: not shown here. Install mosquitto and run: pip install 'weighbridge[mqtt]'")
    else:
        _wait(lambda: "event" in heard, "event at MQTT")
        say(f'  MQTT, {since()}: "{json.loads(heard["event"])["text"]}"')
    _wait(lambda: stage.newest_kg(person).startswith(KG), "reading")
    settled = f", of which it settled for {stage.settle:.0f}" if stage.settle else ""
    say(f"  {person}.json, {since()}{settled}: {stage.newest_kg(person)} kg")


def _wait(happened: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SOON
    while not happened():
        if time.monotonic() > end:
            raise RetryLater(f"The {what} did not come.", remedy=REMEDY)
        time.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _serving(folder: Path, port: int) -> Iterator[None]:
    """``weighbridge serve`` for the home folder of the demo, with its words in a file."""
    words = [sys.executable, "-m", "weighbridge", "--home", str(folder), "serve"]
    with (folder / LOG).open("wb") as log, _running(words, port, log):
        yield


@contextmanager
def _broker(folder: Path) -> Iterator[int | None]:
    """The port of a Mosquitto of our own; None where it or paho is not installed."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None or find_spec("paho") is None:
        yield None
        return
    port, configuration = _free_port(), folder / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", "utf-8")
    with _running([program, "-c", str(configuration)], port, subprocess.DEVNULL):
        yield port
    configuration.unlink()


@contextmanager
def _running(words: list[str], port: int, output: IO[bytes] | int) -> Iterator[None]:
    """A program from when it listens on the port until the block has ended."""
    program = subprocess.Popen(words, stdout=output, stderr=output)  # noqa: S603
    try:
        _wait(lambda: program.poll() is not None or _is_listening(port), "answer of a program")
        if program.poll() is not None:
            raise RetryLater(f"{Path(words[0]).name} ended at once.", remedy=REMEDY)
        yield
    finally:
        program.terminate()
        program.wait(SOON)


def _is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), SOON):
        return True
    return False


@contextmanager
def _hearing(broker: int | None) -> Iterator[dict[str, bytes]]:
    """What is said of people at the broker: ``state`` or ``event``, and the newest message."""
    heard: dict[str, bytes] = {}
    if broker is None:
        yield heard
        return
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.enums import CallbackAPIVersion

    def hear(_client: Client, _data: object, said: MQTTMessage) -> None:
        _, about, what = said.topic.split("/")
        if about != "bridge":
            heard[what] = bytes(said.payload)

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = hear
    client.connect("127.0.0.1", broker)
    client.subscribe("weighbridge/+/+", 1)
    client.loop_start()
    try:
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()

"""``weighbridge demo``: sync invented people with clouds that run on this machine.

With ``--server`` it also runs ``weighbridge serve`` in a process of its own. Where Mosquitto and
paho are installed, a broker runs as well, and shows the sentence for a speaker.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from weighbridge.cli.cli_context import CliContext
from weighbridge.cli.output import say, use_home
from weighbridge.core.commands import in_shell
from weighbridge.core.errors import ConfigProblem, ExitCode, RetryLater

if TYPE_CHECKING:
    from weighbridge.cli.demo_home import DemoHome

FOLDER = Path("weighbridge-demo")
YEARS = 3
MARK = ".weighbridge-demo"
"""A file that marks a folder of an earlier demo: only such a folder is emptied."""
FRESH_KG, SERVER_KG = "71.3", "71.6"
LOG = "server.log"
LOOK_INTO_LOG = f"Look into {LOG} in the folder of the demo."
PATIENCE = 30.0
"""Seconds. A reading takes one or two, or ten where it settles first."""


@click.command("demo")
@click.option(
    "--recorded",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Serve recorded getmeas answers instead of invented people.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    default=FOLDER,
    show_default=True,
    help="Where the files are written: a new folder, or one of an earlier demo.",
)
@click.option(
    "--years",
    type=click.IntRange(1),
    default=YEARS,
    show_default=True,
    metavar="N",
    help="The length of the invented history.",
)
@click.option("--fast", is_flag=True, help="Do not wait for the fresh weigh-in to settle.")
@click.option(
    "--server", is_flag=True, help="Also run the server, which is notified of a weigh-in."
)
@click.pass_obj
def command(  # noqa: PLR0913  one parameter an option
    context: CliContext, recorded: Path | None, folder: Path, years: int, fast: bool, server: bool
) -> int:
    """Log in, sync, step on the scale and sync again, with invented people. No account is needed.

    Stand-ins for the Withings and Garmin clouds run on this machine until the demo ends. Nothing
    leaves this machine.

    \b
    Examples:
      weighbridge demo
      weighbridge demo --server
      weighbridge demo --recorded recordings/ --folder /tmp/demo
    """
    open_demo_home = _load_demo_home()
    _prepare_folder(folder)
    use_home(str(folder))
    with open_demo_home(folder, recorded, years, settle=0 if fast else 10) as home:
        say(f"Stand-in clouds run at {home.url}. Nothing leaves this machine.")
        home.sign_in()
        _title("First sync: the whole history")
        home.sync(context)
        _show_targets(home)
        code = _show_fresh_weigh_in(context, home)
        if server:
            code = max(code, _show_server(home))
        _title("Files to look at")
        _show_files(home)
    say("")
    say("The archive needs no cloud. Try:")
    program = [*_program(), "--home", str(folder)]
    say(f"  {' '.join(map(in_shell, [*program, 'show', '--person', home.people[0]]))}")
    say(f"  {' '.join(map(in_shell, [*program, 'status']))}")
    return code


def _load_demo_home() -> Callable[..., AbstractContextManager[DemoHome]]:
    """Import what only the demo needs. Raises ConfigProblem when it is not installed."""
    try:
        from weighbridge.cli.demo_home import open_demo_home
    except ImportError as error:
        raise ConfigProblem(
            f"The demo needs {error.name}, which is not installed.",
            remedy="Run: pip install 'weighbridge[all]'",
        ) from error
    return open_demo_home


def _prepare_folder(folder: Path) -> None:
    """Create the folder, or empty one of an earlier demo. Raises ConfigProblem for any other."""
    try:
        if folder.exists() and any(folder.iterdir()):
            if not (folder / MARK).exists():
                raise ConfigProblem(
                    f"{folder} exists and is not from a demo.",
                    remedy="Choose another with --folder.",
                )
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / MARK).touch()
    except OSError as error:
        raise ConfigProblem(
            f"{folder} cannot be used ({error.strerror}).", remedy="Choose another with --folder."
        ) from error


def _show_files(home: DemoHome) -> None:
    paths = home.files()
    width = max(len(str(path)) for path in paths)
    for path in paths:
        say(f"  {path!s:<{width}}  {path.stat().st_size:>9,} bytes")


def _show_fresh_weigh_in(context: CliContext, home: DemoHome) -> int:
    """One reading must go to each target of one person, and nothing to anyone else."""
    person = home.people[0]
    before = home.counts()
    _title(f"{person} steps on the scale: {FRESH_KG} kg")
    home.weigh_in(person, FRESH_KG)
    home.sync(context)
    _title("What is new")
    after = home.counts()
    new = {name: after[name] - before[name] for name in after}
    expected = {name: int(name.startswith(f"{person}: ")) for name in after}
    width = max(map(len, new))
    for name, number in new.items():
        say(f"  {name:<{width}}  {number:>6} new")
    if new != expected:
        say("This is not the expected result. Please report it.")
        return ExitCode.LOOK
    say("Only the new reading was sent, once to each target.")
    return ExitCode.DONE


def _show_targets(home: DemoHome) -> None:
    _title("Readings at each target")
    counts = home.counts()
    width = max(map(len, counts))
    for name, number in counts.items():
        say(f"  {name:<{width}}  {number:>6} reading{'s' if number != 1 else ''}")


def _program() -> list[str]:
    """How to call this program here: by name, or by the path that it was started with."""
    if shutil.which("weighbridge"):
        return ["weighbridge"]
    by_module = sys.argv[0].endswith("__main__.py")
    return [sys.executable, "-m", "weighbridge"] if by_module else [sys.argv[0]]


def _title(text: str) -> None:
    say("")
    say(click.style(text, bold=True))


# --- The server -------------------------------------------------------------------------------


def _show_server(home: DemoHome) -> ExitCode:
    """Show that the server is notified of a weigh-in. Raises RetryLater after ``PATIENCE``."""
    person, port = home.people[0], _free_port()
    _title("The server: weighbridge serve")
    with _broker(home.folder) as broker:
        home.write_configuration(port=port, broker=broker)
        with _messages_of(broker) as messages, _server(home.folder, port):
            say(f"It listens at http://127.0.0.1:{port} and tells Withings that address.")
            _wait(lambda: home.is_subscribed(person), "subscription")
            if broker:
                _wait(lambda: "state" in messages, "state at MQTT")
            time.sleep(1)  # a reading as old as the connection to the broker is not announced
            _show_weigh_in(home, person, messages if broker else None)
    return ExitCode.DONE


def _show_weigh_in(home: DemoHome, person: str, messages: dict[str, bytes] | None) -> None:
    say(f"{person} steps on the scale: {SERVER_KG} kg. Nothing else is done.")
    started = time.monotonic()

    def since() -> str:
        return f"after {time.monotonic() - started:.2f} s"

    home.weigh_in_now(person, SERVER_KG)
    if messages is None:
        say("  MQTT: not shown. Install mosquitto and run: pip install 'weighbridge[mqtt]'")
    else:
        _wait(lambda: "event" in messages, "event at MQTT")
        say(f'  MQTT, {since()}: "{json.loads(messages["event"])["text"]}"')
    _wait(lambda: home.newest_kg(person).startswith(SERVER_KG), "reading")
    settled = f", including the wait of {home.settle:.0f} s" if home.settle else ""
    say(f"  {person}.json, {since()}{settled}: {home.newest_kg(person)} kg")


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise RetryLater(f"The {what} did not arrive.", remedy=LOOK_INTO_LOG)
        time.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def _server(folder: Path, port: int) -> Iterator[None]:
    """Run ``weighbridge serve`` for the demo, with its output in a file."""
    arguments = [sys.executable, "-m", "weighbridge", "--home", str(folder), "serve"]
    with (folder / LOG).open("wb") as log, _running(arguments, port, log):
        yield


@contextmanager
def _broker(folder: Path) -> Iterator[int | None]:
    """Run Mosquitto and yield its port; None where it or paho is not installed."""
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
def _running(arguments: list[str], port: int, output: IO[bytes] | int) -> Iterator[None]:
    """Run a program, from when it listens on the port until the block ends."""
    program = subprocess.Popen(arguments, stdout=output, stderr=output)  # noqa: S603
    try:
        _wait(lambda: program.poll() is not None or _is_listening(port), "answer of a program")
        if program.poll() is not None:
            raise RetryLater(f"{Path(arguments[0]).name} ended at once.", remedy=LOOK_INTO_LOG)
        yield
    finally:
        program.terminate()
        program.wait(PATIENCE)


def _is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), PATIENCE):
        return True
    return False


@contextmanager
def _messages_of(broker: int | None) -> Iterator[dict[str, bytes]]:
    """``state`` or ``event`` → the newest message about a person at the broker."""
    messages: dict[str, bytes] = {}
    if broker is None:
        yield messages
        return
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.enums import CallbackAPIVersion

    def keep(_client: Client, _data: object, message: MQTTMessage) -> None:
        _, person, topic = message.topic.split("/")
        if person != "bridge":
            messages[topic] = bytes(message.payload)

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = keep
    client.connect("127.0.0.1", broker)
    client.subscribe("weighbridge/+/+", 1)
    client.loop_start()
    try:
        yield messages
    finally:
        client.disconnect()
        client.loop_stop()

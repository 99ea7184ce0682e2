"""``weighbridge sandbox``: run stand-ins for the clouds until Ctrl-C."""

from __future__ import annotations

import importlib
import json
import signal
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from weighbridge.core.commands import toml_string
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.private_files import write_new
from weighbridge.targets import all_kinds
from weighbridge.targets.kind import TargetKind
from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.household import SEED, YEARS, household
from weighbridge_sandbox.http import Sandbox
from weighbridge_sandbox.recorded import load_folder
from weighbridge_sandbox.withings import WithingsCloud
from weighbridge_sandbox.withings.measures import PAGE_SIZE

if TYPE_CHECKING:
    from weighbridge_sandbox.http import Cloud

PORT = 8765

_EXAMPLES = f"""
\b
Examples, in two terminals:
  weighbridge sandbox --write trial/weighbridge.toml
  weighbridge --home trial login withings --person anna

Make something go wrong, here the next answer of getmeas:

\b
  curl http://127.0.0.1:{PORT}/sandbox/faults \\
    -d '{{"kind": "status", "path": "/measure", "status": 601}}'
"""


class Options(msgspec.Struct, frozen=True):
    """The options of the command."""

    port: int
    folder: Path | None
    seed: int
    years: int
    page_size: int
    duplicates_window: float
    empty: bool
    write: Path | None
    as_json: bool


@click.command(epilog=_EXAMPLES)
@click.option(
    "--port", default=PORT, show_default=True, metavar="N", help="The port; 0 chooses a free one."
)
@click.option(
    "--load",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Serve the recorded answers (getmeas*.json) of this folder instead of invented people.",
)
@click.option(
    "--seed",
    default=SEED,
    show_default=True,
    metavar="N",
    help="Another number invents another history.",
)
@click.option(
    "--years",
    default=YEARS,
    type=click.IntRange(1),
    show_default=True,
    metavar="N",
    help="The length of the invented history.",
)
@click.option(
    "--page-size",
    default=PAGE_SIZE,
    type=click.IntRange(1),
    show_default=True,
    metavar="N",
    help="Measure groups in one page of getmeas.",
)
@click.option(
    "--duplicates-window",
    default=0.0,
    metavar="SECONDS",
    help="Answer a call that is repeated within this time with status 601. Default: never.",
)
@click.option("--empty", is_flag=True, help="Invent two people without any measurements.")
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a configuration for the sandbox into this new file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON instead of text.")
def command(**given: Any) -> None:
    """Run stand-ins for the clouds of Withings and of the targets on this machine.

    They keep everything in memory and forget it at the end. Stop them with Ctrl-C.
    """
    options = Options(**given)
    clock = Clock()
    withings = WithingsCloud(clock=clock, page_size=options.page_size)
    withings.repetitions.window = options.duplicates_window
    for problem in fill(withings, options.folder, options.years, options.seed, empty=options.empty):
        click.echo(problem, err=True)
    clouds: list[Cloud] = [withings, *find_clouds(clock, options.seed)]
    sandbox = Sandbox(clouds, port=options.port, clock=clock)
    try:
        sandbox.start()
    except OSError as problem:
        text = f"Port {options.port} cannot be used: {problem}. Choose another one with --port."
        raise click.UsageError(text) from problem
    try:
        if options.write:
            write_configuration(options.write, configuration(sandbox.url, withings))
        run(describe(sandbox.url, withings), as_json=options.as_json)
    finally:
        sandbox.close()


def run(description: dict[str, Any], *, as_json: bool) -> None:
    """Print how to use the sandbox, and wait for Ctrl-C or a request to end."""
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last one is Windows
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    click.echo(json.dumps(description) if as_json else explain(description))
    while not stop.wait(0.5):  # Windows cannot interrupt an endless wait
        pass


def fill(
    withings: WithingsCloud,
    recorded: Path | None,
    years: int,
    seed: int = SEED,
    *,
    empty: bool = False,
) -> list[str]:
    """Add people to the Withings cloud: from a folder of recorded answers, or invented ones.

    Returns a sentence for each recorded file that cannot be used.
    """
    if recorded is not None:
        recordings = load_folder(recorded)
        for name, zone, groups in recordings.profiles():
            withings.household.add_profile(name, timezone=zone, groups=groups)
        return recordings.problems
    for name, userid, zone, groups in household(int(withings.clock()), seed=seed, years=years):
        withings.household.add_profile(name, userid, zone, () if empty else groups)
    return []


def find_clouds(clock: Clock, seed: int) -> list[Cloud]:
    """The stand-ins of all kinds of targets, as far as what they need is installed."""
    found: list[Cloud] = []
    for kind in _kinds_with_stand_in():
        assert kind.stand_in is not None
        module, _, name = kind.stand_in.cloud.partition(":")
        try:
            found.append(getattr(importlib.import_module(module), name)(clock=clock, seed=seed))
        except ImportError as problem:
            text = f"The {kind.service} stand-in is left out ({problem})."
            click.echo(f"{text} Install 'weighbridge[sandbox]' for it.", err=True)
    return found


def _kinds_with_stand_in() -> list[TargetKind]:
    return [kind for kind in all_kinds() if kind.stand_in]


def describe(url: str, withings: WithingsCloud) -> dict[str, Any]:
    """Everything that a script needs to know about the sandbox."""
    return {
        "url": url,
        "client_id": withings.tokens.client_id,
        "client_secret": withings.tokens.client_secret,
        "profiles": list(withings.household.profiles),
        "config": configuration(url, withings),
    }


def configuration(url: str, withings: WithingsCloud) -> str:
    """The lines for ``weighbridge.toml``."""
    tokens = withings.tokens
    people = "".join(
        f'\n[[person]]\nname = "{name}"\n' + "".join(_targets(name, url))
        for name in withings.household.profiles
    )
    return (
        f'[withings]\nurl = "{url}"\n'
        f'client_id = "{tokens.client_id}"\nclient_secret = "{tokens.client_secret}"\n{people}'
    )


def _targets(person: str, url: str) -> Iterator[str]:
    """The targets of a person; those that are not chosen stand behind comment signs."""
    for kind in _kinds_with_stand_in():
        stand_in = kind.stand_in
        assert stand_in is not None
        values = {"person": person, "url": url}
        options = {name: text.format_map(values) for name, text in stand_in.options.items()}
        lines = ["[[person.target]]", f"kind = {toml_string(kind.name)}"]
        lines += [f"{name} = {toml_string(text)}" for name, text in options.items()]
        mark = "" if stand_in.chosen else "# "
        yield "\n" + "".join(f"{mark}{line}\n" for line in lines)


def write_configuration(path: Path, text: str) -> None:
    """Write a new private file. Raises ConfigProblem when it exists, StateProblem."""
    try:
        write_new(path, text.encode())
    except FileExistsError as error:
        raise ConfigProblem(
            f"{path} exists already.", remedy="Name a new file with --write."
        ) from error


def explain(description: dict[str, Any]) -> str:
    """The description as text for people."""
    said = " ".join(kind.stand_in.remark for kind in _kinds_with_stand_in() if kind.stand_in)
    remarks = textwrap.fill(said, 88, break_on_hyphens=False)
    return (
        f"The sandbox listens on {description['url']}.\n\n"
        "A configuration for it (--write FILE writes it into a file):\n\n"
        f"{description['config']}\n"
        f"{remarks}\n"
        f"{description['url']}/sandbox lists what it can be told to do. Stop with Ctrl-C."
    )

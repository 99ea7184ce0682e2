"""``weighbridge sandbox``: run the stand-in clouds until somebody stops them."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from weighbridge.core.errors import ConfigProblem
from weighbridge.core.private_files import write_new

if TYPE_CHECKING:
    from weighbridge_sandbox.http import Cloud, Sandbox
    from weighbridge_sandbox.withings import WithingsCloud

_EXAMPLES = """
\b
Examples, in two terminals:
  weighbridge sandbox --write trial/weighbridge.toml
  weighbridge --home trial login withings --person anna

Make something go wrong, here the next answer of getmeas:

\b
  curl http://127.0.0.1:8765/sandbox/faults \\
    -d '{"kind": "status", "path": "/measure", "status": 601}'
"""


class Options(msgspec.Struct, frozen=True):
    """What the command line says."""

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
@click.option("--port", default=8765, show_default=True, metavar="N", help="0: any free one.")
@click.option(
    "--load",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Serve the recorded answers (getmeas*.json) of this folder instead of invented people.",
)
@click.option("--seed", default=1, show_default=True, metavar="N", help="Which history.")
@click.option(
    "--years",
    default=3,
    type=click.IntRange(1),
    show_default=True,
    metavar="N",
    help="How long it is.",
)
@click.option(
    "--page-size",
    default=300,
    type=click.IntRange(1),
    show_default=True,
    metavar="N",
    help="Groups a page of getmeas.",
)
@click.option(
    "--duplicates-window",
    default=0.0,
    metavar="SECONDS",
    help="Refuse identical data calls within this time with status 601; else none is.",
)
@click.option("--empty", is_flag=True, help="Two people who have never stood on the scale.")
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the configuration for it into this new file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON instead of text.")
def command(**given: Any) -> None:
    """Run stand-ins for the Withings, Garmin and TrainerRoad clouds on this machine.

    They keep everything in memory and forget it at the end. Stop them with Ctrl-C.
    """
    from weighbridge_sandbox.clock import Clock
    from weighbridge_sandbox.http import Sandbox
    from weighbridge_sandbox.trainerroad import TrainerRoadCloud
    from weighbridge_sandbox.withings import WithingsCloud

    options = Options(**given)
    clock = Clock()
    withings = WithingsCloud(clock=clock, page_size=options.page_size)
    withings.repetitions.window = options.duplicates_window
    for problem in fill(withings, options):
        click.echo(problem, err=True)
    trainerroad = TrainerRoadCloud(clock=clock, seed=options.seed)
    clouds: list[Cloud] = [withings, *find_garmin(clock, options.seed), trainerroad]
    sandbox = Sandbox(clouds, port=options.port, clock=clock)
    try:
        sandbox.start()
    except OSError as problem:
        text = f"Port {options.port} cannot be used: {problem}. Choose another one with --port."
        raise click.UsageError(text) from problem
    try:
        if options.write:
            write_configuration(options.write, configuration(sandbox.url, withings))
        run(sandbox, withings, as_json=options.as_json)
    finally:
        sandbox.close()


def run(sandbox: Sandbox, withings: WithingsCloud, *, as_json: bool) -> None:
    """Say where everything is and wait for Ctrl-C or a request to end."""
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last one is Windows
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    told = describe(sandbox.url, withings)
    if as_json:
        import json

        click.echo(json.dumps(told))
    else:
        click.echo(explain(told))
    while not stop.wait(0.5):  # Windows cannot interrupt an endless wait
        pass


def fill(withings: WithingsCloud, options: Options) -> list[str]:
    """Put people into the Withings cloud. Returns a sentence for each file that was left out."""
    household = withings.household
    if options.folder is not None:
        from weighbridge_sandbox.recorded import load_folder

        recordings = load_folder(options.folder)
        for name, zone, recorded in recordings.profiles():
            household.add_profile(name, timezone=zone, groups=recorded)
        return recordings.problems
    from weighbridge_sandbox.household import household as invent

    for name, userid, zone, groups in invent(
        int(withings.clock()), seed=options.seed, years=options.years
    ):
        household.add_profile(name, userid, zone, () if options.empty else groups)
    return []


def find_garmin(clock: Any, seed: int) -> list[Cloud]:
    """The Garmin stand-in, when what it needs is installed."""
    try:
        from weighbridge_sandbox.garmin import GarminCloud
    except ImportError as problem:
        text = (
            f"The Garmin stand-in is left out ({problem}). Install 'weighbridge[sandbox]' for it."
        )
        click.echo(text, err=True)
        return []
    return [GarminCloud(clock=clock, seed=seed)]


def describe(url: str, withings: WithingsCloud) -> dict[str, Any]:
    """Everything that a script needs to use the sandbox."""
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
        f'\n[[person]]\nname = "{name}"\n\n[[person.target]]\nkind = "garmin"\nurl = "{url}"\n'
        f'username = "{name}@example.test"\n\n'
        f'# [[person.target]]\n# kind = "trainerroad"\n# url = "{url}"\n'
        f'# username = "{name}@example.test"\n'
        for name in withings.household.profiles
    )
    return (
        f'[withings]\nurl = "{url}"\n'
        f'client_id = "{tokens.client_id}"\nclient_secret = "{tokens.client_secret}"\n{people}'
    )


def write_configuration(path: Path, text: str) -> None:
    """A new file for this account only. Raises ConfigProblem when it exists, StateProblem."""
    try:
        write_new(path, text.encode())
    except FileExistsError as error:
        raise ConfigProblem(
            f"{path} exists already.", remedy="Name a new file with --write."
        ) from error


def explain(told: dict[str, Any]) -> str:
    """The same for a person."""
    return (
        f"The sandbox listens on {told['url']}.\n\n"
        f"Its configuration (--write FILE makes a weighbridge.toml of it):\n\n{told['config']}\n"
        "Sign in at its Garmin as anna@example.test with the password anna-walks-home, or as\n"
        "ben@example.test with ben-rides-uphill and the code 123456. Its TrainerRoad knows them\n"
        "with the passwords anna-climbs-hills and ben-likes-the-flat.\n"
        f"{told['url']}/sandbox lists what can be made to happen. Stop with Ctrl-C."
    )

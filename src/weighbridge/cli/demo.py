"""``weighbridge demo``: the whole road with made-up people, on clouds that run on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.cli_context import CliContext, in_shell
from weighbridge.cli.output import say
from weighbridge.core.errors import ConfigProblem, ExitCode

if TYPE_CHECKING:
    from weighbridge.cli.demo_stage import Stage

FOLDER = "weighbridge-demo"
FRESH_KG = "71.3"


@click.command("demo")
@click.option(
    "--recorded",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Serve recorded getmeas answers instead of made-up people.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    default=Path(FOLDER),
    show_default=True,
    help="Where the files to look at are left. It must not exist yet, or be an older demo.",
)
@click.option(
    "--years",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    metavar="N",
    help="How long the made-up history is.",
)
@click.option("--fast", is_flag=True, help="Do not wait until the fresh weigh-in has settled.")
@click.option("--server", is_flag=True, help="Show the server as well: it is told of a weigh-in.")
@click.pass_obj
def command(  # noqa: PLR0913  one parameter an option
    session: CliContext, recorded: Path | None, folder: Path, years: int, fast: bool, server: bool
) -> int:
    """Show the whole road: sign in, sync, step on the scale, sync again. No account is needed.

    Stand-ins for the Withings and Garmin clouds run on this machine while the demo lasts; the real
    library signs in there. Nothing leaves this machine.

    \b
    Examples:
      weighbridge demo
      weighbridge demo --server
      weighbridge demo --recorded recordings/ --folder /tmp/demo
    """
    open_stage = _stage()
    _take_folder(folder)
    with open_stage(folder, recorded, years, settle=0 if fast else 10) as stage:
        say(f"Stand-in clouds run at {stage.url}. Nothing leaves this machine.")
        stage.sign_in()
        _title("First sync: the whole history")
        stage.sync(session)
        _show_targets(stage)
        code = _show_fresh_weigh_in(session, stage)
        if server:
            from weighbridge.cli.demo_server import show_server

            code = max(code, show_server(stage))
        _title("Files to look at")
        _show_files(stage)
    say("")
    home = in_shell(str(folder))
    say("Ask the archive as well, the clouds are not needed for it:")
    say(f"  {_called()} --home {home} show --person {stage.people[0]}")
    say(f"  {_called()} --home {home} status")
    return code


def _stage() -> Any:
    """What the stage needs is optional for everything else. Raises ConfigProblem."""
    try:
        from weighbridge.cli.demo_stage import open_stage
    except ImportError as error:
        raise ConfigProblem(
            f"The demo needs {error.name}, which is not installed.",
            remedy="Run: pip install 'weighbridge[all]'",
        ) from error
    return open_stage


def _take_folder(folder: Path) -> None:
    """An empty or new folder, or one of an older demo, which is emptied."""
    from weighbridge.cli.demo_stage import MARK

    try:
        if folder.exists() and any(folder.iterdir()):
            if not (folder / MARK).exists():
                raise ConfigProblem(
                    f"{folder} exists and is not from a demo.",
                    remedy="Choose another with --folder.",
                )
            import shutil

            shutil.rmtree(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigProblem(
            f"{folder} cannot be used ({error.strerror}).", remedy="Choose another with --folder."
        ) from error


def _show_files(stage: Stage) -> None:
    paths = stage.files()
    width = max(len(str(path)) for path in paths)
    for path in paths:
        say(f"  {path!s:<{width}}  {path.stat().st_size:>9,} bytes")


def _show_fresh_weigh_in(session: CliContext, stage: Stage) -> int:
    """Exactly one reading must go to each target of one person, and nothing to anybody else."""
    person = stage.people[0]
    before = stage.holdings()
    _title(f"{person} steps on the scale: {FRESH_KG} kg")
    stage.weigh_in(person, FRESH_KG)
    stage.sync(session)
    _title("What is new")
    after = stage.holdings()
    new = {name: after[name] - before[name] for name in after}
    expected = {name: int(name.startswith(f"{person}: ")) for name in after}
    width = max(map(len, new))
    for name, number in new.items():
        say(f"  {name:<{width}}  {number:>6} new")
    if new != expected:
        say("This is not what should have happened: please report it.")
        return ExitCode.LOOK
    say("Exactly that one was sent, once to each target.")
    return ExitCode.DONE


def _show_targets(stage: Stage) -> None:
    _title("What went where")
    held = stage.holdings()
    width = max(map(len, held))
    for name, number in held.items():
        say(f"  {name:<{width}}  {number:>6} reading{'s' if number != 1 else ''}")


def _called() -> str:
    """How this program can be called from here: by name, or by the path it was started with."""
    import shutil
    import sys

    if shutil.which("weighbridge"):
        return "weighbridge"
    by_module = sys.argv[0].endswith("__main__.py")
    return f"{in_shell(sys.executable)} -m weighbridge" if by_module else in_shell(sys.argv[0])


def _title(text: str) -> None:
    say("")
    say(click.style(text, bold=True))


__all__: list[Any] = ["command"]

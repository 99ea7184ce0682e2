"""The command line. Each command is a module of its own, imported only when it is called."""

from __future__ import annotations

import importlib
import os
import sys

import click

from weighbridge import __version__
from weighbridge.errors import ExitCode, Problem

COMMANDS = {
    "init": "Write a commented configuration file.",
    "login": "Connect a Withings account or a target.",
    "sync": "Bring everybody up to date.",
    "status": "Say for each person and target how things stand.",
    "show": "Show the last readings with a small trend chart.",
    "why": "Say why a reading is where it is.",
    "export": "Write readings as JSON lines, CSV or FIT.",
    "deliveries": "List what was delivered where; retry, skip or accept.",
    "config": "Check or show the configuration.",
    "sandbox": "Run stand-ins for the Withings and Garmin clouds.",
    "demo": "Show the whole road with made-up people, no account needed.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"weighbridge.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="weighbridge")
@click.option(
    "--home",
    metavar="DIR",
    help="The home folder: configuration and database. Also WEIGHBRIDGE_HOME.",
)
@click.option("-v", "--verbose", count=True, help="Say what happens; twice: say more.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How log lines on standard error look.",
)
@click.pass_context
def command(ctx: click.Context, home: str | None, verbose: int, log_format: str) -> None:
    """Carry body measurements from Withings to Garmin Connect, files and more.

    \b
    Begin:    weighbridge init
              weighbridge login withings
              weighbridge sync
    Try it:   weighbridge demo
    """
    from weighbridge.cli.session import Session
    from weighbridge.config import home_folder

    if verbose or log_format == "json":
        from weighbridge.cli.logs import set_up

        set_up(verbose, as_json=log_format == "json")
    ctx.obj = Session(home_folder(home, os.environ), os.environ, verbose, log_format == "json")


def main() -> None:
    """The entry point of the installed command: problems become a message and an exit code."""
    try:
        sys.exit(command(standalone_mode=False) or 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. Nothing is lost: run it again to go on.", err=True)
        sys.exit(130)
    except Problem as problem:
        click.echo(str(problem), err=True)
        sys.exit(problem.exit_code)
    except BrokenPipeError:
        # The reader of a pipe went away: that is its right, and not an error of ours.
        sys.stderr.close()
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.DONE)

"""The command line. Each command is a module of its own, imported only when it is called."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn

import click

from weighbridge import __version__
from weighbridge.core.errors import ExitCode, Problem

COMMANDS = {
    "init": "Write a commented configuration file.",
    "login": "Connect a Withings account or a target.",
    "sync": "Bring everybody up to date.",
    "serve": "Run as a server: be notified, deliver at once.",
    "status": "Say for each person and target how things stand.",
    "check": "Ask Withings and the targets whether all works.",
    "show": "Show the last readings with a small trend chart.",
    "why": "Say why a reading is where it is.",
    "export": "Write readings as JSON lines, CSV or FIT.",
    "import": "Take over the logins of withings-sync or trumpet.",
    "deliveries": "List what was delivered where; retry, skip or accept.",
    "subscriptions": "See and mend what Withings notifies us about.",
    "config": "Check or show the configuration.",
    "sandbox": "Run stand-ins for the Withings and Garmin clouds.",
    "demo": "Show the whole road with made-up people, no account needed.",
}


_OF_OUTPUT = (errno.EPIPE, errno.EINVAL, errno.ENOSPC, errno.EIO)
"""Windows says EINVAL when the reader of a pipe went away."""


_MODULES = {"import": "import_state"}
"""Commands whose name cannot be that of a module."""


class OutputLost(Exception):
    """Standard output takes nothing any more: its reader went away, or its disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.reader_left = error.errno in (errno.EPIPE, errno.EINVAL)


def is_of_output(error: OSError) -> bool:
    """Whether it is standard output that failed, and not a file that has a name."""
    return error.errno in _OF_OUTPUT and error.filename is None


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"weighbridge.cli.{_MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f'There is no command called "{args[0]}".{_nearest(args[0])}')
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except OSError as error:  # click would end with 1, which means something else here
            if not is_of_output(error):
                raise
            raise OutputLost(error) from error

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
    Try it, no account is needed:
      weighbridge demo

    \b
    Begin:
      weighbridge init
      weighbridge login withings
      weighbridge sync

    \b
    Or begin in a browser, and let it run by itself from then on:
      weighbridge serve
    """
    from weighbridge.cli.cli_context import CliContext
    from weighbridge.config import home_folder

    if verbose or log_format == "json":
        from weighbridge.cli.logs import set_up

        set_up(verbose, as_json=log_format == "json")
    ctx.obj = CliContext(home_folder(home, os.environ), os.environ, verbose, log_format == "json")


def _nearest(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    return f' Did you mean "{near[0]}"?' if near else ""


def main() -> None:
    """The entry point of the installed command."""
    conclude(lambda: command(standalone_mode=False) or 0)


def conclude(work: Callable[[], int]) -> NoReturn:
    """End the process as ``work`` ends: problems become a message and an exit code."""
    if sys.stdin is None:  # closed by whoever started us
        sys.stdin = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a letter shows another
            stream.reconfigure(errors="replace")
    try:
        sys.exit(work())
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        _show(error)
        sys.exit(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        _say("Stopped. Nothing is lost: run it again to go on.")
        sys.exit(130)
    except Problem as problem:
        _say(str(problem))
        sys.exit(problem.exit_code)
    except OutputLost as lost:
        # Python would complain when it writes out what is left, so that goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if lost.reader_left:  # of a pipe: that is its right, and not an error of ours
            sys.exit(ExitCode.DONE)
        _say(f"The output cannot be written: {lost}. Make room or choose another place.")
        sys.exit(ExitCode.USAGE)


def _say(text: str) -> None:
    from weighbridge.cli.output import say

    say(text)


def _show(error: click.ClickException) -> None:
    """Show what was wrong with the usage, and how to learn more."""
    from weighbridge.cli.output import messages_are_logged, say

    if messages_are_logged():
        say(error.format_message())
    else:
        error.show()

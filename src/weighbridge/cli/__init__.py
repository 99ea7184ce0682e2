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
from weighbridge.cli.command_names import COMMANDS
from weighbridge.core.errors import ExitCode, Problem

_OUTPUT_ERRORS = (errno.EPIPE, errno.EINVAL, errno.ENOSPC, errno.EIO)
"""Errors of standard output. Windows reports EINVAL when the reader of a pipe has gone."""


_MODULES = {"import": "import_state"}
"""Commands whose name is a Python keyword."""


class OutputLost(Exception):
    """Standard output cannot be written: its reader has gone, or its disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.reader_left = error.errno in (errno.EPIPE, errno.EINVAL)


def is_output_error(error: OSError) -> bool:
    """Whether standard output failed, and not a file with a name."""
    return error.errno in _OUTPUT_ERRORS and error.filename is None


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

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
        except OSError as error:  # click would end with 1, which has another meaning here
            if not is_output_error(error):
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
    help="The home folder with configuration and database. Also WEIGHBRIDGE_HOME.",
)
@click.option("-v", "--verbose", count=True, help="Log what happens; twice: log more.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The format of log lines on standard error.",
)
@click.pass_context
def command(ctx: click.Context, home: str | None, verbose: int, log_format: str) -> None:
    """Deliver body measurements from Withings to Garmin Connect, files and more.

    \b
    Try it without an account:
      weighbridge demo

    \b
    Set it up:
      weighbridge init
      weighbridge login withings
      weighbridge sync

    \b
    Or set it up in a browser, and leave it running:
      weighbridge serve
    """
    from weighbridge.cli.cli_context import CliContext
    from weighbridge.cli.output import use_home
    from weighbridge.config import home_folder

    use_home(home)
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
    """Run ``work`` and end the process: a problem becomes a message and an exit code."""
    if sys.stdin is None:  # closed by the parent process
        sys.stdin = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without a letter shows "?"
            stream.reconfigure(errors="replace")
    try:
        sys.exit(work())
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        _show(error)
        sys.exit(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        _say("Stopped. Nothing is lost: run it again to continue.")
        sys.exit(130)
    except Problem as problem:
        _say(str(problem))
        sys.exit(problem.exit_code)
    except OutputLost as lost:
        # Python would fail again when it flushes the rest, so the rest goes to the null device.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if lost.reader_left:  # as in "| head": not an error
            sys.exit(ExitCode.DONE)
        _say(f"The output cannot be written: {lost}. Free some space or choose another place.")
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

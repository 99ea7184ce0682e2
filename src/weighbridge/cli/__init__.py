"""The command line. Each command is a module of its own, imported only when it is called."""

from __future__ import annotations

import importlib

import click

from weighbridge import __version__

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
def command() -> None:
    """Carry body measurements from Withings to Garmin Connect, files and more."""


def main() -> None:
    """The entry point of the installed command."""
    command()

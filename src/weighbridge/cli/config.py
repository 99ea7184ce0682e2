"""``weighbridge config``: check the configuration, or show each value with its origin."""

from __future__ import annotations

import click

from weighbridge.cli.cli_context import CliContext
from weighbridge.cli.output import print_json, say
from weighbridge.config import CONFIG_FILE, ConfigProblems, Mistake, Settings
from weighbridge.config.settings import Value, origin_of, secrets, values
from weighbridge.core.errors import ConfigProblem, ExitCode


@click.group()
def command() -> None:
    """Check or show the configuration.

    \b
    Examples:
      weighbridge config check
      weighbridge config show --json
    """


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def check(context: CliContext, as_json: bool) -> None:
    """Report every mistake at once, with its line.

    Secret files and environment variables are looked up; commands are not run.
    Ends with 0 when everything is right and with 2 when something must be changed.

    \b
    Example:
      weighbridge config check
    """
    settings, mistakes = _examine(context)
    warnings = settings.warnings if settings else ()
    if as_json:
        print_json(
            {
                "ok": not mistakes,
                "file": str(context.home / CONFIG_FILE),
                "mistakes": mistakes,
                "warnings": warnings,
            }
        )
    elif mistakes:
        say(str(ConfigProblems(mistakes, path=context.home / CONFIG_FILE)))
    elif settings:
        _print_summary(settings)
    for warning in () if as_json else warnings:
        say(f"Warning: {warning}")
    if mistakes:
        raise click.exceptions.Exit(ExitCode.USAGE)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def show(context: CliContext, as_json: bool) -> None:
    """Print each value and where it comes from; secrets are shown as stars.

    \b
    Example:
      weighbridge config show
    """
    settings = context.settings()
    found = list(values(settings))
    if as_json:
        print_json({"home": str(settings.home), "values": found})
        return
    widths = [max(len(text) for text in column) for column in zip(*map(_row, found), strict=True)]
    click.echo(f"home  {settings.home}")
    for row in map(_row, found):
        padded = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        click.echo("  ".join(padded).rstrip())


def _examine(context: CliContext) -> tuple[Settings | None, list[Mistake]]:
    """The settings, if they can be read, and everything that is wrong."""
    try:
        settings = context.settings()
    except ConfigProblems as problems:
        return None, list(problems.mistakes)
    except ConfigProblem as problem:
        return None, [Mistake(CONFIG_FILE, None, "", problem.message, problem.remedy)]
    found = ((key, secret.trouble()) for key, secret in secrets(settings))
    return settings, [_mistake(settings, key, problem) for key, problem in found if problem]


def _mistake(settings: Settings, key: str, problem: ConfigProblem) -> Mistake:
    origin = settings.origin(key)
    where, _, line = origin.rpartition(":")
    message = f"{key}: {problem.message}"
    if where and line.isdecimal():
        return Mistake(where, int(line), key, message, problem.remedy)
    return Mistake(origin, None, key, message, problem.remedy)


def _print_summary(settings: Settings) -> None:
    path = settings.home / CONFIG_FILE
    click.echo(f"ok  {path if path.exists() else f'no {CONFIG_FILE} in {settings.home}'}")
    withings = settings.withings
    if withings.client_id and withings.client_secret:
        origin = settings.origin("withings.client_id")
        click.echo(f"withings  client {withings.client_id} ({origin})")
    else:
        click.echo("withings  no application yet: weighbridge login withings says how to get one")
    for person in settings.people:
        targets = ", ".join(_target_words(t.name, t.kind) for t in person.targets)
        click.echo(f"person {person.name}  {targets or 'no targets, only the archive'}")
    for key, secret in secrets(settings):
        click.echo(f"secret {key}  from {origin_of(key, secret, settings)}")


def _target_words(name: str, kind: str) -> str:
    return name if name == kind else f"{name} ({kind})"


def _row(value: Value) -> tuple[str, str, str]:
    shown = str(value.value)
    if value.value is None or not shown:
        shown = "-"
    elif isinstance(value.value, bool):
        shown = shown.lower()
    elif isinstance(value.value, float):
        shown = f"{value.value:g}"
    return value.key, shown, value.origin

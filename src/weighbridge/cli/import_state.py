"""``weighbridge import``: take over the logins of the programs that Weighbridge replaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from weighbridge.cli.cli_context import CliContext, chosen_person
from weighbridge.cli.output import say
from weighbridge.config import Settings
from weighbridge.core.errors import ConfigProblem, ExitCode, most_urgent

if TYPE_CHECKING:
    from weighbridge.compat.trumpet import TrumpetLogin
    from weighbridge.sync.services import Services


@click.group("import")
def command() -> None:
    """Take over the logins of another program. Its files are read and never changed.

    Stop the other program first: each login is renewed when it is first used here, and no longer
    works in the other program.

    \b
    Examples:
      weighbridge import withings-sync
      weighbridge import trumpet FOLDER
    """


@command.command("withings-sync")
@click.option(
    "--config-folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The --config-folder of the old program; default: its usual places.",
)
@click.option("--person", metavar="NAME", help="Whose logins they are.")
@click.pass_obj
def withings_sync(context: CliContext, config_folder: Path | None, person: str | None) -> int:
    """Take over the logins at Withings and Garmin, and the day of the last run.

    Without --config-folder these places are searched: WITHINGS_USER or ~/.withings_user.json,
    GARMIN_SESSION or ~/.garmin_context.json, WITHINGS_APP.

    \b
    Exit code: 0 all logins that were found work here, 3 a person must log in,
               2 there is nothing to take over.

    \b
    Examples:
      weighbridge import withings-sync
      weighbridge import withings-sync --config-folder ~/old --person anna
    """
    settings = context.settings()
    chosen = chosen_person(settings, person)
    from weighbridge.compat import ImportResult
    from weighbridge.compat.withings_sync.state_import import state_files_of, take_over
    from weighbridge.sync.services import Services

    folder = config_folder.expanduser().absolute() if config_folder else None
    places = state_files_of(folder, context.environ)
    if places.user_file() is None and places.garmin_session() is None:
        searched = " nor ".join(str(path) for path in (*places.users, *places.garmin_sessions))
        raise ConfigProblem(
            f"There is nothing to take over: neither {searched} exists.",
            remedy="Name the folder of the old program with --config-folder.",
        )
    with Services(settings) as services:
        notes = take_over(services, chosen, places)
    for note in notes:
        say(note.text)
    if any(note.result is ImportResult.UNUSABLE for note in notes):
        return ExitCode.LOG_IN
    say("Next: weighbridge sync")
    return ExitCode.DONE


@command.command("trumpet")
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="FOLDER"
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="USERID=NAME",
    help="The name of the person with this user id. Can be repeated.",
)
@click.option("--person", metavar="NAME", help="The name, with one token file.")
@click.pass_obj
def trumpet(context: CliContext, folder: Path, names: tuple[str, ...], person: str | None) -> int:
    """Take over the token files in FOLDER, one for each person.

    A person without --name is called user-USERID. The lines that weighbridge.toml needs are
    printed on standard output; add them yourself, the file is not changed.

    \b
    Exit code: 0 all logins that were found work here,
               2 a person could not be connected, 3 a person must log in.

    \b
    Examples:
      weighbridge import trumpet /var/lib/trumpet --name 4711=anna --name 4712=ben
    """
    settings = context.settings()
    from weighbridge.compat.trumpet import names_of, read_folder
    from weighbridge.sync.services import Services

    logins = read_folder(folder)
    people = names_of(logins, _single_name(person, logins) | _given_names(names))
    with Services(settings) as services:
        codes = {_take(services, login, people[login.userid]) for login in logins}
    _print_missing(settings, people.values())
    return most_urgent(codes)


def _take(services: Services, login: TrumpetLogin, person: str) -> ExitCode:
    """Take over one login. A problem with it never stops the others."""
    from weighbridge.compat import ImportResult
    from weighbridge.compat.trumpet import take_over

    try:
        note = take_over(services, login, person)
    except ConfigProblem as problem:
        say(f"{login.userid}: {problem}")
        return problem.exit_code
    say(note.text)
    return ExitCode.LOG_IN if note.result is ImportResult.UNUSABLE else ExitCode.DONE


def _given_names(names: tuple[str, ...]) -> dict[str, str]:
    """User id → name, from ``USERID=NAME``."""
    given: dict[str, str] = {}
    for text in names:
        userid, equals, name = text.partition("=")
        if not equals:
            raise ConfigProblem(f"--name {text} has no name.", remedy="Write --name USERID=NAME.")
        given[userid.strip()] = _checked(name)
    return given


def _single_name(person: str | None, logins: Sequence[TrumpetLogin]) -> dict[str, str]:
    if person is None:
        return {}
    if len(logins) > 1:
        raise ConfigProblem(
            f"There are {len(logins)} token files, but --person names one person.",
            remedy="Name each of them with --name USERID=NAME.",
        )
    return {logins[0].userid: _checked(person)}


def _checked(name: str) -> str:
    from weighbridge.config.value_rules import InvalidValue, read_name

    try:
        return read_name(name)
    except InvalidValue as invalid:
        raise ConfigProblem(f"The name {invalid.message}", remedy=invalid.remedy) from None


def _print_missing(settings: Settings, names: Iterable[str]) -> None:
    """Print the lines for the people that the configuration lacks."""
    from weighbridge.config import CONFIG_FILE
    from weighbridge.core.commands import toml_string

    missing = [name for name in names if settings.directory.find(name) is None]
    if missing:
        say(f"Add these lines to {settings.home / CONFIG_FILE}, with the targets below each:")
        click.echo("\n".join(f"[[person]]\nname = {toml_string(name)}\n" for name in missing))
    say("Next: weighbridge sync")

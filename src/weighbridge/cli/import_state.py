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
    from weighbridge.compat.trumpet import OldLogin
    from weighbridge.sync.services import Services


@click.group("import", short_help="Take over the logins of withings-sync or trumpet.")
def command() -> None:
    """Take over the logins of another program. Its files are read and never changed.

    Stop the other program first: a login is renewed at its first use here, and then works nowhere
    else.

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
    help="The folder that the old program was given; without it, its usual places.",
)
@click.option("--person", metavar="NAME", help="Whose it is; needed when there are several.")
@click.pass_obj
def withings_sync(session: CliContext, config_folder: Path | None, person: str | None) -> int:
    """Take over the logins at Withings and Garmin, and the day of the last run.

    Without --config-folder these places are looked at: WITHINGS_USER or ~/.withings_user.json,
    GARMIN_SESSION or ~/.garmin_session.json, WITHINGS_APP.

    \b
    Exit code: 0 everything that was found works here, 3 a person must log in,
               2 there is nothing to take over.

    \b
    Examples:
      weighbridge import withings-sync
      weighbridge import withings-sync --config-folder ~/old --person anna
    """
    settings = session.settings()
    someone = chosen_person(settings, person)
    from weighbridge.compat.old_places import places_of
    from weighbridge.compat.withings_sync_state import State, take_over
    from weighbridge.sync.services import Services

    folder = config_folder.expanduser().absolute() if config_folder else None
    places = places_of(folder, session.environ)
    if places.user_file() is None and places.garmin_session() is None:
        looked = " and ".join(str(path) for path in (*places.users, *places.garmin_sessions))
        raise ConfigProblem(
            f"There is nothing to take over: neither {looked} exists.",
            remedy="Name the folder of the old program with --config-folder.",
        )
    with Services(settings) as workplace:
        notes = take_over(workplace, someone, places)
    for note in notes:
        say(note.text)
    if any(note.state is State.UNUSABLE for note in notes):
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
    help="What to call the person behind a user id. May be given several times.",
)
@click.option("--person", metavar="NAME", help="The same, for a folder with one token file.")
@click.pass_obj
def trumpet(session: CliContext, folder: Path, names: tuple[str, ...], person: str | None) -> int:
    """Take over the token files in FOLDER: one person for each.

    A person without a name is called user-USERID. The lines that weighbridge.toml needs are
    printed on standard output; no command changes that file.

    \b
    Exit code: 0 everything that was found works here,
               2 somebody could not be connected, 3 a person must log in.

    \b
    Examples:
      weighbridge import trumpet /var/lib/trumpet --name 4711=anna --name 4712=ben
    """
    settings = session.settings()
    from weighbridge.compat.trumpet import names_of, read_folder
    from weighbridge.sync.services import Services

    logins = read_folder(folder)
    called = names_of(logins, _single_name(person, logins) | _given_names(names))
    with Services(settings) as workplace:
        codes = {_take(workplace, login, called[login.userid]) for login in logins}
    _print_missing(settings, called.values())
    return most_urgent(codes)


def _take(workplace: Services, login: OldLogin, person: str) -> ExitCode:
    """One profile's trouble never stops another."""
    from weighbridge.compat.trumpet import take_over
    from weighbridge.compat.withings_sync_state import State

    try:
        note = take_over(workplace, login, person)
    except ConfigProblem as problem:
        say(f"{login.userid}: {problem}")
        return problem.exit_code
    say(note.text)
    return ExitCode.LOG_IN if note.state is State.UNUSABLE else ExitCode.DONE


def _given_names(names: tuple[str, ...]) -> dict[str, str]:
    """User id → name, from ``USERID=NAME``."""
    given: dict[str, str] = {}
    for text in names:
        userid, equals, name = text.partition("=")
        if not equals:
            raise ConfigProblem(f"--name {text} names nobody.", remedy="Write --name USERID=NAME.")
        given[userid.strip()] = _checked(name)
    return given


def _single_name(person: str | None, logins: Sequence[OldLogin]) -> dict[str, str]:
    if person is None:
        return {}
    if len(logins) > 1:
        raise ConfigProblem(
            f"There are {len(logins)} token files, and --person is for one.",
            remedy="Give each a name with --name USERID=NAME.",
        )
    return {logins[0].userid: _checked(person)}


def _checked(name: str) -> str:
    from weighbridge.config.value_rules import InvalidValue, read_name

    try:
        return read_name(name)
    except InvalidValue as unfit:
        raise ConfigProblem(f"The name {unfit.message}", remedy=unfit.remedy) from None


def _print_missing(settings: Settings, names: Iterable[str]) -> None:
    """The lines for everybody whom the configuration does not name yet."""
    from weighbridge.config import CONFIG_FILE
    from weighbridge.config.template import quote

    known = {person.name for person in settings.people}
    missing = [name for name in names if name not in known]
    if missing:
        say(f"Add these lines to {settings.home / CONFIG_FILE}, and targets below each of them:")
        click.echo("\n".join(f"[[person]]\nname = {quote(name)}\n" for name in missing))
    say("Next: weighbridge sync")

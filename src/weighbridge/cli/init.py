"""``weighbridge init``: write a commented configuration, once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from weighbridge.cli.session import Session, say
from weighbridge.config import CALLBACK_URL, CONFIG_FILE, SECRET_FOLDER, ConfigProblems, home_folder
from weighbridge.config.reading import read_settings
from weighbridge.config.rules import Unfit, parse_height, read_name, read_text, read_timezone
from weighbridge.config.template import Answers, render
from weighbridge.errors import ConfigProblem, StateProblem
from weighbridge.server.admission import read_or_make_token
from weighbridge.targets import load_kind

_KEPT = f"{CONFIG_FILE}.old"


def _by_rule(rule: Callable[[str], Any]) -> Callable[..., Any]:
    """A click callback that applies a rule of the configuration to an option."""

    def check(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Any:
        return None if value is None else _apply(rule, value)

    return check


@click.command()
@click.option(
    "--person", metavar="NAME", callback=_by_rule(read_name), help="Whose readings are carried."
)
@click.option(
    "--height", metavar="CM", callback=_by_rule(parse_height), help="Body height in centimetres."
)
@click.option(
    "--timezone",
    metavar="ZONE",
    callback=_by_rule(read_timezone),
    help="Where this person lives, for instance Europe/Paris.",
)
@click.option(
    "--client-id",
    metavar="ID",
    callback=_by_rule(read_text),
    help="The client id that Withings shows.",
)
@click.option(
    "--client-secret-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="A file with the client secret; the configuration refers to it.",
)
@click.option("--client-secret-stdin", is_flag=True, help="Read the client secret from a pipe.")
@click.option(
    "--garmin",
    metavar="USERNAME",
    callback=_by_rule(read_text),
    help="Send to this account at Garmin Connect.",
)
@click.option(
    "--csv",
    metavar="FILE",
    callback=_by_rule(read_text),
    help="Write a CSV file; a relative path starts in the home folder.",
)
@click.option("--force", is_flag=True, help=f"Replace the file; the old one is kept as {_KEPT}.")
@click.pass_obj
def command(session: Session, /, force: bool, **options: Any) -> None:
    """Write a commented configuration file.

    At a terminal it asks, unless options answer. Elsewhere, without options, it writes a file
    of comments to be filled in. A secret is never given as an option: other accounts could see it.
    Beside it lies admin-token, with which the pages of the server let you in.

    \b
    Examples:
      weighbridge init
      weighbridge init --person anna --garmin anna@example.org --csv anna.csv
    """
    path = session.home / CONFIG_FILE
    if path.exists() and not force:
        raise ConfigProblem(
            f"{path} exists already.",
            remedy="Edit it, or replace it with: weighbridge init --force",
        )
    answers = _answers(options)
    text = render(answers)
    _prove(text, session)
    _write(path, text)
    read_or_make_token(session.home)
    click.echo(f"Wrote {path}")
    _say_what_is_next(session, answers)


def at_a_terminal() -> bool:
    """True when there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _answers(options: dict[str, Any]) -> Answers:
    if options["client_secret_file"] and options["client_secret_stdin"]:
        raise click.UsageError("Give --client-secret-file or --client-secret-stdin, not both.")
    if not any(options.values()):
        return _ask() if at_a_terminal() else Answers()
    return Answers(
        person=options["person"],
        height_cm=options["height"],
        timezone=options["timezone"],
        client_id=options["client_id"],
        client_secret=_read_secret() if options["client_secret_stdin"] else None,
        client_secret_file=options["client_secret_file"],
        garmin=options["garmin"],
        csv=options["csv"],
    )


def _read_secret() -> str:
    secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise click.UsageError("There is no client secret on standard input. Pipe it in.")
    return secret


def _ask() -> Answers:
    say("Empty answers are left out and can be filled in later.")
    person = _prompt("Your name, as Weighbridge shall call you", read_name, default="me")
    say(_REGISTER)
    client_id = _prompt("Withings client id", read_text)
    secret = _prompt("Withings client secret", read_text, hide=True) if client_id else None
    garmin = _prompt("Garmin e-mail", read_text) if _garmin_is_installed() else None
    csv = _prompt("CSV file to write", read_text)
    return Answers(person=person, client_id=client_id, client_secret=secret, garmin=garmin, csv=csv)


_REGISTER = f"""
Withings gives its data to an application that you register yourself, free, in two
minutes, at https://developer.withings.com/dashboard/ ("Public API integration").
Enter {CALLBACK_URL} as its callback URL. It then shows
a client id and a secret."""


def _prompt(
    question: str, rule: Callable[[str], str], *, default: str = "", hide: bool = False
) -> str | None:
    answer: str | None = click.prompt(
        question,
        default=default,
        show_default=bool(default),
        hide_input=hide,
        err=True,
        value_proc=lambda text: _apply(rule, text) if text else None,
    )
    return answer


def _apply(rule: Callable[[str], Any], text: str) -> Any:
    try:
        text.encode()
        return rule(text)
    except UnicodeEncodeError:
        raise click.BadParameter("It is not valid text. Type it again.") from None
    except Unfit as unfit:
        raise click.BadParameter(f"It {unfit}") from None


def _garmin_is_installed() -> bool:
    try:
        load_kind("garmin")
    except ConfigProblem as problem:
        say(f"Garmin is left out. {problem}")
        return False
    return True


def _prove(text: str, session: Session) -> None:
    """What is written must be right: read it as every later command will.

    Mistakes of the environment are not the file's, so they do not stop it.
    """
    try:
        read_settings(text, home=session.home, environ=session.environ, secret_folder=SECRET_FOLDER)
    except ConfigProblems as problems:
        of_file = [mistake for mistake in problems.mistakes if mistake.line is not None]
        if of_file:
            words = " ".join(f"{mistake.message} {mistake.remedy}" for mistake in of_file)
            raise ConfigProblem(
                f"With these answers the configuration would be wrong: {words}",
                remedy="Nothing was written. Run weighbridge init again with other answers.",
            ) from None


def _write(path: Path, text: str) -> None:
    """Write for this account only, all or nothing. What stood there before is kept aside."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            _replace(path.with_name(_KEPT), path.read_bytes())
        _replace(path, text.encode())
    except OSError as error:
        raise StateProblem(
            f"{path} cannot be written ({error.strerror}).",
            remedy="Make the folder writable, or choose another one with --home.",
        ) from error


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _say_what_is_next(session: Session, answers: Answers) -> None:
    usual = home_folder(None, session.environ) == session.home
    start = "weighbridge" if usual else f"weighbridge --home {_in_shell(str(session.home))}"
    steps = []
    if not (answers.client_id and (answers.client_secret or answers.client_secret_file)):
        steps.append(f"fill in {session.home / CONFIG_FILE}")
    steps += [f"{start} config check", f"{start} login withings"]
    if answers.garmin:
        steps.append(f"{start} login garmin --username {_in_shell(answers.garmin)}")
    steps.append(f"{start} sync")
    say("Next:")
    for step in steps:
        say(f"  {step}")


def _in_shell(word: str) -> str:
    import shlex

    return shlex.quote(word)

"""``weighbridge init``: write a commented configuration, once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from weighbridge.cli.cli_context import CliContext
from weighbridge.cli.output import say
from weighbridge.config import CONFIG_FILE, home_folder
from weighbridge.config.environment import ONLY_PERSON
from weighbridge.config.loader import mistakes_in
from weighbridge.config.template import InitAnswers, PersonAnswers, render
from weighbridge.config.value_rules import (
    InvalidValue,
    parse_height,
    read_name,
    read_text,
    read_timezone,
)
from weighbridge.core.commands import in_shell
from weighbridge.core.errors import ConfigProblem, StateProblem
from weighbridge.core.private_files import replace, write_new
from weighbridge.sources.withings import CALLBACK_URL
from weighbridge.targets import all_kinds, find_kind, missing_part
from weighbridge.targets.kind import TargetAnswer, TargetKind
from weighbridge.targets.wizard import complete
from weighbridge.web.sessions import read_or_make_token

_KEPT = f"{CONFIG_FILE}.old"
_ABOUT_A_PERSON = ("person", "height", "timezone")


def _by_rule(rule: Callable[[str], Any]) -> Callable[..., Any]:
    """A click callback that applies a rule of the configuration to an option."""

    def check(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Any:
        return None if value is None else _apply(rule, value)

    return check


def _options_of_kinds(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each kind of target: the answer to its first question."""
    for kind in reversed(_asked_kinds()):
        for option in _secrets(kind):
            command = click.option(
                f"--{kind.name}-{option}-file".replace("_", "-"),
                _file_of(kind, option),
                metavar="FILE",
                type=click.Path(exists=True, dir_okay=False, resolve_path=True),
                help=f"A file with the {option} for {kind.service}.",
            )(command)
        lead = kind.wizard[0]
        command = click.option(
            lead.flag or f"--{kind.name.replace('_', '-')}",
            kind.name,
            metavar=lead.metavar,
            callback=_by_rule(read_text),
            help=lead.help or f"{kind.takes} {lead.label}.",
        )(command)
    return command


def _secrets(kind: TargetKind) -> list[str]:
    """The options that are secrets: init takes a file, or leaves them to be filled in."""
    return [one.option for one in kind.wizard if one.shape == "secret"]


def _file_of(kind: TargetKind, option: str) -> str:
    return f"{kind.name}_{option}_file"


def _asked_kinds() -> list[TargetKind]:
    return [kind for kind in all_kinds() if kind.wizard]


@click.command()
@click.option(
    "--person",
    metavar="NAME",
    callback=_by_rule(read_name),
    help="The person whose readings are delivered.",
)
@click.option(
    "--height", metavar="CM", callback=_by_rule(parse_height), help="Body height in centimetres."
)
@click.option(
    "--timezone",
    metavar="ZONE",
    callback=_by_rule(read_timezone),
    help="The timezone of this person, for instance Europe/Paris.",
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
@_options_of_kinds
@click.option("--force", is_flag=True, help=f"Replace the file; the old one is kept as {_KEPT}.")
@click.pass_obj
def command(context: CliContext, /, force: bool, **options: Any) -> None:
    """Write a commented configuration file.

    At a terminal it asks what the options do not say. Elsewhere, without options, it writes a file
    of comments for you to complete. No option takes a secret, because other accounts could see it.
    It also writes admin-token, the token for the pages of the server.

    \b
    Examples:
      weighbridge init
      weighbridge init --person anna --garmin anna@example.org --csv anna.csv
      weighbridge init --person anna --mqtt mqtt://weighbridge@homeassistant.local
    """
    path = context.home / CONFIG_FILE
    if path.exists() and not force:
        raise _exists(path)
    answers = _answers(options)
    text = render(answers)
    _prove(text, context)
    _write(path, text, force=force)
    read_or_make_token(context.home)
    click.echo(f"Wrote {path}")
    _say_what_is_next(context, answers)


def at_a_terminal() -> bool:
    """True when there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _answers(options: dict[str, Any]) -> InitAnswers:
    if options["client_secret_file"] and options["client_secret_stdin"]:
        raise click.UsageError("Give --client-secret-file or --client-secret-stdin, not both.")
    if not any(options.values()):
        return _ask() if at_a_terminal() else InitAnswers()
    return InitAnswers(
        client_id=options["client_id"],
        client_secret=_read_secret() if options["client_secret_stdin"] else None,
        client_secret_file=options["client_secret_file"],
        people=_people(options),
    )


def _people(options: dict[str, Any]) -> tuple[PersonAnswers, ...]:
    """One person, or nobody when nothing was said about anybody."""
    targets = tuple(
        TargetAnswer(
            kind=kind.name,
            options=complete(kind, {kind.wizard[0].option: options[kind.name]}),
            secret_files={
                option: options[_file_of(kind, option)]
                for option in _secrets(kind)
                if options.get(_file_of(kind, option))
            },
        )
        for kind in _asked_kinds()
        if options.get(kind.name)
    )
    if not targets and not any(options.get(name) for name in _ABOUT_A_PERSON):
        return ()
    person = PersonAnswers(
        name=options["person"] or ONLY_PERSON,
        height_cm=options.get("height"),
        timezone=options.get("timezone"),
        targets=targets,
    )
    return (person,)


def _read_secret() -> str:
    secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise click.UsageError("There is no client secret on standard input. Pipe it in.")
    return secret


def _ask() -> InitAnswers:
    say("Empty answers are left out and can be filled in later.")
    person = _prompt("Your name, as Weighbridge shall call you", read_name, default="me")
    say(_REGISTER)
    client_id = _prompt("Withings client id", read_text)
    secret = _prompt("Withings client secret", read_text, hide=True) if client_id else None
    say("Where shall the readings go?")
    targets = {
        kind.name: _prompt(kind.wizard[0].label, read_text)
        for kind in _asked_kinds()
        if _is_installed(kind)
    }
    people = _people({"person": person, **targets})
    return InitAnswers(client_id=client_id, client_secret=secret, people=people)


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
    except InvalidValue as unfit:
        raise click.BadParameter(f"It {unfit}") from None


def _is_installed(kind: TargetKind) -> bool:
    if problem := missing_part(kind):
        say(f"{kind.service} is left out. {problem}")
        return False
    return True


def _prove(text: str, context: CliContext) -> None:
    """What is written must be right: read it as every later command will."""
    mistakes = mistakes_in(text, home=context.home, environ=context.environ)
    if mistakes:
        words = " ".join(f"{mistake.message} {mistake.remedy}" for mistake in mistakes)
        raise ConfigProblem(
            f"With these answers the configuration would be wrong: {words}",
            remedy="Nothing was written. Run weighbridge init again with other answers.",
        )


def _write(path: Path, text: str, *, force: bool) -> None:
    """Write for this account only, all or nothing. What stood there before is kept aside."""
    if not force or not path.exists():
        try:
            write_new(path, text.encode())
        except FileExistsError:
            raise _exists(path) from None
        return
    try:
        before = path.read_bytes()
    except OSError as error:
        raise StateProblem(
            f"{path} cannot be read ({error.strerror}).",
            remedy="Make it readable for this account, or choose another folder with --home.",
        ) from error
    replace(path.with_name(_KEPT), before)
    replace(path, text.encode())


def _exists(path: Path) -> ConfigProblem:
    return ConfigProblem(
        f"{path} exists already.",
        remedy="Edit it, or replace it with: weighbridge init --force",
    )


def _say_what_is_next(context: CliContext, answers: InitAnswers) -> None:
    usual = home_folder(None, context.environ) == context.home
    start = "weighbridge" if usual else f"weighbridge --home {in_shell(str(context.home))}"
    steps = []
    if not (answers.client_id and (answers.client_secret or answers.client_secret_file)):
        steps.append(f"fill in {context.home / CONFIG_FILE}")
    steps += _secrets_to_give(answers)
    steps += [f"{start} config check", f"{start} login withings"]
    steps += [
        f"{start} login {target.kind}{_username(target)}"
        for person in answers.people
        for target in person.targets
        if find_kind(target.kind).signs_in
    ]
    steps.append(f"{start} sync")
    say("Next:")
    for step in steps:
        say(f"  {step}")


def _secrets_to_give(answers: InitAnswers) -> Iterator[str]:
    """What stands behind a comment sign although the target may not do without it."""
    for person in answers.people:
        for target in person.targets:
            kind = find_kind(target.kind)
            secrets = [one for one in _secrets(kind) if one not in target.secret_files]
            if secrets and kind.secret_is_needed(target.options):
                yield f"give the {' and the '.join(secrets)} for {kind.service} there, too"


def _username(target: TargetAnswer) -> str:
    username = target.options.get("username")
    return f" --username {in_shell(username)}" if username else ""

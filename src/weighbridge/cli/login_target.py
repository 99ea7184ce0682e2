"""Signing in at a target: whatever the kind asks for, a circuit breaker, and no stored password."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

import click
import msgspec

from weighbridge.cli.output import say
from weighbridge.cli.times import span
from weighbridge.config import Person, TargetSettings
from weighbridge.core.commands import login_command
from weighbridge.core.errors import ConfigProblem, RetryLater, SignInBlocked
from weighbridge.i18n import MASTER, texts
from weighbridge.sync import person_login
from weighbridge.sync.services import Services
from weighbridge.targets import load_kind
from weighbridge.targets.base import SignInAnswers
from weighbridge.targets.kind import TargetKind
from weighbridge.targets.wizard import text_of


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What was given on the command line."""

    environ: Mapping[str, str]
    username: str | None = None
    password_stdin: bool = False
    password_file: str | None = None
    code: str | None = None
    ticket: str | None = None


def sign_in(services: Services, person: Person, target: TargetSettings, given: Given) -> None:
    """Sign in once and keep the session. Raises Problems."""
    person_login.sign_in_of(target)  # before anything is asked
    answers = _answers(target, given)
    try:
        signed_in = person_login.sign_in(lambda: nullcontext(services), person, target, answers)
    except person_login.StillBlocked as problem:
        wait = problem.until - services.clock()
        by_browser = f"{login_command(target.name, person.name)} --ticket"
        raise RetryLater(
            f"{problem.cause.message()} No password is sent for another {span(wait)}: "
            "each try makes the block longer.",
            remedy=f"Wait, or sign in with a browser: {by_browser}",
            after=wait,
        ) from None
    except SignInBlocked:
        if opened := services.breaker(person.name, target.name).state():
            hours = (opened.until - services.clock()) / 3600
            say(f"No sign-in is tried for the next {hours:.0f} hours, to let the block pass.")
        raise
    say(f"{person.name} is signed in at {target.name} as {signed_in.name}.")


def _answers(target: TargetSettings, given: Given) -> SignInAnswers:
    kind = load_kind(target.kind)
    ticket = given.ticket if kind.has_password else given.ticket or ""
    return SignInAnswers(
        username=lambda: _username(target, given),
        password=lambda: _password(target, given),
        code=_code(given),
        ticket=None if ticket is None else lambda link: _ticket(ticket, link, kind),
    )


def _username(target: TargetSettings, given: Given) -> str:
    known = given.username or getattr(target.options, "username", "")
    known = known or given.environ.get(f"{target.kind.upper()}_USERNAME", "")
    return known or _prompt("User name or e-mail", "Give it with --username.")


def _password(target: TargetSettings, given: Given) -> str:
    """From a pipe, a file, the environment or a prompt: never from an option."""
    if given.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if given.password_file:
        return _first_line(Path(given.password_file))
    known = given.environ.get(f"{target.kind.upper()}_PASSWORD", "")
    remedy = f"Use --password-stdin, --password-file or {target.kind.upper()}_PASSWORD."
    return known or _prompt("Password", remedy, hidden=True)


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigProblem(
            f"The password file {path} cannot be read.", remedy="Check the path and its rights."
        ) from error


def _code(given: Given) -> Callable[[], str] | None:
    if given.code is not None:
        code = given.code
        return lambda: code
    if not sys.stdin.isatty():
        return None
    return _ask_for_code()


def _ask_for_code() -> Callable[[], str]:
    """Asked once more, the first code was wrong."""
    asked: list[str] = []

    def ask() -> str:
        if asked:
            say("This code was not accepted.")
        asked.append("")
        return str(click.prompt("Code of the second factor", err=True))

    return ask


def _ticket(ticket: str, link: str, kind: TargetKind) -> str:
    """What the browser ended at. It may be as good as a password, so it is not shown."""
    if ticket == "-":
        return sys.stdin.readline().strip()
    if ticket:
        return ticket
    say("Open this link in a browser and sign in there:")
    say(f"  {link}")
    words = texts(MASTER)
    say((text_of(kind, "ask_ticket") or words("connections.ask_ticket_other")).replace("`", ""))
    question = text_of(kind, "ticket") or words("connections.ticket_other")
    return _prompt(question, "Give it with --ticket - from a pipe.", hidden=True)


def _prompt(question: str, remedy: str, *, hidden: bool = False) -> str:
    if not sys.stdin.isatty():
        raise ConfigProblem(f"{question} is missing, and nobody is here to ask.", remedy=remedy)
    return str(click.prompt(question, hide_input=hidden, err=True))

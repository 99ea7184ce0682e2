"""The commented ``weighbridge.toml`` that ``weighbridge init`` and the pages of the set-up write.

Pure. What was not answered is an example behind a comment sign.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal

import msgspec

from weighbridge.config.field_values import choices_of, either, fields_of
from weighbridge.config.models import AlertSettings, Ambiguous, Person, ServerSettings
from weighbridge.core.commands import toml_string
from weighbridge.sources.withings import CALLBACK_URL
from weighbridge.targets import all_kinds
from weighbridge.targets.kind import TargetAnswer
from weighbridge.targets.wizard import lines_of, remarks_of


class PersonAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """One person with the targets that were chosen."""

    name: str = "me"
    height_cm: Decimal | None = None
    timezone: str | None = None
    targets: tuple[TargetAnswer, ...] = ()

    def __repr__(self) -> str:
        return f"PersonAnswers(name={self.name!r})"

    def target(self, kind: str) -> TargetAnswer | None:
        """The target of a kind; None when it was not chosen."""
        return next((one for one in self.targets if one.kind == kind), None)


class InitAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """All answers. Without any the file consists of comments and is valid."""

    client_id: str | None = None
    client_secret: str | None = None
    client_secret_file: str | None = None
    people: tuple[PersonAnswers, ...] = ()
    url: str | None = None
    """The public address of the server."""
    port: int | None = None
    """Where the server listens; None: the usual port."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of targets that were chosen."""
        return frozenset(target.kind for person in self.people for target in person.targets)

    def __repr__(self) -> str:
        return f"InitAnswers(people={self.people!r})"


def render(answers: InitAnswers) -> str:
    """The text of the file. It reads back as the answers."""
    parts = [_HEAD, _withings(answers), *_people(answers), _server(answers), _ALERTS]
    return "\n".join(parts)


def _line(key: str, value: str | None, example: str, note: str = "") -> str:
    """``key = value``, or an example behind a comment sign when there is no value."""
    line = f"# {key} = {example}" if value is None else f"{key} = {value}"
    return f"{line}  # {note}\n" if note else f"{line}\n"


def _default(table: type[msgspec.Struct], name: str) -> str:
    """The default of a key, as it is written in TOML."""
    value = fields_of(table)[name].default
    return toml_string(value) if isinstance(value, str) else f"{value:g}"


def _quoted(text: str | None) -> str | None:
    return None if text is None else toml_string(text)


def _from_file(path: str | None) -> str | None:
    """A secret in a file."""
    return None if path is None else f"{{ file = {toml_string(path)} }}"


def _withings(answers: InitAnswers) -> str:
    secret = _from_file(answers.client_secret_file) or _quoted(answers.client_secret)
    return (
        _WITHINGS
        + _line("client_id", _quoted(answers.client_id), '"..."')
        + _SECRETS
        + _line("client_secret", secret, '{ file = "/run/secrets/withings" }')
        + _line("callback_url", None, f'"{CALLBACK_URL}"')
    )


# --- People and their targets ---------------------------------------------------------------------


def _people(answers: InitAnswers) -> Iterator[str]:
    """A paragraph for each person and each target; a kind is explained at its first target.

    Unused kinds follow the last person, as examples.
    """
    if not answers.people:
        example = PersonAnswers()
        yield _PEOPLE + '# [[person]]\n# name = "anna"\n' + _about(example)
        yield from _targets(example, examples={kind.name for kind in all_kinds()}, explained=set())
    explained: set[str] = set()
    for number, person in enumerate(answers.people, 1):
        head = _PEOPLE if number == 1 else ""
        is_last = number == len(answers.people)
        examples = {kind.name for kind in all_kinds()} - answers.kinds if is_last else frozenset()
        yield f"{head}[[person]]\nname = {toml_string(person.name)}\n{_about(person)}"
        yield from _targets(person, examples=examples, explained=explained)


def _about(person: PersonAnswers) -> str:
    choices = either(choices_of(Ambiguous))
    height = None if person.height_cm is None else str(person.height_cm)
    return (
        _line("height_cm", height, "172", "centimetres; otherwise from Withings")
        + _line("timezone", _quoted(person.timezone), '"Europe/Paris"', "otherwise from Withings")
        + _line("ambiguous", None, _default(Person, "ambiguous"), f"doubtful owner: {choices}")
    )


def _targets(
    person: PersonAnswers, *, examples: Collection[str], explained: set[str]
) -> Iterator[str]:
    for kind in all_kinds():
        answer = person.target(kind.name)
        if answer is None and kind.name not in examples:
            continue
        head = "" if kind.name in explained else remarks_of(kind)
        explained.add(kind.name)
        yield head + lines_of(kind, answer)


def _server(answers: InitAnswers) -> str:
    port = None if answers.port is None else str(answers.port)
    polls = "between two polls, notified or not"
    mark = "# " if port is None and answers.url is None else ""
    return (
        f"{_SERVER}{mark}[server]\n"
        + _line("url", _quoted(answers.url), '"https://scale.example.org"', "the public address")
        + _line("host", None, '"0.0.0.0"', "the whole network; otherwise this computer only")
        + _line("port", port, _default(ServerSettings, "port"))
        + _line("poll_minutes", None, _default(ServerSettings, "poll_minutes"), polls)
    )


# --- The texts ------------------------------------------------------------------------------------

_HEAD = """\
# The configuration of Weighbridge. Lines that begin with # do nothing.
# After a change run: weighbridge config check
"""

_WITHINGS = f"""\
[withings]
# Register an application once at https://developer.withings.com/dashboard/ (public cloud), and
# enter what it shows. Its callback URL: {CALLBACK_URL} for the command
# "weighbridge login withings"; for the pages of the server the address that the page Connect shows.
"""

_SECRETS = """\
# A secret may be the value itself, { file = "PATH" }, { env = "NAME" } or
# { command = "PROGRAM ARGUMENT" }; the first line that the program prints is taken.
"""

_PEOPLE = """\
# One [[person]] for each person, followed by that person's targets. Without any there is one
# person "me", with the targets that the environment names.
"""

_SERVER = """\
# How weighbridge serve is reached, by you and by Withings.
"""

_ALERTS = f"""\
# Where the server reports problems. urls are addresses of Apprise, which knows a hundred services:
# https://github.com/caronc/apprise
# [alerts]
# urls = ["ntfy://ntfy.sh/a-topic-that-nobody-guesses"]
# ping = "https://hc-ping.com/your-own-address"  # asked while all is well
# silent_days = {_default(AlertSettings, "silent_days")}  # without a delivery, although some wait
# language = {_default(AlertSettings, "language")}  # of the messages: en, de, fr, es, pl or nl
"""

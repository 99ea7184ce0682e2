"""The commented ``weighbridge.toml`` that ``weighbridge init`` and the pages of the set-up write.

Pure. What was not answered stands behind a comment sign, as an example.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec

from weighbridge.config.field_values import choices_of, either, fields_of
from weighbridge.config.init_answers import InitAnswers, PersonAnswers
from weighbridge.config.models import CALLBACK_URL, AlertSettings, Ambiguous, Person, ServerSettings


def quote(text: str) -> str:
    """A TOML basic string for any text (https://toml.io/en/v1.0.0#string)."""
    return '"' + "".join(map(_escape, text)) + '"'


def render(answers: InitAnswers) -> str:
    """The text of the file. It reads back as the answers."""
    parts = [_HEAD, _withings(answers), *_people(answers), _server(answers), _ALERTS]
    return "\n".join(parts)


def _escape(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if ord(char) < 0x20 or ord(char) == 0x7F:
        return f"\\u{ord(char):04x}"
    return char


def _line(key: str, value: str | None, example: str, note: str = "") -> str:
    """``key = value``, or an example behind a comment sign when there is no value."""
    line = f"# {key} = {example}" if value is None else f"{key} = {value}"
    return f"{line}  # {note}\n" if note else f"{line}\n"


def _default(table: type[msgspec.Struct], name: str) -> str:
    """The default of a key, as it is written in TOML."""
    value = fields_of(table)[name].default
    return quote(value) if isinstance(value, str) else f"{value:g}"


def _quoted(text: str | None) -> str | None:
    return None if text is None else quote(text)


def _from_file(path: str | None) -> str | None:
    """A secret that stands in a file."""
    return None if path is None else f"{{ file = {quote(path)} }}"


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
    """A paragraph for each person and each target; a kind is explained where it first stands.

    Kinds that nobody has follow the last person, as examples.
    """
    if not answers.people:
        nobody = PersonAnswers()
        yield _PEOPLE + '# [[person]]\n# name = "anna"\n' + _about(nobody)
        yield from _targets(nobody, examples=_TARGETS, explained=set())
    explained: set[str] = set()
    for number, person in enumerate(answers.people, 1):
        head = _PEOPLE if number == 1 else ""
        is_last = number == len(answers.people)
        examples = _TARGETS.keys() - answers.targets if is_last else frozenset()
        yield f"{head}[[person]]\nname = {quote(person.name)}\n{_about(person)}"
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
    for kind, (explanation, options) in _TARGETS.items():
        has_it = getattr(person, kind) is not None
        if not has_it and kind not in examples:
            continue
        mark = "" if has_it else "# "
        head = "" if kind in explained else explanation
        explained.add(kind)
        yield f'{head}{mark}[[person.target]]\n{mark}kind = "{kind}"\n{options(person)}'


def _garmin(person: PersonAnswers) -> str:
    return _line("username", _quoted(person.garmin), '"anna@example.org"') + _SINCE


def _trainerroad(person: PersonAnswers) -> str:
    return _line("username", _quoted(person.trainerroad), '"anna-rides"')


def _file(person: PersonAnswers) -> str:
    file = person.file
    form = quote(file.format) if file else None
    path = quote(file.path) if file else None
    note = '"json", "csv" or "fit"'
    return _line("format", form, '"csv"', note) + _line("path", path, '"anna.csv"')


def _mqtt(person: PersonAnswers) -> str:
    mqtt = person.mqtt
    url = quote(mqtt.url) if mqtt else None
    password = _from_file(mqtt.password_file) if mqtt else None
    language = _quoted(mqtt.language) if mqtt else None
    units = _quoted(mqtt.units) if mqtt else None
    return (
        _line("url", url, '"mqtt://weighbridge@homeassistant.local:1883"')
        + _line("password", password, '{ file = "mqtt-password" }')
        + _line("language", language, '"en"', "or de, fr, es, pl, nl")
        + _line("units", units, '"metric"', 'or "imperial"')
    )


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


# --- The words ------------------------------------------------------------------------------------

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
# One [[person]] for everybody whose readings are carried, followed by that person's targets.
# Without any there is one person "me", with the targets that the environment names.
"""

_GARMIN = """\
# Weight, body composition and blood pressure in Garmin Connect.
# The password does not stand here: weighbridge login garmin asks for it once.
"""

_SINCE = '# since = 2024-01-01  # older readings are not sent; "all" sends everything\n'

_TRAINERROAD = """\
# The weight in TrainerRoad: always the newest one.
# The password does not stand here: weighbridge login trainerroad asks for it once.
"""

_FILE = """\
# A file that grows with every reading. A relative path starts in the folder of this file.
"""

_MQTT = """\
# Home Assistant and whatever else listens to an MQTT broker. A user's password does not belong into
# the url: put it into a file that only you may read.
"""

_TARGETS: Mapping[str, tuple[str, Callable[[PersonAnswers], str]]] = {
    "garmin": (_GARMIN, _garmin),
    "trainerroad": (_TRAINERROAD, _trainerroad),
    "file": (_FILE, _file),
    "mqtt": (_MQTT, _mqtt),
}
"""Kind → what is said about it, and the lines of its options."""

_SERVER = """\
# How weighbridge serve is reached, by you and by Withings.
"""

_ALERTS = f"""\
# Who hears of trouble while the server runs. urls are addresses of Apprise, which knows a hundred
# services: https://github.com/caronc/apprise
# [alerts]
# urls = ["ntfy://ntfy.sh/a-topic-that-nobody-guesses"]
# ping = "https://hc-ping.com/your-own-address"  # asked while all is well
# silent_days = {_default(AlertSettings, "silent_days")}  # without a delivery, although some wait
"""

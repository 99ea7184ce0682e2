"""The commented ``weighbridge.toml`` that ``weighbridge init`` writes. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from weighbridge.config import CALLBACK_URL


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at the start. All absent: a file of comments that is valid as it is."""

    person: str | None = None
    height_cm: Decimal | None = None
    timezone: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    client_secret_file: str | None = None
    garmin: str | None = None
    csv: str | None = None

    @property
    def names_a_person(self) -> bool:
        """True when the file must hold a ``[[person]]``."""
        about = (self.person, self.height_cm, self.timezone, self.garmin, self.csv)
        return any(answer is not None for answer in about)

    def __repr__(self) -> str:
        return f"Answers(person={self.person!r})"


def quote(text: str) -> str:
    """A TOML basic string for any text (https://toml.io/en/v1.0.0#string)."""
    return '"' + "".join(map(_escape, text)) + '"'


def render(answers: Answers) -> str:
    """The text of the file. It reads back as the answers."""
    return "\n".join([_HEAD, _withings(answers), _person(answers), _garmin(answers), _csv(answers)])


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


def _quoted(text: str | None) -> str | None:
    return None if text is None else quote(text)


def _withings(answers: Answers) -> str:
    secret = _quoted(answers.client_secret)
    if answers.client_secret_file is not None:
        secret = f"{{ file = {quote(answers.client_secret_file)} }}"
    return (
        _WITHINGS
        + _line("client_id", _quoted(answers.client_id), '"..."')
        + _SECRETS
        + _line("client_secret", secret, '{ file = "/run/secrets/withings" }')
        + _line("callback_url", None, f'"{CALLBACK_URL}"')
    )


def _person(answers: Answers) -> str:
    if not answers.names_a_person:
        return _PEOPLE + '# [[person]]\n# name = "anna"\n' + _optional(answers)
    return _PEOPLE + f"[[person]]\nname = {quote(answers.person or 'me')}\n" + _optional(answers)


def _optional(answers: Answers) -> str:
    height = None if answers.height_cm is None else str(answers.height_cm)
    return (
        _line("height_cm", height, "172", "centimetres; otherwise from Withings")
        + _line("timezone", _quoted(answers.timezone), '"Europe/Paris"', "otherwise from Withings")
        + _line("ambiguous", None, '"hold"', 'doubtful owner: "hold", "deliver" or "skip"')
    )


def _garmin(answers: Answers) -> str:
    mark = "# " if answers.garmin is None else ""
    return (
        f'{_GARMIN}{mark}[[person.target]]\n{mark}kind = "garmin"\n'
        + _line("username", _quoted(answers.garmin), '"anna@example.org"')
        + _line("since", None, "2024-01-01", 'older readings are not sent; "all" sends everything')
    )


def _csv(answers: Answers) -> str:
    mark = "# " if answers.csv is None else ""
    return (
        f'{_FILE}{mark}[[person.target]]\n{mark}kind = "file"\n'
        f'{mark}format = "csv"  # "json", "csv" or "fit"\n'
        + _line("path", _quoted(answers.csv), '"anna.csv"')
    )


_HEAD = """\
# The configuration of Weighbridge. Lines that begin with # do nothing.
# After a change run: weighbridge config check
"""

_WITHINGS = f"""\
[withings]
# Register an application once at https://developer.withings.com/dashboard/ (public cloud),
# with {CALLBACK_URL} as its callback URL, and enter what it shows.
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

_FILE = """\
# A file that grows with every reading. A relative path starts in the folder of this file.
"""

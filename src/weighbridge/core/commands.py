"""What people are told to type: commands quoted for their shell, text quoted for a TOML file."""

from __future__ import annotations

import sys


def in_shell(word: str) -> str:
    """A word as it is typed: quoted where the shell needs it."""
    if sys.platform == "win32":
        import subprocess

        return subprocess.list2cmdline([word])
    import shlex

    return shlex.quote(word)


def command_line(*words: str) -> str:
    """``weighbridge`` with these words, as it is typed in a terminal."""
    return " ".join(["weighbridge", *map(in_shell, words)])


def login_command(where: str, person: str | None = None) -> str:
    """The command that logs a person in at ``withings`` or at a target."""
    return command_line("login", where, *(("--person", person) if person else ()))


def toml_string(text: str) -> str:
    """A TOML basic string for any text (https://toml.io/en/v1.0.0#string)."""
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if ord(char) < 0x20 or ord(char) == 0x7F:
        return f"\\u{ord(char):04x}"
    return char

"""The commands that people are told to run, quoted for their shell."""

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

"""The commands that a problem tells a person to run, quoted for the shell."""

from __future__ import annotations

import shlex


def command(*words: str) -> str:
    """``weighbridge`` with these words, as it is typed in a terminal."""
    return shlex.join(("weighbridge", *words))


def login_command(where: str, person: str | None = None) -> str:
    """The command that logs a person in at ``withings`` or at a target."""
    return command("login", where, *(("--person", person) if person else ()))

"""User names and passwords. Arguments win over the environment, that wins over secret files.

The environment is that of the process, and below it a file ``.env`` in the working folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from weighbridge.compat.withings_sync.command_line import CommandOptions
from weighbridge.config import SECRET_FOLDER
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret

ENV_FILE = ".env"
KINDS = ("garmin", "trainerroad")
"""The targets of this command, in the order in which they are served."""

VISIBLE = (
    "Everyone on this computer can read a password on the command line. Put it into "
    "GARMIN_PASSWORD or TRAINERROAD_PASSWORD, a file .env, or a file below /run/secrets."
)


class TargetCredentials(msgspec.Struct, frozen=True):
    """User name and password for one target, as far as they are known."""

    username: str = ""
    password: Secret | None = None


def complete_environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, completed by a ``.env`` in this folder. Raises ConfigProblem."""
    path = folder / ENV_FILE
    try:
        if not path.is_file():
            return dict(environ)
        from dotenv import dotenv_values

        found = dotenv_values(path, encoding="utf-8-sig")
    except OSError as error:
        problem = f"The file {path} cannot be read ({error.strerror})."
        raise ConfigProblem(problem, remedy="Make it readable, or remove it.") from None
    except UnicodeDecodeError:
        # No cause is chained: it would carry the whole file.
        raise ConfigProblem(f"{path} is not UTF-8 text.", remedy="Save it as UTF-8.") from None
    return {name: value for name, value in found.items() if value is not None} | dict(environ)


def read_credentials(
    options: CommandOptions, environ: Mapping[str, str], *, secret_folder: Path = SECRET_FOLDER
) -> dict[str, TargetCredentials]:
    """Kind of target → its credentials. Raises ConfigProblem for an unreadable secret file."""
    return {kind: _credentials(kind, options, environ, secret_folder) for kind in KINDS}


def _credentials(
    kind: str, options: CommandOptions, environ: Mapping[str, str], folder: Path
) -> TargetCredentials:
    username, password = (
        _first_given(f"{kind}_{what}", options, environ, folder)
        for what in ("username", "password")
    )
    return TargetCredentials(username.reveal().strip() if username else "", password)


def _first_given(
    name: str, options: CommandOptions, environ: Mapping[str, str], folder: Path
) -> Secret | None:
    """Empty counts as absent."""
    if given := getattr(options, name):
        return Secret.of_value(given)
    if environ.get(name.upper(), "").strip():
        return Secret.of_variable(name.upper(), environ)
    file = folder / name
    try:
        return Secret.of_file(file) if file.is_file() else None
    except OSError:  # a folder that this account may not enter
        return None

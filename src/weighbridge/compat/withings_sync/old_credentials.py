"""User names and passwords. Arguments win over the environment, that wins over secret files.

The environment is that of the process, and below it a file ``.env`` in the working folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from weighbridge.compat.withings_sync.old_options import Options
from weighbridge.config import SECRET_FOLDER
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret

ENV_FILE = ".env"
KINDS = ("garmin", "trainerroad")
"""The targets of this command, in the order in which they are served."""

VISIBLE = (
    "A password on the command line can be read by everybody on this computer. Put it into "
    "GARMIN_PASSWORD or TRAINERROAD_PASSWORD, a file .env, or a file below /run/secrets."
)


class Login(msgspec.Struct, frozen=True):
    """Who signs in at one target, as far as it is known."""

    username: str = ""
    password: Secret | None = None


def surroundings(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, with what a ``.env`` in this folder adds to it. Raises ConfigProblem."""
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


def read_logins(
    options: Options, environ: Mapping[str, str], *, secret_folder: Path = SECRET_FOLDER
) -> dict[str, Login]:
    """Kind of target → its login. Raises ConfigProblem for a secret file that cannot be read."""
    return {kind: _login(kind, options, environ, secret_folder) for kind in KINDS}


def _login(kind: str, options: Options, environ: Mapping[str, str], folder: Path) -> Login:
    username, password = (
        _first_given(f"{kind}_{what}", options, environ, folder)
        for what in ("username", "password")
    )
    return Login(username.reveal().strip() if username else "", password)


def _first_given(
    name: str, options: Options, environ: Mapping[str, str], folder: Path
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

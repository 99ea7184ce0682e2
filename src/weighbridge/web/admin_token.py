"""The admin token: a file in the home folder. Who knows it may see every page."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

from weighbridge.core.errors import ConfigProblem, StateProblem
from weighbridge.core.secret import Secret

TOKEN_FILE = "admin-token"  # noqa: S105 - the name of a file
SHORTEST = 16
"""Characters; a person may choose the token."""
LONGEST = 512
WRITE_SECONDS = 1.0
"""Seconds for which another process may be about to write the file."""
POLL_SECONDS = 0.02


def read_or_make_token(home: Path) -> Secret:
    """The admin token of a home folder; the first caller makes it. Safe in several processes.

    Raises ConfigProblem when the file holds no usable token, StateProblem when it cannot be
    read or written.
    """
    path = home / TOKEN_FILE
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
        text = _read(path)
    except OSError as error:
        raise StateProblem(
            code="server.token_file", path=str(path), error=error.strerror
        ) from error
    if not (SHORTEST <= len(text) <= LONGEST and text.isascii() and text.isprintable()):
        raise ConfigProblem(
            code="server.token_malformed", path=str(path), shortest=SHORTEST, longest=LONGEST
        )
    return Secret.of_value(text)


def _make(path: Path) -> None:
    """O_EXCL: of several processes one makes the file, and nobody writes over it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(24) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> str:
    """The first line. An empty file may be one that another process is just writing."""
    end = time.monotonic() + WRITE_SECONDS
    while True:
        with path.open("rb") as file:
            content = file.read(LONGEST + 2)
        line = content.decode("utf-8", "replace").partition("\n")[0].strip()
        if line or time.monotonic() > end:
            return line
        time.sleep(POLL_SECONDS)

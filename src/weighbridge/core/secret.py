"""Secrets by reference: a value, a file, an environment variable or a command.

A secret is looked up when it is used (``reveal``), not when the configuration is read. Its value
is never part of ``repr``, ``str``, an error or a log line; errors name the reference.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from weighbridge.core.errors import ConfigProblem

FORMS = '"the value", { file = "PATH" }, { env = "NAME" } or { command = "PROGRAM ARGUMENT" }'
STARS = "********"

_COMMAND_SECONDS = 30
_LARGEST = 65_536  # bytes; a longer file is the wrong file
_MADE_BY_CONTAINERS = (Path("/run/secrets"), Path("/var/run/secrets"))


class Secret:
    """One secret. It can be revealed, but not printed, compared or serialised."""

    __slots__ = ("_environ", "_reference", "_value", "kind")

    def __init__(
        self,
        kind: str,
        reference: str | tuple[str, ...] = "",
        *,
        value: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self._reference = reference
        self._value = value
        self._environ = environ

    @classmethod
    def of_value(cls, value: str) -> Secret:
        """A secret that is already known."""
        return cls("value", value=value)

    @classmethod
    def of_file(cls, path: Path) -> Secret:
        """The first line of a file."""
        return cls("file", str(path))

    @classmethod
    def of_variable(cls, name: str, environ: Mapping[str, str]) -> Secret:
        """The value of an environment variable."""
        return cls("env", name, environ=environ)

    @classmethod
    def of_command(cls, command: str | tuple[str, ...]) -> Secret:
        """The first line that a program prints. It runs without a shell, with a time limit."""
        return cls("command", command)

    @property
    def source(self) -> str:
        """Where the value comes from, for a person: ``file /run/secrets/withings``."""
        if self.kind == "value":
            return "the value itself"
        words = self._reference if isinstance(self._reference, str) else " ".join(self._reference)
        return f"{'environment' if self.kind == 'env' else self.kind} {words}"

    def reveal(self) -> str:
        """The value. Raises ConfigProblem when the reference cannot be followed."""
        if self._value is not None:
            return self._value
        if self.kind == "file":
            return _first_line(_read_file(Path(str(self._reference))), self.source)
        if self.kind == "env":
            return self._read_variable()
        # A command may be slow or ask for a fingerprint, so it runs once in a process.
        self._value = _first_line(_run(self._words(), self.source), self.source)
        return self._value

    def trouble(self) -> ConfigProblem | None:
        """What is wrong with the reference, without running a command; None: nothing found."""
        try:
            if self.kind == "command":
                _find_program(self._words(), self.source)
            else:
                self.reveal()
        except ConfigProblem as problem:
            return problem
        return None

    def exposure(self) -> str:
        """A warning when other accounts on this computer can read the file; else empty."""
        return warn_of_readers(Path(str(self._reference))) if self.kind == "file" else ""

    def __repr__(self) -> str:
        return f"Secret({STARS})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret cannot be copied or pickled.")

    def _read_variable(self) -> str:
        value = (self._environ or {}).get(str(self._reference), "")
        if not value:
            raise ConfigProblem(code="secret.variable", variable=str(self._reference))
        return value

    def _words(self) -> list[str]:
        if not isinstance(self._reference, str):
            return list(self._reference)
        import shlex

        return shlex.split(self._reference)


def read_secret(written: object, *, home: Path, environ: Mapping[str, str]) -> Secret:
    """Make a secret of what the configuration says. Relative paths start at ``home``.

    Raises ValueError with a sentence that never holds what was written.
    """
    if isinstance(written, str):
        if not written:
            raise ValueError(f"is empty. Write {FORMS}.")
        return Secret.of_value(written)
    if not isinstance(written, Mapping) or len(written) != 1:
        raise ValueError(f"is no secret. Write {FORMS}.")
    [(kind, reference)] = written.items()
    if kind == "command":
        return Secret.of_command(_check_command(reference))
    if kind not in ("file", "env") or not isinstance(reference, str) or not reference:
        raise ValueError(f"is no secret. Write {FORMS}.")
    if kind == "env":
        return Secret.of_variable(reference, environ)
    return Secret.of_file(home / _expand(reference))


def warn_of_readers(path: Path, *, what: str = "The secret file") -> str:
    """A warning when group or others may read a file, otherwise empty.

    Containers mount their secrets readable for all accounts inside, so those are left out.
    """
    if os.name != "posix" or any(path.is_relative_to(folder) for folder in _MADE_BY_CONTAINERS):
        return ""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    if not mode & 0o077:
        return ""
    return f"{what} {path} is open to other accounts on this computer. Run: chmod 600 '{path}'"


def _expand(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # "~name" without such an account
        return Path(path)


def _check_command(reference: object) -> str | tuple[str, ...]:
    if isinstance(reference, list) and reference and all(isinstance(w, str) for w in reference):
        return tuple(reference)
    if not isinstance(reference, str) or not reference.strip():
        raise ValueError('has no command. Write { command = "PROGRAM ARGUMENT" }.')
    import shlex

    try:
        shlex.split(reference)
    except ValueError:
        raise ValueError("has a command with a quotation mark that is never closed.") from None
    return reference


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except FileNotFoundError:
        raise ConfigProblem(code="secret.file_missing", path=str(path)) from None
    except OSError as error:
        raise ConfigProblem(
            code="secret.file_unreadable", path=str(path), error=error.strerror
        ) from None


def _find_program(words: list[str], source: str) -> str:
    import shutil

    program = shutil.which(words[0]) if words else None
    if program is None:
        raise ConfigProblem(code="secret.no_program", source=source)
    return program


def _run(words: list[str], source: str) -> bytes:
    """What a command prints. Its output never becomes part of an error."""
    import subprocess

    program = _find_program(words, source)
    try:
        done = subprocess.run(  # noqa: S603 - the person's own configuration, no shell
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if done.returncode == 0:
            return done.stdout
    except subprocess.TimeoutExpired:
        raise ConfigProblem(
            code="secret.command_slow", source=source, seconds=_COMMAND_SECONDS
        ) from None
    except OSError as error:
        raise ConfigProblem(
            code="secret.command_broken", source=source, error=error.strerror
        ) from None
    raise ConfigProblem(code="secret.command_failed", source=source, status=done.returncode)


def _first_line(content: bytes, source: str) -> str:
    """The first line as text. A decoding error would carry the bytes, so none is raised."""
    text = content.decode("utf-8-sig", errors="replace")
    line = text.partition("\n")[0].removesuffix("\r")
    if not line:
        raise ConfigProblem(code="secret.empty", source=source)
    if "\ufffd" in line:
        raise ConfigProblem(code="secret.not_text", source=source)
    return line


class TokenPair(msgspec.Struct, frozen=True):
    """The tokens of one account of a source. They never appear when the pair is printed."""

    userid: str
    access_token: str
    refresh_token: str
    expires_at: int
    """The end of the access token's life, by our clock."""
    scope: str
    issued_at: int
    """When we asked for the pair, by our clock."""

    def __repr__(self) -> str:
        return (
            f"TokenPair(userid={self.userid!r}, access_token='***', refresh_token='***', "
            f"expires_at={self.expires_at}, scope={self.scope!r}, issued_at={self.issued_at})"
        )

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("userid", self.userid), ("expires_at", self.expires_at)]

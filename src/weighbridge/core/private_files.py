"""New files for this account only: written whole or not at all, and never over an existing file."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex

from weighbridge.core.errors import StateProblem


def write_new(path: Path, content: bytes) -> None:
    """Write a new file; its folder is made when it is missing.

    It is there with its whole content or not at all. Raises FileExistsError when there is one
    already, which stays as it is, and StateProblem when it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = _write_draft(path, content)
        try:
            _put_in_place(draft, path, content)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.lexists(path):
            raise
        raise _not_writable(path, error) from error


def replace(path: Path, content: bytes) -> None:
    """Write a file, all or nothing, and replace what was there. Raises StateProblem."""
    try:
        draft = _write_draft(path, content)
        try:
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise _not_writable(path, error) from error


def _write_draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f"{path.name}.{token_hex(4)}.new")
    _write(draft, content)
    return draft


def _put_in_place(draft: Path, path: Path, content: bytes) -> None:
    """A link, unlike a renaming, never replaces what is there. Some disks know no links."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _not_writable(path: Path, error: OSError) -> StateProblem:
    return StateProblem(code="home.file", path=str(path), error=error.strerror)

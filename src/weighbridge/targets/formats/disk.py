"""Files on a disk that may be full, read-only or gone: folders, locks, atomic replacement.

An ``OSError`` leaves this module as ``RetryLater`` that names the path and the remedy.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from weighbridge.core.errors import RetryLater

LOCK_WAIT = 30.0
"""Seconds to wait for another process that writes the same file."""

_CODES = {
    errno.ENOSPC: "full",
    errno.EACCES: "permission",
    errno.EPERM: "permission",
    errno.EROFS: "read_only",
    errno.EISDIR: "is_folder",
    errno.ENOTDIR: "not_folder",
    errno.EEXIST: "not_folder",
    errno.ELOOP: "link_loop",
}
"""Error number → the end of a code ``file.<...>``."""
if hasattr(errno, "EDQUOT"):
    _CODES[errno.EDQUOT] = "full"


@contextmanager
def trouble_with(path: Path) -> Iterator[None]:
    """Turn every ``OSError`` inside into ``RetryLater``."""
    try:
        yield
    except OSError as error:
        raise RetryLater(
            code=f"file.{_CODES.get(error.errno or 0, 'unusable')}",
            path=str(path),
            error=error.strerror,
        ) from error


def real_path(path: Path) -> Path:
    """The file behind links, so that replacing it leaves the links alone."""
    return Path(os.path.realpath(path))


def make_folder(folder: Path) -> None:
    """Make the folder and its parents, for the owner alone."""
    missing = [folder, *folder.parents]
    for one in reversed([one for one in missing if not one.exists()]):
        one.mkdir(mode=0o700, exist_ok=True)


def expect_file(path: Path) -> None:
    """Raise ``RetryLater`` when something else than an ordinary file is in the way."""
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise RetryLater(code="file.one_file", path=str(path))
        if not stat.S_ISREG(mode):
            raise RetryLater(code="file.not_ordinary", path=str(path))


def expect_folder(path: Path) -> None:
    """Raise ``RetryLater`` when a file is in the way of a folder."""
    if path.exists() and not path.is_dir():
        raise RetryLater(code="file.file_each", path=str(path))


@contextmanager
def locked(lock_file: Path, path: Path) -> Iterator[None]:
    """Keep other processes of the same home away from ``path``."""
    from filelock import FileLock, Timeout

    lock = FileLock(lock_file, mode=0o600)
    with trouble_with(lock_file):
        make_folder(lock_file.parent)
        try:
            lock.acquire(timeout=LOCK_WAIT)
        except Timeout as error:
            raise RetryLater(code="file.busy", path=str(path), seconds=round(LOCK_WAIT)) from error
    try:
        yield
    finally:
        lock.release()


def check_writable(folder: Path) -> None:
    """Raise ``OSError`` when no file can be made in the folder (or where it will be made)."""
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    if not existing.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(existing))
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(existing))


def replace(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a new file beside the old one, then put it in its place in one step.

    A crash leaves the old file or the new one, never a mixture. The permissions of the old
    file are kept; a new file is for the owner alone.
    """
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)  # left over from a crash
    try:
        with open_private(beside, "xb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        _keep_permissions(path, beside)
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def open_private(path: Path, mode: str, buffering: int = -1) -> IO[bytes]:
    """Open for writing; a new file is for the owner alone."""
    return open(path, mode, buffering, opener=lambda name, flags: os.open(name, flags, 0o600))


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        with suppress(OSError):  # some network disks cannot
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _keep_permissions(old: Path, new: Path) -> None:
    with suppress(FileNotFoundError, PermissionError):
        before = old.stat()
        new.chmod(stat.S_IMODE(before.st_mode))
        if hasattr(os, "chown"):
            os.chown(new, before.st_uid, before.st_gid)

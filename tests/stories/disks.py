"""Homes that cannot be written: without the right to, or on a disk that is full. Unix only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

WITHOUT_POWERS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
"""Before a command of root: it keeps its files but may no longer do what their modes forbid."""


def without_powers() -> list[str]:
    """What to put before a command, so that read-only means read-only. Skips where it cannot be."""
    if not hasattr(os, "geteuid"):
        pytest.skip("file modes mean something else here")
    if os.geteuid() != 0:
        return []
    try:
        subprocess.run([*WITHOUT_POWERS, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("root cannot give its powers away here")
    return WITHOUT_POWERS


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """While this lasts, everything in the folder may be read, and nothing written."""
    paths = [home, *home.rglob("*")]
    modes = [path.stat().st_mode for path in paths]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path, mode in zip(paths, modes, strict=True):
            with suppress(FileNotFoundError):
                path.chmod(mode)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of that size in place of the folder. Skips the story where we may not mount one."""
    folder.mkdir(exist_ok=True)
    if not _mount(f"size={size},mode=0700", folder):
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def make_room(folder: Path, size: str) -> None:
    """Let the small disk grow."""
    assert _mount(f"remount,size={size}", folder)


def make_read_only(folder: Path) -> None:
    """What a worn-out memory card does."""
    assert _mount("remount,ro", folder)


def _mount(options: str, folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False

"""Homes that cannot be written: of another user, or on a disk that is full. Unix only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

NOBODY = 65534


def somebody_else() -> dict[str, Any]:
    """Arguments for ``subprocess`` that run a command without any right to our files.

    Skips the story where that is not possible: we are not root, or our Python lies in a folder
    that nobody else may enter. (Without root a read-only folder is enough: see ``lock``.)
    """
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no user numbers")
    if os.geteuid() != 0:
        return {}
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    command = [sys.executable, "-c", "import weighbridge.cli"]
    tried = subprocess.run(command, capture_output=True, check=False, cwd="/", **who)
    if tried.returncode != 0:
        pytest.skip("another user may not run this Python")
    return {**who, "cwd": "/"}


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="weighbridge-story-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _mount(options: str, folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False

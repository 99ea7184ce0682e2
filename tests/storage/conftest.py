"""A home folder of its own for each test, and its database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    with SqliteDatabase(home) as opened:
        yield opened

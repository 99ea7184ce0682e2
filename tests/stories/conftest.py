"""Every story begins in an empty house."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home folder of its own and a sandbox of its own."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    built = House(home)
    yield built
    built.close()

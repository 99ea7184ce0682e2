"""The homes that commands are run in. ``world`` may be changed: it is a copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.cli import World, alone, copy_of, family


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = family(tmp_path_factory.mktemp("family") / "home")
    yield world
    world.house.close()


@pytest.fixture
def world(lived_in: World, tmp_path: Path) -> World:
    return copy_of(lived_in, tmp_path / "home")


@pytest.fixture
def anna(tmp_path: Path) -> Iterator[World]:
    world = alone(tmp_path / "home")
    yield world
    world.house.close()

"""Where an engine delivers to: a place that can be read, one that cannot, and one that may be sent
the same thing twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import World, engine_world
from fixtures.places import Letterbox, Notebook, Place


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World[Place]]:
    with engine_world(tmp_path, Place) as world:
        yield world


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[World[Letterbox]]:
    with engine_world(tmp_path, Letterbox) as world:
        yield world


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[World[Notebook]]:
    with engine_world(tmp_path, Notebook) as world:
        yield world

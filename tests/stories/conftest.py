"""Every story begins in an empty house. Some have a server, and a broker on the shelf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.house import House

if TYPE_CHECKING:
    from fixtures.mosquitto import Listener, Mosquitto
    from fixtures.serving import Serving


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home folder of its own and a sandbox of its own."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    built = House(home)
    yield built
    built.close()


@pytest.fixture
def serving(house: House, request: pytest.FixtureRequest) -> Iterator[Serving]:
    """A server for the house, not started yet. Marked ``brisk`` it makes shorter pauses."""
    from fixtures.serving import Serving

    made = Serving(house, brisk=getattr(request, "param", "") == "brisk")
    yield made
    made.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A Mosquitto that runs."""
    from fixtures.mosquitto import mosquitto

    with mosquitto(tmp_path) as made:
        yield made


@pytest.fixture
def listener(broker: Mosquitto) -> Iterator[Listener]:
    """Somebody who writes down everything that is said at the broker."""
    from fixtures.mosquitto import listening

    with listening(broker) as made:
        yield made

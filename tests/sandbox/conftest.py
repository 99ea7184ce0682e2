"""A running Withings stand-in, and an address that it notifies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.sandbox import Life, Listener


@pytest.fixture
def life() -> Iterator[Life]:
    it = Life()
    it.open()
    yield it
    it.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    it = Listener()
    yield it
    it.close()

"""The first zone that is known; UTC, and never the computer's own, when there is none."""

from __future__ import annotations

import datetime

import pytest

from weighbridge.core.days import first_named_zone, first_zone, local_time


def test_the_first_zone_that_is_known_counts() -> None:
    assert first_named_zone(None, "", "Nope/Zone", "Asia/Tokyo", "Europe/Paris")[1] == "Asia/Tokyo"
    assert str(first_zone("Europe/Paris", "Asia/Tokyo")) == "Europe/Paris"


@pytest.mark.parametrize("name", [None, "", "Nope/Zone", "../x", "a\0b", "Europe", "x" * 5000])
def test_without_a_zone_that_is_known_it_is_utc(
    name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert first_named_zone(name) == (datetime.UTC, "UTC")


def test_the_local_time_of_an_instant() -> None:
    assert str(local_time(1_760_000_000, "Europe/Paris")) == "2025-10-09 10:53:20+02:00"
    with pytest.raises((ValueError, OverflowError, OSError)):
        local_time(1e20, "Europe/Paris")

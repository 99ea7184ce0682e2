"""Local days: the first and the last second of a window."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.days import Window
from weighbridge.core.measures import END_OF_TIME, MeasureType, Reading
from weighbridge.testing.builders import reading

ZONES = (
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
)
days = st.dates(date(1971, 1, 1), date(2060, 12, 31))
instants = st.integers(0, 2_900_000_000)
zones = st.sampled_from(ZONES)


def taken(at: int, zone: str | None) -> Reading:
    return reading({MeasureType.WEIGHT: 72}, taken_at=at, timezone=zone)


def local_day(at: int, zone: str) -> date:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).date()


@given(days, st.integers(0, 400), zones, st.one_of(st.none(), zones), instants)
def test_a_window_holds_what_was_taken_on_its_local_days(
    first: date, length: int, own: str, configured: str | None, at: int
) -> None:
    last = first + timedelta(days=length)
    window = Window(first, last, configured)
    inside = first <= local_day(at, configured or own) <= last
    assert window.holds(taken(at, own)) is inside
    if inside:
        assert window.start <= at <= window.end


@given(instants, instants, zones)
def test_an_instant_means_its_local_day(connected: int, at: int, zone: str) -> None:
    window = Window(connected + 0.5)
    inside = local_day(at, zone) >= local_day(connected, zone)
    assert window.holds(taken(at, zone)) is inside
    assert not inside or window.start <= at <= window.end


def test_a_window_without_bounds_holds_everything() -> None:
    assert (Window().start, Window().end) == (0, END_OF_TIME)
    assert Window().holds(taken(0, None))


@pytest.mark.parametrize("zone", [None, "", "Nowhere/Land", "../etc/passwd"])
def test_an_unknown_zone_is_utc(zone: str | None) -> None:
    midnight = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp())
    window = Window(date(2026, 1, 5), date(2026, 1, 5))
    assert window.holds(taken(midnight, zone))
    assert not window.holds(taken(midnight - 1, zone))
    assert not window.holds(taken(midnight + 86_400, zone))


def test_the_last_day_of_the_calendar_is_accepted() -> None:
    assert Window(None, date.max, "Europe/Paris").end == END_OF_TIME
    assert Window(date.min, None, "Asia/Kolkata").start == 0


def test_without_a_zone_a_window_reaches_over_its_days_in_all_zones() -> None:
    """From where a day begins first, 14 hours ahead of UTC, to where it ends last, 12 behind."""
    day = date(2026, 1, 5)
    window = Window(day, day)
    first = datetime(2026, 1, 5, tzinfo=ZoneInfo("Pacific/Kiritimati")).timestamp()
    last = datetime(2026, 1, 5, 23, 59, 59, tzinfo=ZoneInfo("Etc/GMT+12")).timestamp()
    assert first - 86_400 < window.start <= first
    assert window.end == last


@pytest.mark.parametrize("zone", ZONES)
def test_without_a_zone_the_day_of_an_instant_begins_early_enough_in_every_zone(zone: str) -> None:
    noon = int(datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp())
    for instant in range(noon, noon + 86_400, 1800):
        day = local_day(instant, zone)
        begin = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp()
        assert Window(instant).start <= begin

"""The right instant and the right day: where the person lives, never where the computer stands."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from typing import Any

import pytest

from fixtures.house import House, pressure, weight

pytestmark = pytest.mark.story

HOSTS = ["UTC", "Pacific/Auckland"]
"""``TZ`` of the computer; the second one is half a day ahead of everybody in these stories."""


def instant(text: str) -> int:
    """``2025-10-26T00:30Z`` in seconds since 1970."""
    return int(datetime.fromisoformat(text).timestamp())


SUMMER, WINTER = instant("2025-10-26T00:30:00Z"), instant("2025-10-26T01:30:00Z")
"""Half past two in Paris, and half past two again: the clock goes back an hour at three."""


def live_in(house: House, name: str, zone: str, *groups: Any, since: str = "2000-01-01") -> None:
    """Somebody whose clocks, at Withings and at Garmin, show the time of ``zone``."""
    house.person(name, groups, zone=zone)
    house.open_account(name, zone)
    house.target(name, "garmin", f"since = {since}")
    for shape in ("csv", "json"):
        options = f'name = "{shape}"\nformat = "{shape}"\npath = "{name}.{shape}"\nsince = {since}'
        house.target(name, "file", options)


def written(house: House, name: str, *keys: str) -> list[tuple[str, ...]]:
    """The chosen columns of the CSV file; the JSON file must say the same."""
    rows = [
        tuple(row[key] for key in keys) for row in csv.DictReader(house.file_lines(f"{name}.csv"))
    ]
    lines = [json.loads(line) for line in house.file_lines(f"{name}.json")]
    assert [tuple(line[key] for key in keys) for line in lines] == rows
    return rows


@pytest.mark.parametrize("host", HOSTS)
def test_the_repeated_hour_in_october_is_two_instants_of_one_day(house: House, host: str) -> None:
    groups = [
        weight(1, SUMMER, "72.1"),
        weight(2, WINTER, "72.2"),
        pressure(3, SUMMER, 121),
        pressure(4, WINTER, 122),
    ]
    live_in(house, "nele", "Europe/Paris", *groups)
    house.move_in()
    house.sync(env={"TZ": host})

    rows = [
        (row["taken_at"], row["weight_kg"], row["day"], row["local"])
        for row in house.weigh_ins("nele")
    ]
    local = "2025-10-26T02:30:00.0"
    assert rows == [(SUMMER, "72.1", local[:10], local), (WINTER, "72.2", local[:10], local)]
    entries = [
        (
            row["systolic"],
            row["measurementTimestampGMT"],
            row["measurementTimestampLocal"],
        )
        for row in house.pressures("nele")
    ]
    assert entries == [
        (121, "2025-10-26T00:30:00.0", local),
        (122, "2025-10-26T01:30:00.0", local),
    ]
    assert sorted(written(house, "nele", "taken_at", "local_time", "timezone")) == [
        ("2025-10-26T00:30:00Z", "2025-10-26T02:30:00+02:00", "Europe/Paris"),
        ("2025-10-26T00:30:00Z", "2025-10-26T02:30:00+02:00", "Europe/Paris"),
        ("2025-10-26T01:30:00Z", "2025-10-26T02:30:00+01:00", "Europe/Paris"),
        ("2025-10-26T01:30:00Z", "2025-10-26T02:30:00+01:00", "Europe/Paris"),
    ]

    # Looking again finds all four: nothing is sent twice.
    house.run("deliveries", "retry", "--all", expect=0)
    house.database("UPDATE delivery SET state = 'unknown', claimed_at = 0")
    house.sync(env={"TZ": host})
    assert len(house.weigh_ins("nele")) == len(house.pressures("nele")) == 2


@pytest.mark.parametrize(
    ("zone", "local"),
    [
        ("America/New_York", "2026-01-04T22:45:00"),
        ("Asia/Kolkata", "2026-01-05T09:15:00"),
    ],
)
def test_each_person_has_the_day_of_their_own_zone(house: House, zone: str, local: str) -> None:
    taken_at = instant("2026-01-05T03:45:00Z")
    live_in(house, "nele", zone, weight(1, taken_at), pressure(2, taken_at))
    house.move_in()
    house.sync(env={"TZ": "Pacific/Auckland"})

    (row,) = house.weigh_ins("nele")
    assert (row["taken_at"], row["day"], row["local"]) == (taken_at, local[:10], f"{local}.0")
    (entry,) = house.pressures("nele")
    assert entry["taken_at"] == taken_at
    assert entry["measurementTimestampGMT"] == "2026-01-05T03:45:00.0"
    assert entry["measurementTimestampLocal"] == f"{local}.0"
    offset = "-05:00" if zone.startswith("America") else "+05:30"
    shown = ("2026-01-05T03:45:00Z", f"{local}{offset}", zone)
    assert written(house, "nele", "taken_at", "local_time", "timezone") == [shown, shown]
    table = house.run("show", env={"TZ": "Pacific/Auckland"}).out
    assert local[:16].replace("T", " ") in table


def test_a_configured_zone_wins_over_that_of_the_cloud(house: House) -> None:
    taken_at = instant("2026-01-05T03:45:00Z")
    house.person(
        "nele",
        [weight(1, taken_at), pressure(2, taken_at)],
        options='timezone = "America/New_York"',
        zone="Europe/Paris",
    )
    house.open_account("nele", "America/New_York")
    house.target("nele", "garmin")
    house.move_in()
    house.sync(env={"TZ": "Pacific/Auckland"})
    (entry,) = house.pressures("nele")
    assert entry["measurementTimestampLocal"] == "2026-01-04T22:45:00.0"


NIGHT = [
    weight(1, instant("2026-01-05T04:59:59Z"), "71.1"),
    weight(2, instant("2026-01-05T05:00:00Z"), "72.2"),
    weight(3, instant("2026-01-06T04:59:59Z"), "73.3"),
    weight(4, instant("2026-01-06T05:00:00Z"), "74.4"),
]
"""The last second of 4 January in New York, the first and the last of the 5th, and the next."""


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("configured", [True, False])
def test_since_means_the_day_where_the_person_lives(
    house: House, host: str, configured: bool
) -> None:
    zone = "America/New_York"
    house.person("nele", NIGHT, options=f'timezone = "{zone}"' if configured else "", zone=zone)
    house.target("nele", "file", 'path = "nele.json"\nsince = 2026-01-06')
    house.move_in()

    def weights() -> list[str]:
        lines = [json.loads(line, parse_float=str) for line in house.file_lines("nele.json")]
        return sorted(line["weight_kg"] for line in lines)

    house.sync(env={"TZ": host})
    assert weights() == ["74.400"]
    days = ["--since", "2026-01-05", "--until", "2026-01-05"]
    exported = house.run("export", "--format", "json", *days, env={"TZ": host}, expect=0)
    shown = [json.loads(line, parse_float=str) for line in exported.out.splitlines()]
    assert [one["weight_kg"] for one in shown] == ["72.200", "73.300"]
    house.sync(*days, env={"TZ": host})
    assert weights() == ["72.200", "73.300", "74.400"]

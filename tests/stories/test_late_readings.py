"""The scale was offline: readings arrive that are older than the last run."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.house import House, days_ago, weight

pytestmark = pytest.mark.story

HOUR = 3600


@pytest.fixture
def anna(house: House) -> House:
    """Anna has one old reading and both kinds of target; everything has been delivered."""
    house.person("anna", [weight(1, days_ago(5), "71.5")])
    house.target("anna", "garmin")
    house.target("anna", "file", 'format = "csv"\npath = "anna.csv"\nsince = 2000-01-01')
    house.move_in()
    house.sync()
    return house


def three_late_readings() -> list[Any]:
    """Taken in the last two days, stored in the cloud a quarter of an hour ago."""
    stored = days_ago(0) - 900
    return [
        weight(10 + n, days_ago(2) + n * 12 * HOUR, f"72.{n}", created=stored) for n in range(3)
    ]


def test_readings_older_than_the_last_run_are_delivered_once(anna: House) -> None:
    anna.admin.add_groups("anna", three_late_readings())
    anna.sync()
    anna.sync()

    weights = [row["weight_kg"] for row in anna.weigh_ins("anna")]
    assert weights == ["71.5", "72", "72.1", "72.2"]
    lines = anna.file_lines("anna.csv")
    assert len(lines) == 1 + 4
    assert len(set(lines)) == len(lines)


def test_a_run_with_nothing_new_asks_withings_once_and_no_target(anna: House) -> None:
    anna.admin.add_groups("anna", three_late_readings())
    anna.sync()
    anna.admin.clear_requests()
    before = (anna.home / "anna.csv").stat().st_mtime_ns

    result = anna.sync("--json")

    assert anna.admin.counts() == {"POST /measure getmeas": 1}
    assert (anna.home / "anna.csv").stat().st_mtime_ns == before
    assert [target["sent"] for target in result.json[0]["targets"]] == [0, 0]


def test_late_readings_reach_the_second_target_when_the_first_is_down(anna: House) -> None:
    anna.admin.add_groups("anna", three_late_readings())
    anna.admin.fault("http", cloud="garmin", status=503, times=-1)
    anna.sync(expect=4)
    assert len(anna.file_lines("anna.csv")) == 1 + 4
    assert len(anna.weigh_ins("anna")) == 1

    anna.admin.clear_faults()
    anna.sync()

    assert len(anna.weigh_ins("anna")) == 4
    assert len(anna.file_lines("anna.csv")) == 1 + 4

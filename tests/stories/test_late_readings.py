"""The scale was offline: readings arrive that are older than the last run."""

from __future__ import annotations

import pytest
from house import House, days_ago, weight

pytestmark = pytest.mark.story


def test_readings_older_than_the_last_run_are_delivered_once(house: House) -> None:
    house.person("anna", [weight(1, days_ago(5), "71.5")])
    house.target("anna", "garmin")
    house.target("anna", "file", 'format = "csv"\npath = "anna.csv"\nsince = 2000-01-01')
    house.move_in()
    house.sync()

    late = [
        weight(10 + n, days_ago(2 - n / 2), f"72.{n}", created=days_ago(0.01)) for n in range(3)
    ]
    house.admin.add_groups("anna", late)
    house.sync()
    house.sync()

    assert [row["weight_kg"] for row in house.weigh_ins("anna")] == [
        "71.5",
        "72",
        "72.1",
        "72.2",
    ]
    assert len(house.file_lines("anna.csv")) == 1 + 4

"""A scale whose clock is ahead: its readings are readings."""

from __future__ import annotations

import pytest

from fixtures.house import House, days_ago, weight

pytestmark = pytest.mark.story


def test_a_reading_dated_next_month_is_not_gone_when_a_window_is_read(house: House) -> None:
    ahead = weight(2, days_ago(-30), "72.0", created=days_ago(0.1))
    house.person("anna", [weight(1, days_ago(2), "71.0"), ahead])
    house.target("anna", "file", 'path = "anna.csv"\nsince = 2000-01-01')
    house.move_in()
    house.sync()
    before = house.file_lines("anna.csv")
    [told] = house.sync("--since", "2000-01-01", "--json").json
    assert told["gone"] == 0
    assert len(before) == 3
    assert house.file_lines("anna.csv") == before
    assert '"weight_kg":72' in house.run("export", "--format", "json", expect=0).out

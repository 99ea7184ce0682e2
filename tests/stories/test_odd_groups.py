"""Groups of every shape: together in one second, late, unknown, or no groups at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fixtures.house import House, days_ago, group, pressure, weight
from fixtures.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.story

JSON = 'format = "json"\npath = "anna.json"\nsince = 2000-01-01'
LONG_AGO = "since = 2000-01-01"
AT_ONCE = "\nsettle = 0"
NERVES = ((167, 71, 0), (158, 70, 0), (159, 72, 0))


def move_in(house: House, *groups: Any, options: str = "") -> None:
    """Anna, Garmin and a file of JSON lines."""
    house.person("anna", groups)
    house.target("anna", "garmin", LONG_AGO + options)
    house.target("anna", "file", JSON + options)
    house.move_in()


def lines(house: House) -> list[dict[str, Any]]:
    return [json.loads(line) for line in house.file_lines("anna.json")]


def weights(house: House) -> list[str]:
    return [row["weight_kg"] for row in house.weigh_ins("anna")]


def uploads(house: House) -> int:
    return len(house.admin.tell("garmin", "uploads"))


@pytest.mark.parametrize("device", ["one-device-for-both", None])
def test_weight_and_blood_pressure_of_one_second_are_two_readings(
    house: House, device: str | None
) -> None:
    now = days_ago(1)
    move_in(house, weight(1, now, "72.4", device=device), pressure(2, now, 128, device=device))

    house.sync()

    assert weights(house) == ["72.4"]
    assert [row["systolic"] for row in house.pressures("anna")] == [128]
    assert sorted(line["kind"] for line in lines(house)) == ["blood_pressure", "body"]


@pytest.mark.parametrize("first", ["weight", "nerves"])
def test_nerve_health_of_the_same_second_does_not_hide_the_weight(house: House, first: str) -> None:
    now, order = days_ago(1), (0, 4) if first == "weight" else (4, 0)
    pair = [
        weight(5 + order[0], now, "72.4", created=now + 30 + order[0]),
        group(5 + order[1], now, *NERVES, created=now + 30 + order[1]),
    ]
    move_in(house, *(pair if first == "weight" else reversed(pair)))

    house.admin.page_size(1)
    house.sync()

    assert weights(house) == ["72.4"]
    (line,) = lines(house)
    assert (line["weight_kg"], line["nerve_health"]) == (72.4, 71)


def test_nerve_health_after_the_weight_was_sent_resends_nothing_to_garmin(house: House) -> None:
    now = days_ago(0) - 60
    move_in(house, weight(1, now, "72.4", created=now + 1), options=AT_ONCE)
    house.sync()
    house.admin.add_groups("anna", [group(2, now, *NERVES, created=now + 5)])
    house.admin.clear_requests()

    house.sync()

    assert house.requests(cloud="garmin") == []
    (line,) = lines(house)
    assert (line["weight_kg"], line["nerve_health"]) == (72.4, 71)


def test_a_weight_after_the_nerve_health_was_seen_is_sent_once(house: House) -> None:
    now = days_ago(0) - 60
    move_in(house, group(2, now, *NERVES, created=now + 1), options=AT_ONCE)
    house.sync()
    assert weights(house) == []
    assert [line["nerve_health"] for line in lines(house)] == [71]

    house.admin.add_groups("anna", [weight(1, now, "72.4", created=now + 5)])
    house.sync()
    house.sync()

    assert weights(house) == ["72.4"]
    assert uploads(house) == 1
    (line,) = lines(house)
    assert (line["weight_kg"], line["nerve_health"]) == (72.4, 71)


def test_a_composition_that_follows_the_weight_replaces_it(house: House) -> None:
    now = days_ago(0) - 60
    move_in(house, weight(1, now, "72.4", created=now + 1), options=AT_ONCE)
    house.sync()
    house.admin.add_groups("anna", [group(2, now, (6, 2150, -2), created=now + 5)])

    house.sync()

    (row,) = house.weigh_ins("anna")
    assert (row["weight_kg"], row["fat_percent"]) == ("72.4", "21.5")
    (line,) = lines(house)
    assert line["fat_ratio_percent"] == 21.5


def test_a_fresh_reading_is_waited_for_and_sent_whole(house: House) -> None:
    now = days_ago(0) - 6
    move_in(house, weight(1, now, "72.4", created=now))
    process = house.start("sync")
    wait_until(lambda: len(house.requests(path="/measure")) == 1)
    house.admin.add_groups("anna", [group(2, now, (6, 2150, -2), created=now + 3)])
    _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, err
    assert err.count("values of a fresh reading may still arrive") == 2
    (row,) = house.weigh_ins("anna")
    assert row["fat_percent"] == "21.5"
    assert uploads(house) == 1


def test_blood_pressure_alone_is_delivered(house: House) -> None:
    move_in(house, pressure(1, days_ago(1), 131, 83))
    house.sync()
    (row,) = house.pressures("anna")
    assert (row["systolic"], row["diastolic"], row["pulse"]) == (131, 83, 61)
    assert weights(house) == []
    assert uploads(house) == 0


def test_what_nobody_knows_yet_is_kept_and_harms_nothing(house: House) -> None:
    strange = {"model": "Body Nova 12", "modelid": 91_234, "attrib": 4711, "aura": {"blue": 3}}
    now = days_ago(2)
    move_in(
        house,
        group(1, now, (1, 72_400, -3), (4711, 123, -1), **strange),
        group(2, now + 60, (4712, 5, 0), device=None),
        group(3, now + 120, (1, 70_000, -3), category=9),
        weight(4, now + 180, "72.6"),
    )

    result = house.sync("--json")

    assert weights(house) == ["72.4", "72.6"]
    first, second, third = lines(house)
    assert (first["weight_kg"], third["weight_kg"]) == (72.4, 72.6)
    assert "weight_kg" not in second
    assert "12.3" in json.dumps(first)
    assert result.json[0]["not_understood"] == 0
    assert house.database("SELECT count(*) FROM raw_group") == [(4,)]


NO_GROUPS: list[Any] = [
    "a text",
    42,
    [1, 2, 3],
    None,
    True,
    {},
    {"grpid": "seven", "date": 1, "measures": []},
    {**weight(900, 1_700_000_000), "measures": "none"},
    {**weight(901, 1_700_000_000), "measures": [{"type": 1, "value": 72.5, "unit": 0}]},
    {**weight(902, 1_700_000_000), "measures": [7]},
    {**weight(903, 1_700_000_000), "date": None},
    {**weight(904, 1_700_000_000), "measures": [{"type": 1, "value": 7, "unit": 99}]},
    {**weight(2**70, 1_700_000_000)},
]


def test_what_is_not_even_a_group_is_counted_kept_and_harms_nothing(house: House) -> None:
    now = days_ago(2)
    move_in(house, weight(1, now, "72.4"), *NO_GROUPS, weight(2, now + 60, "72.5"))
    house.admin.page_size(4)

    result = house.sync()

    odd = len(NO_GROUPS)
    assert weights(house) == ["72.4", "72.5"]
    assert len(lines(house)) == 2
    assert f"{odd} " in result.err.splitlines()[0]
    status = house.run("status", "--json", expect=0)
    assert status.json[0]["not_understood"] == odd
    assert f" {odd} " in house.run("status", expect=0).out
    kept = house.database("SELECT raw FROM odd_group")
    assert sorted(raw for (raw,) in kept) == sorted(
        json.dumps(one, separators=(",", ":")) for one in NO_GROUPS
    )

    house.admin.add_groups("anna", [weight(3, days_ago(1), "72.6")])
    again = house.sync("--json")
    assert weights(house) == ["72.4", "72.5", "72.6"]
    assert again.json[0]["exit_code"] == 0
    assert house.database("SELECT count(*) FROM odd_group") == [(odd,)]


def test_a_group_that_is_no_longer_understood_stays_as_it_was(house: House) -> None:
    move_in(house, weight(1, days_ago(2), "72.4"))
    house.sync()
    house.admin.edit_group(1, {"measures": "none"})
    house.sync()
    house.sync("--since", "all")
    assert weights(house) == ["72.4"]
    assert [line["weight_kg"] for line in lines(house)] == [72.4]


ABSURD = {
    "a weight of nothing": weight(1, days_ago(2), "0"),
    "less than nothing": weight(1, days_ago(2), "-5"),
    "a house": weight(1, days_ago(2), "98000"),
    "a planet": group(1, days_ago(2), (1, 5, 24)),
    "an atom": group(1, days_ago(2), (1, 5, -27)),
    "taken in the year 9999": weight(1, 253_402_300_700, "72.0", created=days_ago(2)),
    "taken long before Garmin counts": weight(1, 0, "72.0", created=days_ago(2)),
    "a pressure of nothing": pressure(1, days_ago(2), 0, 0),
    "a pressure of a steam engine": pressure(1, days_ago(2), 10**12, 80),
}


@pytest.mark.parametrize("reading", ABSURD)
def test_an_absurd_reading_stops_no_other(house: House, reading: str) -> None:
    now = days_ago(1)
    move_in(house, ABSURD[reading], weight(2, now, "72.4"), pressure(3, now + 9))

    result = house.sync(expect=None)

    assert result.code in {0, 1}, result
    assert weights(house) == ["72.4"]
    assert [row["systolic"] for row in house.pressures("anna")] == [120]
    assert {line.get("weight_kg") for line in lines(house)} >= {72.4}
    assert house.run("status", expect=None).code == result.code
    house.run("show", expect=0)
    house.sync(expect=result.code)
    assert weights(house) == ["72.4"]

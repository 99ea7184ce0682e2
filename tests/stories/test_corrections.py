"""A reading is corrected in the cloud: whoever holds it already gets the correction, once."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from fixtures.house import LONG_AGO, House, days_ago, group, pressure, weight
from weighbridge_sandbox.garmin.fit import read_fit

pytestmark = pytest.mark.story

WEIGHT, FAT_RATIO = 1, 6


def move_in(house: House, *groups: Any) -> None:
    """Anna with Garmin and a file of each format."""
    house.person("anna", groups)
    house.target("anna", "garmin")
    for shape in ("csv", "json", "fit"):
        options = f'name = "{shape}"\nformat = "{shape}"\npath = "anna.{shape}"\n{LONG_AGO}'
        house.target("anna", "file", options)
    house.move_in()


def files(house: House) -> list[list[tuple[str, str | None]]]:
    """Weight and fat of every row of the CSV, the JSON and the FIT file."""
    rows = list(csv.DictReader(house.file_lines("anna.csv")))
    lines = [json.loads(line, parse_float=str) for line in house.file_lines("anna.json")]
    fit = read_fit((house.home / "anna.fit").read_bytes()).rows
    return [
        [(row["weight_kg"], row["fat_ratio_percent"] or None) for row in rows],
        [(line["weight_kg"], line.get("fat_ratio_percent")) for line in lines],
        [
            (str(row.values["weight_kg"]), str(row.values.get("fat_percent", "")) or None)
            for row in fit
        ],
    ]


def garmin(house: House) -> list[tuple[str, str | None]]:
    return [(row["weight_kg"], row.get("fat_percent")) for row in house.weigh_ins("anna")]


def measures(kg: str, fat: str | None = None) -> list[dict[str, int]]:
    """What a scale stores: grams, and hundredths of a percent."""
    listed = [{"type": WEIGHT, "value": round(float(kg) * 1000), "unit": -3}]
    if fat:
        listed.append({"type": FAT_RATIO, "value": round(float(fat) * 100), "unit": -2})
    return listed


def same(shown: list[tuple[str, str | None]], kg: str, fat: str | None = None) -> bool:
    """One entry, with these values."""
    return [(float(k), f and float(f)) for k, f in shown] == [(float(kg), fat and float(fat))]


def deletions(house: House) -> list[str]:
    return [one["path"] for one in house.requests(cloud="garmin") if one["method"] == "DELETE"]


def test_a_corrected_weight_is_corrected_everywhere_and_back_again(house: House) -> None:
    taken_at = days_ago(5)
    move_in(house, weight(1, taken_at, "72.4"))
    house.sync()
    steps = [("71.93", None), ("71.93", "22.15"), ("72.4", None), ("72.4", None)]
    for count, (kg, fat) in enumerate(steps):
        old = house.weigh_ins("anna")[0]
        house.admin.edit_group(1, {"measures": measures(kg, fat)})
        house.sync()

        assert same(garmin(house), kg, fat), house.weigh_ins("anna")
        for shape in files(house):
            assert same(shape, kg, fat)
        # The last edit changed nothing that anybody wanted, so it deleted nothing either.
        assert len(deletions(house)) == min(count + 1, 3)
        if count < 3:
            path = f"/weight-service/weight/{old['day']}/byversion/{old['version']}"
            assert deletions(house)[-1] == path
    assert house.weigh_ins("anna")[0]["taken_at"] == taken_at


def test_a_correction_by_ten_grams_is_seen_and_one_of_two_grams_too(house: House) -> None:
    move_in(house, weight(1, days_ago(5), "72.4"))
    house.sync()
    house.admin.edit_group(1, {"measures": measures("72.41")})
    house.sync()
    assert same(garmin(house), "72.41")

    # Garmin takes steps of ten grams: there nothing changes, in the exact files it does.
    house.admin.edit_group(1, {"measures": measures("72.412")})
    house.sync()
    assert same(garmin(house), "72.41")
    in_csv, in_json, in_fit = files(house)
    assert same(in_csv, "72.412")
    assert same(in_json, "72.412")
    assert same(in_fit, "72.41")


def test_a_corrected_blood_pressure_replaces_the_old_one(house: House) -> None:
    move_in(house, pressure(1, days_ago(3), 127, 82))
    house.sync()
    old = house.pressures("anna")[0]
    without_pulse = [{"type": 9, "value": 82, "unit": 0}, {"type": 10, "value": 117, "unit": 0}]
    house.admin.edit_group(1, {"measures": without_pulse})
    house.sync()

    (new,) = house.pressures("anna")
    assert (new["systolic"], new["diastolic"], new.get("pulse")) == (117, 82, None)
    assert new["taken_at"] == old["taken_at"]
    assert deletions(house) == [
        f"/bloodpressure-service/bloodpressure/{old['measurementTimestampLocal'][:10]}"
        f"/{old['version']}"
    ]


def test_a_correction_before_the_first_delivery_sends_only_the_newest_value(house: House) -> None:
    move_in(house, weight(1, days_ago(5), "72.4"))
    house.admin.fault("http", path="/upload-service/upload", status=503)
    house.sync(expect=4)
    house.admin.edit_group(1, {"measures": measures("71.5")})
    house.sync()

    assert same(garmin(house), "71.5")
    assert deletions(house) == []


def test_a_correction_that_is_lost_after_the_deletion_is_completed(house: House) -> None:
    """The old value is gone, the new one did not arrive: the next run looks and sends again."""
    house.person("anna", [weight(1, days_ago(5), "72.4"), weight(2, days_ago(4), "72.6")])
    house.target("anna", "garmin", f"{LONG_AGO}\nresend_after = 0")
    house.move_in()
    house.sync()
    house.admin.edit_group(1, {"measures": measures("71.5")})
    house.admin.fault("drop", path="/upload-service/upload")
    house.sync(expect=1)
    assert [row["weight_kg"] for row in house.weigh_ins("anna")] == ["72.6"]
    house.sync()

    assert [row["weight_kg"] for row in house.weigh_ins("anna")] == ["71.5", "72.6"]


def test_a_value_that_a_later_group_adds_replaces_the_weigh_in(house: House) -> None:
    """Body Scan stores a weigh-in in several groups, and the last one may come days later."""
    taken_at = days_ago(5)
    move_in(house, weight(1, taken_at, "72.4"))
    house.sync()
    house.admin.add_groups(
        "anna", [group(2, taken_at, (FAT_RATIO, 2215, -2), created=days_ago(0.001))]
    )
    house.sync()

    assert same(garmin(house), "72.4", "22.15")
    for shape in files(house):
        assert same(shape, "72.4", "22.15")

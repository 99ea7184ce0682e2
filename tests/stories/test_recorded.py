"""Answers that the real service gave, years ago and lately, go all the way to every target."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import Any

import pytest

from fixtures.house import House
from fixtures.paths import RECORDED
from weighbridge_sandbox.garmin.fit import read_fit
from weighbridge_sandbox.recorded import EVERYONE, load_folder

FOLDER = RECORDED

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the recorded answers are not here"),
]

EVERYTHING = "since = 1970-01-01"
WEIGHT, GOAL = 1, 2


@pytest.fixture
def everyone(house: House) -> House:
    """One person with all recorded groups, all targets, and everything delivered once."""
    _, zone, groups = next(p for p in load_folder(FOLDER).profiles() if p[0] == EVERYONE)
    house.person("anna", groups, zone=zone)
    house.target("anna", "garmin", EVERYTHING)
    for shape in ("json", "csv", "fit"):
        options = f'name = "{shape}"\nformat = "{shape}"\npath = "anna.{shape}"\n{EVERYTHING}'
        house.target("anna", "file", options)
    house.move_in()
    return house


def recorded_weights(house: House) -> list[tuple[int, int, str]]:
    """Group, instant and exact text of every weight that is no goal."""
    groups: list[Any] = house.admin.tell("withings", "groups", profile="anna")
    return [
        (group["grpid"], group["date"], digits(measure["value"], measure["unit"]))
        for group in groups
        if isinstance(group, dict) and group.get("category") != GOAL
        for measure in group["measures"]
        if measure["type"] == WEIGHT
    ]


def digits(mantissa: int, exponent: int) -> str:
    return format(Decimal(mantissa).scaleb(exponent), "f")


def test_the_recordings_arrive_with_their_exact_digits_and_only_once(everyone: House) -> None:
    house = everyone
    (person,) = house.sync("--json", expect=1).json
    assert person["problem"] is None
    assert person["not_understood"] == 0
    sent = {target["target"]: target["sent"] for target in person["targets"]}
    assert min(sent.values()) > 0

    lines = [json.loads(line, parse_float=str) for line in house.file_lines("anna.json")]
    by_group = {number: line for line in lines for number in line["source_groups"]}
    recorded = recorded_weights(house)
    assert len(recorded) > 10
    for grpid, _, text in recorded:
        assert by_group[grpid]["weight_kg"] == text
    rows = list(csv.DictReader(house.file_lines("anna.csv")))
    assert sorted(row["weight_kg"] for row in rows if row["weight_kg"]) == sorted(
        line["weight_kg"] for line in lines if "weight_kg" in line
    )
    assert len(rows) == len(lines)

    # Garmin and FIT know steps of ten grams and one weight a second.
    instants = {at for _, at, _ in recorded}
    fit = read_fit((house.home / "anna.fit").read_bytes()).rows
    assert {row.taken_at for row in fit} == instants
    assert {row["taken_at"] for row in house.weigh_ins("anna")} == instants
    exact = {at: Decimal(text) for _, at, text in recorded}
    for row in house.weigh_ins("anna"):
        assert abs(Decimal(row["weight_kg"]) - exact[row["taken_at"]]) <= Decimal("0.005")

    house.admin.clear_requests()
    (again,) = house.sync("--json", expect=1).json
    assert [target["sent"] for target in again["targets"]] == [0] * 4
    assert house.requests(cloud="garmin") == []
    assert len(house.file_lines("anna.json")) == len(lines)


def test_what_garmin_does_not_get_is_explained_and_a_person_can_decide(everyone: House) -> None:
    """Somebody typed a diastolic pressure of 1, and somebody else may have worn the cuff."""
    house = everyone
    synced = house.sync(expect=1)
    assert "1 rejected" in synced.err
    assert "1 held" in synced.err
    (rejected,) = house.run("deliveries", "list", "--state", "rejected", "--json").json
    assert rejected["target"] == "garmin"
    why = house.run("why", rejected["reading"], expect=0).out
    assert "Garmin takes no diastolic value of 1, only 40 to 150." in why
    assert "Correct or delete the measurement in the Withings app." in why

    house.run("deliveries", "skip", rejected["reading"], "--target", "garmin", expect=0)
    house.run("deliveries", "accept", "--all", expect=0)
    assert "held" not in house.sync(expect=0).err
    (skipped,) = house.run("deliveries", "list", "--state", "skipped", "--json").json
    assert skipped["reading"] == rejected["reading"]
    assert 1 not in {entry["diastolic"] for entry in house.pressures("anna")}
    assert (122, 94) in {(e["systolic"], e["diastolic"]) for e in house.pressures("anna")}

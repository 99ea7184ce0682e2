"""Five years of history go into an account that another tool has filled half."""

from __future__ import annotations

import math
import re
import time
from datetime import date
from typing import Any

import pytest

from fixtures.house import ACCOUNTS, LONG_AGO, House, Result, days_ago, weight
from weighbridge_sandbox.household import household

pytestmark = pytest.mark.story

UPLOAD = "/upload-service/upload"
DOUBTFUL = 1
FULL_FILE = 200


def history(name: str, years: int) -> list[dict[str, Any]]:
    """The invented history of one of the household."""
    people = {person: groups for person, _, _, groups in household(int(time.time()), years=years)}
    return list(people[name])


def weigh_ins(groups: list[dict[str, Any]]) -> dict[int, float]:
    """Instant → kilograms of every weight that is a person's own, and certain."""
    return {
        group["date"]: measure["value"] * 10.0 ** measure["unit"]
        for group in groups
        for measure in group["measures"]
        if measure["type"] == 1 and group["category"] == 1 and group["attrib"] != DOUBTFUL
    }


def older(result: Result) -> list[int]:
    """How many older readings each target said it keeps back."""
    return [int(number) for number in re.findall(r"(\d+) older reading", result.err)]


def put_as_another_tool(house: House, weights: dict[int, float]) -> None:
    """It sends weights only, cut to ten grams and never rounded."""
    rows = [
        {"taken_at": at, "weight_kg": f"{math.floor(kg * 100 + 1e-6) / 100:.2f}"}
        for at, kg in weights.items()
    ]
    house.admin.tell("garmin", "put_weigh_ins", account=ACCOUNTS["ben"][0], weigh_ins=rows)


def test_only_the_missing_half_is_sent_in_full_files(house: House) -> None:
    groups = history("ben", years=5)
    weights = weigh_ins(groups)
    assert len(weights) > 1200
    there = dict(list(weights.items())[::2])
    house.person("ben", groups)
    house.target("ben", "garmin")
    house.move_in()
    put_as_another_tool(house, there)
    house.admin.clear_requests()

    (person,) = house.sync("--json").json
    (garmin,) = person["targets"]
    missing = len(weights) - len(there)
    pressures = len(house.pressures("ben"))
    assert garmin["already_there"] == len(there)
    assert garmin["sent"] == missing + pressures
    assert {row["taken_at"] for row in house.weigh_ins("ben")} == set(weights)
    assert len(house.weigh_ins("ben")) == len(weights)

    uploads = house.admin.tell("garmin", "uploads", account=ACCOUNTS["ben"][0])
    assert [upload["status"] for upload in uploads] == [202] * len(uploads)
    assert sum(upload["rows"] for upload in uploads) == missing
    assert max(upload["rows"] for upload in uploads) <= FULL_FILE
    assert len(uploads) <= math.ceil(len(weights) / FULL_FILE)

    house.admin.clear_requests()
    (person,) = house.sync("--json").json
    assert (person["changed"], person["targets"][0]["sent"]) == (0, 0)
    assert house.admin.counts() == {"POST /measure getmeas": 1}
    confirmed = house.database("SELECT count(*) FROM delivery WHERE state = 'confirmed'")
    assert confirmed == [(len(weights) + pressures,)]


def test_the_first_sync_tells_of_older_readings_and_how_to_send_them(house: House) -> None:
    days = [0.0005, 400, 800, 1200]
    house.person("anna", [weight(n, days_ago(day)) for n, day in enumerate(days, 1)])
    house.target("anna", "garmin", "")
    house.target("anna", "file", 'path = "anna.json"')
    house.move_in()

    first = house.sync()
    assert len(house.weigh_ins("anna")) == 1
    assert older(first) == [3, 3]
    told = re.search(r"weighbridge (sync .*--target garmin) --since", first.err)
    assert told

    def send(since: str) -> Result:
        return house.run(*told[1].split(), "--since", since, expect=0)

    then = send(date.fromtimestamp(days_ago(900)).isoformat())
    assert len(house.weigh_ins("anna")) == 3
    assert older(then) == [1]
    assert older(send("all")) == []
    assert len(house.weigh_ins("anna")) == 4

    # The other target was not meant, and still knows what it has not sent.
    assert len(house.file_lines("anna.json")) == 1
    assert older(house.sync()) == [3]
    house.sync("--since", "all")
    assert len(house.file_lines("anna.json")) == 4
    assert len(house.weigh_ins("anna")) == 4
    assert older(house.sync()) == []


def test_an_earlier_since_in_the_configuration_sends_what_is_owed_from_then_on(
    house: House,
) -> None:
    house.person("anna", [weight(n, days_ago(day)) for n, day in enumerate((0.0005, 400, 800), 1)])
    house.target("anna", "garmin", "")
    house.move_in()
    house.sync()
    assert len(house.weigh_ins("anna")) == 1
    path = house.home / "weighbridge.toml"
    path.write_text(path.read_text("utf-8") + f"\n{LONG_AGO}\n", "utf-8")
    assert older(house.sync()) == []
    assert len(house.weigh_ins("anna")) == 3


def test_a_late_group_of_an_old_day_is_counted_once(house: House) -> None:
    house.person("anna", [weight(1, days_ago(400)), weight(2, days_ago(0.0005))])
    house.target("anna", "garmin", "")
    house.move_in()
    assert older(house.sync()) == [1]
    house.admin.edit_group(1, {"comment": "after the holidays"})
    assert older(house.sync()) == [1]
    house.admin.delete_group(1)
    assert older(house.sync("--since", "2000-01-01")) == []

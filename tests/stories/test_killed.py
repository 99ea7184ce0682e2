"""Killed at any step: the next run completes, and every reading is there once."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from fixtures import fork_server
from fixtures.house import TIME_LIMIT, House, days_ago, pressure, text_of, weight
from fixtures.kill_points import KILLED
from fixtures.paths import FIXTURES
from fixtures.story import Scene
from fixtures.waiting import PATIENCE

pytestmark = pytest.mark.story

CSV = 'format = "csv"\npath = "anna.csv"\nsince = 2000-01-01'
NOT_SO_LONG_AGO = (
    'name = "log"\nformat = "json"\npath = "anna.json"\n'
    f"since = {time.strftime('%Y-%m-%d', time.gmtime(days_ago(7)))}"
)
"""To this file new lines are appended; in the other one a line changes, so it is replaced."""
AT_ONCE = "since = 2000-01-01\nresend_after = 0"
"""Whatever Garmin does not show now has not arrived: no story waits ten minutes for that."""

LANES = 6
"""The boundaries are dealt out to so many tests, so that they can run side by side."""


def settle_in(home: Path) -> House:
    """Anna's first readings are delivered. Then one changes, others arrive with something that is
    no group, and the access token dies, so that the next run does all steps."""
    house = House(home)
    early = [weight(1, days_ago(9), "70.1"), weight(2, days_ago(8), "70.2")]
    house.person("anna", [*early, pressure(3, days_ago(8)), weight(7, days_ago(5), "70.7")])
    house.target("anna", "garmin", AT_ONCE)
    house.target("anna", "file", CSV)
    house.target("anna", "file", NOT_SO_LONG_AGO)
    house.move_in()
    house.sync()
    house.admin.page_size(2)
    house.admin.tell("withings", "duplicates", seconds=0, refresh_seconds=0)
    house.admin.expire_tokens("anna")
    house.admin.edit_group(2, {"measures": [{"type": 1, "value": 70_900, "unit": -3}]})
    stored = days_ago(0) - 900
    house.admin.add_groups(
        "anna",
        [
            weight(4, days_ago(3), "71.4", created=stored),
            weight(5, days_ago(3) + 9, "71.5", created=stored),
            pressure(6, days_ago(2), 133, 87, created=stored),
            "not even an object",
        ],
    )
    return house


def picture(house: House) -> dict[str, Any]:
    """What is where in the end, without what differs from run to run."""
    return {
        "garmin": [(row["taken_at"], row["weight_kg"]) for row in house.weigh_ins("anna")],
        "pressures": [(row["taken_at"], row["systolic"]) for row in house.pressures("anna")],
        "file": sorted(house.file_lines("anna.csv")),
        "log": sorted(house.file_lines("anna.json")),
        "ledger": house.database(
            "SELECT target, reading_id, ordinal, revision, state, look_until FROM delivery"
            " JOIN route ON route.id = route ORDER BY target, reading_id, ordinal"
        ),
        "archive": house.database("SELECT group_id, raw FROM raw_group ORDER BY group_id"),
        "not understood": house.database("SELECT raw FROM odd_group ORDER BY raw"),
        "cursor": house.database("SELECT changed_at FROM cursor"),
        "to plan": house.database("SELECT * FROM touched"),
    }


def run_until(house: House, boundary: int, *command: str) -> tuple[int, str]:
    """The command in a process that ends at this boundary: its exit code, and what it said."""
    mortal = FIXTURES / "kill_points.py"
    end = fork_server.run(
        [sys.executable, str(mortal), str(boundary), *command],
        house.environment(),
        timeout=TIME_LIMIT,
    )
    return end.returncode, text_of(end.stderr)


@pytest.fixture(scope="module")
def anna(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Scene]]:
    """A house before the run that will be killed."""
    home = tmp_path_factory.mktemp("killed") / "home"
    home.mkdir(mode=0o700)
    house = settle_in(home)
    yield house, Scene(house, home.with_name("kept"))
    house.close()


@pytest.fixture(scope="module")
def undisturbed(anna: tuple[House, Scene]) -> dict[str, Any]:
    """The picture after the run that nobody kills."""
    house, scene = anna
    scene.return_to()
    house.sync()
    result = picture(house)
    assert result["not understood"] == [('"not even an object"',)]
    return result


@pytest.mark.parametrize("lane", range(LANES))
def test_killed_at_every_step_the_next_run_completes(
    anna: tuple[House, Scene], undisturbed: dict[str, Any], lane: int
) -> None:
    house, scene = anna

    deaths = 0
    for boundary in count(1 + lane, LANES):
        scene.return_to()
        code, said = run_until(house, boundary, "sync")
        where = said.splitlines()[-1]
        if code != KILLED:
            assert code == 0, said
            break
        deaths += 1
        result = house.sync(expect=None)
        assert result.code == 0, (where, result)
        assert picture(house) == undisturbed, where

    assert deaths >= 15, where


def test_killed_twice_the_next_run_completes(
    anna: tuple[House, Scene], undisturbed: dict[str, Any]
) -> None:
    house, scene = anna
    deaths = 0
    for boundary in count(5, 11):
        scene.return_to()
        if run_until(house, boundary, "sync")[0] != KILLED:
            break
        code, said = run_until(house, boundary // 2, "sync")  # it may have little left to do
        deaths += code == KILLED
        result = house.sync(expect=None)
        assert result.code == 0, (boundary, said, result)
        assert picture(house) == undisturbed, (boundary, said)

    assert deaths >= 5


def many_weigh_ins() -> list[Any]:
    """700 of them, one every two hours, stored in the cloud in another order than taken."""
    first = days_ago(700 / 12 + 1)
    return [
        weight(n, first + n * 7200, f"{70 + n / 100:.2f}", created=days_ago(1) + n * 37 % 701)
        for n in range(1, 701)
    ]


@pytest.mark.parametrize("page_size", [100, 300])
def test_killed_after_page_two_nothing_is_lost_and_nothing_is_doubled(
    house: House, page_size: int
) -> None:
    house.person("anna", many_weigh_ins())
    house.target("anna", "garmin")
    house.target("anna", "file", CSV)
    house.move_in()
    house.admin.page_size(page_size)

    house.kill_during("sync", path="/measure", action="getmeas", nth=3)

    assert house.database("SELECT count(*) FROM raw_group") == [(2 * page_size,)]
    assert house.database("SELECT changed_at FROM cursor") == []
    assert house.weigh_ins("anna") == []

    house.sync()

    taken = [row["taken_at"] for row in house.weigh_ins("anna")]
    assert len(taken) == len(set(taken)) == 700
    lines = house.file_lines("anna.csv")
    assert len(lines) == len(set(lines)) == 701
    uploads = house.admin.tell("garmin", "uploads")
    assert [upload["rows"] for upload in uploads] == [200, 200, 200, 100]
    house.admin.clear_requests()
    house.sync()
    assert house.admin.counts() == {"POST /measure getmeas": 1}


@pytest.mark.parametrize("arrived", [False, True])
def test_killed_during_the_second_upload_garmin_is_read_before_more_is_sent(
    house: House, arrived: bool
) -> None:
    house.person("anna", many_weigh_ins())
    house.target("anna", "garmin")
    house.move_in()
    upload = {"path": "/upload-service/upload", "nth": 2}
    if arrived:
        house.kill_during("sync", after_work=True, **upload)
    else:
        house.kill_before_arrival("sync", **upload)
    assert len(house.weigh_ins("anna")) == (400 if arrived else 200)

    result = house.sync("--json", expect=0 if arrived else 1)

    taken = [row["taken_at"] for row in house.weigh_ins("anna")]
    assert len(taken) == len(set(taken)) == (700 if arrived else 500)
    if arrived:
        return
    assert result.json[0]["targets"][0]["open"] == {"unknown": 200}
    house.database("UPDATE delivery SET claimed_at = claimed_at - 600 WHERE state = 'unknown'")
    house.sync()
    taken = [row["taken_at"] for row in house.weigh_ins("anna")]
    assert len(taken) == len(set(taken)) == 700


def test_a_login_killed_anywhere_can_simply_be_repeated(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("login") / "home"
    home.mkdir(mode=0o700)
    house = House(home)
    house.person("anna", [weight(1, days_ago(1))])
    house.target("anna", "file", CSV)
    house.write_configuration()
    scene = Scene(house, home.with_name("kept"))
    command = ("login", "withings", "--person", "anna", "--code")
    deaths = 0
    try:
        for boundary in count(1):
            scene.return_to()
            code = house.admin.code("anna", house.callback_url)
            if run_until(house, boundary, *command, code)[0] != KILLED:
                break
            deaths += 1
            house.log_in("anna")
        house.sync()
        assert len(house.file_lines("anna.csv")) == 1 + 1
    finally:
        house.close()
    assert deaths >= 8


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal for one process")
def test_stopped_by_hand_during_an_upload_nothing_is_doubled(house: House) -> None:
    house.person("anna", [weight(1, days_ago(1))])
    house.target("anna", "garmin")
    house.move_in()
    house.admin.fault("hold", path="/upload-service/upload", after_work=True)
    process = house.start("sync")
    house.admin.wait_for_hold(seconds=PATIENCE)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    house.admin.release()

    assert process.returncode == 130
    assert "Nothing is lost" in err
    house.sync()
    assert len(house.weigh_ins("anna")) == 1
    assert len(house.admin.tell("garmin", "uploads")) == 1

"""Whatever Garmin answers: nothing is lost, nothing is doubled, and nobody else waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.house import House, Result, days_ago, pressure, weight
from fixtures.story import Scene

pytestmark = pytest.mark.story

UPLOAD = "/upload-service/upload"
PRESSURE = "/bloodpressure-service/bloodpressure"
TOKEN = "/di-oauth2-service/oauth/token"
CSV = 'format = "csv"\npath = "{}.csv"\nsince = 2000-01-01'
AT_ONCE = "since = 2000-01-01\nresend_after = 0"
"""Whatever Garmin does not show now has not arrived: no story waits ten minutes for that."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Anna and Ben are up to date. Then Anna weighs herself twice and takes her blood pressure,
    and Ben weighs himself."""
    home = tmp_path_factory.mktemp("garmin-trouble") / "home"
    home.mkdir(mode=0o700)
    house = House(home)
    house.person("anna", [weight(1, days_ago(5), "70.1")])
    house.person("ben", [weight(2, days_ago(5), "88.1")])
    for name in ("anna", "ben"):
        house.target(name, "garmin", AT_ONCE)
        house.target(name, "file", CSV.format(name))
    house.move_in()
    house.sync()
    house.admin.add_groups(
        "anna",
        [
            weight(3, days_ago(3), "70.3"),
            weight(4, days_ago(2), "70.4"),
            pressure(5, days_ago(2), 125, 85),
        ],
    )
    house.admin.add_groups("ben", [weight(6, days_ago(1), "88.6")])
    yield Scene(house, home.with_name("kept"))
    house.close()


@pytest.fixture
def house(scene: Scene) -> House:
    """The house of that scene."""
    return scene.return_to()


def weights(house: House, person: str = "anna") -> list[str]:
    return [row["weight_kg"] for row in house.weigh_ins(person)]


def systolics(house: House) -> list[int]:
    return [row["systolic"] for row in house.pressures("anna")]


def expect_others_served(house: House) -> None:
    """Anna's file and all that is Ben's."""
    lines = house.file_lines("anna.csv")
    assert len(lines) == len(set(lines)) == 1 + 4
    assert weights(house, "ben") == ["88.1", "88.6"]
    assert len(house.file_lines("ben.csv")) == 1 + 2


def expect_everything_once(house: House) -> None:
    assert weights(house) == ["70.1", "70.3", "70.4"]
    assert systolics(house) == [125]
    expect_others_served(house)
    states = house.database("SELECT DISTINCT state FROM delivery")
    assert {state for (state,) in states} <= {"confirmed", "delivered"}


def let_pauses_pass(house: House) -> None:
    """Time passes until Garmin may be asked again."""
    house.database("UPDATE route SET pause_until = 0")


def at_garmin(result: Result, person: str = "anna") -> dict[str, Any]:
    """What ``--json`` says about a person's Garmin, in ``sync`` and in ``status``."""
    (one,) = [one for one in result.json if one["person"] == person]
    found: dict[str, Any] = one["targets"][0]
    return found


def failing(status: int, **more: Any) -> dict[str, Any]:
    return {"kind": "http", "status": status, **more}


AFTER = {"after_work": True}
UPLOADS = {
    "401 once": ({"kind": "unauthorized"}, 0),
    "402": (failing(402), 4),
    "403": (failing(403), 4),
    "404": (failing(404), 4),
    "412 once": (failing(412), 0),
    "412 every time": (failing(412, times=3), 1),
    "415 once": (failing(415), 0),
    "415 every time": (failing(415, times=3), 1),
    "429 with Retry-After": (failing(429, headers={"Retry-After": "3000"}), 4),
    "429 without": (failing(429), 4),
    "500 before the work": (failing(500), 1),
    "500 after the work": (failing(500, **AFTER), 4),
    "503": (failing(503, body="<h1>Back soon</h1>"), 4),
    "504 before the work": (failing(504), 1),
    "504 after the work": (failing(504, **AFTER), 4),
    "dropped before the work": ({"kind": "drop"}, 1),
    "dropped after the work": ({"kind": "drop", **AFTER}, 4),
    "empty, not taken": ({"kind": "empty"}, 1),
    "empty, but taken": ({"kind": "empty", **AFTER}, 4),
    "HTML, not taken": ({"kind": "garbage"}, 1),
    "HTML, but taken": ({"kind": "garbage", **AFTER}, 4),
    "half an answer": ({"kind": "truncated"}, 4),
    "an answer that was cut off": ({"kind": "cut_off"}, 4),
}
"""What happens to Anna's upload, and the exit code of that run. After an answer that does not tell,
her blood pressure waits for the next run, even if the weigh-ins were seen."""


@pytest.mark.parametrize("trouble", UPLOADS)
def test_an_upload_that_meets_trouble_is_there_once_in_the_end(house: House, trouble: str) -> None:
    fault, code = UPLOADS[trouble]
    house.admin.fault(path=UPLOAD, **fault)

    result = house.sync("--json", expect=code)

    expect_others_served(house)
    assert house.admin.active_faults() == []
    if "rejected" in at_garmin(result)["open"]:
        house.run("deliveries", "retry", "--all", expect=0)
    let_pauses_pass(house)
    house.sync()
    expect_everything_once(house)


PRESSURES = {
    "401 once": ({"kind": "unauthorized"}, 0),
    "400": (failing(400), 1),
    "403": (failing(403), 4),
    "429": (failing(429), 4),
    "500 before the work": (failing(500), 1),
    "500 after the work": (failing(500, **AFTER), 0),
    "dropped before the work": ({"kind": "drop"}, 1),
    "dropped after the work": ({"kind": "drop", **AFTER}, 0),
    "empty, but taken": ({"kind": "empty", **AFTER}, 0),
}


@pytest.mark.parametrize("trouble", PRESSURES)
def test_a_blood_pressure_that_meets_trouble_is_there_once_in_the_end(
    house: House, trouble: str
) -> None:
    fault, code = PRESSURES[trouble]
    house.admin.fault(path=PRESSURE, method="POST", **fault)

    result = house.sync("--json", expect=code)

    assert weights(house) == ["70.1", "70.3", "70.4"]
    expect_others_served(house)
    if "rejected" in at_garmin(result)["open"]:
        house.run("deliveries", "retry", "--all", expect=0)
    let_pauses_pass(house)
    house.sync()
    expect_everything_once(house)


READS = {
    "401 once": ({"kind": "unauthorized"}, 0),
    "403": (failing(403), 4),
    "404": (failing(404), 4),
    "429": (failing(429), 4),
    "500": (failing(500), 4),
    "dropped": ({"kind": "drop"}, 4),
    "empty": ({"kind": "empty"}, 4),
    "HTML": ({"kind": "garbage"}, 4),
    "half an answer": ({"kind": "truncated"}, 4),
}


PROFILE = "/userprofile-service/*"
UNREAD = [("/weight-service/*", name) for name in READS] + [
    (PROFILE, name) for name in ("401 once", "500", "HTML")
]


@pytest.mark.parametrize(("path", "trouble"), UNREAD)
def test_what_cannot_be_read_is_not_written(house: House, path: str, trouble: str) -> None:
    fault, code = READS[trouble]
    house.admin.fault(path=path, **fault)

    house.sync(expect=code)

    assert weights(house) == (["70.1"] if code else ["70.1", "70.3", "70.4"])
    expect_others_served(house)
    let_pauses_pass(house)
    house.sync()
    expect_everything_once(house)


def test_reading_back_may_fail_without_harm(house: House) -> None:
    house.admin.fault("http", path="/weight-service/*", status=500, nth=2)
    house.sync()
    expect_everything_once(house)
    house.sync()
    expect_everything_once(house)


def test_after_401_the_whole_file_is_sent_again(house: House) -> None:
    house.admin.clear_requests()
    house.admin.fault("unauthorized", path=UPLOAD)
    house.sync("--person", "anna")

    assert len(house.requests(path=UPLOAD)) == 2
    assert len(house.requests(path=TOKEN)) == 1
    last = house.admin.tell("garmin", "uploads")[-1]
    assert (last["status"], last["rows"]) == (202, 2)


def test_401_for_good_is_told_once_and_a_new_login_repairs_all(house: House) -> None:
    remedy = "Run: weighbridge login garmin --person anna"
    house.admin.fault(path=UPLOAD, **failing(401, times=2))
    assert house.sync(expect=3).err.count(remedy) == 1
    expect_others_served(house)
    assert weights(house) == ["70.1"]

    house.admin.clear_requests()
    later = house.sync(expect=3)
    assert later.err.count(remedy) == 1
    assert house.requests(cloud="garmin") == []
    assert house.run("status", expect=3).out.count(remedy) == 1

    house.admin.add_groups("anna", [weight(7, days_ago(0.5), "70.7")])
    house.sync(expect=3)
    assert house.requests(cloud="garmin") == []

    house.log_in_garmin("anna")
    house.sync()
    assert weights(house) == ["70.1", "70.3", "70.4", "70.7"]
    assert systolics(house) == [125]
    house.run("status", expect=0)


def test_nobody_is_logged_in_yet_and_the_first_login_repairs_all(house: House) -> None:
    house.database("DELETE FROM credential WHERE person = 'anna' AND service <> 'withings'")
    remedy = "Run: weighbridge login garmin --person anna"
    assert house.sync(expect=3).err.count(remedy) == 1
    expect_others_served(house)
    house.log_in_garmin("anna")
    house.sync()
    expect_everything_once(house)


def test_five_processes_at_once_deliver_once(house: House) -> None:
    ends = house.run_at_once(5, "sync")
    assert [end.code for end in ends] == [0] * 5, ends
    expect_everything_once(house)


def test_a_login_that_was_revoked_is_told_and_repaired(house: House) -> None:
    house.admin.tell("garmin", "expire", account="anna@example.test")
    house.admin.tell("garmin", "revoke", account="anna@example.test")
    house.sync(expect=3)
    expect_others_served(house)
    house.log_in_garmin("anna")
    house.sync()
    expect_everything_once(house)


def test_a_renewal_whose_answer_was_lost_costs_a_login_and_nothing_else(house: House) -> None:
    house.admin.tell("garmin", "expire", account="anna@example.test")
    house.admin.fault("drop", path=TOKEN, after_work=True)
    house.sync(expect=4)
    expect_others_served(house)
    house.sync(expect=3)
    house.log_in_garmin("anna")
    house.sync()
    expect_everything_once(house)


@pytest.mark.parametrize("fault", [failing(500), failing(429), {"kind": "garbage"}], ids=str)
def test_a_renewal_that_fails_in_passing_is_tried_again(
    house: House, fault: dict[str, Any]
) -> None:
    house.admin.tell("garmin", "expire", account="anna@example.test")
    house.admin.fault(path=TOKEN, **fault)
    house.sync(expect=4)
    expect_others_served(house)
    let_pauses_pass(house)
    house.sync()
    expect_everything_once(house)


def test_a_pause_that_garmin_asks_for_is_kept(house: House) -> None:
    house.admin.fault(path=UPLOAD, **failing(429, headers={"Retry-After": "3000"}))
    house.sync(expect=4)
    house.admin.clear_requests()
    house.admin.add_groups("ben", [weight(8, days_ago(0.5), "88.8")])

    later = at_garmin(house.sync("--json", expect=4))

    assert "asked us to wait for " in later["problem"]["message"]
    assert [one["method"] for one in house.requests(cloud="garmin")].count("POST") == 1
    assert weights(house, "ben") == ["88.1", "88.6", "88.8"]
    assert weights(house) == ["70.1"]
    until = at_garmin(house.run("status", "--json", expect=4))["paused_until"]
    assert until in house.run("status", expect=4).out
    (left,) = house.database(
        "SELECT pause_until - unixepoch() FROM route WHERE person = 'anna' AND target = 'garmin'"
    )
    assert 2900 < left[0] <= 3001, "unixepoch() has no fractions"


def test_a_failure_inside_a_good_status_is_a_failure(house: House) -> None:
    house.admin.tell("garmin", "upload_answer", status=201, failure="The file is odd.", times=3)
    assert at_garmin(house.sync("--json", expect=1))["open"] == {"rejected": 2}
    assert weights(house) == ["70.1"]
    assert systolics(house) == [125]
    expect_others_served(house)

    house.run("deliveries", "retry", "--all", expect=0)
    house.sync()
    expect_everything_once(house)


def test_what_shows_up_late_is_not_sent_again(house: House) -> None:
    house.admin.tell("garmin", "visibility", reads=3)
    assert at_garmin(house.sync("--json"))["not_seen_yet"] == 2
    for _ in range(4):
        house.sync()
    assert len([one for one in house.admin.tell("garmin", "uploads") if one["rows"]]) == 4
    expect_everything_once(house)
    assert house.database("SELECT count(*) FROM delivery WHERE look_until IS NOT NULL") == [(0,)]


def test_a_lost_answer_and_a_late_showing_together_do_not_double(house: House) -> None:
    house.admin.tell("garmin", "visibility", reads=2)
    house.admin.fault("drop", path=UPLOAD, after_work=True)
    house.sync(expect=1)
    # It is sent again, since this house waits for nothing, and Garmin knows the file already.
    house.sync()
    house.admin.tell("garmin", "visibility", reads=0)
    house.sync()
    house.sync()
    expect_everything_once(house)


def test_a_duplicate_that_nobody_can_see_is_not_forgotten(house: House) -> None:
    duplicate = {"messages": [{"code": 202, "content": "Duplicate Activity."}]}
    body = {"detailedImportResult": {"successes": [], "failures": [duplicate]}}
    house.admin.fault(path=UPLOAD, **failing(409, body=body))
    assert at_garmin(house.sync("--json"))["not_seen_yet"] == 2
    assert weights(house) == ["70.1"]

    house.database("UPDATE delivery SET claimed_at = claimed_at - 86400")  # a day later
    assert at_garmin(house.sync("--json", expect=1))["open"] == {"rejected": 2}
    house.run("deliveries", "retry", "--all", expect=0)
    house.sync()
    expect_everything_once(house)


def test_one_poisoned_reading_among_twenty_stops_no_other(house: House) -> None:
    taken = [days_ago(20) + n * 3600 for n in range(20)]
    house.admin.add_groups(
        "ben",
        [
            weight(100 + n, at, f"87.{n:02}", created=days_ago(0) - 900)
            for n, at in enumerate(taken)
        ],
    )
    house.admin.tell("garmin", "poison", timestamps=[taken[7]])

    result = house.sync("--json", expect=1)

    there = {row["taken_at"] for row in house.weigh_ins("ben")}
    assert there >= set(taken) - {taken[7]}
    assert taken[7] not in there
    assert len(weights(house, "ben")) == 2 + 19
    assert weights(house) == ["70.1", "70.3", "70.4"]
    assert at_garmin(result, "ben")["open"] == {"rejected": 1}

    listed = house.run("deliveries", "list", "--state", "rejected", "--json", expect=0).json
    (rejected,) = [row["reading"] for row in listed]
    why = house.run("why", rejected, expect=0).out
    assert "garmin: rejected" in why
    assert f"poisoned: [{taken[7]}]" in why
    house.sync(expect=1)
    assert len(weights(house, "ben")) == 2 + 19

    house.admin.tell("garmin", "poison", timestamps=[])
    house.run("deliveries", "retry", rejected, expect=0)
    house.sync()
    assert sorted(row["taken_at"] for row in house.weigh_ins("ben"))[:20] == taken
    assert len(weights(house, "ben")) == 2 + 20

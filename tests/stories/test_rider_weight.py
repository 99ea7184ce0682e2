"""One weight in a TrainerRoad profile: the newest one, whatever happens on the way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.house import LONG_AGO, RIDERS, House, days_ago, weight
from fixtures.story import Scene

pytestmark = pytest.mark.story

LOGIN = "/app/api/login/login"
MEMBER = "/app/api/member-info"
PROFILE = "/app/api/profile/rider-information"
SIGN_IN = ("login", "trainerroad", "--person", "anna", "--username", "anna-rides")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Anna and Ben have Garmin and TrainerRoad and are up to date. Then both weigh themselves."""
    home = tmp_path_factory.mktemp("trainerroad") / "home"
    home.mkdir(mode=0o700)
    house = House(home)
    house.person("anna", [weight(1, days_ago(30), "71.1"), weight(2, days_ago(5), "70.52")])
    house.person("ben", [weight(3, days_ago(4), "88.4")])
    for name in ("anna", "ben"):
        house.target(name, "garmin")
        house.target(name, "trainerroad")
    house.move_in()
    house.sync()
    house.admin.add_groups("anna", [weight(4, days_ago(2), "70.2")])
    house.admin.add_groups("ben", [weight(5, days_ago(1), "88.1")])
    yield Scene(house, home.with_name("kept"))
    house.close()


@pytest.fixture
def house(scene: Scene) -> House:
    """The house of that scene."""
    return scene.return_to()


def sent(house: House, rider: str = "anna") -> list[float]:
    """Every weight that reached the profile of a person, oldest first."""
    writes = house.admin.tell("trainerroad", "writes", account=f"{rider}@example.test")
    return [write["weight_kg"] for write in writes]


def at_garmin(house: House, person: str = "anna") -> list[str]:
    return [row["weight_kg"] for row in house.weigh_ins(person)]


def cookie(house: House, person: str = "anna") -> str:
    ((secret,),) = house.database(
        "SELECT secret FROM credential WHERE person = ? AND service = 'target trainerroad'", person
    )
    return str(secret).split('"')[3]


def asked(house: House) -> list[str]:
    return [f"{one['method']} {one['path']}" for one in house.requests(cloud="trainerroad")]


def let_pauses_pass(house: House) -> None:
    """Time passes until TrainerRoad may be asked again."""
    house.database("UPDATE route SET pause_until = 0")


# the newest weight, and no other


def test_the_newest_weight_is_sent_and_no_older_one(house: House) -> None:
    assert (sent(house), house.rider_kg("anna")) == ([70.5], 70.5)
    house.sync()
    assert sent(house) == [70.5, 70.2]
    assert sent(house, "ben") == [88.4, 88.1]
    house.admin.clear_requests()
    house.sync()
    assert asked(house) == []


def test_a_weight_that_comes_late_does_not_turn_the_profile_back(house: House) -> None:
    house.sync()
    house.admin.add_groups("anna", [weight(6, days_ago(3), "70.9", modified=days_ago(0))])
    house.sync()
    assert "70.9" in at_garmin(house)
    assert house.rider_kg("anna") == 70.2
    assert sent(house) == [70.5, 70.2]


def test_a_corrected_weight_is_corrected_there(house: House) -> None:
    house.sync()
    measures = [{"type": 1, "value": 69_900, "unit": -3}]
    house.admin.edit_group(4, {"measures": measures})
    house.sync()
    assert house.rider_kg("anna") == 69.9


def test_weights_that_are_too_old_are_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    house = House(home)
    house.person("anna", [weight(1, days_ago(20), "60.1")])
    house.target("anna", "trainerroad", f"max_age_days = 10\n{LONG_AGO}")
    house.move_in()
    house.sync()
    assert sent(house) == []
    house.admin.add_groups("anna", [weight(2, days_ago(9), "60.2")])
    house.sync()
    assert sent(house) == [60.2]
    house.close()


def test_targets_with_different_last_syncs_each_get_what_is_theirs(house: House) -> None:
    house.sync("--target", "garmin")
    assert at_garmin(house) == ["71.1", "70.52", "70.2"]
    assert house.rider_kg("anna") == 70.5
    house.admin.add_groups("anna", [weight(6, days_ago(1), "70.7")])
    house.sync("--target", "trainerroad")
    assert (len(at_garmin(house)), house.rider_kg("anna")) == (3, 70.7)
    house.sync()
    assert at_garmin(house) == ["71.1", "70.52", "70.2", "70.7"]
    assert sent(house) == [70.5, 70.7]


# trouble


@pytest.mark.parametrize("path", [MEMBER, PROFILE])
def test_trainerroad_is_down_and_garmin_is_served(house: House, path: str) -> None:
    house.admin.fault("http", path=path, status=500, times=-1)
    result = house.sync(expect=4)
    assert at_garmin(house) == ["71.1", "70.52", "70.2"]
    assert "TrainerRoad is out of order (status 500)" in result.err
    assert house.rider_kg("anna") == 70.5
    house.admin.clear_faults()
    house.sync()
    assert house.rider_kg("anna") == 70.2


def test_garmin_is_down_and_trainerroad_is_served(house: House) -> None:
    house.admin.fault("http", cloud="garmin", status=503, times=-1)
    house.sync(expect=4)
    assert house.rider_kg("anna") == 70.2


def test_a_session_that_ended_is_told_once_and_not_asked_again(house: House) -> None:
    house.admin.tell("trainerroad", "expire", account="anna-rides")
    result = house.sync(expect=3)
    assert "Run: weighbridge login trainerroad --person anna" in result.err
    assert "70.2" in at_garmin(house)
    assert house.rider_kg("ben") == 88.1
    house.admin.clear_requests()
    house.sync(expect=3)
    assert asked(house) == []
    house.log_in_trainerroad("anna")
    house.sync()
    assert house.rider_kg("anna") == 70.2


def test_an_interface_that_changed_is_reported_and_left_alone(house: House) -> None:
    house.admin.tell("trainerroad", "drop", account="anna-rides", field="weightKg")
    result = house.sync(expect=4)
    assert "TrainerRoad has changed: the profile has no field weightKg" in result.err
    assert sent(house) == [70.5]
    house.admin.clear_requests()
    house.sync(expect=4)
    assert asked(house) == []
    house.admin.tell("trainerroad", "profile", account="anna-rides", set={"weightKg": 70.5})
    let_pauses_pass(house)
    house.sync()
    assert house.rider_kg("anna") == 70.2


def test_a_write_that_is_ignored_is_no_success(house: House) -> None:
    house.admin.tell("trainerroad", "ignore_writes", on=True)
    try:
        result = house.sync("--person", "anna", expect=4)
    finally:
        house.admin.tell("trainerroad", "ignore_writes", on=False)
    assert "accepts the weight but does not keep it" in result.err
    let_pauses_pass(house)
    house.sync()
    assert house.rider_kg("anna") == 70.2


def test_an_answer_that_is_lost_twice_is_put_right_by_the_next_run(house: House) -> None:
    house.admin.fault("drop", path=PROFILE, method="PUT", after_work=True)
    house.admin.fault("drop", path=PROFILE, method="GET", nth=2)
    house.sync("--person", "anna", expect=1)
    house.sync()
    assert sent(house) == [70.5, 70.2]


def test_an_ftp_that_changed_meanwhile_is_told_once(house: House) -> None:
    changes = {"ftp": 199}
    house.admin.tell(
        "trainerroad", "meanwhile", account="anna-rides", after="write", changes=changes
    )
    result = house.sync("--person", "anna", expect=1)
    assert "FTP" in result.err
    assert house.rider_kg("anna") == 70.2
    house.sync()


KILLS: list[dict[str, Any]] = [
    {"path": MEMBER},
    {"path": PROFILE, "method": "GET"},
    {"path": PROFILE, "method": "PUT"},
    {"path": PROFILE, "method": "PUT", "after_work": True},
    {"path": PROFILE, "method": "GET", "nth": 2},
]


@pytest.mark.parametrize("moment", KILLS)
def test_a_kill_at_any_step_leaves_the_newest_weight(house: House, moment: dict[str, Any]) -> None:
    house.kill_during("sync", "--person", "anna", **moment)
    house.sync()
    assert sent(house) == [70.5, 70.2]
    states = house.database("SELECT DISTINCT state FROM delivery")
    assert {state for (state,) in states} <= {"delivered", "confirmed", "skipped", "superseded"}


# signing in


def test_a_wrong_password_answered_with_200_is_no_login(house: House) -> None:
    before = cookie(house)
    result = house.run(*SIGN_IN, "--password-stdin", input="guess\n", expect=3)
    assert "does not accept this user name and password" in result.err
    assert "guess" not in result.err
    assert cookie(house) == before


def test_the_password_comes_from_the_environment_or_a_file(house: House) -> None:
    house.run(*SIGN_IN, env={"TRAINERROAD_PASSWORD": RIDERS["anna"]}, expect=0)
    file = house.home / "password"
    file.write_text(RIDERS["anna"] + "\n")
    house.run(*SIGN_IN, "--password-file", str(file), expect=0)
    result = house.run(*SIGN_IN, expect=2)
    assert "TRAINERROAD_PASSWORD" in result.err


def test_a_blocked_sign_in_is_not_repeated_and_a_cookie_opens_the_door(house: House) -> None:
    house.admin.fault("http", path=LOGIN, status=429, times=-1)
    password = RIDERS["anna"] + "\n"
    first = house.run(*SIGN_IN, "--password-stdin", input=password, expect=4)
    assert "weighbridge login trainerroad --ticket" in first.err
    house.admin.clear_requests()
    house.run(*SIGN_IN, "--password-stdin", input=password, expect=4)
    assert asked(house) == []
    pasted = house.admin.tell("trainerroad", "cookie", account="anna-rides")["value"]
    ticket = ("login", "trainerroad", "--person", "anna", "--ticket", "-")
    result = house.run(*ticket, input=f"SharedTrainerRoadAuth={pasted}\n", expect=0)
    assert "anna is signed in at trainerroad as anna-rides." in result.err + result.out
    assert cookie(house) == pasted
    house.sync()
    assert house.rider_kg("anna") == 70.2


@pytest.mark.skipif(sys.platform == "win32", reason="terminals are something else there")
def test_a_cookie_is_pasted_at_a_terminal_and_never_shown(house: House) -> None:
    from fixtures.terminal import Terminal

    pasted = house.admin.tell("trainerroad", "cookie", account="anna-rides")["value"]
    with Terminal(house, "login", "trainerroad", "--person", "anna", "--ticket") as terminal:
        terminal.wait_for(f"{house.sandbox.url}/app/login")
        terminal.wait_for("copy the value of SharedTrainerRoadAuth")
        terminal.wait_for("Cookie: ")
        terminal.type(pasted)
        said = terminal.end(expect=0).out
    assert "anna is signed in at trainerroad as anna-rides." in said
    assert pasted not in said
    assert cookie(house) == pasted


def test_one_account_belongs_to_one_person(house: House) -> None:
    password = RIDERS["ben"] + "\n"
    arguments = ("login", "trainerroad", "--person", "anna", "--username", "ben-rides")
    result = house.run(*arguments, "--password-stdin", input=password, expect=2)
    assert "already belongs to ben" in result.err
    house.sync()
    assert (house.rider_kg("anna"), house.rider_kg("ben")) == (70.2, 88.1)


def test_a_session_of_somebody_else_sends_nothing(house: House) -> None:
    where = "WHERE service = 'target trainerroad' AND person"
    house.database(
        f"UPDATE credential SET secret = (SELECT secret FROM credential {where} = 'ben') "
        f"{where} = 'anna'"
    )
    result = house.sync(expect=3)
    assert "belongs to another TrainerRoad account" in result.err
    assert (house.rider_kg("anna"), house.rider_kg("ben")) == (70.5, 88.1)


def test_no_secret_is_told_however_much_is_asked(house: House) -> None:
    told: list[Any] = []
    house.admin.tell("trainerroad", "renew_cookie")
    cookies = [cookie(house)]
    password = RIDERS["anna"] + "\n"
    told.append(house.run("-vv", *SIGN_IN, "--password-stdin", input=password, expect=0))
    cookies.append(cookie(house))
    told.append(house.run("-vv", "sync", expect=0))
    told.append(house.run("status", expect=0))
    told.append(house.run("config", "show", expect=0))
    text = "\n".join(one.out + one.err for one in told)
    assert len(set(cookies)) == 2
    for secret in (*cookies, cookie(house), *RIDERS.values()):
        assert secret not in text

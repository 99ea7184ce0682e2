"""``withings-sync`` without its old troubles: no lost login, no doubles, no silent failure."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.house import RIDERS, House, days_ago, weight
from fixtures.old_home import FEATURES, PROGRAM, OldHome
from fixtures.old_user import EMAIL, PASSWORD, UPLOAD, add, kilograms, user_for_weeks

pytestmark = pytest.mark.story

CLOSE_AND_RUN = "import os, sys; os.close(0); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture
def home(house: House, tmp_path: Path) -> OldHome:
    return user_for_weeks(house, tmp_path)


def test_a_trainerroad_that_is_down_does_not_stop_garmin(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7), last_sync_tr=days_ago(7))
    home.know_garmin()
    home.know_trainerroad()
    home.house.admin.fault("http", path="/app/api/login/login", status=503)
    told = home.sync(expect=4).err
    assert len(kilograms(home)) == 1
    assert "TrainerRoad" in told
    home.sync()
    assert home.house.rider_kg("anna") == 70.6


def test_a_withings_that_is_down_is_no_success(home: OldHome) -> None:
    home.connect("anna")
    home.know_garmin()
    home.house.admin.fault("http", path="/measure", status=503)
    done = home.sync("-f", "2020-01-01", "--no-upload", "-J", "-o", "mine", expect=4)
    assert "Withings" in done.err
    assert list(home.work.iterdir()) == [], "half of it would pass for the whole"
    home.house.admin.fault("http", path="/measure", status=503)
    assert home.sync("-f", "2020-01-01", "--no-upload", expect=4).out == ""


def test_a_wrong_trainerroad_password_is_said_once_and_not_sent_again(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7), last_sync_tr=days_ago(7))
    home.know_garmin()
    home.know_trainerroad(password="mistyped")
    told = home.sync(expect=3).err
    assert "TrainerRoad does not accept this user name and password." in told
    assert "TRAINERROAD_PASSWORD" in told
    assert len(kilograms(home)) == 1
    assert "is not sent again for" in home.sync(expect=3).err
    assert home.signs_in("trainerroad") == 1
    home.know_trainerroad()
    home.sync()
    assert home.house.rider_kg("anna") == 70.6


def test_without_terminal_and_tokens_it_waits_for_nobody(home: OldHome) -> None:
    home.know_garmin()
    told = home.sync(expect=3).err
    assert "No Withings account is connected. Run withings-sync in a terminal" in told
    assert home.house.requests() == []


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell is needed")
def test_a_closed_standard_input_is_nobody_to_ask(home: OldHome) -> None:
    home.know_garmin()
    command = [sys.executable, "-c", CLOSE_AND_RUN, PROGRAM]
    env = home.environment()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr


def test_a_time_that_is_on_no_calendar_spoils_no_file(home: OldHome) -> None:
    now = int(time.time())
    last = 253_402_300_799  # of 9999 in UTC; in Paris it is a year later already
    add(home, weight(4, last, "70.8", created=now), weight(5, now - 60, "70.9"))
    home.connect("anna")
    told = home.sync("--no-upload", "-J", "-F", "-o", "mine").err
    assert "is left out" in told
    (values,) = json.loads((home.work / "mine.json").read_text("utf-8")).values()
    assert values["Weight"]["Value"] == 70.9


def test_twenty_runs_with_the_same_day_leave_one_weigh_in_each(home: OldHome) -> None:
    home.connect("anna")
    home.know_garmin()
    said = [home.sync("-f", "2020-01-01", "-s").err for _ in range(20)]
    assert set(said[1:]) == {""}
    assert len(kilograms(home)) == 4
    assert home.signs_in() == 1
    assert len(home.house.requests(path=UPLOAD)) == 1


def test_nothing_that_is_said_with_v_holds_a_secret(home: OldHome) -> None:
    login = home.connect("anna", last_sync=days_ago(7), last_sync_tr=days_ago(7))
    session = home.sign_in_at_garmin("anna")
    home.know_garmin()
    home.know_trainerroad()
    secrets = {PASSWORD, RIDERS["anna"], home.house.withings.tokens.client_secret}
    secrets |= {login["access_token"], login["refresh_token"]}
    secrets |= {session["di_token"], session["di_refresh_token"]}
    passwords = ("--gp", PASSWORD, "--tp", RIDERS["anna"])
    said = home.sync("-v", *FEATURES).err
    home.house.admin.tell("garmin", "revoke")
    home.house.admin.tell("garmin", "expire")
    home.house.admin.tell("trainerroad", "expire")
    home.house.admin.expire_tokens("anna")
    add(home, weight(4, days_ago(0.5), "70.8"))
    said += home.sync("-v", *passwords).err
    home.house.admin.advance_clock(15)  # else the next renewal would be too early for Withings
    home.house.admin.revoke_tokens("anna")
    said += home.sync("-v", *passwords, expect=3).err
    home.house.admin.fault("garbage", path="/app/api/member-info")
    said += home.sync("-v", "-f", "2020-01-01", *passwords, expect=3).err
    for row in home.house.database("SELECT secret, previous FROM credential"):
        for content in (json.loads(text) for text in row if text):
            secrets |= {value for name, value in content.items() if name != "di_client_id"} - {""}
    secrets = {secret for secret in secrets if isinstance(secret, str) and len(secret) > 10}
    assert "DEBUG" in said or "INFO" in said
    assert len(secrets) > 8
    for secret in secrets:
        assert secret not in said
    kept = [path.read_bytes() for path in home.house.home.rglob("*") if path.is_file()]
    for password in (PASSWORD, RIDERS["anna"]):
        assert not any(password.encode() in content for content in kept)


def test_passwords_on_the_command_line_work_and_are_warned_of_once(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7), last_sync_tr=days_ago(7))
    arguments = ["--gu", EMAIL, "--gp", PASSWORD, "--tu", "anna-rides", "--tp", RIDERS["anna"]]
    told = home.sync(*arguments).err
    assert told.count("Everyone on this computer can read a password on the command line") == 1
    assert len(kilograms(home)) == 1
    assert home.house.rider_kg("anna") == 70.6


def test_a_run_without_any_target_says_so(home: OldHome) -> None:
    home.connect("anna")
    told = home.sync(expect=2).err
    assert "GARMIN_USERNAME" in told

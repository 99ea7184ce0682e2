"""Who used ``withings-sync`` changes nothing: the crontab and the files stay, the troubles go."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from house import ACCOUNTS, RIDERS, House, days_ago, pressure, weight
from old_home import FEATURES, PROGRAM, OldHome

pytestmark = pytest.mark.story

CLOSE_AND_RUN = "import os, sys; os.close(0); os.execv(sys.argv[1], sys.argv[1:])"
UPLOAD = "/upload-service/upload"
EMAIL, PASSWORD, _ = ACCOUNTS["anna"]
HISTORY = {30: "70.315", 20: "72.205", 9: "70.915", 6: "70.615"}
"""Days ago → kilograms."""


@pytest.fixture
def home(house: House, tmp_path: Path) -> OldHome:
    """Anna has weighed herself for weeks. The old program is gone; nothing of it is set up yet."""
    weeks = [weight(10 + days, days_ago(days), kg) for days, kg in HISTORY.items()]
    house.withings.household.add_profile("anna", timezone="Europe/Paris", groups=weeks)
    old = OldHome(house, tmp_path / "old")
    old.register()
    return old


def add(home: OldHome, *groups: Any) -> None:
    home.house.admin.add_groups("anna", list(groups))


def kilograms(home: OldHome) -> list[str]:
    return [row["weight_kg"] for row in home.house.weigh_ins("anna")]


def as_uploaded_before(home: OldHome) -> None:
    """What the old program has sent: cut down to ten grams, at the same second."""
    rows = []
    for group in home.house.withings.household.profiles["anna"].groups():
        sent = group.raw
        grams = sent["measures"][0]["value"]
        rows.append({"taken_at": sent["date"], "weight_kg": f"{grams // 10 / 100}"})
    home.house.admin.tell("garmin", "put_weigh_ins", account=EMAIL, weigh_ins=rows)


# --- Taking over ------------------------------------------------------------------------------


def test_an_existing_crontab_line_works_unchanged(home: OldHome) -> None:
    add(home, weight(3, days_ago(2.01), "71.235"))
    as_uploaded_before(home)
    before = kilograms(home)
    home.connect("anna", last_sync=days_ago(2))
    home.sign_in_at_garmin("anna")
    home.know_garmin()
    add(home, weight(4, days_ago(1), "70.8"), pressure(5, days_ago(0.9)))
    kept = [path.read_bytes() for path in (home.user_file, home.garmin_file, home.app_file)]

    first = home.sync(*FEATURES)
    assert "taken over" in first.err
    assert first.out == ""
    assert kilograms(home) == [*before, "70.8"]
    assert len(home.house.pressures("anna")) == 1
    assert home.signs_in() == 0

    home.house.admin.clear_requests()
    second = home.sync(*FEATURES)
    assert "taken over" not in second.err
    assert not home.house.requests(cloud="garmin"), "there was nothing to do there"
    assert [path.read_bytes() for path in (home.user_file, home.garmin_file, home.app_file)] == kept


def test_the_same_home_serves_both_commands(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.sign_in_at_garmin("anna")
    home.know_garmin()
    home.sync(*FEATURES)
    sent = kilograms(home)
    assert len(sent) == 1
    del home.variables["WITHINGS_APP"]
    home.app_file.unlink()  # a copy lies in the home folder
    add(home, weight(4, days_ago(0.5), "70.8"))
    home.weighbridge("sync", expect=0)
    home.sync(*FEATURES)
    assert kilograms(home) == [*sent, "70.8"]
    assert "me" in home.weighbridge("status", expect=0).out


def test_what_garmin_holds_is_not_sent_again_even_from_before_the_last_run(home: OldHome) -> None:
    as_uploaded_before(home)
    before = kilograms(home)
    home.connect("anna", last_sync=days_ago(7))
    home.know_garmin()
    told = home.sync("--fromdate", "2020-01-01").err
    assert "4 already there" in told
    assert kilograms(home) == before
    assert not home.house.requests(path=UPLOAD)


def test_each_target_goes_on_from_its_own_last_run(home: OldHome) -> None:
    add(home, weight(4, days_ago(3), "70.8"))
    home.connect("anna", last_sync=days_ago(2), last_sync_tr=days_ago(10))
    home.know_garmin()
    home.know_trainerroad()
    home.sync()
    assert kilograms(home) == []
    assert home.house.rider_kg("anna") == 70.8
    add(home, weight(5, days_ago(0.1), "70.1"))
    home.sync()
    assert kilograms(home) == ["70.1"]
    assert home.house.rider_kg("anna") == 70.1


def test_without_a_last_run_it_begins_today(home: OldHome) -> None:
    home.connect("anna")
    home.know_garmin()
    add(home, weight(4, int(time.time()) - 60, "70.8"))
    home.sync()
    assert kilograms(home) == ["70.8"]


def test_a_lost_login_is_said_and_its_days_are_kept(home: OldHome) -> None:
    home.lose_login(last_sync=days_ago(7))
    home.know_garmin()
    told = home.sync(expect=3).err
    assert "holds no login at Withings" in told
    assert "in a terminal" in told
    home.connect("anna")  # as if the person had signed in
    home.sync()
    assert len(kilograms(home)) == 1, "what was measured since the last run of the old program"


def test_an_older_kind_of_garmin_session_means_one_sign_in(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    folder = home.folder / ".garmin_session"
    folder.mkdir()
    (folder / "oauth2_token.json").write_text("{}", "utf-8")
    home.know_garmin()
    assert "holds no login at Garmin that can be used" in home.sync().err
    assert home.signs_in() == 1
    home.sync("-f", "2020-01-01")
    assert home.signs_in() == 1
    assert len(kilograms(home)) == 4


def test_a_garmin_session_belongs_to_whom_it_shows_at_its_first_use(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.sign_in_at_garmin("anna")
    home.know_garmin()
    home.sync()
    ((account,),) = home.house.database(
        "SELECT account FROM credential WHERE service <> 'withings'"
    )
    assert account not in {"garmin:", ""}
    # Somebody puts Ben's session into Anna's place.
    tokens = json.dumps(home.sign_in_at_garmin("ben"))
    home.house.database("UPDATE credential SET secret = ? WHERE service <> 'withings'", tokens)
    home.variables.pop("GARMIN_PASSWORD")
    add(home, weight(4, days_ago(0.5), "70.8"))
    assert "belongs to another Garmin account" in home.sync(expect=3).err
    assert home.house.weigh_ins("ben") == []


def test_a_config_folder_is_the_home_folder_and_nobody_elses_files_are_read(home: OldHome) -> None:
    home.connect("anna")
    home.know_garmin()
    folder = home.folder / "for ben"
    assert "No Withings account" in home.sync("-c", str(folder), expect=3).err
    home.user_file.rename(folder / ".withings_user.json")
    home.sync("-c", str(folder), "-f", "2020-01-01")
    assert len(kilograms(home)) == 4
    assert (folder / "weighbridge.db").exists()
    assert not (home.house.home / "weighbridge.db").exists()


def test_a_dotenv_and_named_files_are_read_like_before(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.sign_in_at_garmin("anna")
    kept = home.folder / "kept"
    kept.mkdir()
    home.user_file.rename(kept / "user.json")
    home.garmin_file.rename(kept / "garmin.json")
    lines = [
        f"WITHINGS_APP={home.variables.pop('WITHINGS_APP')}",
        f"WITHINGS_USER={kept / 'user.json'}",
        f"GARMIN_SESSION='{kept / 'garmin.json'}'",
        f'export GARMIN_USERNAME="{EMAIL}"',
    ]
    (home.work / ".env").write_text("\n".join(lines), "utf-8")
    home.sync()
    assert kilograms(home) == ["70.62"]


def test_without_the_application_nothing_is_touched(home: OldHome) -> None:
    home.connect("anna")
    home.know_garmin()
    del home.variables["WITHINGS_APP"]
    told = home.sync(expect=2).err
    assert "Let WITHINGS_APP name the withings_app.json" in told
    assert not (home.house.home / "weighbridge.db").exists()
    assert home.house.requests() == []


# --- Troubles that it must not have -------------------------------------------------------------


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


def test_without_terminal_and_tokens_it_ends_in_seconds(home: OldHome) -> None:
    home.know_garmin()
    began = time.monotonic()
    told = home.sync(expect=3).err
    assert time.monotonic() - began < 20
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
    assert told.count("A password on the command line can be read by everybody") == 1
    assert len(kilograms(home)) == 1
    assert home.house.rider_kg("anna") == 70.6


def test_a_run_without_any_target_says_so(home: OldHome) -> None:
    home.connect("anna")
    told = home.sync(expect=2).err
    assert "GARMIN_USERNAME" in told


# --- Signing in at Garmin -----------------------------------------------------------------------


def test_a_dead_session_is_renewed_with_the_password_within_the_run(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.sign_in_at_garmin("anna")
    home.know_garmin()
    home.house.admin.tell("garmin", "revoke")
    home.house.admin.tell("garmin", "expire")
    home.sync()
    assert len(kilograms(home)) == 1
    assert home.signs_in() == 1


def test_without_a_password_a_dead_session_waits_for_a_person(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.sign_in_at_garmin("anna")
    home.variables["GARMIN_USERNAME"] = EMAIL
    home.house.admin.tell("garmin", "revoke")
    home.house.admin.tell("garmin", "expire")
    assert "GARMIN_PASSWORD" in home.sync(expect=3).err
    home.know_garmin()
    home.sync()
    assert len(kilograms(home)) == 1


def test_a_blocked_sign_in_is_left_alone_and_tried_again_later(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.know_garmin()
    home.house.admin.tell("garmin", "sign_in", answer=429)
    home.sync(expect=4)
    home.house.admin.tell("garmin", "sign_in", answer=None)
    home.house.admin.clear_requests()
    assert "No password is sent for another" in home.sync(expect=4).err
    assert not home.house.requests(cloud="garmin")
    home.house.database("UPDATE brake SET until = 1")  # as if the hours had gone by
    home.sync()
    assert len(kilograms(home)) == 1


def test_a_second_factor_is_not_asked_for_again_and_again_without_a_person(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.know_garmin("ben")
    told = home.sync(expect=3).err
    assert "second factor" in told
    assert "in a terminal" in told
    home.sync(expect=3)
    home.sync(expect=3)
    assert home.signs_in() == 1


# --- Files ----------------------------------------------------------------------------------------


def test_the_files_have_the_names_and_keys_that_they_always_had(home: OldHome) -> None:
    import fitdecode

    add(home, pressure(5, days_ago(1)))
    home.connect("anna")
    files = ("-o", "mine", "-F", "-J", "-R")
    done = home.sync("-f", "2020-01-01", "--no-upload", *files, *FEATURES)
    assert done.out == ""
    names = {path.name for path in home.work.iterdir()}
    assert names == {
        "mine.weight.fit",
        "mine.blood_pressure.fit",
        "mine.json",
        "mine.withings_raw.json",
    }
    values = json.loads((home.work / "mine.json").read_text("utf-8"))
    assert len(values) == 5
    assert list(values.values())[-1]["Systolic_Blood_Pressure"] == {"Value": 120, "Unit": "mmHg"}
    assert next(iter(values.values()))["Weight"] == {"Value": 70.32, "Unit": "kg"}
    raw = json.loads((home.work / "mine.withings_raw.json").read_text("utf-8"))
    assert raw["status"] == 0
    assert [group["grpid"] for group in raw["body"]["measuregrps"]] == [40, 30, 19, 16, 5]
    with fitdecode.FitReader(home.work / "mine.weight.fit") as reader:
        frames = [f for f in reader if isinstance(f, fitdecode.FitDataMessage)]
    assert sum(frame.name == "weight_scale" for frame in frames) == 4


def test_without_the_feature_there_is_no_blood_pressure_anywhere(home: OldHome) -> None:
    add(home, pressure(5, days_ago(1)))
    home.connect("anna")
    home.know_garmin()
    home.sync("-f", "2020-01-01", "-o", "mine", "-F", "-J")
    assert {path.name for path in home.work.iterdir()} == {"mine.weight.fit", "mine.json"}
    assert "mmHg" not in (home.work / "mine.json").read_text("utf-8")
    assert home.house.pressures("anna") == []
    assert len(kilograms(home)) == 4
    home.sync("-f", "2020-01-01", *FEATURES)
    assert len(home.house.pressures("anna")) == 1


def test_without_a_name_the_fit_bytes_go_to_standard_output(home: OldHome) -> None:
    import fitdecode

    home.connect("anna")
    home.know_garmin()
    done = home.run_bytes("-f", "2020-01-01", "--no-upload")
    assert done.returncode == 0
    with fitdecode.FitReader(done.stdout) as reader:
        names = [f.name for f in reader if isinstance(f, fitdecode.FitDataMessage)]
    assert names.count("weight_scale") == 4
    assert kilograms(home) == []
    nothing = home.run_bytes("-f", "2019-01-01", "-t", "2019-01-02", "--no-upload")
    assert (nothing.returncode, nothing.stdout) == (0, b"")
    assert b"No measurements" in nothing.stderr


def test_a_raw_dump_without_a_name_has_the_days_in_its_name(home: OldHome) -> None:
    home.connect("anna")
    home.sync("-R", "-f", "2020-01-02", "-t", "2020-02-03", "--no-upload", "-o", "x")
    home.sync("--dump-raw", "-f", "2020-01-02", "-t", "2020-02-03")
    names = {path.name for path in home.work.iterdir()}
    assert names == {"x.withings_raw.json", "withings_raw_20200102_20200203.json"}


def test_a_file_holds_what_is_new_since_the_last_run(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(8))
    home.know_garmin()

    def written() -> int:
        home.sync("-o", "new", "-J")
        return len(json.loads((home.work / "new.json").read_text("utf-8")))

    assert written() == 1
    now = int(time.time())
    add(home, weight(4, now - 60, "70.8", created=now))
    assert written() == 1
    assert "70.8" in (home.work / "new.json").read_text("utf-8")


def test_days_bound_what_is_sent(home: OldHome) -> None:
    home.connect("anna")
    home.know_garmin()
    first = time.strftime("%Y-%m-%d", time.gmtime(days_ago(22)))
    last = time.strftime("%Y-%m-%d", time.gmtime(days_ago(7)))
    home.sync("--from", first, "--todate", last)
    assert kilograms(home) == ["72.21", "70.92"]
    home.sync("--todate", last)
    assert kilograms(home) == ["72.21", "70.92"]


def test_a_folder_that_cannot_be_written_is_an_error(home: OldHome) -> None:
    home.connect("anna")
    told = home.sync("-f", "2020-01-01", "--no-upload", "-J", "-o", "nowhere/mine", expect=2).err
    assert "nowhere" in told


# --- At a terminal --------------------------------------------------------------------------------

at_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="terminals are other there")


def terminal(home: OldHome, *arguments: str, **more: str) -> Any:
    from terminal import Terminal

    return Terminal(home.house, *arguments, env=home.environment(more), program=(PROGRAM,))


@at_a_terminal
@pytest.mark.parametrize("bare", [True, False], ids=["token", "address"])
def test_the_token_prompt_takes_a_code_or_the_whole_address(home: OldHome, bare: bool) -> None:
    from terminal import link_in

    home.know_garmin()
    with terminal(home) as session:
        link = link_in(session.wait_for("Token : "))
        code = home.house.admin.code("anna", home.house.callback_url)
        state = link.partition("state=")[2]
        session.type(code if bare else f"{home.house.callback_url}?code={code}&state={state}")
        session.end(expect=0)
    add(home, weight(4, int(time.time()) - 60, "70.8"))
    home.sync()
    assert kilograms(home) == ["70.8"]


@at_a_terminal
def test_a_token_with_a_typo_is_asked_for_again(home: OldHome) -> None:
    with terminal(home) as session:
        session.wait_for("Token : ")
        session.type("no token")
        session.wait_for("Token : ")
        session.type(home.house.admin.code("anna", home.house.callback_url))
        session.end(expect=0)


@at_a_terminal
@pytest.mark.parametrize("by_browser", [True, False], ids=["browser", "keyboard"])
def test_where_the_callback_leads_here_the_browser_brings_the_code(
    home: OldHome, by_browser: bool
) -> None:
    import socket

    from browser import Browser
    from terminal import link_in

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home.register(f"http://localhost:{port}/callback")
    with terminal(home) as session:
        link = link_in(session.wait_for("Token : "))
        if by_browser:
            assert "Thank you" in Browser().choose(link, "anna")
        else:
            session.type(home.house.admin.code("anna", home.house.callback_url))
        session.end(expect=0)
    home.know_garmin()
    home.sync("-f", "2020-01-01")
    assert len(kilograms(home)) == 4


@at_a_terminal
def test_a_second_factor_is_asked_for_at_a_terminal(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.know_garmin("ben")
    home.sync(expect=3)
    with terminal(home) as session:
        session.wait_for("Code of the second factor: ")
        session.type(str(ACCOUNTS["ben"][2]))
        session.end(expect=0)
    assert len(home.house.weigh_ins("ben")) == 1


@at_a_terminal
def test_no_upload_shows_a_table_at_a_terminal(home: OldHome) -> None:
    home.connect("anna")
    with terminal(home, "--no-upload", "-f", "2020-01-01") as session:
        shown = session.end(expect=0).out
    assert "Weight 70.32 kg" in shown
    assert ".FIT" not in shown

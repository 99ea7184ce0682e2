"""Who used ``withings-sync`` changes nothing: the crontab line goes on, from where it was."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from fixtures.house import House, days_ago, pressure, weight
from fixtures.old_home import FEATURES, OldHome
from fixtures.old_user import EMAIL, UPLOAD, add, as_uploaded_before, kilograms, user_for_weeks

pytestmark = pytest.mark.story


@pytest.fixture
def home(house: House, tmp_path: Path) -> OldHome:
    return user_for_weeks(house, tmp_path)


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

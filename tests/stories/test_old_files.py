"""``withings-sync`` writes the files that it always wrote."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from fixtures.house import House, days_ago, pressure, weight
from fixtures.old_home import FEATURES, OldHome
from fixtures.old_user import add, kilograms, user_for_weeks

pytestmark = pytest.mark.story


@pytest.fixture
def home(house: House, tmp_path: Path) -> OldHome:
    return user_for_weeks(house, tmp_path)


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
    assert b"no measurements" in nothing.stderr


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
    # That was a minute ago, so what has come since then has settled by now.
    home.house.database("UPDATE cursor SET changed_at = changed_at - 60")
    home.house.database("UPDATE route SET succeeded_at = succeeded_at - 60")
    now = int(time.time())
    add(home, weight(4, now - 60, "70.8", created=now - 20))
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

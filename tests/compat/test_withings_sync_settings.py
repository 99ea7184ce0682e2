"""What ``withings-sync`` is told becomes settings: the environment's person, or the file's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from weighbridge.compat.withings_sync.command_line import CommandOptions
from weighbridge.compat.withings_sync.run_plan import (
    RunPlan,
    TargetCredentials,
    read_credentials,
    read_plan,
)
from weighbridge.compat.withings_sync.state_import import state_files_of
from weighbridge.core.errors import ConfigProblem

APP = {"client_id": "mine", "consumer_secret": "hush", "callback_url": "https://example.test/"}
BOTH = {"GARMIN_USERNAME": "anna@example.org", "TRAINERROAD_USERNAME": "anna-rides"}
ANNA = '[[person]]\nname = "anna"\n\n[[person.target]]\nkind = "garmin"\nmuscle_mass = false\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "withings_app.json").write_text(json.dumps(APP), "utf-8")
    (tmp_path / "withings_app.json").chmod(0o600)
    return tmp_path


def plan(home: Path, environ: dict[str, str], options: CommandOptions | None = None) -> RunPlan:
    options = options or CommandOptions()
    environ = {"WEIGHBRIDGE_HOME": str(home), "HOME": str(home / "nobody"), **environ}
    logins = read_credentials(options, environ, secret_folder=home / "none")
    return read_plan(options, logins, environ, state_files_of(options.config_folder, environ))


def test_user_names_make_the_targets(home: Path) -> None:
    assert plan(home, {}).targets == ()
    made = plan(home, BOTH)
    assert [target.kind for target in made.targets] == ["garmin", "trainerroad"]
    assert made.person.name == "me"
    assert made.settings.withings.client_id == "mine"
    argued = plan(home, {}, CommandOptions(trainerroad_username="ben-rides"))
    assert [target.options.username for target in argued.targets] == ["ben-rides"]


def test_the_weighbridge_command_finds_the_same_targets_in_the_environment(home: Path) -> None:
    from weighbridge.config import load

    clouds = {"TRAINERROAD_URL": "http://127.0.0.1:9"}
    (me,) = load(home, {**BOTH, **clouds}, secret_folder=home).people
    assert [target.name for target in me.targets] == ["garmin", "trainerroad"]
    assert me.target("trainerroad").options.url == clouds["TRAINERROAD_URL"]
    with pytest.raises(ConfigProblem, match="TRAINERROAD_USERNAME does not fit"):
        load(home, {**BOTH, "TRAINERROAD_URL": "http://example.org"}, secret_folder=home)


def test_blood_pressure_is_a_feature(home: Path) -> None:
    (garmin,) = plan(home, {"GARMIN_USERNAME": "x"}).targets
    assert not garmin.options.blood_pressure
    told = CommandOptions(features=("BLOOD_PRESSURE",))
    (garmin,) = plan(home, {"GARMIN_USERNAME": "x"}, told).targets
    assert garmin.options.blood_pressure


def test_a_file_that_names_one_person_decides(home: Path) -> None:
    (home / "weighbridge.toml").write_text(ANNA, "utf-8")
    made = plan(home, {})
    (garmin,) = made.targets
    assert made.person.name == "anna"
    assert not garmin.options.muscle_mass
    with pytest.raises(ConfigProblem, match="without a target trainerroad"):
        plan(home, BOTH)


def test_a_file_that_names_several_people_is_for_the_other_command(home: Path) -> None:
    ben = '\n[[person]]\nname = "ben"\n'
    (home / "weighbridge.toml").write_text(ANNA + ben, "utf-8")
    with pytest.raises(ConfigProblem, match="weighbridge sync"):
        plan(home, {})
    me = '\n[[person]]\nname = "me"\n'
    (home / "weighbridge.toml").write_text(ANNA + me, "utf-8")
    assert plan(home, {}).person.name == "me"


def test_the_application_of_the_home_folder_wins_unless_another_is_named(home: Path) -> None:
    other = home / "other.json"
    other.write_text(json.dumps({**APP, "client_id": "another"}), "utf-8")
    other.chmod(0o600)
    assert plan(home, {"WITHINGS_APP": str(other)}).settings.withings.client_id == "another"
    folder = CommandOptions(config_folder=home)
    assert plan(home, {}, folder).settings.withings.client_id == "mine"
    (home / "withings_app.json").unlink()
    with pytest.raises(ConfigProblem, match="No Withings application is known"):
        plan(home, {})


def test_a_login_does_not_show_its_password() -> None:
    login = read_credentials(CommandOptions(garmin_password="a-password"), {})["garmin"]
    assert isinstance(login, TargetCredentials)
    assert "a-password" not in f"{login!r} {login}"

"""Values that stand in the environment, in secret files or in the file of the application."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.config import mistakes, read
from weighbridge.config import Person, Settings
from weighbridge.sources.withings import CALLBACK_URL


def test_the_environment_is_enough(tmp_path: Path) -> None:
    environ = {"WITHINGS_CLIENT_ID": " id ", "WITHINGS_CLIENT_SECRET": "secret"}
    withings = read(None, tmp_path, environ).withings
    assert withings.client_id == "id"
    assert withings.client_secret is not None
    assert withings.client_secret.reveal() == "secret"
    assert withings.callback_url == CALLBACK_URL


def test_garmin_comes_from_the_environment_when_nobody_is_named(tmp_path: Path) -> None:
    pytest.importorskip("weighbridge.targets.garmin")
    environ = {"GARMIN_USERNAME": "me@example.org", "GARMIN_URL": "http://127.0.0.1:9"}
    settings = read('[withings]\nclient_id = "x"\n', tmp_path, environ)
    [target] = settings.people[0].targets
    assert (target.name, target.kind) == ("garmin", "garmin")
    assert target.options.username == "me@example.org"
    assert target.options.url == "http://127.0.0.1:9"
    assert settings.origin("person.me.target.garmin.username") == "environment GARMIN_USERNAME"
    assert settings.origin("person.me.target.garmin.settle") == "default"


def test_a_named_person_gets_no_target_from_the_environment(tmp_path: Path) -> None:
    settings = read('[[person]]\nname = "anna"\n', tmp_path, {"GARMIN_USERNAME": "me"})
    assert settings.people == (Person(name="anna"),)


APP = '{"client_id": "app", "consumer_secret": "of app", "callback_url": "http://localhost:1/c"}'


def places(home: Path) -> dict[str, str]:
    """All four places at once, each with a whole application of the same id."""
    (home / "secrets").mkdir(parents=True)
    (home / "secrets" / "withings_client_id").write_text("app\n")
    (home / "secrets" / "withings_client_secret").write_text("of files\n")
    (home / "withings_app.json").write_text(APP)
    return {"WITHINGS_CLIENT_ID": "app", "WITHINGS_CLIENT_SECRET": "of environment"}


def secret_of(settings: Settings) -> str | None:
    secret = settings.withings.client_secret
    return secret.reveal() if secret else None


def test_file_then_environment_then_secret_files_then_the_app_file(tmp_path: Path) -> None:
    environ = places(tmp_path)
    text = '[withings]\nclient_id = "app"\nclient_secret = "of file"\n'
    assert secret_of(read(text, tmp_path, environ)) == "of file"
    assert secret_of(read("", tmp_path, environ)) == "of environment"
    assert secret_of(read("", tmp_path)) == "of files"
    for path in (tmp_path / "secrets").iterdir():
        path.unlink()
    settings = read("", tmp_path)
    assert secret_of(settings) == "of app"
    assert settings.withings.callback_url == "http://localhost:1/c"
    assert settings.origin("withings.client_id") == f"file {tmp_path / 'withings_app.json'}"


def test_what_the_environment_leaves_open_comes_from_the_secret_files(tmp_path: Path) -> None:
    places(tmp_path)
    assert secret_of(read("", tmp_path, {"WITHINGS_CLIENT_ID": "app"})) == "of files"
    settings = read("", tmp_path, {"WITHINGS_CLIENT_SECRET": "of environment"})
    assert (settings.withings.client_id, secret_of(settings)) == ("app", "of environment")


def test_a_broken_app_file_does_not_matter_when_the_application_is_known(tmp_path: Path) -> None:
    (tmp_path / "withings_app.json").write_text("{")
    environ = {"WITHINGS_CLIENT_ID": "id", "WITHINGS_CLIENT_SECRET": "secret"}
    assert read("", tmp_path, environ).withings.client_id == "id"


def test_the_secret_of_another_application_is_left_alone(tmp_path: Path) -> None:
    environ = places(tmp_path)
    settings = read('[withings]\nclient_id = "other"\n', tmp_path, environ)
    assert settings.withings.client_id == "other"
    assert settings.withings.client_secret is None
    assert settings.withings.callback_url == CALLBACK_URL


def test_the_app_file_can_stand_anywhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text(APP)
    environ = {"WITHINGS_APP": str(tmp_path / "elsewhere.json")}
    assert secret_of(read(None, tmp_path / "home", environ)) == "of app"


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"client_id": "x"}', APP.replace("http:", "")]
)
def test_an_app_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "app.json"
    if content is not None:
        path.write_text(content)
    [mistake] = mistakes("", tmp_path, {"WITHINGS_APP": str(path)})
    assert "app.json" in mistake
    assert "of app" not in mistake


@pytest.mark.parametrize("name", ["WITHINGS_URL", "WITHINGS_CALLBACK_URL"])
def test_a_wrong_variable_is_named(tmp_path: Path, name: str) -> None:
    [mistake] = mistakes("", tmp_path, {name: "ftp://x"})
    assert mistake.startswith(f"environment: {name} is no web address.")

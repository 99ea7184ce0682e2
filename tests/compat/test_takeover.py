"""State of other programs: whatever their files hold, ours is never replaced and theirs never
changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.compat import ImportResult, expired_login, trumpet
from weighbridge.compat.withings_sync.state_import import (
    StateFiles,
    read_user_file,
    state_files_of,
    take_over,
)
from weighbridge.config import Person, TargetSettings, load
from weighbridge.core.errors import ConfigProblem
from weighbridge.storage.archive import account_archive
from weighbridge.storage.logins import TargetSession
from weighbridge.sync.services import Services
from weighbridge.testing.builders import NOON

ME = Person(name="me")
SESSION = {"di_token": "t" * 20, "di_refresh_token": "r" * 20, "di_client_id": "client"}
USER = {"access_token": "old-access", "refresh_token": "old-refresh", "userid": 4711}
APP = {"client_id": "id", "consumer_secret": "secret", "callback_url": "https://example.test/"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Services]:
    home = tmp_path / "home"
    home.mkdir()
    settings = load(home, {}, secret_folder=tmp_path)
    with Services(settings, clock=lambda: float(NOON)) as opened:
        yield opened


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    return folder


def left(folder: Path, **files: Any) -> StateFiles:
    """What the old program left in its folder."""
    names = {
        "user": ".withings_user.json",
        "garmin": ".garmin_session.json",
        "app": "withings_app.json",
    }
    for short, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / names[short]).write_text(text, "utf-8")
    return state_files_of(folder, {})


def connected_at(place: Services, target: str) -> float | None:
    row = place.database.one("route_of", person="me", target=target)
    return None if row is None else float(row["connected_at"])


def test_login_session_application_and_days_are_taken_over(place: Services, old: Path) -> None:
    places = left(old, user={**USER, "last_sync": NOON - 9, "last_sync_tr": NOON - 99}, app=APP)
    notes = take_over(place, ME, left(old, garmin=SESSION))
    assert places == left(old)
    assert {note.result for note in notes} == {ImportResult.TAKEN}
    pair = place.tokens("me").load()
    assert pair == expired_login("4711", "old-refresh", "old-access")
    assert pair.expires_at < NOON, "its first use renews it"
    archive = account_archive(place.database, "me")
    assert archive is not None
    assert archive.userid == "4711"
    assert connected_at(place, "garmin") == NOON - 9
    assert connected_at(place, "trainerroad") == NOON - 99
    copy = place.settings.home / "withings_app.json"
    assert json.loads(copy.read_text("utf-8")) == APP
    assert "old-refresh" not in repr(notes)


def test_a_second_time_nothing_of_ours_is_replaced(place: Services, old: Path) -> None:
    take_over(place, ME, left(old, user={**USER, "last_sync": NOON - 9}, garmin=SESSION))
    ours = expired_login("4711", "a-newer-one")
    place.tokens("me").store(ours)
    again = left(old, user={**USER, "last_sync": NOON - 5}, garmin={**SESSION, "di_token": "x"})
    notes = take_over(place, ME, again)
    assert {note.result for note in notes} == {ImportResult.KEPT}
    assert place.tokens("me").load() == ours
    assert connected_at(place, "garmin") == NOON - 9


@pytest.mark.parametrize("missing", ["refresh_token", "userid"])
def test_a_lost_login_connects_nobody_but_leaves_its_days(
    missing: str, place: Services, old: Path
) -> None:
    places = left(old, user={**USER, missing: None, "last_sync": NOON - 9})
    (note,) = take_over(place, ME, places)
    assert note.result is ImportResult.UNUSABLE
    assert account_archive(place.database, "me") is None
    assert place.tokens("me").load() is None
    assert connected_at(place, "garmin") == NOON - 9


def test_a_lost_access_token_does_not_matter(place: Services, old: Path) -> None:
    (note,) = take_over(place, ME, left(old, user={**USER, "access_token": None}))
    assert note.result is ImportResult.TAKEN


def test_a_day_in_the_future_is_today(place: Services, old: Path) -> None:
    take_over(place, ME, left(old, user={**USER, "last_sync": NOON + 10**6}))
    assert connected_at(place, "garmin") == NOON


@pytest.mark.parametrize(
    "content", [{}, {"oauth_token": "x"}, {**SESSION, "di_refresh_token": None}]
)
def test_another_kind_of_garmin_session_is_reported(
    content: Any, place: Services, old: Path
) -> None:
    (note,) = take_over(place, ME, left(old, garmin=content))
    assert note.result is ImportResult.UNUSABLE
    (old / ".garmin_session.json").unlink()
    (old / ".garmin_session").mkdir()
    (note,) = take_over(place, ME, left(old))
    assert note.result is ImportResult.UNUSABLE


def test_a_profile_of_somebody_else_is_refused(place: Services, old: Path) -> None:
    take_over(place, Person(name="ben"), left(old, user=USER))
    with pytest.raises(ConfigProblem, match="already belongs to ben"):
        take_over(place, ME, left(old))
    assert place.tokens("me").load() is None


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '{"refresh_token": "s3cret"', "\ud800", "[" * 9000]
)
def test_a_file_that_is_none_is_named_and_not_shown(text: str, old: Path) -> None:
    path = old / ".withings_user.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigProblem) as problem:
        read_user_file(path)
    assert str(path) in str(problem.value)
    assert "s3cret" not in str(problem.value)
    assert problem.value.__cause__ is None


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)


@given(content=st.dictionaries(st.sampled_from([*USER, "last_sync", "last_sync_tr"]), scalars))
def test_whatever_the_values_are_they_are_text_and_instants(
    content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content), "utf-8")
    user = read_user_file(path)
    assert isinstance(user.userid + user.access_token + user.refresh_token, str)
    assert all(day is None or day > 0 for day in (user.last_sync, user.last_sync_tr))


def test_a_session_without_an_account_is_bound_once_and_to_one_person(place: Services) -> None:
    def session(person: str) -> TargetSession:
        return place.session(person, TargetSettings(name="garmin", kind="garmin", options=None))

    mine, bens = session("me"), session("ben")
    for one in (mine, bens):
        one.store(SESSION, account="")
    assert mine.account() == ""
    mine.bind("4711")
    mine.bind("4712")
    assert mine.account() == "4711"
    assert mine.load() == SESSION
    with pytest.raises(ConfigProblem, match="already belongs to me"):
        bens.bind("4711")
    assert bens.account() == ""


# --- Where the files are ------------------------------------------------------------------------


def test_a_folder_is_the_only_place_for_what_belongs_to_a_person(tmp_path: Path) -> None:
    environ = {"HOME": "/home/anna", "WITHINGS_USER": "/elsewhere", "GARMIN_SESSION": "/elsewhere"}
    places = state_files_of(tmp_path, environ)
    assert places.users == (tmp_path / ".withings_user.json",)
    assert {path.parent for path in places.garmin_sessions} == {tmp_path}


def test_without_a_folder_the_environment_wins_over_the_home_directory(tmp_path: Path) -> None:
    plain = state_files_of(None, {"HOME": str(tmp_path)})
    assert plain.users == (tmp_path / ".withings_user.json",)
    assert tmp_path / ".garmin_session" in plain.garmin_sessions
    named = {"WITHINGS_USER": "u.json", "GARMIN_SESSION": "g.json", "WITHINGS_APP": "a.json"}
    places = state_files_of(None, {"HOME": str(tmp_path), **named})
    assert places.users == (Path.cwd() / "u.json",)
    assert places.garmin_sessions == (Path.cwd() / "g.json",)
    assert places.apps[0] == Path.cwd() / "a.json"


def test_the_application_of_an_installed_original_is_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "withings_sync" / "config"
    config.mkdir(parents=True)
    (config.parent / "__init__.py").write_text("raise SystemExit('it was imported')", "utf-8")
    (config / "withings_app.json").write_text("{}", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert state_files_of(None, {"HOME": str(tmp_path)}).app_file() == config / "withings_app.json"


# --- trumpet ------------------------------------------------------------------------------------


def test_each_token_file_is_a_login_and_other_files_are_none(tmp_path: Path) -> None:
    (tmp_path / "4712").write_text("refresh-b\r\n", "utf-8")
    (tmp_path / "4711").write_text("refresh-a", "utf-8")
    (tmp_path / "config.yml").write_text("token: x", "utf-8")
    (tmp_path / "1").mkdir()
    logins = trumpet.read_folder(tmp_path)
    assert [(one.userid, one.refresh_token) for one in logins] == [
        ("4711", "refresh-a"),
        ("4712", "refresh-b"),
    ]
    assert "refresh" not in repr(logins)
    assert trumpet.names_of(logins, {"4711": "anna"}) == {"4711": "anna", "4712": "user-4712"}
    with pytest.raises(ConfigProblem, match="no token file of the user 9"):
        trumpet.names_of(logins, {"9": "ben"})


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00", b"\x00\x01"])
def test_an_empty_or_broken_token_file_means_a_login(
    content: bytes, tmp_path: Path, place: Services
) -> None:
    (tmp_path / "4711").write_bytes(content)
    (login,) = trumpet.read_folder(tmp_path)
    assert trumpet.take_over(place, login, "anna").result is ImportResult.UNUSABLE
    assert place.tokens("anna").load() is None


def test_a_login_of_ours_is_not_replaced_by_a_token_file(tmp_path: Path, place: Services) -> None:
    (tmp_path / "4711").write_text("refresh-a", "utf-8")
    (login,) = trumpet.read_folder(tmp_path)
    assert trumpet.take_over(place, login, "anna").result is ImportResult.TAKEN
    ours = expired_login("4711", "newer")
    place.tokens("anna").store(ours)
    assert trumpet.take_over(place, login, "anna").result is ImportResult.KEPT
    assert place.tokens("anna").load() == ours
    with pytest.raises(ConfigProblem, match="already belongs to anna"):
        trumpet.take_over(place, login, "ben")


def test_a_folder_without_token_files_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match="no token file"):
        trumpet.read_folder(tmp_path)
    with pytest.raises(ConfigProblem, match="cannot be read"):
        trumpet.read_folder(tmp_path / "missing")

"""Where the file target writes: paths, links, permissions, locks."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from fixtures.file_target import a_day, posix, send, target, weights
from weighbridge.core.errors import ConfigProblem, ExitCode, RetryLater
from weighbridge.targets.file import FileOptions as Options
from weighbridge.targets.formats import disk


def test_a_relative_path_begins_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    send(target(tmp_path / "home", path="files/anna.json"), a_day(0))
    assert weights(tmp_path / "home" / "files" / "anna.json")
    assert not [*(tmp_path / "elsewhere").iterdir()]


def test_a_tilde_is_the_home_folder_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "user"))
    send(target(tmp_path / "home", path="~/anna.json"), a_day(0))
    assert weights(tmp_path / "user" / "anna.json")


@posix
def test_a_home_folder_nobody_has_is_a_problem_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem) as caught:
        target(tmp_path, path="~nobody-of-that-name/anna.json")
    assert caught.value.exit_code is ExitCode.USAGE


@posix
@pytest.mark.parametrize("form", ["json", "csv", "fit"])
def test_files_are_for_their_owner_alone(tmp_path: Path, form: Any) -> None:
    send(target(tmp_path, path="a/b/anna", format=form), a_day(0))
    path = tmp_path / "a" / "b" / "anna"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize("form", ["json", "csv", "fit"])
def test_permissions_that_a_person_gave_stay(tmp_path: Path, form: Any) -> None:
    anna = target(tmp_path, path="anna", format=form)
    send(anna, a_day(0))
    (tmp_path / "anna").chmod(0o644)
    send(anna, a_day(0, "71"))
    assert stat.S_IMODE((tmp_path / "anna").stat().st_mode) == 0o644


@posix
@pytest.mark.parametrize("form", ["json", "csv", "fit"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link(tmp_path: Path, form: Any, exists: bool) -> None:
    real = tmp_path / "cloud" / "anna"
    real.parent.mkdir()
    if exists:
        real.touch()
    (tmp_path / "anna").symlink_to(real)
    anna = target(tmp_path, path="anna", format=form)
    send(anna, a_day(0))
    send(anna, a_day(0, "71"))
    assert (tmp_path / "anna").is_symlink()
    assert anna.find_existing([a_day(0, "71")])["day-0"].same
    assert [path.name for path in real.parent.iterdir()] == ["anna"]


@posix
def test_a_circle_of_links_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "anna.json")
    (tmp_path / "anna.json").symlink_to(tmp_path / "a")
    with pytest.raises(RetryLater, match="circle"):
        send(target(tmp_path), a_day(0))


@pytest.mark.parametrize("form", ["json", "csv", "fit"])
def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path, form: Any) -> None:
    (tmp_path / "anna").mkdir()
    anna = target(tmp_path, path="anna", format=form)
    for attempt in (send, lambda anna, owed: anna.find_existing([owed])):
        with pytest.raises(RetryLater, match='per = "reading"'):
            attempt(anna, a_day(0))


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "anna").write_text("mine")
    with pytest.raises(RetryLater, match='per = "person"'):
        send(target(tmp_path, path="anna", per="reading"), a_day(0))
    with pytest.raises(RetryLater, match="choose another path"):
        send(target(tmp_path, path="anna/x.json"), a_day(0))
    assert (tmp_path / "anna").read_text() == "mine"


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    anna = target(tmp_path, path="closed/anna.json")
    with pytest.raises(RetryLater, match="permission"):
        send(anna, a_day(0))
    with pytest.raises(RetryLater, match="permission"):
        anna.check()


def test_another_process_that_does_not_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LOCK_WAIT", 0.05)
    anna = target(tmp_path)
    lock_file = tmp_path / "x.lock"
    monkeypatch.setattr(anna, "_lock_file", lambda: lock_file)
    with disk.locked(lock_file, tmp_path), pytest.raises(RetryLater, match="Another process"):
        send(anna, a_day(0))
    assert send(anna, a_day(0)).delivered


@pytest.mark.parametrize(
    ("path", "shape"),
    [("anna.csv", "csv"), ("anna.FIT", "fit"), ("anna.json", "json"), ("anna", "json")],
)
def test_without_a_format_the_ending_decides(path: str, shape: str) -> None:
    assert Options(path=path).shape == shape
    assert Options(path=path, format="json").shape == "json"

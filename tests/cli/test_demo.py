"""``weighbridge demo``: from the login to the delivered files in one command."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.cli import Result, run_here
from fixtures.mosquitto import needs_mosquitto
from fixtures.paths import ROOT
from weighbridge.cli import demo
from weighbridge.core.errors import RetryLater
from weighbridge.targets.formats.fit_codec import read_weights

RECORDED = ROOT.parent / "shared" / "fixtures" / "withings"
needs_recordings = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings are not here")


def play(folder: Path, *arguments: str) -> Result:
    """Run the demo in a process and a folder of its own."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("WEIGHBRIDGE", "GARMIN"))}
    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", "demo", "--fast", *arguments],
        env={**kept, "PYTHONWARNINGS": "error"},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("demo")
    return folder / "weighbridge-demo", play(folder)


def test_it_shows_every_step_in_order(played: tuple[Path, Result]) -> None:
    _, result = played
    assert result.code == 0, result
    steps = [
        r"Stand-in clouds run at http://127\.0\.0\.1:\d+\. Nothing leaves this machine\.",
        r"anna is connected to the Withings profile \d+\.",
        r"anna is signed in at garmin as anna\.",
        r"ben is signed in at garmin as ben\.",
        r"First sync: the whole history",
        r"anna: \d+ groups read from Withings",
        r"anna: \d+ new or changed measure groups from Withings",
        r"Readings at each target",
        r"anna steps on the scale: 71\.3 kg",
        r"anna: 4 new or changed measure groups from Withings",
        r"ben: nothing new from Withings",
        r"Only the new reading was sent, once to each target\.",
        r"Files to look at",
        r"weighbridge --home weighbridge-demo show --person anna\n",
    ]
    place = 0
    for sentence in steps:
        found = re.compile(sentence).search(result.err, place)
        assert found, f"{sentence!r} is missing, or too early: {result.err}"
        place = found.end()
    assert result.out == ""


def test_it_counts_what_is_in_the_files(played: tuple[Path, Result]) -> None:
    folder, result = played
    for name in ("anna", "ben"):
        fresh = 1 if name == "anna" else 0
        lines = (folder / f"{name}.json").read_text("utf-8").splitlines()
        told = re.search(rf"{name}: {name}\.json +(\d+) readings", result.err)
        assert told
        assert len(lines) == int(told[1]) + fresh
        assert len({json.loads(line)["id"] for line in lines}) == len(lines)
        assert len((folder / f"{name}.csv").read_bytes().splitlines()) == len(lines) + 1
    assert str(
        json.loads((folder / "anna.json").read_text("utf-8").splitlines()[-1])["weight_kg"]
    ).startswith("71.3")
    assert len(read_weights((folder / "anna.fit").read_bytes())) > 500


def test_only_the_fresh_weigh_in_is_new(played: tuple[Path, Result]) -> None:
    new = re.findall(r"^  (\w+): (.*?) +(\d+) new$", played[1].err, re.M)
    assert {(person, int(number)) for person, _, number in new} == {("anna", 1), ("ben", 0)}
    assert len(new) == 8


def test_its_home_folder_works_without_the_clouds(played: tuple[Path, Result]) -> None:
    folder, _ = played
    assert "71.30" in run_here(folder, "show", "--person", "anna", expect=0).out
    assert "8 readings wait for a decision" in run_here(folder, "status", expect=0).out
    assert run_here(folder, "config", "check").code in (0, 2)


def test_its_last_lines_can_be_copied_as_they_stand(played: tuple[Path, Result]) -> None:
    folder, result = played
    commands = re.findall(r"^  (\S.* --home \S+ (?:show|status).*)$", result.err, re.M)
    assert len(commands) == 2
    for command in commands:
        done = subprocess.run(
            shlex.split(command), cwd=folder.parent, capture_output=True, text=True, check=True
        )
        assert "anna" in done.stdout


@pytest.fixture(scope="module")
def served(played: tuple[Path, Result]) -> tuple[Path, Result]:
    """A second demo in the same folder, with the server."""
    folder, _ = played
    (folder / "left-behind").touch()
    return folder, play(folder.parent, "--years", "1", "--server")


def test_a_second_demo_replaces_the_first(served: tuple[Path, Result]) -> None:
    folder, again = served
    assert again.code == 0, again
    assert not (folder / "left-behind").exists()


def test_the_server_is_notified_of_a_weigh_in_and_delivers_it(
    served: tuple[Path, Result],
) -> None:
    folder, again = served
    assert re.search(r"It listens at http://127\.0\.0\.1:\d+ and tells Withings", again.err)
    told = re.search(r"^  anna\.json, after (\d+\.\d\d) s: 71\.6 kg$", again.err, re.M)
    assert told, again.err
    assert float(told[1]) < 10
    if os.name == "posix":  # elsewhere a program cannot be asked to end
        assert "Nothing is lost" in (folder / "server.log").read_text("utf-8")
    assert "71.60" in run_here(folder, "show", "--person", "anna", expect=0).out


@needs_mosquitto
def test_the_sentence_for_a_speaker_arrives_at_the_broker(served: tuple[Path, Result]) -> None:
    said = (
        r'^  MQTT, after \d+\.\d\d s: "Anna, 71\.6 kilograms, 0\.3 kilograms more than last time"$'
    )
    assert re.search(said, served[1].err, re.M), served[1].err


def test_without_a_broker_the_rest_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *words, **more: None)
    with demo._broker(tmp_path) as broker, demo._messages_of(broker) as messages:
        assert (broker, messages) == (None, {})
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_ends_at_once_is_not_waited_for(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "raise SystemExit(2)"]
    with pytest.raises(RetryLater) as caught, demo._running(words, 1, subprocess.DEVNULL):
        pass
    assert "ended at once" in caught.value.message
    assert "server.log" in caught.value.remedy


def test_a_folder_that_is_not_a_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear Anna")
    result = run_here(tmp_path, "demo", "--fast", "--folder", str(tmp_path / "mine"), expect=2)
    assert "exists and is not from a demo. Choose another with --folder." in result.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("arguments", [["--years", "0"], ["--recorded", "absent"]])
def test_wrong_usage_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_here(tmp_path, "demo", *arguments, expect=2)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run_here(tmp_path, "demo", "--folder", str(tmp_path / "file" / "x"), expect=2)
    assert "Choose another with --folder." in result.err


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weighbridge_sandbox.garmin", None)
    monkeypatch.delitem(sys.modules, "weighbridge.cli.demo_home", raising=False)
    result = run_here(tmp_path, "demo", "--folder", str(tmp_path / "x"), expect=2)
    assert "Run: pip install 'weighbridge[all]'" in result.err
    assert not (tmp_path / "x").exists()


@needs_recordings
def test_real_recorded_answers_run_to_the_end(tmp_path: Path) -> None:
    result = play(tmp_path, "--recorded", str(RECORDED))
    assert result.code == 0, result
    assert "Only the new reading was sent, once to each target." in result.err
    new = re.findall(r"^  (.*?): (.*?) +(\d+) new$", result.err, re.M)
    assert {(person, int(number)) for person, _, number in new} == {("everyone", 1)}
    folder = tmp_path / "weighbridge-demo"
    lines = (folder / "everyone.json").read_text("utf-8").splitlines()
    assert len(lines) > 20
    assert {json.loads(line)["kind"] for line in lines} == {"body", "blood_pressure"}


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
def test_the_script_passes_its_arguments_to_the_command() -> None:
    text = (ROOT / "scripts" / "demo").read_text("utf-8")
    assert text.rstrip().endswith('/.venv/bin/weighbridge" demo "$@"')
    assert os.access(ROOT / "scripts" / "demo", os.X_OK)

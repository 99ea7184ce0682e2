"""``weighbridge export``: the whole archive, for other programs."""

from __future__ import annotations

import csv
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.cli import AFTER_MIDNIGHT, ANNAS, BENS, CUFF, NEWEST, World, run_here
from fixtures.waiting import PATIENCE
from weighbridge.targets.formats.fit_codec import read_pressures, read_weights

posix_only = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")


@pytest.fixture
def world(lived_in: World) -> World:
    """As it is: nothing is changed here."""
    return lived_in


def taken(out: str) -> list[str]:
    return [json.loads(line)["taken_at"] for line in out.splitlines()]


def test_json_lines_hold_all_readings_of_all_people(world: World) -> None:
    out = world.run("export", "--format", "json", expect=0).out
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["person"] for line in lines] == ["anna"] * len(ANNAS) + ["ben"] * len(BENS)
    assert '"weight_kg":72.400,"fat_ratio_percent":21.300,' in out
    assert lines[1]["kind"] == "blood_pressure"
    assert lines[0]["local_time"] == "2024-03-10T12:00:00+01:00"


def test_csv_has_one_header_for_all_people(world: World) -> None:
    out = world.run("export", "--format", "csv", expect=0).out
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == len(ANNAS) + len(BENS)
    assert rows[0]["weight_kg"] == "72.400"
    assert rows[1]["systolic_mmhg"] == "118"
    assert out.count("\r\n") == out.count("\n"), "RFC 4180, also where a terminal is Windows'"


def test_fit_goes_through_a_pipe(world: World, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "weighbridge", "export", "--format", "fit"]
    env = {**world.house.environment(), "WEIGHBRIDGE_HOME": str(world.home)}
    for more, read in (([], read_weights), (["--blood-pressure"], read_pressures)):
        done = subprocess.run(
            [*command, "--person", "anna", *more], env=env, capture_output=True, check=True
        )
        rows = read(done.stdout)
        expected = [one for one in ANNAS if (one is CUFF) == bool(more)]
        assert [row.taken_at for row in rows] == [one["date"] for one in expected]


def test_a_file_is_complete_and_private(world: World, tmp_path: Path) -> None:
    path = tmp_path / "anna.fit"
    path.write_bytes(b"what stood there before")
    result = world.run("export", "--format", "fit", "--person", "anna", "-o", str(path), expect=0)
    assert result.out == ""
    assert result.err == f"5 readings written to {path}\n"
    assert [row.taken_at for row in read_weights(path.read_bytes())][-1] == NEWEST["date"]
    assert [one.name for one in tmp_path.iterdir()] == ["anna.fit"]
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("shape", ["json", "csv"])
def test_a_file_holds_the_same_as_standard_output(world: World, tmp_path: Path, shape: str) -> None:
    path = tmp_path / "all"
    world.run("export", "--format", shape, "-o", str(path), expect=0)
    out = world.run("export", "--format", shape, expect=0).out
    assert path.read_bytes().decode() == out


def test_days_are_local_days_of_the_person(world: World) -> None:
    midnight = "2024-03-12T23:00:00Z"
    assert AFTER_MIDNIGHT["date"] == BENS[1]["date"]
    days = ("--since", "2024-03-13", "--until", "2024-03-13")
    out = world.run("export", "--format", "json", *days, expect=0).out
    assert [
        (json.loads(line)["person"], json.loads(line)["taken_at"]) for line in out.splitlines()
    ] == [("anna", midnight)]
    days = ("--since", "2024-03-12", "--until", "2024-03-12", "--person", "ben")
    assert taken(world.run("export", "--format", "json", *days, expect=0).out) == [midnight]


def test_the_configured_zone_comes_first(world: World, tmp_path: Path) -> None:
    text = (world.home / "weighbridge.toml").read_text("utf-8")
    text = text.replace("height_cm = 170", 'height_cm = 170\ntimezone = "Asia/Tokyo"')
    (tmp_path / "weighbridge.toml").write_text(text, "utf-8")
    (tmp_path / "weighbridge.db").write_bytes((world.home / "weighbridge.db").read_bytes())
    arguments = ("export", "--format", "json", "--person", "anna", "--until", "2024-03-12")
    lines = run_here(tmp_path, *arguments, expect=0).out.splitlines()
    assert len(lines) == 4, "23:00 UTC on the 12th is the 13th in Tokyo as well"
    assert json.loads(lines[0])["local_time"] == "2024-03-10T20:00:00+09:00"


def test_since_all_is_everything(world: World) -> None:
    everything = world.run("export", "--format", "json", expect=0).out
    assert world.run("export", "--format", "json", "--since", "all", expect=0).out == everything


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (["--since", "2024-02-30"], "'2024-02-30' is not a day. Write it as 2024-12-31"),
        (["--until", "yesterday"], "'yesterday' is not a day."),
        (["--since", "2024-03-02", "--until", "2024-03-01"], "--until is before --since."),
    ],
)
def test_a_wrong_day_is_reported_before_anything_is_written(
    world: World, tmp_path: Path, days: list[str], words: str
) -> None:
    path = tmp_path / "out.csv"
    for output in ([], ["-o", str(path)]):
        result = world.run("export", "--format", "csv", *days, *output, expect=2)
        assert words in result.err
        assert result.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "A FIT file holds one person's readings. Add --person NAME."),
        (["--person", "ben", "--blood-pressure"], "There are no readings for a FIT file."),
        (["--person", "anna", "--until", "2001-01-01"], "Choose other days, or run: "),
    ],
)
def test_a_fit_file_without_readings_is_not_written(
    world: World, tmp_path: Path, arguments: list[str], words: str
) -> None:
    path = tmp_path / "x.fit"
    result = world.run("export", "--format", "fit", *arguments, "-o", str(path), expect=2)
    assert words in result.err
    assert list(tmp_path.iterdir()) == [], "neither the file nor a part of it"


def test_a_file_that_cannot_be_written_is_a_problem_with_a_remedy(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "no" / "such" / "folder.csv"
    result = world.run("export", "--format", "csv", "-o", str(path), expect=2)
    assert result.err.startswith(f"{path} cannot be written: ")
    assert "Choose another file with -o." in result.err
    world.run("export", "--format", "csv", "-o", str(tmp_path), expect=2)


@posix_only
def test_fit_is_refused_at_a_terminal(world: World) -> None:
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "weighbridge", "export", "--format", "fit", "--person", "anna"],
        env={**world.house.environment(), "WEIGHBRIDGE_HOME": str(world.home)},
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(theirs)
        _, err = process.communicate(timeout=PATIENCE)
    os.close(ours)
    assert process.returncode == 2
    assert err == "A terminal cannot show a FIT file. Add -o FILE.\n"


@posix_only
@pytest.mark.parametrize(
    "command", [["export", "--format", "csv"], ["status"], ["show", "--json"]], ids=" ".join
)
def test_a_reader_that_stops_reading_is_not_an_error(world: World, command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", *command],
        env={**world.house.environment(), "WEIGHBRIDGE_HOME": str(world.home)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.parametrize("command", [["export", "--format", "json"], ["show"]], ids=" ".join)
def test_a_full_output_is_reported_without_a_traceback(world: World, command: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "weighbridge", *command],
            env={**world.house.environment(), "WEIGHBRIDGE_HOME": str(world.home)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("The output cannot be written: No space left on device.")


def test_a_missing_format_is_named(world: World) -> None:
    assert "--format" in world.run("export", expect=2).err
    assert "'xml'" in world.run("export", "--format", "xml", expect=2).err

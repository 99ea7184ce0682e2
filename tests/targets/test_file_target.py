"""The file target: lines and rows that are appended, replaced and never repeated."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.file_target import a_day, send, target, weights
from weighbridge.targets import file
from weighbridge.targets.base import Checks, Context, Verifiable
from weighbridge.targets.file import KIND, FileOptions
from weighbridge.targets.file.file_target import FileTarget
from weighbridge.targets.formats import csv_format, jsonl_format
from weighbridge.targets.formats.fit_codec import read_pressures, read_weights
from weighbridge.targets.formats.line_file import LineFile
from weighbridge.targets.formats.render_context import Owner
from weighbridge.testing.builders import NOON, blood_pressure, owe, weigh_in
from weighbridge.testing.targets import TargetContract


class FileContract(TargetContract):
    kind = file.KIND
    options: ClassVar[dict[str, Any]]

    def make(self, context: Context) -> FileTarget:
        return KIND.create(FileOptions(**self.options), context)

    def instants(self, payload: Any) -> list[int]:
        return [entry.taken_at for entry in payload.entries]


class TestJsonLines(FileContract):
    options: ClassVar = {"path": "anna.json"}

    def standing(self, context: Context) -> Sequence[Any]:
        path = context.home / "anna.json"
        return path.read_bytes().splitlines() if path.exists() else []


class TestCsv(FileContract):
    options: ClassVar = {"path": "anna.csv", "format": "csv"}

    def standing(self, context: Context) -> Sequence[Any]:
        path = context.home / "anna.csv"
        return path.read_bytes().splitlines()[1:] if path.exists() else []


class TestFit(FileContract):
    options: ClassVar = {"path": "anna.fit", "format": "fit"}

    def standing(self, context: Context) -> Sequence[Any]:
        path = context.home / "anna.fit"
        return read_weights(path.read_bytes()) if path.exists() else []


class InAFolder(FileContract):
    def standing(self, context: Context) -> Sequence[Any]:
        return [*(context.home / "anna").glob("*")]


class TestJsonPerReading(InAFolder):
    options: ClassVar = {"path": "anna", "per": "reading"}


class TestCsvPerReading(InAFolder):
    options: ClassVar = {"path": "anna", "format": "csv", "per": "reading"}


class TestFitPerReading(InAFolder):
    options: ClassVar = {"path": "anna", "format": "fit", "per": "reading"}


# -- appending and replacing


@pytest.mark.parametrize("previous", ["day-1", "", None])
def test_a_changed_reading_is_updated_where_it_stands(tmp_path: Path, previous: str | None) -> None:
    anna = target(tmp_path)
    send(anna, a_day(0), a_day(1), a_day(2))
    receipt = send(anna, a_day(1, "71.5", previous), a_day(3))
    assert receipt.delivered == {"day-1": "day-1", "day-3": "day-3"}
    expected = {"day-0": 70.0, "day-1": 71.5, "day-2": 70.0, "day-3": 70.0}
    assert weights(tmp_path / "anna.json") == expected
    assert list(weights(tmp_path / "anna.json")) == list(expected)


def test_a_new_process_finds_what_the_last_one_wrote(tmp_path: Path) -> None:
    send(target(tmp_path), a_day(0), a_day(1))
    receipt = send(target(tmp_path), a_day(1), a_day(2))
    assert set(receipt.delivered) == {"day-1", "day-2"}
    assert list(weights(tmp_path / "anna.json")) == ["day-0", "day-1", "day-2"]


def test_two_writers_in_turn_do_not_repeat_each_other(tmp_path: Path) -> None:
    server, command = target(tmp_path), target(tmp_path)
    for number in range(6):
        send((server, command)[number % 2], a_day(number), a_day(number + 1))
    assert list(weights(tmp_path / "anna.json")) == [f"day-{number}" for number in range(7)]


def test_writing_the_same_again_does_not_touch_the_file(tmp_path: Path) -> None:
    send(target(tmp_path), a_day(0))
    path = tmp_path / "anna.json"
    os.utime(path, (1, 1))
    assert send(target(tmp_path), a_day(0)).delivered == {"day-0": "day-0"}
    assert path.stat().st_mtime == 1


type Step = tuple[str, int, int]

steps = st.lists(
    st.tuples(st.sampled_from(["send", "restart", "tear"]), st.integers(0, 8), st.integers(1, 50)),
    max_size=15,
)


@pytest.mark.parametrize("form", [jsonl_format, csv_format])
@given(steps=steps)
def test_the_last_value_of_every_reading_stands_there_once(
    form: Any, steps: list[Step], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lines") / "anna"
    lines, expected = LineFile(path, form), {}
    owner = Owner("anna")
    for action, number, amount in steps:
        one = a_day(number, f"{60 + amount}.0")
        match action:
            case "send":
                line = form.encode(one.reading, owner)
                lines.write({one.reading_id: line})
                expected[one.reading_id] = line
            case "restart":
                lines = LineFile(path, form)
            case "tear":
                torn = form.encode(weigh_in(reading_id="torn"), owner)[:amount]
                with path.open("ab") as broken:
                    broken.write(torn)
                lines.write({"day-0": form.encode(a_day(0).reading, owner)})
                expected["day-0"] = form.encode(a_day(0).reading, owner)
    content = path.read_bytes() if path.exists() else form.HEADER
    assert content == form.HEADER + b"".join(expected.values())


# -- FIT


def test_blood_pressure_goes_into_a_second_fit_file(tmp_path: Path) -> None:
    anna = target(tmp_path, path="out/anna.fit", format="fit")
    pressure = owe(blood_pressure(taken_at=NOON, reading_id="pressure"))
    receipt = send(anna, a_day(0), pressure)
    assert receipt.delivered == {"day-0": f"{NOON}:7000", "pressure": f"{NOON}:121/79"}
    assert len(read_weights((tmp_path / "out" / "anna.fit").read_bytes())) == 1
    beside = tmp_path / "out" / "anna.blood_pressure.fit"
    assert len(read_pressures(beside.read_bytes())) == 1
    assert anna.find_existing([pressure])["pressure"].same


def test_a_changed_fit_row_replaces_exactly_the_earlier_one(tmp_path: Path) -> None:
    anna = target(tmp_path, path="anna.fit", format="fit")
    same_second = owe(weigh_in("80", taken_at=NOON, device=None, reading_id="by hand"))
    references = send(anna, a_day(0), same_second, a_day(1)).delivered
    changed = a_day(0, "71.0", previous=references["day-0"])
    assert not anna.find_existing([changed])["day-0"].same
    for _ in range(2):
        assert send(anna, changed).delivered == {"day-0": f"{NOON}:7100"}
    rows = read_weights((tmp_path / "anna.fit").read_bytes())
    assert [row.weight for row in rows] == [7100, 8000, 7000]


def test_an_earlier_fit_row_without_a_reference_is_known_by_its_second(tmp_path: Path) -> None:
    anna = target(tmp_path, path="anna.fit", format="fit")
    send(anna, a_day(0), a_day(1))
    send(anna, a_day(0, "71.0", previous=""))
    rows = read_weights((tmp_path / "anna.fit").read_bytes())
    assert [row.weight for row in rows] == [7100, 7000]


def test_a_deleted_fit_file_begins_anew(tmp_path: Path) -> None:
    anna = target(tmp_path, path="anna.fit", format="fit")
    references = send(anna, a_day(0)).delivered
    (tmp_path / "anna.fit").unlink()
    send(anna, a_day(0, "71", previous=references["day-0"]))
    assert [row.weight for row in read_weights((tmp_path / "anna.fit").read_bytes())] == [7100]


def test_a_fit_file_of_somebody_else_is_put_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    anna = target(tmp_path, path="anna.fit", format="fit")
    for content in (b"a ride", b"another ride"):
        (tmp_path / "anna.fit").write_bytes(content)
        assert not anna.find_existing([a_day(0)])
        assert send(anna, a_day(0)).delivered
    assert (tmp_path / "anna.unreadable-1.fit").read_bytes() == b"a ride"
    assert (tmp_path / "anna.unreadable-2.fit").read_bytes() == b"another ride"
    assert "anna.unreadable-2.fit" in caplog.text


def test_fit_previews_are_for_people(tmp_path: Path) -> None:
    anna = target(tmp_path, path="anna.fit", format="fit")
    payload = anna.render([a_day(0), owe(weigh_in("0", reading_id="nothing"))])
    first, second = anna.preview(payload)
    assert first == "weight_scale 2025-10-09T08:53:20Z weight=70"
    assert second.startswith("not written: nothing: The weight")


# -- one file a reading, check, options


def test_files_per_reading_are_named_by_their_id(tmp_path: Path) -> None:
    anna = target(tmp_path, path="anna", format="csv", per="reading")
    receipt = send(anna, a_day(0), owe(weigh_in(reading_id="../a:b", taken_at=NOON)))
    assert receipt.delivered == {"day-0": "day-0.csv", "../a:b": "%2e%%2e%%2f%a%3a%b.csv"}
    assert {path.name for path in (tmp_path / "anna").iterdir()} == {*receipt.delivered.values()}
    lines = (tmp_path / "anna" / "day-0.csv").read_bytes().splitlines(keepends=True)
    assert [lines[0], csv_format.read_id(lines[1])] == [csv_format.HEADER, "day-0"]


def test_a_check_says_where_it_writes_and_writes_nothing(tmp_path: Path) -> None:
    anna = target(tmp_path, path="far/away/anna.json")
    assert isinstance(anna, Checks)
    assert isinstance(anna, Verifiable)
    assert anna.check() == f"writes json to {tmp_path / 'far' / 'away' / 'anna.json'}"
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("option", [{"path": ""}, {"format": "xml"}, {"per": "week"}])
def test_options_that_make_no_sense_are_refused(option: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"path": "anna.json", **option}, FileOptions)


def test_a_changed_segment_is_owed_again_in_text_and_not_in_fit(tmp_path: Path) -> None:
    plain = weigh_in()
    with_segment = msgspec.structs.replace(plain, segments=plain.measurements)
    for form, differs in (("json", True), ("csv", True), ("fit", False)):
        anna = target(tmp_path, format=form)
        assert (anna.takes(plain) != anna.takes(with_segment)) is differs

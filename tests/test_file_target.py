"""The file target: lines and rows that are appended, replaced and never repeated."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.errors import ConfigProblem, ExitCode, RetryLater
from weighbridge.fit.reader import read_pressures, read_weights
from weighbridge.formats import csv, disk, jsonl
from weighbridge.formats.line_file import LineFile
from weighbridge.targets import file
from weighbridge.targets.base import Checks, Context, Looks, Owed, Receipt
from weighbridge.testing.builders import NOON, blood_pressure, context, owe, weigh_in
from weighbridge.testing.targets import TargetContract

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")


class FileContract(TargetContract):
    module = file
    options: ClassVar[dict[str, Any]]

    def make(self, context: Context) -> file.FileTarget:
        return file.create(file.Options(**self.options), context)

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


# -- words of this file


def target(home: Path, **options: Any) -> file.FileTarget:
    return file.create(file.Options(**{"path": "anna.json", **options}), context(home))


def send(target: file.FileTarget, *owed: Owed) -> Receipt:
    return target.send(target.render(owed))


def a_day(number: int, kg: str = "70.0", previous: str | None = None) -> Owed:
    """The weigh-in of one day."""
    taken_at = NOON + 86_400 * number
    return owe(weigh_in(kg, taken_at=taken_at, reading_id=f"day-{number}"), previous=previous)


def weights(path: Path) -> dict[str, float]:
    """Reading id → kg, in the order of the file. Every line must be a whole one."""
    content = path.read_text("utf-8")
    assert content.endswith("\n")
    lines = [json.loads(line) for line in content.splitlines()]
    assert len({line["id"] for line in lines}) == len(lines), "a reading is there twice"
    return {line["id"]: line["weight_kg"] for line in lines}


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


@pytest.mark.parametrize("form", [jsonl, csv])
@given(steps=steps)
def test_the_last_value_of_every_reading_stands_there_once(
    form: Any, steps: list[Step], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lines") / "anna"
    lines, expected = LineFile(path, form), {}
    owner = file.Owner("anna")
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


# -- accidents


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_torn_last_line_is_cut_off_at_the_next_write(tmp_path: Path, form: Any) -> None:
    path = tmp_path / "anna"
    send(target(tmp_path, path="anna", format=form), a_day(0), a_day(1))
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    send(target(tmp_path, path="anna", format=form), a_day(1))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize("replaced", [0, 1, None])
def test_a_last_line_that_only_lacks_its_end_is_kept(
    tmp_path: Path, form: Any, replaced: int | None
) -> None:
    anna = target(tmp_path, path="anna", format=form)
    send(anna, a_day(0), a_day(1))
    path = tmp_path / "anna"
    path.write_bytes(path.read_bytes().rstrip())
    changed = [] if replaced is None else [a_day(replaced, "99")]
    send(anna, *changed, a_day(2))
    lines = path.read_bytes().splitlines()[-3:]
    read_id = csv.read_id if form == "csv" else jsonl.read_id
    assert [read_id(line) for line in lines] == ["day-0", "day-1", "day-2"]
    assert [b"99" in line for line in lines] == [replaced == 0, replaced == 1, False]


def test_a_deleted_file_begins_anew(tmp_path: Path) -> None:
    anna = target(tmp_path)
    send(anna, a_day(0))
    (tmp_path / "anna.json").unlink()
    send(anna, a_day(0, "71", previous="day-0"), a_day(1))
    assert weights(tmp_path / "anna.json") == {"day-0": 71, "day-1": 70}


def test_what_a_person_wrote_into_the_file_stays(tmp_path: Path) -> None:
    anna = target(tmp_path)
    send(anna, a_day(0), a_day(1))
    path = tmp_path / "anna.json"
    path.write_bytes(b"# my notes \xff\n\n" + path.read_bytes() + b'{"id": 7}\n')
    send(anna, a_day(1, "71"), a_day(2))
    lines = path.read_bytes().splitlines()
    assert lines[:2] == [b"# my notes \xff", b""]
    assert lines[4] == b'{"id": 7}'
    assert [jsonl.read_id(line) for line in lines] == [None, None, "day-0", "day-1", None, "day-2"]


def test_a_line_copied_by_a_person_becomes_one_again_when_it_changes(tmp_path: Path) -> None:
    anna = target(tmp_path)
    send(anna, a_day(0))
    path = tmp_path / "anna.json"
    path.write_bytes(path.read_bytes() * 3)
    send(anna, a_day(0, "71"))
    assert weights(path) == {"day-0": 71}


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_csv_has_one_header(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "anna.csv"
    path.write_bytes(start and start + csv.HEADER)
    send(target(tmp_path, path="anna.csv", format="csv"), a_day(0))
    send(target(tmp_path, path="anna.csv", format="csv"), a_day(1))
    assert path.read_bytes().count(b"id,taken_at") == 1
    assert path.read_bytes().startswith(start + b"id,taken_at")


def test_a_removed_header_comes_back_over_the_next_lines(tmp_path: Path) -> None:
    path = tmp_path / "anna.csv"
    anna = target(tmp_path, path="anna.csv", format="csv")
    send(anna, a_day(0))
    path.write_bytes(path.read_bytes().removeprefix(csv.HEADER))
    send(anna, a_day(1))
    assert [csv.read_id(line) for line in path.read_bytes().splitlines()] == [
        "day-0",
        None,
        "day-1",
    ]


def fail_with(number: int) -> Any:
    def fail(*args: Any) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("form", ["json", "csv", "fit"])
@pytest.mark.parametrize("per", ["person", "reading"])
def test_a_disk_that_fails_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Any, per: Any
) -> None:
    anna = target(tmp_path, path="anna", format=form, per=per)
    send(anna, a_day(0))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail_with(errno.ENOSPC))
        with pytest.raises(RetryLater, match=r"anna.*Free some space"):
            send(anna, a_day(0, "71"), a_day(1))
        with pytest.raises(RetryLater, match=r"anna.*Free some space"):
            send(anna, a_day(1))
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before
    assert set(send(anna, a_day(0, "71"), a_day(1)).delivered) == {"day-0", "day-1"}
    assert {one for one, seen in anna.look([a_day(0, "71"), a_day(1)]).items() if seen.same} == {
        "day-0",
        "day-1",
    }


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to try")
def test_a_special_file_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(RetryLater, match="not an ordinary file"):
        send(target(tmp_path, path="/dev/full"), a_day(0))


def test_refusals_are_told_even_when_the_disk_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", fail_with(errno.EROFS))
    anna = target(tmp_path, path="anna.fit", format="fit")
    receipt = send(anna, a_day(0), owe(weigh_in("0", reading_id="nothing")))
    assert set(receipt.refused) == {"nothing"}
    assert not receipt.delivered
    assert isinstance(receipt.problem, RetryLater)
    assert "writable" in receipt.problem.remedy


def test_when_half_is_written_the_receipt_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [disk.replace]

    def replace_once(path: Path, chunks: Any) -> None:
        (left.pop() if left else fail_with(errno.ENOSPC))(path, chunks)

    monkeypatch.setattr("weighbridge.formats.shelf.replace", replace_once)
    receipt = send(target(tmp_path, path="anna", per="reading"), a_day(0), a_day(1))
    assert set(receipt.delivered) == {"day-0"}
    assert isinstance(receipt.problem, RetryLater)


CRASH = """
import os, sys
from pathlib import Path
from weighbridge.targets import file
from weighbridge.testing.builders import context, owe, weigh_in

home, form, step = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls = 0
def count(event, args):
    global calls
    path = str(args[0]) if args else ""
    if event in ("open", "os.rename", "os.remove", "os.truncate") and "anna" in path:
        calls += 1
        if calls == step:
            os._exit(9)
anna = file.create(file.Options(path="anna", format=form), context(home))
payload = anna.render([
    owe(weigh_in("71.0", reading_id="day-1", taken_at=1760086400), previous="1760086400:7000"),
    owe(weigh_in("72.0", reading_id="day-9", taken_at=1760777600)),
])
sys.addaudithook(count)
anna.send(payload)
"""


@pytest.mark.parametrize("form", ["json", "fit"])
def test_a_crash_at_any_step_is_mended_by_the_next_run(tmp_path: Path, form: Any) -> None:
    before = [a_day(0), a_day(1), a_day(2)]
    after = [a_day(1, "71.0", previous="1760086400:7000"), a_day(9, "72.0")]
    for step in range(1, 50):
        home = tmp_path / str(step)
        send(target(home, path="anna", format=form), *before)
        command = [sys.executable, "-c", CRASH, str(home), form, str(step)]
        crashed = subprocess.run(command, check=False, timeout=60)
        send(target(home, path="anna", format=form), *after)
        seen = target(home, path="anna", format=form).look([before[0], before[2], *after])
        assert {one: sighting.same for one, sighting in seen.items()} == {
            one: True for one in ("day-0", "day-1", "day-2", "day-9")
        }
        content = (home / "anna").read_bytes()
        assert len(read_weights(content) if form == "fit" else content.splitlines()) == 4
        assert [path.name for path in home.iterdir() if path.is_file()] == ["anna"]
        if crashed.returncode == 0:
            break
    assert step > 2, "nothing was interrupted"


# -- FIT


def test_blood_pressure_goes_into_a_second_fit_file(tmp_path: Path) -> None:
    anna = target(tmp_path, path="out/anna.fit", format="fit")
    pressure = owe(blood_pressure(taken_at=NOON, reading_id="pressure"))
    receipt = send(anna, a_day(0), pressure)
    assert receipt.delivered == {"day-0": f"{NOON}:7000", "pressure": f"{NOON}:121/79"}
    assert len(read_weights((tmp_path / "out" / "anna.fit").read_bytes())) == 1
    beside = tmp_path / "out" / "anna.blood_pressure.fit"
    assert len(read_pressures(beside.read_bytes())) == 1
    assert anna.look([pressure])["pressure"].same


def test_a_changed_fit_row_replaces_exactly_the_earlier_one(tmp_path: Path) -> None:
    anna = target(tmp_path, path="anna.fit", format="fit")
    same_second = owe(weigh_in("80", taken_at=NOON, device=None, reading_id="by hand"))
    references = send(anna, a_day(0), same_second, a_day(1)).delivered
    changed = a_day(0, "71.0", previous=references["day-0"])
    assert not anna.look([changed])["day-0"].same
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
        assert not anna.look([a_day(0)])
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


# -- places


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
    assert anna.look([a_day(0, "71")])["day-0"].same
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
    for attempt in (send, lambda anna, owed: anna.look([owed])):
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


def test_files_per_reading_are_named_by_their_id(tmp_path: Path) -> None:
    anna = target(tmp_path, path="anna", format="csv", per="reading")
    receipt = send(anna, a_day(0), owe(weigh_in(reading_id="../a:b", taken_at=NOON)))
    assert receipt.delivered == {"day-0": "day-0.csv", "../a:b": "%2e%%2e%%2f%a%3a%b.csv"}
    assert {path.name for path in (tmp_path / "anna").iterdir()} == {*receipt.delivered.values()}
    lines = (tmp_path / "anna" / "day-0.csv").read_bytes().splitlines(keepends=True)
    assert [lines[0], csv.read_id(lines[1])] == [csv.HEADER, "day-0"]


def test_a_check_says_where_it_writes_and_writes_nothing(tmp_path: Path) -> None:
    anna = target(tmp_path, path="far/away/anna.json")
    assert isinstance(anna, Checks)
    assert isinstance(anna, Looks)
    assert anna.check() == f"writes json to {tmp_path / 'far' / 'away' / 'anna.json'}"
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("option", [{"path": ""}, {"format": "xml"}, {"per": "week"}])
def test_options_that_make_no_sense_are_refused(option: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"path": "anna.json", **option}, file.Options)


def test_a_changed_segment_is_owed_again_in_text_and_not_in_fit(tmp_path: Path) -> None:
    plain = weigh_in()
    with_segment = msgspec.structs.replace(plain, segments=plain.measurements)
    for form, differs in (("json", True), ("csv", True), ("fit", False)):
        anna = target(tmp_path, format=form)
        assert (anna.takes(plain) != anna.takes(with_segment)) is differs

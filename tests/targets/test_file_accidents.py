"""Files that are torn, edited, deleted or on a full disk, and processes that die while writing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.file_target import a_day, posix, send, target, weights
from weighbridge.core.errors import RetryLater
from weighbridge.targets.formats import csv_format, disk, jsonl_format
from weighbridge.targets.formats.fit_codec import read_weights
from weighbridge.testing.builders import owe, weigh_in


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
    changed = [] if replaced is None else [a_day(replaced, "123.4")]
    send(anna, *changed, a_day(2))
    lines = path.read_bytes().splitlines()[-3:]
    read_id = csv_format.read_id if form == "csv" else jsonl_format.read_id
    assert [read_id(line) for line in lines] == ["day-0", "day-1", "day-2"]
    assert [b"123.4" in line for line in lines] == [replaced == 0, replaced == 1, False]


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
    assert [jsonl_format.read_id(line) for line in lines] == [
        None,
        None,
        "day-0",
        "day-1",
        None,
        "day-2",
    ]


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
    path.write_bytes(start and start + csv_format.HEADER)
    send(target(tmp_path, path="anna.csv", format="csv"), a_day(0))
    send(target(tmp_path, path="anna.csv", format="csv"), a_day(1))
    assert path.read_bytes().count(b"id,taken_at") == 1
    assert path.read_bytes().startswith(start + b"id,taken_at")


def test_a_removed_header_comes_back_over_the_next_lines(tmp_path: Path) -> None:
    path = tmp_path / "anna.csv"
    anna = target(tmp_path, path="anna.csv", format="csv")
    send(anna, a_day(0))
    path.write_bytes(path.read_bytes().removeprefix(csv_format.HEADER))
    send(anna, a_day(1))
    assert [csv_format.read_id(line) for line in path.read_bytes().splitlines()] == [
        "day-0",
        None,
        "day-1",
    ]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EACCES, "write permission"),
        (errno.EPERM, "write permission"),
        (errno.EROFS, "Mount the disk writable"),
        (errno.EIO, "Check the path and the disk"),
    ],
)
def test_every_trouble_with_a_disk_names_the_path_and_the_remedy(number: int, remedy: str) -> None:
    path = Path("/somewhere/anna.json")
    with pytest.raises(RetryLater, match=r"anna\.json") as caught, disk.trouble_with(path):
        raise OSError(number, os.strerror(number))
    assert remedy in caught.value.remedy


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
    assert {
        one for one, seen in anna.find_existing([a_day(0, "71"), a_day(1)]).items() if seen.same
    } == {
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

    monkeypatch.setattr("weighbridge.targets.formats.file_store.replace", replace_once)
    receipt = send(target(tmp_path, path="anna", per="reading"), a_day(0), a_day(1))
    assert set(receipt.delivered) == {"day-0"}
    assert isinstance(receipt.problem, RetryLater)


FULL_DISK = """
import resource, sys
from pathlib import Path
from weighbridge.core.errors import RetryLater
from weighbridge.targets import file
from weighbridge.targets.file.file_target import FileTarget
from weighbridge.targets.file import KIND, FileOptions
from weighbridge.testing.builders import context, owe, weigh_in

home, form, room = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
anna = KIND.create(FileOptions(path="anna", format=form), context(home))
days = range(1760000000, 1760000009)
payload = anna.render([owe(weigh_in(reading_id=f"r{day}", taken_at=day)) for day in days])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    anna.send(payload)
except RetryLater as problem:
    sys.exit(str(problem))
"""


@posix
@pytest.mark.parametrize("form", ["json", "csv", "fit"])
def test_a_write_that_ends_in_the_middle_leaves_the_file_as_it_was(
    tmp_path: Path, form: Any
) -> None:
    anna = target(tmp_path, path="anna", format=form)
    send(anna, a_day(100))
    before = (tmp_path / "anna").read_bytes()
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), form, str(len(before) + 20)]
    full = subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)
    assert full.returncode == 1
    assert f"{tmp_path / 'anna'} cannot be used" in full.stderr
    assert "Traceback" not in full.stderr
    assert (tmp_path / "anna").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["anna"]


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
anna = KIND.create(FileOptions(path="anna", format=form), context(home))
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
        seen = target(home, path="anna", format=form).find_existing([before[0], before[2], *after])
        assert {one for one, sighting in seen.items() if sighting.same} == {
            *("day-0", "day-1", "day-2", "day-9")
        }
        content = (home / "anna").read_bytes()
        assert len(read_weights(content) if form == "fit" else content.splitlines()) == 4
        assert [path.name for path in home.iterdir() if path.is_file()] == ["anna"]
        if crashed.returncode == 0:
            break
    assert step > 2, "nothing was interrupted"

"""Recorded answers are served as they were recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.sandbox import FIXTURES, NOW, Life, weight
from weighbridge_sandbox.recorded import EVERYONE, load_folder


def write(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_bytes(msgspec.json.encode(content))


def answer(*groups: Any, timezone: str | None = "Europe/Oslo") -> dict[str, Any]:
    body = {"updatetime": NOW, "timezone": timezone, "measuregrps": groups}
    return {"status": 0, "body": body}


def test_a_file_is_a_profile_and_everyone_has_all(tmp_path: Path) -> None:
    write(tmp_path, "getmeas-one.json", answer(weight(1, date=NOW)))
    write(tmp_path, "getmeas-list only.json", [weight(2, date=NOW)])
    write(tmp_path, "getmeas.json", answer(weight(1, date=NOW), "odd", timezone="Asia/Tokyo"))
    write(tmp_path, "getactivity-1.json", answer())
    write(tmp_path, "snippet-measures.json", [])
    loaded = load_folder(tmp_path)
    assert loaded.problems == []
    profiles = {name: (zone, groups) for name, zone, groups in loaded.profiles()}
    assert [*profiles] == [EVERYONE, "list only", "one", "getmeas"]
    assert profiles["one"] == ("Europe/Oslo", [weight(1, date=NOW)])
    assert profiles["list only"] == ("UTC", [weight(2, date=NOW)])
    assert profiles["getmeas"][0] == "Asia/Tokyo"
    everyone = profiles[EVERYONE][1]
    assert everyone == [weight(2, date=NOW), weight(1, date=NOW), "odd"]


def test_parts_of_one_group_are_put_together_for_everyone(tmp_path: Path) -> None:
    whole = weight(1, date=NOW)
    parts = [whole | {"measures": [measure]} for measure in whole["measures"]]
    write(tmp_path, "getmeas-a.json", answer(parts[0]))
    write(tmp_path, "getmeas-b.json", answer(parts[1], parts[1]))
    profiles = {name: groups for name, _, groups in load_folder(tmp_path).profiles()}
    assert profiles[EVERYONE] == [whole]
    assert profiles["a"] == [parts[0]]


def test_a_bad_file_is_reported_and_harms_no_other(tmp_path: Path) -> None:
    write(tmp_path, "getmeas-good.json", answer())
    write(tmp_path, "getmeas-refused.json", {"status": 503, "error": "no"})
    write(tmp_path, "getmeas-empty.json", {"status": 0, "body": []})
    write(tmp_path, "getmeas-number.json", 7)
    (tmp_path / "getmeas-broken.json").write_text('{"status": 0, "bo', encoding="utf-8")
    loaded = load_folder(tmp_path)
    assert [recording.name for recording in loaded.recordings] == ["good"]
    assert [problem.split(" ")[0] for problem in loaded.problems] == [
        "getmeas-broken.json",
        "getmeas-empty.json",
        "getmeas-number.json",
        "getmeas-refused.json",
    ]


@pytest.mark.skipif(not FIXTURES.exists(), reason="the recorded answers are not here")
def test_the_real_recordings_are_served_unchanged_and_found_by_lastupdate() -> None:
    loaded = load_folder(FIXTURES)
    assert loaded.problems == []
    life = Life()
    for name, zone, groups in loaded.profiles():
        life.household.add_profile(name, timezone=zone, groups=groups)
    life.open()
    try:
        for name, zone, groups in loaded.profiles():
            token, got, offset = life.token(name), [], 0
            while offset is not None:
                body = life.measures(token, lastupdate=1, offset=offset)["body"]
                got += body["measuregrps"]
                offset = body.get("offset")
            assert body["timezone"] == zone
            assert sorted(map(msgspec.json.encode, got)) == sorted(map(msgspec.json.encode, groups))
        everyone = loaded.profiles()[0][2]
        ids = [group["grpid"] for group in everyone]
        assert len(ids) == len(set(ids)) > 350
        cuff = [g for g in everyone if {m["type"] for m in g["measures"]} == {9, 10}]
        assert len(cuff) >= 16
        assert any("created" not in group for group in everyone)
    finally:
        life.close()

"""``weighbridge sync``: its report for people and scripts, and what a dry run does not change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fixtures.cli import NOON, PLAIN, World, weight
from weighbridge.cli.sync_output import LineProgress

DAY = 86_400


def rows(world: World, table: str) -> list[Any]:
    from weighbridge.storage.sqlite import SqliteDatabase

    with SqliteDatabase(world.home) as database:
        found = database._connection.execute(f"SELECT * FROM {table}").fetchall()
    return [tuple(row) for row in found]


def test_the_report_goes_to_standard_error(world: World) -> None:
    result = world.run("sync", expect=1)
    assert result.out == ""
    lines = result.err.splitlines()
    assert lines[:4] == [
        "anna: nothing new from Withings",
        "  garmin: 1 held because the owner is in doubt, 1 rejected",
        "  table: 1 held because the owner is in doubt",
        "  fresh: 6 older readings not sent",
    ]
    assert "  See them:    weighbridge deliveries list --state held" in lines
    assert "  Then decide: weighbridge deliveries retry, skip or accept READING" in lines
    older = "  weighbridge sync --person anna --target fresh --since all"
    assert lines.count(older) == 1


def test_the_report_for_scripts_is_json(world: World) -> None:
    result = world.run("sync", "--json", expect=1)
    assert result.err == ""
    anna, ben = result.json
    assert list(anna) == [
        *("person", "exit_code", "groups", "changed", "not_understood", "gone"),
        *("problem", "targets"),
    ]
    garmin, _, fresh = anna["targets"]
    assert garmin == {
        **{"target": "garmin", "kind": "garmin", "exit_code": 1, "sent": 0},
        **{"already_there": 0, "not_seen_yet": 0, "open": {"held": 1, "rejected": 1}},
        **{"older": 0, "problem": None},
    }
    assert (fresh["older"], fresh["exit_code"]) == (6, 0)
    assert (anna["exit_code"], ben["exit_code"], anna["problem"]) == (1, 0, None)


def test_a_problem_is_json_as_well(anna: World) -> None:
    anna.house.admin.fault("http", path="/measure", status=500, times=-1)
    answer = anna.run("sync", "--json", expect=4).json[0]
    assert answer["problem"]["kind"] == "RetryLater"
    assert "HTTP 500" in answer["problem"]["message"]
    assert answer["problem"]["remedy"]


def test_a_dry_run_shows_every_line_and_writes_nothing(anna: World) -> None:
    def everything() -> list[Any]:
        files = sorted(path.name for path in anna.home.iterdir())
        return [rows(anna, "route"), rows(anna, "delivery"), rows(anna, "older_reading"), files]

    before = everything()
    requests = len(anna.house.requests(cloud="garmin"))
    result = anna.run("sync", "--dry-run", expect=0)
    garmin, file = result.out.splitlines()
    assert garmin.startswith("anna garmin: ")
    assert "72400 g" in garmin
    assert file.startswith('anna file: {"id":"20240310T110000Z-')
    assert '"weight_kg":72.400' in file
    assert "anna: 1 reading would be sent to garmin\n" in result.err
    assert everything() == before
    assert len(anna.house.requests(cloud="garmin")) == requests
    anna.run("sync", expect=0)
    written = (anna.home / "anna.json").read_text("utf-8").strip()
    assert file == f"anna file: {written}"
    assert anna.run("sync", "--dry-run", expect=0).out == ""


def test_a_dry_run_does_not_connect_a_target(anna: World) -> None:
    anna.configure('\n[[person.target]]\nkind = "file"\nname = "new"\npath = "new.json"\n')
    anna.run("sync", "--dry-run", expect=0)
    assert "new" not in [row[2] for row in rows(anna, "route")]


def test_a_dry_run_for_scripts_is_one_document(anna: World) -> None:
    lines = anna.run("sync", "--dry-run", "--json", "--target", "file", expect=0).json
    assert [list(line) for line in lines] == [["person", "target", "line"]]
    assert json.loads(lines[0]["line"])["source_groups"] == [PLAIN["grpid"]]


def test_a_dry_run_shows_all_readings_of_an_instant_that_a_batch_splits(
    anna: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from weighbridge.targets.file.file_target import FileTarget

    groups = [weight(2, NOON, "70", device="other"), weight(3, NOON, "71", device="third")]
    anna.house.admin.add_groups("anna", groups)
    monkeypatch.setattr(FileTarget, "batch_size", 1)
    result = anna.run("sync", "--dry-run", "--target", "file", expect=0)
    assert len(set(result.out.splitlines())) == len(result.out.splitlines()) == 3


def test_a_dry_run_before_the_login_names_the_login_command(world: World) -> None:
    (world.home / "weighbridge.db").unlink()
    result = world.run("sync", "--dry-run", "--person", "ben", expect=3)
    assert result.err == (
        "ben: No Withings account is connected for ben. "
        "Run: weighbridge login withings --person ben\n"
    )
    assert "None" not in result.err


def test_only_the_named_person_and_target_are_served(world: World) -> None:
    when = NOON + 30 * DAY
    world.house.admin.add_groups("anna", [weight(31, when, "70.2")])
    world.house.admin.add_groups("ben", [weight(32, when, "87.9")])
    before = len(world.house.weigh_ins("anna"))
    told = world.run("sync", "--person", "anna", "--target", "table", expect=0).err
    assert "ben" not in told
    assert "garmin" not in told
    assert len(world.house.weigh_ins("anna")) == before
    assert len((world.home / "anna.csv").read_bytes().splitlines()) == 1 + 6
    assert len((world.home / "ben.json").read_bytes().splitlines()) == 2
    assert world.run("sync", "--person", "ben", expect=0).err.startswith("ben: 1 new")


def test_since_all_sends_what_is_older(world: World) -> None:
    result = world.run("sync", "--person", "anna", "--target", "fresh", "--since", "all", expect=0)
    assert "  fresh: " in result.err
    lines = (world.home / "fresh.json").read_bytes().splitlines()
    assert len(lines) >= 5


def test_since_and_until_are_days_of_the_person(world: World) -> None:
    days = ("--since", "2024-03-13", "--until", "2024-03-13")
    world.run("sync", "--person", "anna", "--target", "fresh", *days, expect=0)
    (line,) = (world.home / "fresh.json").read_text("utf-8").splitlines()
    assert json.loads(line)["taken_at"] == "2024-03-12T23:00:00Z"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--until", "2024-01-01"], "--until needs --since. Example: --since 2024-01-01"),
        (["--since", "tomorrow"], "'tomorrow' is not a day."),
        (["--since", "2024-02-02", "--until", "2024-02-01"], "--until is before --since."),
        (["--person", "bob"], 'There is no person called "bob". Choose one of these: anna, ben.'),
        (["--target", "nope"], 'There is no target called "nope". Choose one of these: file,'),
        (["--person", "ben", "--target", "garmin"], 'There is no target called "garmin".'),
        (["--nope"], "--nope"),
        (["anna"], "anna"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_sends_no_request(world: World, arguments: list[str], words: str) -> None:
    before = len(world.house.requests())
    result = world.run("sync", *arguments, expect=2)
    assert words in result.err
    assert result.out == ""
    assert len(world.house.requests()) == before


def test_quiet_is_quiet_unless_a_person_is_needed(anna: World) -> None:
    assert anna.run("sync", "--quiet", expect=0).err == ""
    anna.house.admin.fault("http", path="/measure", status=500, times=1)
    assert anna.run("sync", "-q", expect=4).err == "", "it mends itself"
    anna.house.admin.revoke_tokens("anna")
    told = anna.run("sync", "-q", expect=3).err
    assert "Run: weighbridge login withings --person anna" in told


def test_without_a_terminal_long_work_prints_plain_lines(
    capfd: pytest.CaptureFixture[str],
) -> None:
    progress = LineProgress()
    for groups in (300, 600, 900, 1100):
        progress.collected("anna", groups)
    progress.delivering("anna", "garmin", 1200)
    for _ in range(4):
        progress.delivered("anna", "garmin", 200)
    progress.settling("anna", 9.2)
    assert capfd.readouterr().err.splitlines() == [
        "anna: 600 groups read from Withings",
        "anna: 1100 groups read from Withings",
        "anna: garmin: 600 of 1200 delivered",
        "anna: waiting 9 s, values of a fresh reading may still arrive",
    ]

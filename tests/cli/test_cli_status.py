"""``weighbridge status``: every situation has its text, its remedy and its exit code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.cli import NOON, World, run_here, sign_in, weight

MINE = 'client_id = "abc"\nclient_secret = "def"\n'


def weigh(world: World, *, number: int, day: int = 1) -> None:
    world.house.admin.add_groups("anna", [weight(number, NOON + day * 86_400, "70.1")])


def test_it_ends_with_zero_when_nothing_needs_a_person(world: World) -> None:
    result = world.run("status", "--person", "ben", expect=0)
    assert re.search(
        r"^ben\n  Withings: Last read: (just now|\d minutes? ago)\.$", result.out, re.M
    )
    assert "  file: Up to date. Last delivery: " in result.out
    assert "anna" not in result.out
    assert result.err == ""


def test_a_rejected_reading_asks_a_person_to_look(world: World) -> None:
    result = world.run("status", expect=1)
    assert (
        "garmin: 1 refused (permanently). 1 reading waits for a decision: whose is it? Last"
        in result.out
    )
    assert "weighbridge deliveries list --state rejected" in result.out
    assert "weighbridge deliveries list --state held" in result.out


def test_a_script_reads_the_same_as_json(world: World) -> None:
    anna, ben = world.run("status", "--json", expect=1).json
    assert list(anna) == [
        *("person", "connected", "verdict", "exit_code", "problem"),
        *("last_success", "not_understood", "targets"),
    ]
    garmin = anna["targets"][0]
    assert (garmin["target"], garmin["exit_code"]) == ("garmin", 1)
    assert garmin["open"] == {"held": 1, "rejected": 1}
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", garmin["last_success"])
    assert (anna["exit_code"], ben["exit_code"], ben["problem"]) == (0, 0, None)


def test_before_the_first_login_each_person_has_a_command_to_run(world: World) -> None:
    (world.home / "weighbridge.db").unlink()
    result = world.run("status", expect=3)
    for name in ("anna", "ben"):
        assert (
            f"{name}\n  Withings: Not connected yet.\n    Run: weighbridge login withings"
            in result.out
        )
        assert f"login withings --person {name}\n" in result.out
    answer = world.run("status", "--json", expect=3).json
    assert [(one["connected"], one["exit_code"]) for one in answer] == [(False, 3), (False, 3)]
    codes = {t["target"]: t["exit_code"] for one in answer for t in one["targets"]}
    assert codes["garmin"] == 3, "a target that needs a login is not merely late"
    assert set(codes.values()) == {3, 4}
    assert (
        "garmin: Not signed in yet.\n    Run: weighbridge login garmin --person anna" in result.out
    )


@pytest.mark.parametrize(
    "command",
    [
        *(["status"], ["show"], ["why", "20240310T110000Z-b666fe"], ["export", "--format", "csv"]),
        *(["deliveries", "list"], ["deliveries", "retry", "--all"]),
    ],
    ids=" ".join,
)
def test_a_command_that_only_reads_creates_no_database(tmp_path: Path, command: list[str]) -> None:
    config = tmp_path / "weighbridge.toml"
    config.write_text(f"[withings]\n{MINE}")
    config.chmod(0o600)
    result = run_here(tmp_path, *command, expect=3)
    assert "weighbridge login withings" in result.out + result.err
    assert [path.name for path in tmp_path.iterdir()] == ["weighbridge.toml"]


@pytest.mark.parametrize(
    "command",
    [
        *(["status"], ["sync"], ["show"], ["why", "x"], ["export", "--format", "json"]),
        *(["deliveries", "list"], ["deliveries", "accept", "--all"], ["sync", "--dry-run"]),
    ],
    ids=" ".join,
)
def test_without_a_configuration_the_first_command_is_named(
    tmp_path: Path, command: list[str]
) -> None:
    result = run_here(tmp_path / "home", *command, expect=2)
    assert result.out == ""
    assert result.err.startswith("There is no configuration yet: ")
    assert result.err.endswith("Run: weighbridge init\n")
    assert not (tmp_path / "home").exists()


def test_an_application_in_the_environment_is_a_configuration(tmp_path: Path) -> None:
    env = {"WITHINGS_CLIENT_ID": "abc", "WITHINGS_CLIENT_SECRET": "def"}
    result = run_here(tmp_path, "status", expect=3, env=env)
    assert "weighbridge login withings --person me" in result.out


def test_connected_but_never_synced_is_not_done(anna: World) -> None:
    result = anna.run("status", expect=4)
    assert (
        "anna\n  Withings: Connected, but not read yet.\n    Run: weighbridge sync\n" in result.out
    )
    assert result.out.count("Nothing has been sent yet.") == 2


def test_a_target_that_was_added_is_not_served_yet(world: World) -> None:
    world.configure('\n[[person.target]]\nkind = "file"\nname = "new"\npath = "new.json"\n')
    result = world.run("status", "--person", "ben", expect=4)
    assert "  new: Nothing has been sent yet.\n" in result.out
    world.run("sync", "--person", "ben", expect=0)
    assert "  new: Up to date.\n" in world.run("status", "--person", "ben", expect=0).out


def test_a_problem_at_withings_is_shown_until_it_ends(anna: World) -> None:
    anna.run("sync", expect=0)
    anna.house.admin.fault("http", path="/measure", status=502, times=-1)
    anna.run("sync", expect=4)
    told = anna.run("status", expect=4).out
    assert "anna\n  Withings: Could not be read since 20" in told
    assert "HTTP 502" in told
    assert anna.run("status", "--json", expect=4).json[0]["problem"].startswith("Withings is out")
    anna.house.admin.clear_faults()
    anna.run("sync", expect=0)
    assert "Could not be read" not in anna.run("status", expect=0).out


def test_a_pause_is_shown_with_its_end(anna: World) -> None:
    path = "/upload-service/upload"
    anna.house.admin.fault("http", path=path, status=429, headers={"Retry-After": "600"})
    anna.run("sync", expect=4)
    told = anna.run("status", expect=4).out
    assert "  garmin: 1 waiting" in told
    assert re.search(r"It asked to be left alone until 20\S+Z\.\n", told)
    garmin, file = anna.run("status", "--json", expect=4).json[0]["targets"]
    assert garmin["paused_until"]
    assert (file["paused_until"], file["exit_code"]) == (None, 0)


def test_a_target_without_its_login_names_the_command(anna: World) -> None:
    anna.run("sync", expect=0)
    anna.house.admin.tell("garmin", "revoke")
    anna.house.admin.tell("garmin", "expire")
    weigh(anna, number=2)
    anna.run("sync", expect=3)
    told = anna.run("status", expect=3).out
    assert "  garmin: A new login is needed. 1 reading waits for the login." in told
    assert "Run: weighbridge login garmin --person anna" in told
    assert "  file: Up to date." in told
    sign_in(anna, "anna")
    assert "  garmin: 1 on its way." in anna.run("status", expect=4).out
    anna.run("sync", expect=0)
    anna.run("status", expect=0)


def test_a_blocked_sign_in_is_shown_with_its_end(anna: World) -> None:
    anna.run("sync", expect=0)
    anna.house.admin.tell("garmin", "sign_in", answer=429)
    assert "for the next 2 hours" in sign_in(anna, "anna", expect=4).err
    result = anna.run("status", expect=0)
    assert re.search(r"    Sign-in is blocked until 20\S+Z\.\n", result.out)
    assert anna.run("status", "--json").json[0]["targets"][0]["sign_in_blocked_until"]


def test_an_expired_withings_login_is_shown_once(anna: World) -> None:
    anna.run("sync", expect=0)
    anna.house.admin.revoke_tokens("anna")
    anna.run("sync", expect=3)
    told = anna.run("status", expect=3).out
    assert "  Withings: A new login is needed.\n    Withings no longer accepts the stored" in told
    assert told.count("Run: weighbridge login withings --person anna") == 1
    assert ".)" not in told


def test_what_was_not_understood_is_counted(anna: World) -> None:
    anna.house.admin.add_groups("anna", ["no group at all"])
    anna.run("sync", expect=0)
    assert "1 measure group could not be understood; it is kept" in anna.run("status", expect=0).out
    assert anna.run("status", "--json", expect=0).json[0]["not_understood"] == 1


def test_it_imports_neither_an_http_client_nor_the_garmin_library(world: World) -> None:
    code = (
        "import sys\n"
        "sys.argv = ['weighbridge', 'status']\n"
        "from weighbridge.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**world.house.environment(), "WEIGHBRIDGE_HOME": str(world.home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    modules = set(done.stderr.split())
    assert "weighbridge.cli.status" in modules
    assert not modules & {"httpx2", "garminconnect", "rich", "asyncio", "importlib.metadata"}


def test_a_person_who_is_not_configured_is_named(world: World) -> None:
    result = world.run("status", "--person", "bob", expect=2)
    assert result.err.count('"bob"') == 1
    assert "Choose one of these: anna, ben." in result.err

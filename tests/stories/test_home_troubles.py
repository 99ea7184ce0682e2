"""The home folder cannot be used: it is read-only, full, too new, or its configuration is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.failing_disks import locked, make_read_only, make_room, small_disk, without_powers
from fixtures.house import LONG_AGO, House, days_ago, weight
from weighbridge_sandbox.household import many_groups

pytestmark = pytest.mark.story


def settle(house: House) -> None:
    """Anna with one reading, signed in at Garmin."""
    house.person("anna", [weight(1, days_ago(2), "61.2")])
    house.target("anna", "garmin")
    house.move_in()


def weights(house: House) -> list[str]:
    return [row["weight_kg"] for row in house.weigh_ins("anna")]


def test_a_read_only_home_is_named_and_nothing_is_sent(house: House) -> None:
    settle(house)
    house.admin.clear_requests()
    house.prefix = without_powers()
    with locked(house.home):
        for command in ("sync", "status"):
            refused = house.run(command, expect=2)
            assert f"The home folder {house.home} cannot be written" in refused.err
            assert "Give this user write permission there, or choose another" in refused.err
            assert refused.out == ""
    assert house.requests() == []
    house.sync()
    assert weights(house) == ["61.2"]


def test_a_disk_that_became_read_only_is_named(house: House) -> None:
    with small_disk(house.home, "4m"):
        settle(house)
        house.admin.clear_requests()
        make_read_only(house.home)
        refused = house.sync(expect=2)
        assert "Read-only file system" in refused.err
        assert house.requests() == []
        make_room(house.home, "8m,rw")
        house.sync()
        assert weights(house) == ["61.2"]


def test_a_login_into_a_read_only_home_spends_no_code(house: House) -> None:
    house.person("anna", [weight(1, days_ago(2), "61.2")])
    house.target("anna", "garmin")
    house.write_configuration()
    house.admin.clear_requests()
    code = house.admin.code("anna", house.callback_url)
    house.prefix = without_powers()
    with locked(house.home):
        for arguments in (["--code", code], ["--paste"], []):
            refused = house.run("login", "withings", *arguments, expect=2)
            assert f"The home folder {house.home} cannot be written" in refused.err
            assert "oauth2_user" not in refused.err, "no link is shown that could be of no use"
        given = ["--username", "anna@example.test", "--password-stdin"]
        house.run("login", "garmin", *given, input="anna-walks-home\n", expect=2)
    assert house.requests() == []
    house.run("login", "withings", "--code", code, expect=0)


def test_a_login_onto_a_full_disk_spends_no_code(house: House) -> None:
    house.person("anna")
    house.target("anna", "garmin")
    with small_disk(house.home, "900k"):
        house.write_configuration()
        house.run("config", "check", expect=0)
        house.log_in("anna")
        ballast = house.home / "ballast"
        with pytest.raises(OSError, match="space"):
            ballast.write_bytes(b"x" * 1_000_000)
        house.admin.clear_requests()
        code = house.admin.code("anna", house.callback_url)
        told = house.run("login", "withings", "--code", code, expect=2).err
        assert "Make room" in told
        assert house.requests(cloud="withings") == []
        ballast.unlink()
        house.run("login", "withings", "--code", code, expect=0)


def test_a_disk_that_fills_up_loses_nothing(house: House, tmp_path: Path) -> None:
    groups = list(many_groups(1500, now=days_ago(0)))
    written = tmp_path / "anna.json"
    with small_disk(house.home, "600k"):
        house.person("anna", groups)
        house.target("anna", "file", f'path = "{written}"\n{LONG_AGO}')
        house.move_in()
        full = house.sync(expect=2)
        assert "the disk is full" in full.err or "free space" in full.err
        assert "What was stored before is safe" in full.err
        assert house.sync(expect=2).err

        make_room(house.home, "40m")
        house.sync()
        house.sync()
        instants = {group["date"] for group in groups}
        lines = [json.loads(line) for line in written.read_text("utf-8").splitlines()]
        assert sorted(number for line in lines for number in line["source_groups"]) == sorted(
            group["grpid"] for group in groups
        )
        assert len({line["id"] for line in lines}) == len(lines) >= len(instants)


@pytest.mark.parametrize("room", ["300k", "336k", "400k", "448k"])
def test_a_disk_that_fills_up_while_sending_doubles_nothing(house: House, room: str) -> None:
    groups = [weight(n, days_ago(n), "61.2") for n in range(1, 250)]
    with small_disk(house.home, "4m"):
        house.person("anna", groups)
        house.target("anna", "garmin", f"{LONG_AGO}\nresend_after = 0")
        house.move_in()
        make_room(house.home, room)
        assert "the disk is full" in house.sync(expect=2).err
        make_room(house.home, "40m")
        house.sync()
        assert sorted(row["taken_at"] for row in house.weigh_ins("anna")) == sorted(
            group["date"] for group in groups
        )


def test_a_database_of_a_newer_version_is_left_alone(house: House) -> None:
    settle(house)
    house.sync()
    house.database("PRAGMA user_version = 99")
    before = (house.home / "weighbridge.db").read_bytes()
    house.admin.clear_requests()
    for command in (["sync"], ["status"], ["login", "withings", "--code", "x" * 40], ["show"]):
        refused = house.run(*command, expect=2)
        assert "was written by a newer Weighbridge (schema 99" in refused.err
        assert "Install the newer version again, or use another --home." in refused.err
    assert (house.home / "weighbridge.db").read_bytes() == before
    assert house.requests(cloud="withings") == house.requests(cloud="garmin") == []


def test_a_damaged_database_is_left_for_a_person_to_look_at(house: House) -> None:
    settle(house)
    (house.home / "weighbridge.db").write_bytes(b"This is a shopping list. " * 400)
    refused = house.sync(expect=2)
    assert "is not a Weighbridge database" in refused.err
    assert "Move the file away" in refused.err
    assert (house.home / "weighbridge.db").read_bytes().startswith(b"This is a shopping list.")


def test_four_mistakes_in_the_configuration_are_told_at_once(house: House) -> None:
    settle(house)
    house.sync()
    house.admin.add_groups("anna", [weight(2, days_ago(1), "61.4")])
    house.admin.clear_requests()
    path = house.home / "weighbridge.toml"
    good = path.read_text("utf-8")
    lines = good.replace(
        'name = "anna"', 'name = "anna"\nheigth_cm = 172\ntimezone = "Europe/Pariss"'
    )
    lines = (
        lines.replace(LONG_AGO, 'since = "yesterday"') + '\n[[person.target]]\nkind = "garmim"\n'
    )
    path.write_text(lines, "utf-8")

    def line_of(text: str) -> int:
        return next(n for n, line in enumerate(lines.splitlines(), 1) if text in line)

    for command in (["sync"], ["status"], ["config", "check"], ["login", "withings"]):
        told = house.run(*command, expect=2).err
        for text in ("heigth_cm", "Pariss", "yesterday", "garmim"):
            assert f"weighbridge.toml:{line_of(text)}" in told
        for suggestion in ("height_cm", "Europe/Paris", "2024-01-01", '"garmin"'):
            assert suggestion in told
    assert house.requests() == []

    path.write_text(good, "utf-8")
    house.sync()
    assert weights(house) == ["61.2", "61.4"]

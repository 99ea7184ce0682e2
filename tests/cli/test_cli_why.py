"""``weighbridge why``: the origin of one reading, its deliveries, and what holds it up."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from fixtures.cli import (
    AFTER_MIDNIGHT,
    BENS,
    DOUBTFUL,
    NEWEST,
    NOON,
    PLAIN,
    POISONED,
    World,
    group,
)

TEMPERATURE = group(9, NOON + 300, (12, 371, -1), device="thermometer", created=NOON + 9 * 86_400)


def why(world: World, one: dict[str, object], person: str = "anna") -> str:
    return world.run("why", world.reading(one, person), expect=0).out


def command_in(told: str) -> list[str]:
    """The first command that is offered, as a person would type it."""
    found = re.search(r"weighbridge ((?:sync|deliveries|login) [^()\n]*)", told)
    assert found, told
    return shlex.split(found[1])


def test_it_shows_origin_values_and_targets(world: World) -> None:
    told = why(world, PLAIN)
    assert told.startswith(f"{world.reading(PLAIN)}: weight or body composition of anna\n")
    assert "  taken 2024-03-10 12:00 (2024-03-10T11:00:00Z)\n  device: Body+\n" in told
    assert "  weight_kg: 72.400\n  fat_ratio_percent: 21.300\n" in told
    assert "  1: weight_kg, fat_ratio_percent\n    stored 2024-03-10T11:00:30Z\n" in told
    assert "measured by a device, certainly this person" in told
    assert "  garmin: confirmed, 1 attempt\n    Seen at the target.\n" in told
    assert "  table: delivered, 1 attempt\n    The target accepted it.\n" in told


def test_a_held_reading_can_be_released_with_the_command_it_names(world: World) -> None:
    told = why(world, DOUBTFUL)
    assert "  garmin: held\n    It is not certain who was measured.\n" in told
    assert "but it may have been another person" in told
    assert command_in(told) == ["deliveries", "accept", world.reading(DOUBTFUL)]
    world.run(*command_in(told), expect=0)
    world.run("sync", expect=1)
    assert world.states(world.reading(DOUBTFUL))["table"] == "delivered"


def test_a_rejected_reading_shows_the_answer_and_can_be_retried(world: World) -> None:
    told = why(world, POISONED)
    assert "  garmin: rejected, 1 attempt\n    Garmin refused the file" in told
    assert command_in(told)[:2] == ["deliveries", "retry"]
    world.run(*command_in(told), expect=0)
    assert "  garmin: planned, 1 attempt\n    A person asked to send it again.\n" in why(
        world, POISONED
    )


def test_an_older_reading_can_be_sent_with_the_command_it_names(world: World) -> None:
    for one in (NEWEST, AFTER_MIDNIGHT):
        told = why(world, one)
        assert "It is older than the day on which fresh was connected.\n" in told
        world.run(*command_in(told), expect=0)
    lines = (world.home / "fresh.json").read_text("utf-8").splitlines()
    sent = {json.loads(line)["id"] for line in lines}
    assert sent == {world.reading(AFTER_MIDNIGHT), world.reading(NEWEST)}, "one at midnight"


def test_a_since_in_the_configuration_is_named(world: World) -> None:
    world.configure(
        '\n[[person.target]]\nkind = "file"\nname = "late"\npath = "l.json"\nsince = 2024-03-11\n'
    )
    assert "It is older than the day given as since for late." in why(world, BENS[0], "ben")
    assert "  late: not owed\n    It was not planned yet.\n    Run: weighbridge sync\n" in why(
        world, BENS[1], "ben"
    )


def test_a_target_that_takes_nothing_of_it_says_so(world: World) -> None:
    path = world.home / "weighbridge.toml"
    text = path.read_text("utf-8").replace('name = "fresh"', 'name = "fresh"\nformat = "fit"')
    path.write_text(text, "utf-8")
    world.house.admin.add_groups("anna", [TEMPERATURE])
    world.run("sync", "--person", "anna", expect=1)
    assert "  fresh: not owed\n    It holds nothing that fresh takes.\n" in why(world, TEMPERATURE)


def test_a_target_that_cannot_be_used_says_why(world: World) -> None:
    world.configure(
        '\n[[person.target]]\nkind = "file"\nname = "far"\npath = "~no-such-account/x.json"\n'
    )
    told = why(world, BENS[0], "ben")
    assert (
        "  far: not owed\n    The target cannot be used: The path ~no-such-account/x.json begins"
        in told
    )
    assert "    Write the path out.\n" in told


def test_a_script_reads_the_same_as_json(world: World) -> None:
    answer = world.run("why", world.reading(PLAIN), "--json", expect=0).json
    assert list(answer) == [
        *("reading", "person", "taken_at", "local_time", "kind", "device"),
        *("values", "groups", "targets"),
    ]
    assert answer["values"] == {"weight_kg": "72.400", "fat_ratio_percent": "21.300"}
    assert [one["group"] for one in answer["groups"]] == [1]
    garmin = answer["targets"][0]
    assert (garmin["state"], garmin["attempts"], garmin["next"]) == ("confirmed", 1, None)
    assert re.fullmatch(r"\d+:2024-03-10", garmin["reference"])


@pytest.mark.parametrize("name", ["x", "20240310T110000Z-000000", "20240310T110000Z", "-", "2024"])
def test_an_unknown_reading_is_wrong_usage(world: World, name: str) -> None:
    result = world.run("why", "--", name, expect=2)
    assert f'There is no reading "{name}" in the archive.' in result.err
    assert "weighbridge show" in result.err


def test_readings_of_other_people_are_not_shown(world: World) -> None:
    world.run("why", world.reading(PLAIN), "--person", "ben", expect=2)


def test_a_deleted_reading_is_shown_as_gone(world: World) -> None:
    reading = world.reading(DOUBTFUL)
    world.house.admin.delete_group(DOUBTFUL["grpid"])
    try:
        world.run("sync", "--since", "2024-03-01", "--person", "anna", expect=1)
        told = world.run("why", reading, expect=0).out
        assert told.startswith(f"{reading}: no longer there, anna\n")
        assert "  garmin: superseded\n    The reading is no longer there" in told
    finally:
        world.house.admin.add_groups("anna", [DOUBTFUL], notify=False)


def test_long_lists_of_types_are_folded(world: World) -> None:
    groups = world.house.admin.weigh_in("ben", "88.5", notify=False)
    world.configure("settle = 0\n")
    world.run("sync", "--person", "ben", expect=0)
    reading = world.run("show", "--person", "ben", "--last", "1", "--json").json["id"]
    told = world.run("why", reading, expect=0).out
    assert max(map(len, told.splitlines())) <= 100
    section = told.partition("Measure groups:")[2].partition("Targets:")[0]
    assert max(map(len, section.splitlines())) <= 80
    assert len(re.findall(r"^  \d+: ", section, re.M)) == len(groups)
    assert section.count("segment_muscle_mass_kg") == 1

"""``weighbridge deliveries``: the list, and the decisions of a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.cli import AFTER_MIDNIGHT, BENS, DOUBTFUL, PLAIN, POISONED, World, copy_of


@pytest.fixture
def world(lived_in: World, tmp_path: Path) -> Iterator[World]:
    before = len(lived_in.house.weigh_ins("anna"))
    world = copy_of(lived_in, tmp_path / "home")
    yield world
    for row in lived_in.house.weigh_ins("anna")[before:]:  # other tests shall not find it there
        lived_in.house.garmin.weigh_ins.rows[:] = [
            kept for kept in lived_in.house.garmin.weigh_ins.rows if kept.version != row["version"]
        ]


def listed(world: World, *arguments: str) -> list[tuple[str, str]]:
    rows = world.run("deliveries", "list", *arguments, "--json", expect=0).json
    return [(row["reading"], row["target"]) for row in rows]


def test_the_list_is_aligned_and_newest_first(world: World) -> None:
    out = world.run("deliveries", "list", "--person", "anna", "--target", "table", expect=0).out
    lines = [line for line in out.splitlines() if not line.startswith("    ")]
    assert lines[0] == f"{world.reading({'grpid': 6})}  anna  table  delivered"
    assert [line[:8] for line in lines] == sorted((line[:8] for line in lines), reverse=True)
    assert len(lines) == 6


def test_an_open_delivery_is_followed_by_its_reason(world: World) -> None:
    out = world.run("deliveries", "list", "--state", "rejected", expect=0).out
    first, reason = out.splitlines()
    assert first == f"{world.reading(POISONED)}  anna  garmin  rejected"
    assert reason.startswith("    Garmin refused the file with weigh-ins (status 415")
    held = world.run("deliveries", "list", "--state", "held", expect=0).out
    assert held.count("    It is not certain who was measured.\n") == 2


def test_filters_and_limits(world: World) -> None:
    assert len(listed(world)) == 14
    assert {target for _, target in listed(world, "--person", "ben")} == {"file"}
    assert {target for _, target in listed(world, "--target", "garmin")} == {"garmin"}
    assert len(listed(world, "--last", "2")) == 6, "of each target"
    assert listed(world, "--state", "rejected") == [(world.reading(POISONED), "garmin")]
    assert listed(world, "--state", "superseded") == []
    assert (
        world.run("deliveries", "list", "--state", "skipped").err
        == "There are no such deliveries.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "--state", "lost"], "'lost'"),
        (["list", "--target", "nope"], 'There is no target called "nope". Choose one of these: '),
        (["retry", "--all", "--target", "nope"], '"nope"'),
        (["list", "--person", "bob"], '"bob"'),
        (["retry"], "Name one reading, or add --all."),
        (["skip", "x", "--all"], "Name one reading, or add --all."),
        (["accept", "x"], 'There is no delivery of a reading "x".'),
        (["lose"], "lose"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_explained(world: World, arguments: list[str], words: str) -> None:
    result = world.run("deliveries", *arguments, expect=2)
    assert words in result.err
    assert result.out == ""


def test_for_scripts_the_times_are_utc(world: World) -> None:
    (row,) = world.run("deliveries", "list", "--state", "rejected", "--json", expect=0).json
    assert list(row) == [
        *("reading", "person", "target", "state", "revision", "attempts"),
        *("planned_at", "claimed_at", "done_at", "reference", "answer"),
    ]
    assert (row["person"], row["target"], row["attempts"]) == ("anna", "garmin", 1)
    assert row["done_at"].endswith("Z")


def test_a_retry_sends_what_was_rejected(world: World) -> None:
    reading = world.reading(POISONED)
    told = world.run("deliveries", "retry", reading, expect=0)
    assert told.err == "2 deliveries changed. Next: weighbridge sync\n"
    assert "1 sent" in world.run("sync", "--target", "garmin", expect=0).err
    assert world.states(reading)["garmin"] == "confirmed"
    assert [row["taken_at"] for row in world.house.weigh_ins("anna")].count(POISONED["date"]) == 1


def test_a_retry_of_what_is_there_sends_nothing(world: World) -> None:
    before = world.house.weigh_ins("anna")
    world.run("deliveries", "retry", world.reading(PLAIN), "--target", "garmin", expect=0)
    assert world.states(world.reading(PLAIN))["garmin"] == "planned"
    assert "garmin: 1 already there" in world.run("sync", expect=1).err
    assert world.house.weigh_ins("anna") == before
    assert world.states(world.reading(PLAIN))["garmin"] == "confirmed"


def test_a_retry_of_a_file_changes_no_byte(world: World) -> None:
    path = world.home / "ben.json"
    before = path.read_bytes()
    told = world.run("deliveries", "retry", world.reading(BENS[0], "ben"), expect=0)
    assert told.err == "1 delivery changed. Next: weighbridge sync\n"
    world.run("sync", "--person", "ben", expect=0)
    assert path.read_bytes() == before


def test_what_is_skipped_stays_so_until_the_reading_changes(world: World) -> None:
    reading = world.reading(POISONED)
    told = world.run("deliveries", "skip", reading, "--target", "garmin", expect=0)
    assert told.err == "1 delivery changed.\n"
    world.run("sync", expect=0)
    world.run("sync", "--since", "2024-03-01", expect=0)
    assert world.states(reading)["garmin"] == "skipped"
    world.house.admin.edit_group(
        POISONED["grpid"], {"measures": [{"type": 1, "value": 71_800, "unit": -3}]}
    )
    world.run("sync", expect=0)
    assert world.states(reading)["garmin"] == "confirmed"
    assert [
        row["weight_kg"]
        for row in world.house.weigh_ins("anna")
        if row["taken_at"] == POISONED["date"]
    ] == ["71.8"]


def test_accepting_a_doubtful_reading_sends_it_to_every_target(world: World) -> None:
    reading = world.reading(DOUBTFUL)
    told = world.run("deliveries", "accept", "--all", expect=0)
    assert told.err == "2 deliveries changed. Next: weighbridge sync\n"
    world.run("sync")
    assert world.states(reading) == {
        "garmin": "confirmed",
        "table": "delivered",
        "fresh": "not owed",
    }
    assert DOUBTFUL["date"] in [row["taken_at"] for row in world.house.weigh_ins("anna")]


def test_accepting_a_rejected_reading_marks_it_as_delivered(world: World) -> None:
    world.run("deliveries", "accept", world.reading(POISONED), "--target", "garmin", expect=0)
    world.run("sync", expect=0)
    assert world.run("deliveries", "list", "--state", "rejected").out == ""


def test_a_decision_that_changes_nothing_says_why(world: World) -> None:
    told = world.run("deliveries", "accept", world.reading(AFTER_MIDNIGHT), expect=0).err
    assert told == (
        "There is nothing to accept: the reading is confirmed at garmin, delivered at table.\n"
    )
    told = world.run("deliveries", "retry", "--all", "--person", "ben", expect=0).err
    assert told == "Nothing is rejected or unknown: nothing was changed.\n"


def test_a_decision_about_all_of_one_target_leaves_the_others(world: World) -> None:
    world.run("deliveries", "skip", "--all", "--target", "garmin", expect=0)
    assert world.states(world.reading(DOUBTFUL)) == {
        "garmin": "skipped",
        "table": "held",
        "fresh": "not owed",
    }
    assert world.states(world.reading(POISONED))["garmin"] == "skipped"

"""The weight goal: asked for once a day, and never worth a trouble."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.jobs import World, world
from fixtures.paths import RECORDED
from weighbridge.core.errors import RetryLater
from weighbridge.core.measures import MeasureType
from weighbridge.runtime.poll_policy import FRESH
from weighbridge.sources.withings.user_info import PATH, read_weight_goal
from weighbridge.sync.stored_readings import goals

FIXTURES = RECORDED


@pytest.fixture
def house(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "home") as made:
        yield made


def wish(house: World, grams: int | None) -> None:
    told: dict[str, Any] = {"steps": 10000}
    if grams:
        told["weight"] = {"value": grams, "unit": -3}
    house.admin.tell("withings", "goals", profile="anna", goals=told)


def asked(house: World) -> int:
    return sum(one["action"] == "getgoals" for one in house.admin.requests(path=PATH))


def goal(house: World) -> str | None:
    found = goals(house.archive).get(int(MeasureType.WEIGHT))
    return None if found is None else str(found)


def test_a_poll_brings_the_goal_once_a_day(house: World) -> None:
    wish(house, 70500)
    for _ in range(3):
        house.run(poll=True)
        house.clock.offset += 60
    assert (goal(house), asked(house)) == ("70.500", 1)
    wish(house, 69000)
    house.clock.offset += FRESH
    house.run(poll=True)
    assert (goal(house), asked(house)) == ("69.000", 2)
    wish(house, None)
    house.clock.offset += FRESH
    house.run(poll=True)
    assert (goal(house), asked(house)) == (None, 3)


def test_a_notification_is_never_slowed_by_it(house: World) -> None:
    house.notified(house.weigh_in())
    house.run(notified=True)
    assert asked(house) == 0


@pytest.mark.parametrize("kind", ["unauthorized", "garbage", "no_body", "drop"])
def test_a_refusal_changes_nothing(house: World, kind: str) -> None:
    """Above all it does not end the login: only this one service may not have been granted."""
    wish(house, 70500)
    house.run(poll=True)
    house.clock.offset += FRESH + 60
    house.admin.fault(kind, path=PATH, times=-1)
    house.run(poll=True)
    assert asked(house) >= 2
    assert goal(house) == "70.500"
    assert house.services.tokens("anna").login_needed() is None
    assert house.ended[-1][1].problem is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"goals": {"weight": {"value": 70500, "unit": -3}, "sleep": 28800}}, "70.500"),
        ({"goals": {"weight": {"value": "71", "unit": "0"}}}, "71"),
        ({"goals": {"steps": 10000}}, None),
        ({"goals": []}, None),
        ({"goals": {"weight": None}}, None),
    ],
)
def test_goals_are_read(body: Any, expected: str | None) -> None:
    found = read_weight_goal(json.dumps(body).encode())
    assert (found and str(found.value)) == expected


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"goals": {"weight": 70}}', b'{"goals": {"weight": {"value": -1}}}'],
)
def test_an_answer_without_goals_is_no_answer(body: bytes) -> None:
    with pytest.raises(RetryLater):
        read_weight_goal(body)


def test_recorded_goals_are_understood() -> None:
    if not FIXTURES.is_dir():
        pytest.skip("the recorded answers are not there")
    read = {
        path.stem: read_weight_goal(json.dumps(json.loads(path.read_bytes())["body"]).encode())
        for path in sorted(FIXTURES.glob("getgoals-*.json"))
    }
    assert {name for name, found in read.items() if found} == {
        "getgoals-all",
        "getgoals-weight-only",
    }

"""What targets that stay connected may ask of the server, and what they hear from it."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from weighbridge.core.errors import ConfigProblem
from weighbridge.runtime.connected_targets import BUTTON, ConnectedTargets
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.schedule import Schedule
from weighbridge.targets.base import ServerHandle, ServerStatus

NOW = 1_000_000.0


class Guest:
    """A target that stays."""

    def __init__(self) -> None:
        self.house: ServerHandle | None = None
        self.heard: list[ServerStatus] = []

    def stay(self, house: ServerHandle) -> None:
        self.house = house

    def announce(self) -> None:
        raise AssertionError("nobody came back")

    def report(self, news: ServerStatus) -> None:
        self.heard.append(news)


class Named(msgspec.Struct, frozen=True):
    name: str
    targets: tuple[Named, ...] = ()


class BadGuest(Guest):
    """A target with defects."""

    def stay(self, house: ServerHandle) -> None:
        if self.house is None:
            self.house = house
            raise ZeroDivisionError

    def report(self, news: ServerStatus) -> None:
        raise ZeroDivisionError


class Place:
    """A workplace as far as targets are concerned; one of them cannot be built."""

    def __init__(self) -> None:
        self.guest = Guest()
        self.made = {"bad": BadGuest(), "mqtt": self.guest, "file": object()}
        self.settings = self
        names = ("broken", "bad", "mqtt", "file")
        self.people = (Named("anna", tuple(map(Named, names))),)

    def target(self, person: Named, settings: Named) -> object:
        if settings.name == "broken":
            raise ConfigProblem("paho is not installed.")
        return self.made[settings.name]


class Scene:
    def __init__(self) -> None:
        self.now = NOW
        self.scheduler = Schedule(["anna", "ben"], self.clock)
        self.presence = ConnectedTargets(
            self.scheduler, ProcessCounters(), self.clock, "https://x.test"
        )

    def clock(self) -> float:
        return self.now

    def forget(self) -> None:
        for name in ("anna", "ben"):
            self.scheduler._diaries[name].ask_at = float("inf")


def test_a_button_asks_for_everybody_and_pressing_it_again_at_once_changes_nothing() -> None:
    scene = Scene()
    scene.presence.sync_now()
    assert [scene.scheduler.next_ask(name) for name in ("anna", "ben")] == [NOW, NOW]
    scene.forget()
    scene.now += BUTTON - 1
    scene.presence.sync_now()
    assert scene.scheduler.next_ask("anna") is None
    scene.now += 1
    scene.presence.sync_now("ben")
    assert scene.scheduler.next_ask("anna") is None
    assert scene.scheduler.next_ask("ben") == scene.now


def test_a_clock_that_was_set_back_does_not_break_the_button() -> None:
    scene = Scene()
    scene.presence.sync_now()
    scene.forget()
    scene.now -= 7200
    scene.presence.sync_now()
    assert scene.scheduler.next_ask("anna") == scene.now


def test_a_target_that_cannot_be_built_keeps_no_other_from_staying() -> None:
    scene, place = Scene(), Place()
    scene.presence.move_in(cast(Any, place))
    assert place.guest.house is scene.presence
    scene.presence.came_back("anna", "mqtt", 3.0)
    assert scene.scheduler._diaries["anna"].announce == {"mqtt": NOW + 3}


def test_those_who_stay_hear_of_every_trouble_and_of_the_last_success() -> None:
    scene, place = Scene(), Place()
    scene.presence.move_in(cast(Any, place))
    scene.presence.synced_at(NOW - 60)
    scene.presence.round_ended("anna", ServerStatus(None, "anna: log in.", "high"))
    scene.presence.round_ended("ben", ServerStatus(NOW, "ben: log in.", "low"))
    scene.presence.round_ended("anna", ServerStatus(battery="high"))
    assert place.guest.heard == [
        ServerStatus(None, None),
        ServerStatus(NOW - 60, "anna: log in.", "high"),
        ServerStatus(NOW, "anna: log in. ben: log in.", "low"),
        ServerStatus(NOW, "ben: log in.", "low"),
    ]


def test_what_was_known_before_they_moved_in_is_told_then() -> None:
    scene, place = Scene(), Place()
    scene.presence.round_ended("anna", ServerStatus(NOW, "anna: log in."))
    scene.presence.move_in(cast(Any, place))
    assert place.guest.heard == [ServerStatus(NOW, "anna: log in.")]


def test_moving_in_again_tells_nobody_twice() -> None:
    scene, place = Scene(), Place()
    for _ in range(2):
        scene.presence.move_in(cast(Any, place))
    place.guest.heard.clear()
    scene.presence.round_ended("anna", ServerStatus(NOW))
    assert place.guest.heard == [ServerStatus(NOW, None)]


def test_a_defect_of_one_target_is_not_felt_by_another(caplog: pytest.LogCaptureFixture) -> None:
    scene, place = Scene(), Place()
    scene.presence.move_in(cast(Any, place))
    assert place.guest.house is scene.presence
    scene.presence.move_in(cast(Any, place))
    assert len(place.guest.heard) == 2
    assert caplog.text.count("target_failed") == 2

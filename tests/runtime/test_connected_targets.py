"""What targets that stay connected may ask of the server, and what they hear from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.monitoring import World
from weighbridge.config import Person, Settings, TargetSettings
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.reason import plain
from weighbridge.runtime.connected_targets import BUTTON_PAUSE, ConnectedTargets
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.schedule import NEVER, MemorySchedule
from weighbridge.sync.services import Services
from weighbridge.targets.base import ServerHandle, ServerStatus

TARGETS = "".join(
    f'[[person.target]]\nkind = "file"\nname = "{name}"\npath = "{name}.csv"\n'
    for name in ("broken", "bad", "mqtt", "plain")
)


class Connected:
    """A target that stays connected."""

    def __init__(self) -> None:
        self.server: ServerHandle | None = None
        self.heard: list[ServerStatus] = []

    def start(self, server: ServerHandle) -> None:
        self.server = server

    def republish(self) -> None:
        raise AssertionError("it was never disconnected")

    def publish_status(self, status: ServerStatus) -> None:
        self.heard.append(status)


class Defective(Connected):
    """A target with defects: the first start fails, and each report."""

    def start(self, server: ServerHandle) -> None:
        if self.server is None:
            self.server = server
            raise ZeroDivisionError

    def publish_status(self, status: ServerStatus) -> None:
        raise ZeroDivisionError


class Scene:
    """Anna and Ben, each with a target that stays connected and some that do not work."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = World(home, "anna", "ben", targets=TARGETS)
        self.settings: Settings = self.world.parts.settings
        self.schedule = MemorySchedule(self.clock)
        self.targets = ConnectedTargets(
            self.schedule, self.settings.directory, ProcessCounters(), self.clock, "https://x.test"
        )
        self.made: dict[tuple[str, str], object] = {
            (name, target): made()
            for name in ("anna", "ben")
            for target, made in (("bad", Defective), ("mqtt", Connected), ("plain", object))
        }
        monkeypatch.setattr(Services, "target", self.target)

    def target(self, person: Person, settings: TargetSettings) -> object:
        if settings.name == "broken":
            raise ConfigProblem("paho is not installed.")
        return self.made[person.name, settings.name]

    def mqtt(self, person: str) -> Connected:
        made = self.made[person, "mqtt"]
        assert isinstance(made, Connected)
        return made

    def clock(self) -> float:
        return self.world.now

    def start_all(self) -> None:
        with self.world.open() as services:
            self.targets.start_all(services)

    def polls(self) -> list[float]:
        return [self.schedule.planned(name).at("poll") for name in ("anna", "ben")]

    def forget(self) -> None:
        for name in ("anna", "ben"):
            self.schedule.forget(name)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path / "home", monkeypatch)


def test_a_button_polls_everybody_and_pressing_it_again_at_once_changes_nothing(
    scene: Scene,
) -> None:
    scene.targets.sync_now()
    assert scene.polls() == [scene.clock()] * 2
    scene.forget()
    scene.world.now += BUTTON_PAUSE - 1
    scene.targets.sync_now()
    assert scene.polls() == [NEVER, NEVER]
    scene.world.now += 1
    scene.targets.sync_now("ben")
    assert scene.polls() == [NEVER, scene.clock()]


def test_a_clock_that_was_set_back_does_not_break_the_button(scene: Scene) -> None:
    scene.targets.sync_now()
    scene.forget()
    scene.world.now -= 7200
    scene.targets.sync_now()
    assert scene.polls() == [scene.clock()] * 2


def test_a_target_that_cannot_be_built_keeps_no_other_from_connecting(scene: Scene) -> None:
    scene.start_all()
    assert scene.mqtt("anna").server is scene.targets
    scene.targets.on_connected("anna", "mqtt", 3.0)
    assert scene.schedule.planned("anna").at(("republish", "mqtt")) == scene.clock() + 3


def test_a_target_hears_of_its_own_person_and_of_the_last_success(scene: Scene) -> None:
    connected_at = scene.clock()
    scene.start_all()
    scene.targets.job_ended("anna", ServerStatus(None, plain("anna: log in."), "high"))
    scene.targets.job_ended("ben", ServerStatus(connected_at + 9, plain("ben: log in."), "low"))
    scene.targets.job_ended("anna", ServerStatus(battery="high"))
    assert scene.mqtt("anna").heard == [
        ServerStatus(connected_at),
        ServerStatus(connected_at, plain("anna: log in."), "high"),
        ServerStatus(connected_at, None, "high"),
    ]
    assert scene.mqtt("ben").heard == [
        ServerStatus(connected_at),
        ServerStatus(connected_at + 9, plain("ben: log in."), "low"),
    ]


def test_what_was_known_before_they_connected_is_told_then(scene: Scene) -> None:
    scene.targets.job_ended("anna", ServerStatus(scene.clock(), plain("anna: log in.")))
    scene.start_all()
    assert scene.mqtt("anna").heard == [ServerStatus(scene.clock(), plain("anna: log in."))]


def test_starting_them_again_tells_nobody_twice(scene: Scene) -> None:
    for _ in range(2):
        scene.start_all()
    scene.mqtt("anna").heard.clear()
    scene.targets.job_ended("anna", ServerStatus(scene.clock()))
    assert scene.mqtt("anna").heard == [ServerStatus(scene.clock(), None)]


def test_a_defect_of_one_target_is_not_felt_by_another(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.start_all()
    assert scene.mqtt("anna").server is scene.targets
    scene.start_all()
    assert len(scene.mqtt("anna").heard) == 2
    assert caplog.text.count("target_failed") == 4, "for each person a start and a report"

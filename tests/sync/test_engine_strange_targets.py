"""A target with a defect, or with an answer that says little, harms itself alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from fixtures.engine import READINGS, World
from fixtures.killed import weights
from fixtures.places import Letterbox, Notebook, Place, PlaceFault
from weighbridge.core.errors import OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.core.measures import Reading
from weighbridge.targets.base import Owed, Receipt
from weighbridge.testing.builders import NOON


class Strange(Letterbox):
    """A target with a defect: ``defect`` names the method that fails."""

    defect: ClassVar[str] = "send"

    def takes(self, reading: Reading) -> Sequence[Any]:
        return self._maybe("takes", super().takes(reading))

    def render(self, owed: Sequence[Owed]) -> list[Owed]:
        bad = any(one.reading.taken_at in self.refused_alone for one in owed)
        return self._maybe("render", super().render(owed)) if bad else super().render(owed)

    def _maybe[T](self, name: str, answer: T) -> T:
        if name == self.defect:
            raise ValueError("secret-3f9a of a defect")
        return answer


class StrangePlace(Place):
    def find_existing(self, owed: Sequence[Owed]) -> Any:
        raise ValueError("secret-3f9a of a defect")


class Unrenderable(Strange):
    defect: ClassVar[str] = "render"


def test_a_defect_in_looking_is_a_problem_of_this_target_alone(tmp_path: Path) -> None:
    world = World(tmp_path, StrangePlace)
    world.weigh()
    problem = world.deliver()
    assert isinstance(problem, Problem)
    assert "ValueError" in problem.message
    assert "secret" not in str(problem)
    assert problem.remedy
    assert world.states() == ["planned"]
    assert world.ledger.row()["trouble"] == problem.reason.to_json()
    world.stop()


def test_a_defect_in_sending_may_have_sent_something(world: World[Place]) -> None:
    world.weigh()
    world.place.faults.append(PlaceFault(ValueError("secret-3f9a of a defect"), written=None))
    assert world.deliver() is None
    assert world.states() == ["confirmed"]
    assert world.kilograms() == weights(0)


def test_a_reading_that_cannot_be_rendered_does_not_sink_the_others(tmp_path: Path) -> None:
    world = World(tmp_path, Unrenderable)
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.place.refused_alone = {NOON + 60}
    assert world.deliver() is None
    assert world.states() == ["delivered", "rejected", "delivered", "delivered", "delivered"]
    assert world.kilograms() == weights(0, 2, 3, 4)
    world.stop()


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize(
    "receipt",
    [
        Receipt(),
        Receipt(delivered={"somebody else": "7"}),
        Receipt(problem=RetryLater("Busy.")),
        Receipt(problem=OutcomeUnknown("Lost.")),
        Receipt(unknown=frozenset({"somebody else"}), problem=OutcomeUnknown("Lost.")),
        Receipt(problem=Refused("No.")),
    ],
    ids=["empty", "stranger", "later", "lost", "lost stranger", "refused"],
)
def test_a_receipt_that_mentions_nobody_ends_the_run(
    tmp_path: Path, receipt: Receipt, idempotent: bool
) -> None:
    class Vague(Notebook if idempotent else Place):  # type: ignore[misc]
        asked = 0

        def send(self, payload: Any) -> Receipt:
            self.asked += 1
            assert self.asked < 5, "it is asked for ever"
            return receipt

    world = World(tmp_path, Vague)
    for minute in range(READINGS):
        world.weigh(at=minute)
    problem = world.deliver()
    assert isinstance(problem, Problem)
    assert world.place.asked == 1
    assert set(world.states()) <= {"planned", "rejected"}
    world.stop()


def test_what_a_receipt_overlooks_stays_owed(world: World[Place]) -> None:
    for minute in range(3):
        world.weigh(at=minute)
    world.place.overlooked = {NOON + 60}
    problem = world.deliver()
    assert isinstance(problem, RetryLater)
    assert problem.remedy
    assert world.states() == ["confirmed", "planned", "confirmed"]
    world.place.overlooked = set()
    assert world.deliver() is None
    assert world.kilograms() == weights(0, 1, 2)

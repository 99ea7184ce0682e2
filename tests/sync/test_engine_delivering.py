"""What is owed is delivered once, in batches, and seen where the place can be read."""

from __future__ import annotations

from fixtures.engine import READINGS, World
from fixtures.killed import weights
from fixtures.places import Letterbox, Notebook, Place
from weighbridge.sync.reconcile import SEEN
from weighbridge.targets.base import Replaces, Target, Verifiable
from weighbridge.testing.builders import NOON


def test_places_keep_the_promise_of_a_target() -> None:
    place = Place(lambda: 0.0)
    assert isinstance(place, Target)
    assert isinstance(place, Verifiable)
    assert isinstance(place, Replaces)
    assert isinstance(Letterbox(lambda: 0.0), Target)
    assert not isinstance(Letterbox(lambda: 0.0), Verifiable)
    assert Notebook.idempotent


def test_everything_that_is_owed_is_delivered_in_batches_and_seen(world: World[Place]) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    problem, engine = world.deliver_and_count()
    assert problem is None
    assert world.kilograms() == weights(*range(READINGS))
    assert world.states() == ["confirmed"] * READINGS
    assert [size for call, size in world.place.calls if call == "send"] == [3, 2]
    assert (engine.counts.sent, engine.counts.already_there) == (READINGS, 0)
    assert {row["answer"] for row in world.rows()} == {SEEN.to_json()}


def test_the_disk_knows_that_something_is_sent_before_it_is_sent(world: World[Place]) -> None:
    world.weigh()
    told: list[str] = []
    world.database._connection.set_trace_callback(told.append)
    world.place.step = told.append
    world.deliver()
    before = told[: told.index("asked")]
    commit = max(place for place, text in enumerate(before) if text == "COMMIT")
    levels = [text for text in before[:commit] if text.startswith("PRAGMA synchronous")]
    assert "SET state = 'sending'" in " ".join(" ".join(before[:commit]).split())
    assert not levels[-1].endswith("NORMAL")


def test_delivering_twice_sends_nothing_more(world: World[Place]) -> None:
    world.weigh()
    world.deliver()
    calls = len(world.place.calls)
    world.deliver()
    assert len(world.place.calls) == calls


def test_a_place_that_cannot_be_read_is_believed(letters: World[Letterbox]) -> None:
    letters.weigh()
    assert letters.deliver() is None
    assert letters.states() == ["delivered"]
    assert letters.ledger.count_unseen() == 0


def test_success_is_remembered(world: World[Place]) -> None:
    world.weigh()
    world.deliver()
    row = world.ledger.row()
    assert (row["attempted_at"], row["succeeded_at"], row["trouble"]) == (NOON, NOON, None)

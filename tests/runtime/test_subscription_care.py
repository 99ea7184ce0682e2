"""The subscriptions of everybody are looked after for as long as the server runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.subscriptions import Home, Street
from weighbridge.config import Person
from weighbridge.core.errors import StateProblem
from weighbridge.runtime import subscription_care, subscription_schedule
from weighbridge.runtime.shutdown import Shutdown, ShutdownRequested
from weighbridge.runtime.subscription_reconcile import SubscriptionReport
from weighbridge.sync.services import Services


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    street = Street(tmp_path_factory.mktemp("street"))
    yield street
    street.close()


class OneRound(Shutdown):
    """Ends when the first round is over."""

    def __init__(self) -> None:
        super().__init__()
        self.naps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        raise ShutdownRequested


def look_after_everybody(home: Home) -> list[float]:
    halt = OneRound()
    with home.workplace() as workplace, contextlib.suppress(ShutdownRequested):
        subscription_care.look_after_everybody(
            workplace, halt, chance=lambda: 0.0, started_at=home.now, nap=30.0
        )
    return halt.naps


def test_everybody_is_subscribed_and_then_left_alone(street: Street, tmp_path: Path) -> None:
    home = street.move_into(tmp_path / "home")
    assert look_after_everybody(home) == [30.0]
    assert home.at_withings("anna")
    assert home.at_withings("ben")
    before = len(street.house.admin.requests(path="/notify"))
    look_after_everybody(home)
    assert len(street.house.admin.requests(path="/notify")) == before, "not due yet"


def test_trouble_with_one_person_stops_no_other(
    street: Street,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    home = street.move_into(tmp_path / "home")

    def fail_for_anna(
        workplace: Services, person: Person, callback: str, **more: Any
    ) -> SubscriptionReport:
        if person.name == "anna":
            raise StateProblem("The disk is full.")
        return subscription_schedule.look_after(workplace, person, callback, **more)

    monkeypatch.setattr(subscription_care, "look_after", fail_for_anna)
    look_after_everybody(home)
    assert "subscriptions_failed" in caplog.text
    assert home.at_withings("anna") == []
    assert home.at_withings("ben")


def test_without_a_public_address_there_is_nothing_to_look_after(
    street: Street, tmp_path: Path
) -> None:
    home = street.move_into(tmp_path / "home", public=None)
    assert look_after_everybody(home) == []

"""A problem of a stranger's class is what its parent is, wherever it was stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import World, engine_world
from fixtures.places import Letterbox, PlaceFault
from weighbridge.config import TargetSettings
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import ExitCode, LoginNeeded
from weighbridge.core.reason import read_reason
from weighbridge.sync.retry import next_due
from weighbridge.sync.sync_status import TargetState, target_status
from weighbridge.testing.builders import NOON


class TokenRevoked(LoginNeeded):
    """As a package of a stranger may define it."""


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[World[Letterbox]]:
    with engine_world(tmp_path, Letterbox) as world:
        yield world


@pytest.fixture
def refused(letters: World[Letterbox]) -> World[Letterbox]:
    """A world in which a delivery ended with the stranger's problem."""
    letters.weigh()
    letters.place.faults.append(PlaceFault(TokenRevoked("The token was revoked.")))
    letters.deliver()
    return letters


def test_what_is_owed_waits_for_its_person(refused: World[Letterbox]) -> None:
    assert refused.states() == [State.BLOCKED]
    assert next_due(refused.ledger, NOON) is None


def test_its_status_is_that_of_a_login_that_is_needed(refused: World[Letterbox]) -> None:
    ledger = refused.ledger
    target = TargetSettings(name=ledger.target, kind="file", options={})
    status = target_status(ledger.database, ledger.person, target, NOON)
    assert (status.verdict, status.exit_code) == (TargetState.LOGIN_NEEDED, ExitCode.LOG_IN)
    assert status.trouble is not None
    assert status.trouble.message() == "The token was revoked."


def test_a_sign_in_ends_it(refused: World[Letterbox]) -> None:
    refused.ledger.wake()
    assert refused.states() == [State.PLANNED]
    assert refused.ledger.row()["trouble"] is None


def test_no_name_of_a_class_is_stored(refused: World[Letterbox]) -> None:
    dump = "\n".join(refused.ledger.database._connection.iterdump())
    assert TokenRevoked.__name__ not in dump
    assert LoginNeeded.__name__ not in dump
    why = read_reason(refused.ledger.row()["trouble"])
    assert why is not None
    assert why.code == "plain"

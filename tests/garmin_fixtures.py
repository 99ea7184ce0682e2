"""Fixtures that connect the real ``garminconnect`` library to the sandbox.

A test module takes them with ``pytest_plugins = ["garmin_fixtures"]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from garminconnect import Garmin
from garminconnect.client import sso

from garmin_library import ANNA
from weighbridge.sandbox.admin import Admin
from weighbridge.sandbox.clock import Clock
from weighbridge.sandbox.garmin import GarminCloud
from weighbridge.sandbox.garmin.tokens import PATH as TOKEN_PATH
from weighbridge.sandbox.http import Sandbox


@pytest.fixture
def garmin_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A running sandbox with nothing but Garmin, for a library that does not wait."""
    for flow in ("MOBILE", "WIDGET", "LOGIN"):  # the library waits as a person would
        monkeypatch.setattr(sso, f"{flow}_DELAY_MIN_S", 0.0)
        monkeypatch.setattr(sso, f"{flow}_DELAY_MAX_S", 0.0)
    monkeypatch.delenv("GARMINTOKENS", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    clock = Clock()
    with Sandbox([GarminCloud(clock=clock)], clock=clock) as running:
        yield running


@pytest.fixture
def garmin_admin(garmin_sandbox: Sandbox) -> Admin:
    return Admin(garmin_sandbox.url)


@pytest.fixture
def garmin_library(garmin_sandbox: Sandbox) -> Iterator[Callable[..., Garmin]]:
    """Makes objects of the real library that talk to the sandbox, and closes them."""
    made: list[Garmin] = []

    def make(who: tuple[str, str] = ANNA, **options: object) -> Garmin:
        garmin = Garmin(*who, retry_attempts=0, **options)
        garmin.client._sso = garmin.client._connectapi = garmin.client._connect = garmin_sandbox.url
        garmin.client._di_token_url = garmin_sandbox.url + TOKEN_PATH
        made.append(garmin)
        return garmin

    yield make
    for garmin in made:
        garmin.client.cs.close()
        garmin.client._api_session.close()


@pytest.fixture
def anna(garmin_library: Callable[..., Garmin]) -> Garmin:
    """The library, signed in as Anna."""
    garmin = garmin_library(ANNA)
    garmin.login()
    return garmin

"""``/healthz``, ``/readyz`` and ``/metrics`` over HTTP: what they say, and to whom."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from fixtures.monitoring import TOKEN, TOO_LONG, World, decoded, served
from fixtures.waiting import PATIENCE
from weighbridge.web.app import CachedAnswer, monitoring_routes
from weighbridge.web.auth import Auth
from weighbridge.web.render import Pages


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home", "anna", "ben")


@pytest.fixture
def client(world: World) -> Iterator[httpx2.Client]:
    auth = Auth(world.parts.authenticator, Pages(world.parts.settings))
    with served(monitoring_routes(world.parts, auth)) as client:
        yield client


def test_the_wire_tells_everything_to_monitors_and_nobody_by_name(
    world: World, client: httpx2.Client
) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert client.head("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, decoded(answer)) == (200, {"ready": True, "reasons": []})
    assert answer.headers["cache-control"] == "no-store"
    assert client.post("/readyz").status_code == 405


def test_unready_is_503_and_alive_all_the_same(world: World, client: httpx2.Client) -> None:
    world.now += TOO_LONG
    world.refuse("anna", "anna weighs too much")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert decoded(answer)["ready"] is False
    assert not any(word in answer.text for word in ("anna", "ben", str(world.home), "weighs"))
    assert client.get("/healthz").status_code == 200


# --- Metrics

KNOWN = {"Authorization": f"Bearer {TOKEN}"}


def test_only_who_knows_the_token_may_read(client: httpx2.Client) -> None:
    answer = client.get("/metrics")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "weighbridge_" not in answer.text
    wrong = client.get("/metrics", headers={"Authorization": "Bearer a-guess"})
    assert wrong.status_code == 401
    answer = client.get("/metrics", headers=KNOWN)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "weighbridge_database_up 1.0" in answer.text


def test_without_the_library_the_answer_says_what_to_install(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    assert client.get("/metrics").status_code == 401, "strangers learn nothing"
    answer = client.get("/metrics", headers=KNOWN)
    assert answer.status_code == 501
    assert answer.text == (
        "Metrics need prometheus-client, which is not installed. "
        "Run: pip install 'weighbridge[metrics]'\n"
    )


# --- One answer for a flood of questions


def test_a_flood_looks_once_and_waits_for_the_same_answer() -> None:
    made, go = [0], threading.Event()

    def make() -> int:
        assert go.wait(PATIENCE)
        made[0] += 1
        return made[0]

    async def flood() -> list[int]:
        glimpse = CachedAnswer(make)
        visitors = [asyncio.create_task(glimpse.get()) for _ in range(500)]
        await asyncio.sleep(0)
        visitors[0].cancel()  # the first one, for whom the work was begun, goes away
        go.set()
        found = await asyncio.gather(*visitors, return_exceptions=True)
        return [each for each in found if isinstance(each, int)] + [await glimpse.get()]

    assert asyncio.run(flood()) == [1] * 500


def test_an_answer_grows_old() -> None:
    made = [0]

    def make() -> int:
        made[0] += 1
        return made[0]

    async def ask() -> list[int]:
        glimpse = CachedAnswer(make, lifetime=0.0)
        return [await glimpse.get(), await glimpse.get()]

    assert asyncio.run(ask()) == [1, 2]


def test_a_failure_is_not_remembered() -> None:
    answers = iter([OSError("no"), 2])

    def make() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    async def ask() -> int:
        glimpse = CachedAnswer(make)
        with pytest.raises(OSError, match="no"):
            await glimpse.get()
        return await glimpse.get()

    assert asyncio.run(ask()) == 2

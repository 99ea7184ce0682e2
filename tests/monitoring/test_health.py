"""``/healthz`` and ``/readyz``: what they say, to whom, and what they cost."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from fixtures.monitoring import DAY, POLL, TOO_LONG, World, decoded, served
from weighbridge.monitoring import write_probe
from weighbridge.monitoring.cached_answer import CachedAnswer
from weighbridge.monitoring.health import PROVE_EVERY, Readiness, judge_readiness, routes
from weighbridge.monitoring.write_probe import WriteProbe
from weighbridge.sync.services import Services


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home", "anna", "ben")


def readiness(world: World) -> Readiness:
    return judge_readiness(world.parts, WriteProbe(0.0))


def test_a_house_in_order_is_ready(world: World) -> None:
    assert readiness(world) == Readiness(ready=True, reasons=[])


def test_a_person_whom_nobody_could_read_for_two_polls_makes_it_unready(world: World) -> None:
    world.now += TOO_LONG
    world.answer("anna")
    found = readiness(world)
    assert not found.ready
    assert found.reasons == [
        "Withings has not been read for longer than 375 minutes. Run: weighbridge status"
    ]
    world.answer("ben")
    assert readiness(world).ready


def test_trouble_that_has_just_begun_does_not_make_it_unready(world: World) -> None:
    world.now += POLL
    world.refuse("anna")
    world.answer("ben")
    assert readiness(world).ready
    world.now += TOO_LONG
    world.answer("ben")
    assert not readiness(world).ready


def test_a_server_that_was_off_for_days_gets_time_to_catch_up(world: World) -> None:
    world.now += 5 * DAY
    world.configure()
    assert readiness(world).ready
    world.now += TOO_LONG
    assert not readiness(world).ready


def test_a_restart_does_not_hide_a_trouble_that_lasts(world: World) -> None:
    world.refuse("anna")
    world.now += TOO_LONG
    world.configure()
    assert not readiness(world).ready


def test_a_login_that_only_a_person_can_make_does_not_make_it_unready(world: World) -> None:
    world.log_out("anna")
    world.now += TOO_LONG
    world.answer("ben")
    assert readiness(world).ready


def test_somebody_who_was_never_connected_does_not_make_it_unready(world: World) -> None:
    world.configure("", "", "anna", "ben", "carl")
    world.now += POLL
    world.answer("anna", "ben")
    world.now += 2 * POLL
    assert readiness(world).ready


def test_somebody_who_has_just_been_connected_gets_time(world: World) -> None:
    world.configure("", "", "anna", "ben", "carl")
    world.now += TOO_LONG
    world.answer("anna", "ben")
    with world.database() as database:
        database.run("add_account", person="carl", userid="7", now=world.now)
        values = {"person": "carl", "service": "withings", "account": "7", "secret": "{}"}
        database.run("store_credential", now=world.now, **values)
    assert readiness(world).ready


@pytest.mark.skipif(os.name != "posix", reason="rights are not bits there")
def test_a_database_that_is_no_database_makes_it_unready(world: World) -> None:
    (world.home / "weighbridge.db").write_bytes(b"not a database at all" * 300)
    for name in ("weighbridge.db-wal", "weighbridge.db-shm"):
        (world.home / name).unlink(missing_ok=True)
    found = readiness(world)
    assert not found.ready
    assert found.reasons == ["The home folder or its database cannot be used. Look into the log."]


def test_a_folder_that_cannot_be_written_makes_it_unready(
    world: World,
) -> None:
    probe = world.home / f".write-test-{os.getpid()}"
    probe.mkdir()  # stands in the way of the file, also where we are root
    assert not readiness(world).ready
    probe.rmdir()
    assert readiness(world).ready


def test_a_defect_is_an_answer_as_well(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Services:
        raise ZeroDivisionError

    found = judge_readiness(msgspec.structs.replace(world.parts, open=broken), WriteProbe(0.0))
    assert not found.ready
    assert "readiness_unknown" in caplog.text


# --- Over the wire ----------------------------------------------------------------------------


@pytest.fixture
def client(world: World) -> Iterator[httpx2.Client]:
    with served(routes(world.parts)) as client:
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


# --- What a flood costs -----------------------------------------------------------------------


def test_a_flood_of_days_does_not_wear_the_disk_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    monkeypatch.setattr(write_probe, "prove_writable", written.append)
    long, found = WriteProbe(PROVE_EVERY), []
    for _ in range(120):
        found.append(judge_readiness(world.parts, long).ready)
        world.now += 1
    assert (all(found), len(written)) == (True, 2)
    world.now -= 3600
    judge_readiness(world.parts, long)
    assert len(written) == 3, "the clock was set back"


def test_after_a_failure_the_disk_is_proven_each_time(world: World) -> None:
    probe, long = world.home / f".write-test-{os.getpid()}", WriteProbe(PROVE_EVERY)
    probe.mkdir()
    assert not judge_readiness(world.parts, long).ready
    probe.rmdir()
    assert judge_readiness(world.parts, long).ready


def test_a_flood_looks_once_and_waits_for_the_same_answer() -> None:
    made, go = [0], threading.Event()

    def make() -> int:
        assert go.wait(10)
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

"""Readiness: what makes a server unready, and what asking costs."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from fixtures.monitoring import DAY, POLL, TOO_LONG, World
from weighbridge.monitoring import health
from weighbridge.monitoring.health import PROVE_EVERY, Readiness, WriteProbe, judge_readiness
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
        database.run("add_account", person="carl", source="withings", userid="7", now=world.now)
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


# --- What a flood costs -----------------------------------------------------------------------


def test_a_flood_of_days_does_not_wear_the_disk_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    monkeypatch.setattr(health, "prove_writable", written.append)
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

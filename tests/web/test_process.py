"""The server without its listening: it begins, goes on whatever happens, and ends in time."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.jobs import World, world
from fixtures.waiting import PATIENCE, wait_until
from weighbridge.config import FileDirectory, load
from weighbridge.core.errors import ConfigProblem, RetryLater, StateProblem
from weighbridge.runtime.schedule import Job
from weighbridge.sources.withings.notification import Notification
from weighbridge.storage.notification_store import store_notifications
from weighbridge.sync.services import Services
from weighbridge.web import process
from weighbridge.web.process import Server


@pytest.fixture
def house(tmp_path: Path) -> Iterator[World]:
    target = 'kind = "file"\npath = "anna.jsonl"\nsince = 2000-01-01\nsettle = 0\n'
    with world(tmp_path / "home", target=target) as made:
        yield made


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def server_of(house: World) -> Server:
    server = Server(load(house.home, {}, secret_folder=house.home), clock=house.clock)
    server.threads.restart_after = 0.0
    return server


def threads() -> set[str]:
    return {one.name for one in threading.enumerate() if one.name.startswith("weighbridge-")}


def test_it_brings_everybody_up_to_date_and_leaves_no_thread_behind(house: World) -> None:
    house.weigh_in("72.4")
    before = set(threading.enumerate())
    with running(server_of(house)) as server:
        wait_until(lambda: len(house.delivered()) == 1)
        wait_until(lambda: (server.context.next_ask("anna") or 0.0) > house.clock())
        assert {
            "weighbridge-worker-0",
            "weighbridge-changes",
            "weighbridge-notifications",
        } <= threads()
    wait_until(lambda: not set(threading.enumerate()) - before)


def test_a_home_has_one_server(house: World) -> None:
    with running(server_of(house)), pytest.raises(ConfigProblem, match="Another server"):
        server_of(house).start()
    with running(server_of(house)):
        pass


def test_a_folder_that_cannot_be_written_is_a_problem_with_a_remedy(house: World) -> None:
    shutil.rmtree(house.home / "run", ignore_errors=True)
    (house.home / "run").write_text("not a folder")
    with pytest.raises(StateProblem, match="cannot be written"):
        server_of(house).start()


def test_a_notification_from_before_the_start_is_followed(house: World) -> None:
    house.run(poll=True)
    taken_at = house.weigh_in()
    notification = Notification(house.archive.userid, 1, taken_at - 1, taken_at)
    store_notifications(house.services.database, [(notification, house.clock())])
    house.clock.offset += 100
    with running(server_of(house)):
        wait_until(lambda: len(house.delivered()) == 1)


def test_what_was_planned_before_the_start_is_sent_although_no_poll_is_due(house: World) -> None:
    house.weigh_in()
    house.runner.run(Job("anna", poll=True))  # ended before the file was written
    assert house.delivered() == []
    before = house.asked()
    with running(server_of(house)):
        wait_until(lambda: len(house.delivered()) == 1)
    assert house.asked() == before


def test_serving_one_person_never_looks_at_all_people(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.run(poll=True)
    asked_for_all = list[str]()
    real = FileDirectory.page

    def page(directory: FileDirectory, after: str | None = None, *, limit: int = 1) -> object:
        asked_for_all.append(threading.current_thread().name)
        return real(directory, after, limit=limit)

    with running(server_of(house)) as server:
        wait_until(lambda: (server.context.next_ask("anna") or 0.0) > house.clock())
        monkeypatch.setattr(FileDirectory, "page", page)
        taken_at = house.weigh_in()
        server.context.notifications.take(
            Notification(house.archive.userid, 1, taken_at - 1, taken_at)
        )
        wait_until(lambda: len(house.delivered()) == 1)
        workers = [name for name in asked_for_all if "worker" in name or "notifications" in name]
    assert workers == []


def test_what_another_process_did_is_noticed_within_half_a_minute(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert process.WATCH_EVERY == 30.0, "docs/how-to/server.md says half a minute"
    monkeypatch.setattr(process, "WATCH_EVERY", 0.05)
    house.run(poll=True)
    with running(server_of(house)):
        house.weigh_in()
        house.runner.run(Job("anna", poll=True))  # as another process: it plans, and sends nothing
        wait_until(lambda: len(house.delivered()) == 1)


def test_its_threads_begin_anew_when_the_home_folder_could_not_be_opened(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.weigh_in()
    server, refusals = server_of(house), [0]
    real = server.open

    def open_badly() -> Services:
        mine = threading.current_thread().name
        if mine in ("weighbridge-worker-0", "weighbridge-changes") and refusals[0] < 6:
            refusals[0] += 1
            raise RetryLater("The database is in use by another process.")
        return real()

    monkeypatch.setattr(server, "open", open_badly)
    with running(server):
        wait_until(lambda: len(house.delivered()) == 1)


def test_a_page_that_hangs_does_not_hold_up_the_end_of_the_program() -> None:
    program = """
import threading, time
from weighbridge.cli.serve import _leave_behind
before = threading.enumerate()
threading.Thread(target=time.sleep, args=(60,)).start()
_leave_behind(before)
"""
    ended = subprocess.run([sys.executable, "-c", program], timeout=PATIENCE, check=False)
    assert ended.returncode == 0

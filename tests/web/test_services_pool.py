"""Opened home folders are lent to one request at a time, and opened again when they must be."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fixtures.waiting import PATIENCE
from weighbridge.config import load
from weighbridge.core.errors import StateProblem
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.sync.services import Services
from weighbridge.web.app_context import KEPT, ServicesPool


class Opening:
    """A pool, and everything that it opened."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.opened: list[Services] = []
        self._settings = load(home, {})
        self.pool = ServicesPool(self._open)

    def _open(self) -> Services:
        self.opened.append(Services(self._settings))
        return self.opened[-1]

    def is_closed(self, services: Services) -> bool:
        try:
            services.database.version_of_others()
        except Exception:
            return True
        return False


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    made = Opening(tmp_path)
    yield made
    made.pool.close()
    assert all(map(made.is_closed, made.opened)), "nothing is left open"


def test_the_next_request_gets_what_is_open_already(opening: Opening) -> None:
    for _ in range(3):
        with opening.pool.borrow() as services:
            assert services.database.version_of_others() > 0
    assert len(opening.opened) == 1


def test_two_at_once_have_one_each(opening: Opening) -> None:
    with opening.pool.borrow() as one, opening.pool.borrow() as other:
        assert one is not other


def test_many_threads_never_share_one(opening: Opening) -> None:
    """Each reads and writes while others do: a connection lent twice would mix their answers."""
    taken, twice, lock = set[int](), [], threading.Lock()
    together = threading.Barrier(8)

    def answer(number: int) -> None:
        together.wait(PATIENCE)
        for _ in range(25):
            with opening.pool.borrow() as services:
                with lock:
                    twice.extend([number] if id(services) in taken else [])
                    taken.add(id(services))
                list(services.database.each("person_links_of", person=f"person {number}"))
                assert services.database.is_idle
                with lock:
                    taken.discard(id(services))

    threads = [threading.Thread(target=answer, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not twice
    assert not taken, "a thread ended with an error"


def test_any_thread_may_have_it_next(opening: Opening) -> None:
    lent: list[Services] = []

    def answer() -> None:
        with opening.pool.borrow() as services, services.leases.hold("x", seconds=9, patience=0):
            lent.append(services)

    for _ in range(3):
        thread = threading.Thread(target=answer)
        thread.start()
        thread.join()
    assert lent == [opening.opened[0]] * 3


def test_a_few_stay_open_however_many_there_were(opening: Opening) -> None:
    with ExitStack() as stack:
        many = [stack.enter_context(opening.pool.borrow()) for _ in range(KEPT + 3)]
    assert sum(not opening.is_closed(one) for one in many) == KEPT


def test_a_file_that_was_replaced_is_opened_again(opening: Opening) -> None:
    with opening.pool.borrow() as before:
        path = before.database.path
    copy = path.with_name("restored.db")
    shutil.copyfile(path, copy)
    copy.replace(path)
    with opening.pool.borrow() as after:
        assert after is not before
    assert opening.is_closed(before)


def test_after_an_error_it_is_not_lent_again(opening: Opening) -> None:
    with pytest.raises(KeyError), opening.pool.borrow() as before, before.database.transaction():
        raise KeyError
    assert opening.is_closed(before)
    with opening.pool.borrow(), SqliteDatabase(opening.home) as other, other.transaction():
        pass


def test_what_is_lent_at_the_end_is_closed_when_it_comes_back(opening: Opening) -> None:
    with opening.pool.borrow() as services:
        opening.pool.close()
        assert not opening.is_closed(services)
    assert opening.is_closed(services)


def test_a_connection_with_an_unread_answer_is_not_lent_again(opening: Opening) -> None:
    """It would show every later request the database as it was then."""
    with opening.pool.borrow() as before:
        for person in ("anna", "ben"):
            before.database.run("add_route", person=person, target="diary", now=0)
        rows = before.database.each("routes")
        assert next(rows)["person"] == "anna"
    assert opening.is_closed(before)
    with pytest.raises(StateProblem):
        next(rows)
    with opening.pool.borrow() as after:
        assert after is not before

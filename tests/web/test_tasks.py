"""Work that a page begins in a thread: it asks back, ends by itself, and is seen by one session."""

from __future__ import annotations

import threading

import pytest

from fixtures.waiting import PATIENCE, wait_until
from weighbridge.web.views import task_page
from weighbridge.web.views.task_page import BackgroundTask, Question, TaskRegistry, TaskRunning


def test_only_so_many_are_under_way() -> None:
    known: TaskRegistry[str] = TaskRegistry(lambda: 0.0, most=2)
    ask = Question("code")
    for name in ("a", "b"):
        known.begin((name,), "s", lambda task: task.ask(ask))
        wait_until(lambda name=name: asks(known, name))
    with pytest.raises(TaskRunning):
        known.begin(("c",), "s", lambda task: "c")
    known.begin(("a",), "other", lambda task: "anew")
    found = known.find(("a",), "other")
    assert found is not None
    found.wait(PATIENCE)
    assert (found.result, known.find(("a",), "s")) == ("anew", None)
    known.begin(("c",), "s", lambda task: "c")
    waiting = known.find(("b",), "s")
    assert waiting is not None
    assert waiting.answer("x")
    assert not waiting.answer("y")
    waiting.wait(PATIENCE)
    assert waiting.result == "x"


def asks(known: TaskRegistry[str], name: str) -> bool:
    task = known.find((name,), "s")
    return task is not None and task.question is not None


def test_what_came_of_it_is_forgotten_after_a_while() -> None:
    now = [0.0]
    known: TaskRegistry[str] = TaskRegistry(lambda: now[0])
    known.begin(("a",), "s", lambda task: "done")
    task = known.find(("a",), "s")
    assert task is not None
    task.wait(PATIENCE)
    now[0] = 2 * task_page.LIFE + 1
    assert known.find(("a",), "s") is None


def test_only_one_page_waits_for_a_task() -> None:
    task: BackgroundTask[str] = BackgroundTask("s", 0.0, "", 60.0)
    first = threading.Thread(target=task.wait, args=(PATIENCE,))
    first.start()
    wait_until(task._watched.locked)
    task.wait(PATIENCE)
    task.carry_out(lambda task: "done")
    first.join(5)
    assert not first.is_alive()

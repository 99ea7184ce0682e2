"""Shared resources are made once and closed once."""

from __future__ import annotations

import logging
import threading

import pytest

from weighbridge.core.network import SharedResources


class Line:
    def __init__(self, name: str, closed: list[str]) -> None:
        self.name = name
        self._closed = closed

    def close(self) -> None:
        self._closed.append(self.name)
        if self.name == "broken":
            raise OSError("it is gone already")


def test_one_key_is_one_resource_for_all_threads() -> None:
    made: list[Line] = []
    with SharedResources() as connections:

        def use() -> None:
            made.append(connections.get("broker", lambda: Line("broker", [])))

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(made) == 8
    assert len(set(map(id, made))) == 1


def test_the_newest_is_closed_first_and_each_one_once() -> None:
    closed: list[str] = []
    connections = SharedResources()
    for name in ("first", "second"):
        connections.get(name, lambda name=name: Line(name, closed))
    connections.close()
    connections.close()
    assert closed == ["second", "first"]


def test_a_resource_that_cannot_be_closed_does_not_keep_others_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    closed: list[str] = []
    connections = SharedResources()
    for name in ("good", "broken"):
        connections.get(name, lambda name=name: Line(name, closed))
    with caplog.at_level(logging.ERROR):
        connections.close()
    assert closed == ["broken", "good"]
    assert "connection_not_closed" in caplog.text

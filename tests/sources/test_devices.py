"""The worst battery of all devices is told; odd answers do no harm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from fixtures.paths import RECORDED
from weighbridge.sources.withings.user_info import Device, list_devices, worst_battery


class Answering:
    """An account that answers with one body."""

    def __init__(self, body: str) -> None:
        self.body = body
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    def call(self, path: str, form: Mapping[str, str]) -> msgspec.Raw:
        self.asked.append((path, form))
        return msgspec.Raw(self.body.encode())


def devices_in(body: object) -> list[Device]:
    return list_devices(Answering(json.dumps(body)).call)


def test_the_devices_are_asked_for_once() -> None:
    account = Answering('{"devices": []}')
    assert list_devices(account.call) == []
    assert account.asked == [("/v2/user", {"action": "getdevice"})]


@pytest.mark.parametrize(
    ("levels", "worst"),
    [
        (["high", "low", "medium"], "low"),
        (["high", "unknown"], "high"),
        (["unknown", None], None),
        ([], None),
    ],
)
def test_the_lowest_level_that_is_known_counts(levels: list[str | None], worst: str | None) -> None:
    found = devices_in({"devices": [{"type": "Scale", "battery": level} for level in levels]})
    assert len(found) == len(levels)
    assert worst_battery(found) == worst


@pytest.mark.parametrize("body", [[], "nothing", {"devices": "none"}, {"devices": None}, {}])
def test_an_odd_answer_is_no_device(body: object) -> None:
    assert devices_in(body) == []


def test_an_odd_device_does_not_hide_the_others() -> None:
    found = devices_in({"devices": [7, {"battery": 3}, {"battery": "low", "new": {"a": 1}}]})
    assert worst_battery(found) == "low"


@pytest.mark.parametrize("path", sorted(RECORDED.glob("getdevice-*.json")), ids=lambda p: p.stem)
def test_recorded_answers_are_understood(path: Path) -> None:
    answer = json.loads(path.read_text("utf-8"))
    body = answer["body"] if isinstance(answer, dict) else {"devices": answer}
    assert len(devices_in(body)) == len(body["devices"])

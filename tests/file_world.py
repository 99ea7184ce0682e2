"""Words for the tests of the file target."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from weighbridge.targets import file
from weighbridge.targets.base import Owed, Receipt
from weighbridge.testing.builders import NOON, context, owe, weigh_in

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")


def target(home: Path, **options: Any) -> file.FileTarget:
    return file.create(file.Options(**{"path": "anna.json", **options}), context(home))


def send(target: file.FileTarget, *owed: Owed) -> Receipt:
    return target.send(target.render(owed))


def a_day(number: int, kg: str = "70.0", previous: str | None = None) -> Owed:
    """The weigh-in of one day."""
    taken_at = NOON + 86_400 * number
    return owe(weigh_in(kg, taken_at=taken_at, reading_id=f"day-{number}"), previous=previous)


def weights(path: Path) -> dict[str, float]:
    """Reading id → kg, in the order of the file. Every line must be a whole one."""
    content = path.read_text("utf-8")
    assert content.endswith("\n")
    lines = [json.loads(line) for line in content.splitlines()]
    assert len({line["id"] for line in lines}) == len(lines), "a reading is there twice"
    return {line["id"]: line["weight_kg"] for line in lines}

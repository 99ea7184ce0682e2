"""Every weight and blood pressure of the recorded answers is in a reading."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from fixtures.paths import RECORDED
from fixtures.readings import assemble
from weighbridge.core.measures import BLOOD_PRESSURE_TYPES, MeasureGroup
from weighbridge.sources.withings.kind import parse_group

FIXTURES = RECORDED
RECORDINGS = sorted(FIXTURES.glob("getmeas*.json"))


@pytest.mark.skipif(not RECORDINGS, reason="the recorded answers are not here")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_every_recorded_weight_and_pressure_is_in_a_reading(path: Path) -> None:
    content = msgspec.json.decode(path.read_bytes())
    body = content.get("body", content) if isinstance(content, dict) else {"measuregrps": content}
    groups = [
        parse_group(msgspec.json.encode(one), zone=None) for one in body.get("measuregrps", [])
    ]
    found = assemble(groups)
    for code in (1, *BLOOD_PRESSURE_TYPES):
        assert _instants_with(groups, code) == {
            (reading.taken_at, reading.device) for reading in found if reading.get(code) is not None
        }


def _instants_with(groups: Iterable[MeasureGroup], code: int) -> set[tuple[int, str | None]]:
    return {
        (one.taken_at, one.device)
        for one in groups
        if one.category == 1 and any(m.type_code == code for m in one.measurements)
    }

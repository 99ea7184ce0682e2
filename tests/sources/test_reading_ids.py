"""A reading keeps its id for ever: what was recorded from the first version is made again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fixtures.paths import GOLDEN, RECORDED
from weighbridge.core.measures import Reading
from weighbridge.core.records import revision_of
from weighbridge.sources.withings.kind import parse_group
from weighbridge.sources.withings.readings import readings

IDS = msgspec.json.decode((GOLDEN / "reading_ids.json").read_bytes())
"""``generated``: groups as the cloud writes them, and what became of them. ``recorded``: the ids of
the readings in each recorded answer."""


@pytest.mark.parametrize("case", IDS["generated"], ids=lambda case: case["account"] or "nameless")
def test_generated_groups_keep_the_ids_kinds_and_revisions_of_their_readings(
    case: dict[str, Any],
) -> None:
    groups = [parse_group(text.encode(), zone=case["zone"]) for text in case["groups"]]
    assert [_named(one) for one in readings(groups, account=case["account"])] == case["readings"]


def _named(reading: Reading) -> list[str]:
    revision = revision_of([*reading.measurements, *reading.segments])
    return [reading.reading_id, reading.kind, revision]


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answers are not here")
@pytest.mark.parametrize("name", IDS["recorded"])
def test_recorded_answers_keep_the_ids_of_their_readings(name: str) -> None:
    content = msgspec.json.decode((RECORDED / name).read_bytes())
    body = content.get("body", content) if isinstance(content, dict) else {"measuregrps": content}
    groups = [
        parse_group(msgspec.json.encode(one), zone=None) for one in body.get("measuregrps", [])
    ]
    assert [one.reading_id for one in readings(groups, account="12345678")] == IDS["recorded"][name]

"""Histories of measure groups, and the readings that become of them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from hypothesis import strategies as st

from weighbridge.measures import WHOLE_BODY, MeasureGroup, Measurement, Reading
from weighbridge.plan.readings import readings
from weighbridge.testing.builders import NOON, UNHEARD_OF, Value, group

CUFF = "c0ffc0ffc0ffc0ff"
PRESSURE: dict[int, Value] = {9: 79, 10: 121, 11: 62}

measurements = st.builds(
    Measurement,
    st.sampled_from([1, 5, 6, 8, 11, 71, 76, 77, 88, 91, 167, 170, 173, 174, 226, UNHEARD_OF]),
    st.integers(0, 10_000),
    st.integers(-4, 0),
    st.sampled_from([None, None, None, 2, 3, 10, 12, WHOLE_BODY]),
)
pressures = st.builds(
    Measurement,
    st.sampled_from([9, 10, 11]),
    st.integers(40, 200),
    st.just(0),
    st.sampled_from([None, 2, 3]),
)
body_groups = st.builds(
    group,
    st.lists(measurements, max_size=6),
    taken_at=st.sampled_from([NOON, NOON + 1, NOON + 3600]),
    stored_at=st.integers(NOON + 5, NOON + 30),
    attribution=st.sampled_from([-1, 0, 1, 2, 8, 10, 15, 10_009]),
    category=st.sampled_from([1, 1, 1, 2]),
    device=st.sampled_from([None, "scale", "other"]),
    model=st.sampled_from([None, "Body+", "A scale of tomorrow"]),
    timezone=st.sampled_from([None, "Europe/Paris", "Europe/Oslo"]),
)
cuff_groups = st.builds(
    group,
    st.lists(pressures, min_size=1, max_size=5),
    taken_at=st.sampled_from([NOON, NOON + 1]),
    stored_at=st.integers(NOON + 5, NOON + 30),
    attribution=st.sampled_from([0, 1, 5, 10_010]),
    device=st.sampled_from([None, "scale", CUFF]),
)


def _numbered(groups: list[MeasureGroup]) -> list[MeasureGroup]:
    return [
        msgspec.structs.replace(one, group_id=number) for number, one in enumerate(groups, start=1)
    ]


histories = st.lists(st.one_of(body_groups, cuff_groups), max_size=8).map(_numbered)


def assemble(groups: Iterable[MeasureGroup]) -> list[Reading]:
    return list(readings(groups, account="4711"))


def one_of(groups: Iterable[MeasureGroup]) -> Reading:
    [reading] = assemble(groups)
    return reading


def types_of(reading: Reading) -> set[int]:
    return {one.type_code for one in reading.measurements}

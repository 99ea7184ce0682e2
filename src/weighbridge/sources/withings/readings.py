"""Groups become readings. Pure: the same groups give the same readings in any order.

Withings splits one weigh-in into up to five groups with the same ``date`` and device
(docs/reference/withings-api.md#one-weigh-in). A reading is all of them together,
except that a blood pressure taken in the same second is a reading of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from weighbridge.core.measures import (
    BLOOD_PRESSURE_TYPES,
    SEGMENT_TYPES,
    WHOLE_BODY,
    Kind,
    MeasureGroup,
    Measurement,
    MeasureType,
    Reading,
)
from weighbridge.core.records import reading_id

REAL = 1
AMBIGUOUS = 1
BY_HAND = frozenset({2, 4})
ACCEPTED = frozenset({0, 2, 3, 4, 5, 7, 8, 15, 17})
"""Attributions whose values win over any other (docs/reference/withings-api.md#attribution)."""

_ABSENT_WHEN_ZERO = frozenset({int(MeasureType.FAT_RATIO), int(MeasureType.FAT_MASS)})
_OF_A_CUFF = BLOOD_PRESSURE_TYPES | {int(MeasureType.PULSE)}
_NEVER_A_PART = _OF_A_CUFF | {int(MeasureType.WEIGHT)}
"""Wherever they were taken, these are of the person: a target needs them to take a reading."""


class _Key(NamedTuple):
    taken_at: int
    device: str
    kind: str


def readings(groups: Iterable[MeasureGroup], account: str) -> Iterator[Reading]:
    """Yield the readings that these groups make, oldest first. Goals (category 2) make none.

    Give all groups of an instant at once: ``account``, instant, device and kind name a reading.
    """
    together: dict[_Key, list[MeasureGroup]] = {}
    for group in groups:
        if group.category == REAL:
            for kind, part in _parts(group):
                key = _Key(group.taken_at, group.device or "", kind)
                together.setdefault(key, []).append(part)
    for key in sorted(together):
        yield _assemble(key, together[key], account)


def _parts(group: MeasureGroup) -> Iterator[tuple[str, MeasureGroup]]:
    """A group is about one kind; should a weight and a pressure share one, each gets its part."""
    codes = {m.type_code for m in group.measurements}
    if not codes & BLOOD_PRESSURE_TYPES:
        yield Kind.BODY, group
    elif MeasureType.WEIGHT not in codes:
        yield Kind.BLOOD_PRESSURE, group
    else:
        cuff = tuple(m for m in group.measurements if m.type_code in _OF_A_CUFF)
        rest = tuple(m for m in group.measurements if m.type_code not in _OF_A_CUFF)
        yield Kind.BODY, replace(group, measurements=rest)
        yield Kind.BLOOD_PRESSURE, replace(group, measurements=cuff)


def _assemble(key: _Key, groups: list[MeasureGroup], account: str) -> Reading:
    if len(groups) > 1:  # most readings are one group, and a first sync makes thousands
        groups.sort(key=_precedence)
    scalars: dict[int, Measurement] = {}
    segments: dict[tuple[int, int], Measurement] = {}
    ambiguous = False
    for group in groups:
        for measurement in _present(group):
            if _keep(measurement, scalars, segments):
                ambiguous = ambiguous or group.attribution == AMBIGUOUS
    if segments:
        _promote_lone_segments(scalars, segments)
    return Reading(
        reading_id=reading_id(account, key.taken_at, key.device, key.kind),
        kind=key.kind,
        taken_at=key.taken_at,
        stored_at=max([_last_stored(group) for group in groups]),
        device=key.device or None,
        model=_first([group.model for group in groups]),
        timezone=_first([group.timezone for group in groups]),
        attributions=tuple(sorted({group.attribution for group in groups})),
        group_ids=tuple(sorted([group.group_id for group in groups])),
        measurements=tuple([scalars[code] for code in sorted(scalars)]),
        segments=tuple([segments[place] for place in sorted(segments)]),
        ambiguous=ambiguous,
    )


def _keep(
    measurement: Measurement,
    scalars: dict[int, Measurement],
    segments: dict[tuple[int, int], Measurement],
) -> bool:
    """The first of a type and place wins; ``groups`` come in the order of precedence."""
    code, position = measurement.type_code, measurement.position
    if position is not None and position != WHOLE_BODY:
        return segments.setdefault((code, position), measurement) is measurement
    if code in scalars:
        return False
    if position is not None:
        measurement = Measurement(code, measurement.mantissa, measurement.exponent)
    scalars[code] = measurement
    return True


def _promote_lone_segments(
    scalars: dict[int, Measurement], segments: dict[tuple[int, int], Measurement]
) -> None:
    """A cuff names the arm it was worn on: the only pressure there is, is *the* pressure.

    Of two arms the better group's is; the other one stays a segment.
    """
    codes = [code for code, _ in segments]
    for place, measurement in list(segments.items()):
        code = place[0]
        lone = codes.count(code) == 1 and code not in SEGMENT_TYPES
        if code not in scalars and (lone or code in _NEVER_A_PART):
            scalars[code] = Measurement(code, measurement.mantissa, measurement.exponent)
            del segments[place]


def _precedence(group: MeasureGroup) -> tuple[bool, int, int]:
    """An accepted attribution wins, then the group that was changed last, then the newer one."""
    return (
        group.attribution not in ACCEPTED,
        -(group.updated_at or group.stored_at or 0),
        -group.group_id,
    )


def _present(group: MeasureGroup) -> Sequence[Measurement]:
    """Weights entered by hand carry fat 0 when none was entered: zero means absent there.

    The fat-free mass beside it is then only the weight once more
    (docs/reference/withings-api.md#one-weigh-in).
    """
    if group.device is not None and group.attribution not in BY_HAND:
        return group.measurements
    absent = {
        m.type_code
        for m in group.measurements
        if m.mantissa == 0 and m.type_code in _ABSENT_WHEN_ZERO
    }
    if not absent:
        return group.measurements
    absent.add(int(MeasureType.FAT_FREE_MASS))
    return [m for m in group.measurements if m.type_code not in absent]


def _last_stored(group: MeasureGroup) -> int:
    return group.stored_at or group.updated_at or group.taken_at


def _first(texts: Sequence[str | None]) -> str | None:
    return min([text for text in texts if text], default=None)

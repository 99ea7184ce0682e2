"""Which measure types the targets of a person take: found out by asking them, nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weighbridge.config import Person
from weighbridge.core.errors import Problem
from weighbridge.core.measures import (
    BLOOD_PRESSURE_TYPES,
    SEGMENT_TYPES,
    WHOLE_BODY,
    Kind,
    Measurement,
    MeasureType,
    Reading,
)
from weighbridge.sync.services import Services
from weighbridge.targets.base import Target


def types_taken(workplace: Services, person: Person) -> frozenset[int]:
    """The measure types that at least one target of a person takes."""
    taken: set[int] = set()
    for target in _targets(workplace, person):
        for specimen in SPECIMENS:
            taken |= {measurement.type_code for measurement in target.takes(specimen)}
    return frozenset(taken)


def _targets(workplace: Services, person: Person) -> Iterator[Target]:
    for settings in person.targets:
        try:
            yield workplace.target(person, settings)
        except Problem:  # the road reports it; what such a target would take is owed to nobody
            continue


def _specimen(kind: str, types: Iterable[int]) -> Reading:
    """A made-up reading with a value of every type: whoever takes one of them shows it."""
    codes = sorted(types)
    return Reading(
        reading_id="specimen",
        kind=kind,
        taken_at=0,
        stored_at=0,
        device=None,
        model=None,
        timezone=None,
        attributions=(0,),
        group_ids=(0,),
        measurements=tuple(Measurement(code, 1, 0) for code in codes if code not in SEGMENT_TYPES),
        segments=tuple(Measurement(c, 1, 0, WHOLE_BODY - 1) for c in codes if c in SEGMENT_TYPES),
    )


_ALL = frozenset(int(member) for member in MeasureType)
SPECIMENS = (
    _specimen(Kind.BODY, _ALL - BLOOD_PRESSURE_TYPES),
    _specimen(Kind.BLOOD_PRESSURE, {*BLOOD_PRESSURE_TYPES, int(MeasureType.PULSE)}),
)

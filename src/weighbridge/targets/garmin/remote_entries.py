"""What the account already holds, and which of it is which of our readings. Pure.

Field names, units and roundings: docs/reference/garmin.md#reading-back. No order is promised, so
nothing here depends on it; an entry that cannot be understood matches nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from weighbridge.targets.base import Existing

YEAR_MILLISECONDS = 31_556_926_000
"""Garmin's year: 24 years read back as 757366224000."""

TRUNCATED_GRAMS = 15.0
"""Other tools cut a weight down to 10 g and round on the way; this much is still the same one."""

_WEIGHTS = ("weight", "boneMass", "muscleMass")
_PERCENTS = ("bodyFat", "bodyWater")
_RATINGS = ("visceralFat",)

TOLERANCES = {
    "weight": 6.0,
    "boneMass": 10.0,
    "muscleMass": 10.0,
    "bodyFat": 0.1,
    "bodyWater": 0.1,
    "visceralFat": 0.5,
    "metabolicAge": 0.5,
    "systolic": 0.5,
    "diastolic": 0.5,
    "pulse": 0.5,
}
"""How far a value read back may be from the one sent: grams, percent points, years, mmHg, bpm.

A weight is sent in steps of 10 g and read back as it was sent, so a correction by one step shows.
"""

_SLACK = 1e-6


class Held(msgspec.Struct, frozen=True):
    """One entry of the account. ``reference`` is ``key:day``, what a deletion needs."""

    reference: str
    instant: int | None
    """Seconds since 1970; None for old entries that only know the wall clock."""
    wall: int | None
    """The account's wall clock, as if it were UTC."""
    values: Mapping[str, float]


class Wanted(msgspec.Struct, frozen=True):
    """One reading that is looked for, with the values that we would send."""

    reading_id: str
    instant: int
    wall: int
    values: Mapping[str, float]
    grams: float = 0.0
    previous: str | None = None
    """The reference of the revision before; None when nothing of it was ever delivered."""


def read_weigh_ins(content: Any) -> list[Held] | None:
    """The entries of a weight range answer; None when it is none (that is not "nothing there")."""
    days = _list(content, "dailyWeightSummaries")
    if days is None:
        return None
    return [held for metric in _inner(days, "allWeightMetrics") for held in _weigh_in(metric)]


def read_pressures(content: Any) -> list[Held] | None:
    """The entries of a blood pressure range answer; None when it is none."""
    days = _list(content, "measurementSummaries")
    if days is None:
        return None
    return [held for entry in _inner(days, "measurements") for held in _pressure(entry)]


def match_weights(wanted: Iterable[Wanted], holdings: Sequence[Held]) -> dict[str, Existing]:
    """Reading id → the entry at its second."""
    places = _Places(holdings)
    found: dict[str, Existing] = {}
    for one in wanted:
        same = _same_values if one.previous is not None else _same_weight
        candidates = places.at(one)
        if candidates:
            found[one.reading_id] = _existing(one, candidates, same)
    return found


def match_pressures(wanted: Iterable[Wanted], holdings: Sequence[Held]) -> dict[str, Existing]:
    """Reading id → the entry at its second, or at its minute with the same pressure.

    Some clients set the seconds to zero before they send
    (docs/reference/garmin.md#blood-pressures).
    """
    places = _Places(holdings)
    found: dict[str, Existing] = {}
    for one in wanted:
        same = _same_values if one.previous is not None else _same_pressure
        candidates = places.at(one) or [h for h in places.within_minute(one) if same(one, h)]
        if candidates:
            found[one.reading_id] = _existing(one, candidates, same)
    return found


def older_entries(
    wanted: Iterable[Wanted], holdings: Sequence[Held], found: Mapping[str, Existing]
) -> list[str]:
    """The references of what must go before these readings are sent again.

    The revision before, whatever its time, and everything at the same second: two weigh-ins of
    one person cannot be that close. The entry of a reading that is there already is kept.
    """
    places = _Places(holdings)
    references: dict[str, None] = {}
    for one in wanted:
        if one.reading_id in found and found[one.reading_id].same:
            continue
        if split_reference(one.previous or ""):
            references[one.previous or ""] = None
        references.update(dict.fromkeys(held.reference for held in places.at(one)))
    return list(references)


def span_of(instants: Iterable[int]) -> tuple[str, str]:
    """The days to read: from the day before the oldest to the day after the newest.

    Garmin counts local days; one day more on both sides holds every zone.
    """
    times = sorted(instants)
    first, last = (datetime.fromtimestamp(time, UTC) for time in (times[0], times[-1]))
    day = timedelta(days=1)
    return (first - day).date().isoformat(), (last + day).date().isoformat()


def split_reference(reference: str) -> tuple[str, str] | None:
    """Key and day of ``key:day``; None when it is not one."""
    key, _, day = reference.partition(":")
    try:
        is_day = datetime.strptime(day, "%Y-%m-%d").strftime("%Y-%m-%d") == day
    except ValueError:
        return None
    return (key, day) if is_day and key.isascii() and key.isdigit() else None


class _Places:
    """The entries by their second."""

    def __init__(self, holdings: Iterable[Held]) -> None:
        self._instants: defaultdict[int, list[Held]] = defaultdict(list)
        self._minutes: defaultdict[int, list[Held]] = defaultdict(list)
        self._walls: defaultdict[int, list[Held]] = defaultdict(list)
        for held in holdings:
            if held.instant is not None:
                self._instants[held.instant].append(held)
                self._minutes[held.instant // 60].append(held)
            elif held.wall is not None:
                self._walls[held.wall].append(held)

    def at(self, one: Wanted) -> list[Held]:
        return self._instants.get(one.instant) or self._walls.get(one.wall) or []

    def within_minute(self, one: Wanted) -> list[Held]:
        return self._minutes.get(one.instant // 60, [])


def _existing(one: Wanted, candidates: Sequence[Held], same: Any) -> Existing:
    """The best of several: the same values first, then our own older revision, then any."""

    def rank(held: Held) -> tuple[bool, bool, str]:
        return (not same(one, held), held.reference != one.previous, held.reference)

    best = min(candidates, key=rank)
    return Existing(best.reference, same=same(one, best))


def _same_weight(one: Wanted, held: Held) -> bool:
    return _near(held.values.get("weight"), one.grams, TRUNCATED_GRAMS)


def _same_pressure(one: Wanted, held: Held) -> bool:
    return all(
        _near(held.values.get(name), one.values[name], TOLERANCES[name])
        for name in ("systolic", "diastolic")
    )


def _same_values(one: Wanted, held: Held) -> bool:
    """The entry holds every value that we send, and none that we no longer send."""
    names = {*one.values, *held.values}
    return all(
        name in one.values and _near(held.values.get(name), one.values[name], TOLERANCES[name])
        for name in names
    )


def _near(there: float | None, ours: float, tolerance: float) -> bool:
    return there is not None and abs(there - ours) <= tolerance + _SLACK


def _weigh_in(metric: Mapping[str, Any]) -> Iterator[Held]:
    key, day = metric.get("samplePk"), metric.get("calendarDate")
    instant, wall = _seconds(metric.get("timestampGMT")), _seconds(metric.get("date"))
    values = dict(_numbers(metric, (*_WEIGHTS, *_PERCENTS, *_RATINGS, "metabolicAge")))
    if "metabolicAge" in values:
        values["metabolicAge"] /= YEAR_MILLISECONDS
    if "weight" in values and (instant is not None or wall is not None):
        yield Held(f"{key}:{day}", instant, wall, values)


def _pressure(entry: Mapping[str, Any]) -> Iterator[Held]:
    local = entry.get("measurementTimestampLocal")
    instant, wall = _parse(entry.get("measurementTimestampGMT")), _parse(local)
    values = dict(_numbers(entry, ("systolic", "diastolic", "pulse")))
    if wall is not None and instant is not None and {"systolic", "diastolic"} <= set(values):
        yield Held(f"{entry.get('version')}:{str(local)[:10]}", instant, wall, values)


def _numbers(entry: Mapping[str, Any], names: Iterable[str]) -> Iterator[tuple[str, float]]:
    """The values that are there. Garmin writes null, and on old entries 0, for "none"."""
    for name in names:
        value = entry.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            yield name, float(value)


def _seconds(milliseconds: Any) -> int | None:
    is_number = isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool)
    return int(milliseconds // 1000) if is_number else None


def _parse(text: Any) -> int | None:
    """``2026-03-01T15:15:00.0`` (no zone, read as UTC) in seconds since 1970."""
    try:
        return int(datetime.fromisoformat(str(text)[:19]).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _list(content: Any, name: str) -> list[Any] | None:
    if not isinstance(content, dict) or name not in content:
        return None
    found = content[name]
    if found is None:
        return []
    return found if isinstance(found, list) else None


def _inner(days: Iterable[Any], name: str) -> Iterator[Mapping[str, Any]]:
    for day in days:
        entries = day.get(name) if isinstance(day, dict) else None
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                yield entry

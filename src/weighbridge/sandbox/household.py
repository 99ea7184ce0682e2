"""
A household of two with years of invented history, for the demo, for tests and for benchmarks.

Anna steps on a Body Scan and owns a BPM Connect. Ben had a Body+, has a Body Cardio now, and spent
some weeks in New York. Every shape that the real cloud was seen to answer occurs (Withings
reference, sections 3.3 to 3.7). The same ``now`` and ``seed`` always give the same groups.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import msgspec

from weighbridge.sandbox import shapes
from weighbridge.sandbox.shapes import BODY_SCAN, BPM_CONNECT, Body, Device, Group, Moment, Part

PARIS, NEW_YORK = "Europe/Paris", "America/New_York"
DAY = 86_400
_QUIET = 3600
"""Nothing is stored in the last hour, so that a history is settled when it is read."""
_OFFLINE = (10, 9)
_ONLINE_AGAIN = 8
_ABROAD = range(115, 141)
_FRIENDS_SCALE = range(62, 65)
_WEEKLY = (260, 180, 60, 0, -40, 40, 160)
"""Grams that a weekday adds: Sunday's dinner is on the scale on Monday."""


class _Person(msgspec.Struct, frozen=True):
    name: str
    grams: int
    grams_a_year: int
    season: int
    fat_share: float
    hour: int


_ANNA = _Person("anna", grams=66_800, grams_a_year=-500, season=700, fat_share=0.268, hour=7)
_BEN = _Person("ben", grams=86_200, grams_a_year=-1100, season=1100, fat_share=0.214, hour=6)


def household(
    now: int, *, seed: int = 1, years: int = 3
) -> list[tuple[str, int, str, list[Group]]]:
    """Two people as ``(name, userid, timezone of the profile, groups)``.

    ``now`` is in epoch seconds. The groups ascend by id and by ``created``; a few were changed later.
    """
    anna = _Diary(_ANNA, now, seed)
    ben = _Diary(_BEN, now, seed)
    return [
        ("anna", 30_110_417, PARIS, _numbered(_history(anna, _annas_day, years), now, slot=0)),
        ("ben", 30_110_986, PARIS, _numbered(_history(ben, _bens_day, years), now, slot=16)),
    ]


def weigh_in(
    now: int,
    *,
    kg: str = "72.4",
    seed: int = 7,
    device: Device = BODY_SCAN,
    timezone: str | None = PARIS,
) -> list[Group]:
    """A fresh weigh-in of exactly ``kg``, its groups stored in the seconds before ``now``.

    Two weigh-ins of the same second need two seeds (0 to 31): the seed is part of the ids.
    """
    chance = shapes.dice(f"{seed} weigh-in")
    parts = _parts_of(device, shapes.exactly(kg), chance)
    return _fresh(parts, device, now - len(parts), (now, seed, timezone))


def pressure(
    now: int,
    *,
    mmhg: tuple[int, int] = (121, 78),
    seed: int = 11,
    device: Device = BPM_CONNECT,
    timezone: str | None = PARIS,
) -> list[Group]:
    """A fresh blood-pressure reading, ``mmhg`` systolic and diastolic, stored just before ``now``."""
    chance = shapes.dice(f"{seed} pressure")
    parts = shapes.cuff(*mmhg, chance.randint(54, 76))
    return _fresh(parts, device, now - 1, (now, seed, timezone))


def many_groups(count: int, *, now: int, seed: int = 1) -> Iterator[Group]:
    """``count`` groups of up to ten years, cheap to make, ascending by id and by ``modified``.

    Five groups are two weigh-ins (composition and pulse) and one blood-pressure reading.
    """
    chance = shapes.dice(f"{seed} many")
    pace = max(60, min(DAY // 2, 10 * 365 * DAY // max(count, 1)))
    stored_at = now - _QUIET - count * pace
    taken_at = stored_at - 30
    for index in range(count):
        parts, device = _one_of_five(index % 5, chance)
        if index % 5 not in {1, 3}:  # a pulse belongs to the weigh-in before it
            taken_at = stored_at - 30
        step = 2 if index % 5 in {1, 3} else pace
        yield from shapes.stored(parts, device, Moment(taken_at, stored_at, PARIS))
        stored_at += step


def _one_of_five(turn: int, chance: Random) -> tuple[list[Part], Device]:
    if turn == 4:
        parts = shapes.cuff(chance.randint(105, 140), chance.randint(65, 90), 62)
        return parts, BPM_CONNECT
    if turn in {1, 3}:
        return shapes.by_hand(11, chance.randint(50, 75), 0, shapes.OWNER_KNOWN), shapes.BODY_PLUS
    grams = chance.randint(70_000, 76_000)
    return shapes.body_plus(Body(grams, -3, grams // 5)), shapes.BODY_PLUS

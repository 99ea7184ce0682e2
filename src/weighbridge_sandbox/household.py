"""
A household of two with years of invented history, for the demo, for tests and for benchmarks.

Anna steps on a Body Scan and owns a BPM Connect. Ben had a Body+, has a Body Cardio now, and spent
some weeks in New York. Every shape that the real cloud was seen to answer occurs
(docs/reference/withings-api.md#measurements). The same ``now`` and ``seed`` always give the same
groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import msgspec

from weighbridge_sandbox import shapes
from weighbridge_sandbox.shapes import (
    BODY_CARDIO,
    BODY_PLUS,
    BODY_SCAN,
    BPM_CONNECT,
    HAND,
    UNKNOWN_SCALE,
    Body,
    Device,
    Group,
    Moment,
    Part,
)

PARIS, NEW_YORK = "Europe/Paris", "America/New_York"

SEED, YEARS = 1, 3
"""The history that is invented when nothing else is asked for, and its length."""

# Days before today.
_OFFLINE = range(9, 11)
_ONLINE_AGAIN = 8
_FRIENDS_SCALE = range(62, 65)
_ABROAD = range(115, 141)
_ZONE_IN_EACH_GROUP = range(366)

_QUIET = 3600
"""Seconds before now in which nothing is stored: a history is settled when it is read."""
_WEEKLY = (260, 180, 60, 0, -40, 40, 160)
"""Grams by weekday: Sunday's dinner is on the scale on Monday."""


class _Person(msgspec.Struct, frozen=True):
    name: str
    grams: int
    grams_a_year: int
    season: int
    fat_share: float
    centimetres: tuple[int, ...]
    """The heights entered by hand; the first one at sign-up."""


class _Day(msgspec.Struct, frozen=True):
    """One day of one person; ``nth`` counts weigh-ins, None when there is none on this day."""

    ago: int
    date: date
    now: int
    body: Body
    nth: int | None
    chance: Random
    zone: str

    def at(self, hour: int) -> int:
        """Some minute of a local hour of this day, in epoch seconds."""
        clock = time(hour, self.chance.randrange(60), self.chance.randrange(60))
        return int(datetime.combine(self.date, clock, ZoneInfo(self.zone)).timestamp())

    def stores(self, parts: list[Part], device: Device, taken_at: int) -> list[Group]:
        """The groups of one reading, stored when its device is online."""
        stored_at = taken_at + self.chance.randint(*device.upload)
        zone = self.zone if self.ago in _ZONE_IN_EACH_GROUP else None
        return shapes.stored(parts, device, Moment(taken_at, stored_at, zone), self.chance)


def household(
    now: int, *, seed: int = SEED, years: int = YEARS
) -> list[tuple[str, int, str, list[Group]]]:
    """Two people as ``(name, userid, timezone of the profile, groups)``.

    ``now`` is in epoch seconds. The groups ascend by id and by ``created``; of some, ``modified``
    is days later. The newest is more than an hour old.
    """
    anna = _Person("anna", 66_800, -500, 700, 0.268, (170, 172, 171))
    ben = _Person("ben", 86_200, -1100, 1100, 0.214, (185, 183))
    annas = _history(_days(anna, now, seed, years), anna, _annas_day)
    bens = _history(_days(ben, now, seed, years), ben, _bens_day)
    return [
        ("anna", 30_110_417, PARIS, _numbered(annas, now, slot=0)),
        ("ben", 30_110_986, PARIS, _numbered(bens, now, slot=16)),
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

    Two fresh readings of the same second need two seeds (0 to 31): the seed is part of the ids.
    """
    parts = _weighed(device, shapes.exactly(kg), shapes.dice(f"{seed} weigh-in"))
    moment = Moment(now - 70, now - len(parts), timezone)
    return _fresh(shapes.stored(parts, device, moment), seed)


def pressure(
    now: int,
    *,
    mmhg: tuple[int, int] = (121, 78),
    seed: int = 11,
    device: Device = BPM_CONNECT,
    timezone: str | None = PARIS,
) -> list[Group]:
    """A fresh blood-pressure reading, stored just before ``now``. ``mmhg``: systolic, diastolic."""
    systolic, diastolic = mmhg
    parts = shapes.cuff(systolic, diastolic, shapes.dice(f"{seed} pressure").randint(54, 76))
    return _fresh(shapes.stored(parts, device, Moment(now - 120, now - 1, timezone)), seed)


def many_groups(count: int, *, now: int, seed: int = 1) -> Iterator[Group]:
    """``count`` groups within ten years, cheap to make, ascending by id and by ``modified``.

    Of every five, two pairs are weigh-ins (composition, pulse) and one is a blood pressure.
    """
    chance = shapes.dice(f"{seed} many")
    pace = max(60, min(43_200, 10 * 365 * 86_400 // max(count, 1)))
    start = now - _QUIET - (count + 1) * pace
    for index in range(count):
        cycle, turn = divmod(index, 5)
        taken_at = start + (cycle * 5 + turn // 2 * 2) * pace
        moment = Moment(taken_at, taken_at + 30 + turn % 2 * 2, PARIS)
        yield from shapes.stored(*_one_of_five(turn, chance), moment)


def _one_of_five(turn: int, chance: Random) -> tuple[list[Part], Device]:
    if turn == 4:
        return shapes.cuff(chance.randint(105, 140), chance.randint(65, 90), 62), BPM_CONNECT
    if turn % 2:
        return shapes.pulse_only(chance), BODY_PLUS
    grams = chance.randint(70_000, 76_000)
    return shapes.body_plus(Body(grams, -3, grams // 5)), BODY_PLUS


def _days(person: _Person, now: int, seed: int, years: int) -> Iterator[_Day]:
    """Every day of the history, oldest first, with a weigh-in on about five of seven."""
    chance = shapes.dice(f"{seed} {person.name}")
    today = datetime.fromtimestamp(now, UTC).date()
    drift, weigh_ins = 0.0, 0
    for ago in range(365 * years, -1, -1):
        day = today - timedelta(days=ago)
        drift = 0.9 * drift + chance.gauss(0, 90)
        grams = _usual_weight(person, day, 365 * years - ago) + drift + chance.gauss(0, 120)
        body = _on_the_scale(round(grams), person.fat_share, chance)
        weighs = chance.random() < 5 / 7 or ago in _OFFLINE or ago in _FRIENDS_SCALE
        zone = NEW_YORK if person.name == "ben" and ago in _ABROAD else PARIS
        yield _Day(ago, day, now, body, weigh_ins if weighs else None, chance, zone)
        weigh_ins += weighs


def _usual_weight(person: _Person, day: date, since_start: int) -> float:
    """Grams: a slow change over years, more in January than in July, more on Mondays."""
    season = math.cos((day.timetuple().tm_yday - 20) / 365 * math.tau)
    slow = person.grams_a_year * since_start / 365
    return person.grams + slow + person.season * season + _WEEKLY[day.weekday()]


def _on_the_scale(grams: int, fat_share: float, chance: Random) -> Body:
    """The exponent varies for the same type, and recent answers carry float noise."""
    fat = round(grams * (fat_share + chance.gauss(0, 0.004)))
    draw = chance.random()
    if draw < 0.8:
        return Body(grams, -3, fat)
    if draw < 0.9:
        return Body(grams // 10, -2, fat)
    if draw < 0.95:
        return Body(grams * 10, -4, fat)
    return Body(grams * 1000 + chance.choice((-4, 3, 6)), -6, fat)


def _history(
    days: Iterable[_Day], person: _Person, readings: Callable[[_Day], Iterator[list[Group]]]
) -> Iterator[Group]:
    for number, day in enumerate(days):
        for groups in _entered_at_start(person, day, number):
            yield from groups
        for groups in readings(day):
            yield from groups


def _entered_at_start(person: _Person, day: _Day, number: int) -> Iterator[list[Group]]:
    """Heights and goals. The first height is a guess made at sign-up, corrected months later."""
    for index, height in enumerate(person.centimetres):
        if number == index * 150:
            attribution = shapes.BY_HAND if index else shapes.AT_SIGN_UP
            yield day.stores(shapes.by_hand(4, height, -2, attribution), HAND, day.at(20))
    if number in {1, 200}:
        wish = person.grams // 1000 - 2 - number // 100
        yield _as_goal(day.stores(shapes.by_hand(1, wish, 0), HAND, day.at(20)))


def _annas_day(day: _Day) -> Iterator[list[Group]]:
    """Body Scan in the morning, blood pressure on two evenings a week."""
    if day.nth is not None:
        taken_at = day.at(7)
        if day.nth % 31 == 20:  # both devices saw the same second
            yield day.stores(_calm_cuff(day), BPM_CONNECT, taken_at)
        yield _late(day, day.stores(_annas_weigh_in(day, day.nth), BODY_SCAN, taken_at), day.nth)
    if day.chance.random() < 2 / 7:
        yield day.stores(_calm_cuff(day), BPM_CONNECT, day.at(21))
    if day.date.month == 10 and day.date.day > 24 and day.date.weekday() == 6:
        yield from _sleepless_night(day)


def _annas_weigh_in(day: _Day, nth: int) -> list[Part]:
    if nth % 97 == 41:
        return shapes.body_scan_without_handle(day.body, day.chance, shapes.AMBIGUOUS)
    if nth % 9 == 4:
        return shapes.body_scan_without_handle(day.body, day.chance)
    parts = shapes.body_scan(day.body, day.chance)
    if nth % 23 == 7:
        return [shapes.nerve_health(day.chance), *parts]
    if nth % 23 == 15:
        return [*parts, shapes.nerve_health(day.chance)]
    if nth % 83 == 60:
        return [*parts, shapes.never_heard_of(day.chance)]
    return parts


def _calm_cuff(day: _Day) -> list[Part]:
    """At times the best of several, at times with an attribution that few know."""
    systolic = round(day.chance.gauss(118, 6))
    diastolic = systolic * 2 // 3 + day.chance.randint(-4, 4)
    attribution = day.chance.choices((0, shapes.BEST_OF_SEVERAL, 17), (85, 12, 3))[0]
    return shapes.cuff(systolic, diastolic, day.chance.randint(52, 70), attribution)


def _sleepless_night(day: _Day) -> Iterator[list[Group]]:
    """When summer time ends, 02:30 on the clock happens twice: 00:30 and 01:30 in UTC."""
    midnight = int(datetime.combine(day.date, time(), UTC).timestamp())
    for taken_at in (midnight + 1800, midnight + 5400):
        parts = shapes.body_scan_without_handle(day.body, day.chance)
        yield day.stores(parts, BODY_SCAN, taken_at)


def _bens_day(day: _Day) -> Iterator[list[Group]]:
    """A scale in the morning; what he measures elsewhere he enters by hand."""
    if day.nth is None:
        return
    taken_at = day.at(6)
    if day.nth % 47 == 30:
        yield day.stores(shapes.by_hand_without_fat(day.body), HAND, taken_at)
    elif day.nth % 89 == 50:  # a visit to the doctor, entered at once
        yield day.stores(shapes.by_hand(1, day.body.grams // 100, -1), HAND, taken_at)
        yield day.stores(shapes.cuff(131, 84, 66, shapes.BY_HAND), HAND, taken_at)
    else:
        device = _bens_scale(day.ago)
        parts = _bens_weigh_in(day, device, day.nth)
        yield _late(day, day.stores(parts, device, taken_at), day.nth)
    if day.nth % 113 == 100:
        yield day.stores(shapes.by_hand(11, 58, 0), HAND, day.at(22))


def _bens_scale(ago: int) -> Device:
    if ago in _FRIENDS_SCALE:
        return UNKNOWN_SCALE
    return BODY_PLUS if ago > 300 or ago in _ABROAD else BODY_CARDIO


def _bens_weigh_in(day: _Day, device: Device, nth: int) -> list[Part]:
    if nth % 89 == 70:
        return shapes.weight_only(day.body, shapes.AMBIGUOUS)
    if nth % 7 == 3:
        return shapes.weight_only(day.body)
    return _weighed(device, day.body, day.chance)


def _weighed(device: Device, body: Body, chance: Random) -> list[Part]:
    """What this scale makes of a full weigh-in."""
    if device is BODY_SCAN:
        return shapes.body_scan(body, chance)
    if device is BODY_CARDIO:
        return shapes.body_cardio(body, chance)
    return shapes.body_plus(body)


def _late(day: _Day, groups: list[Group], nth: int) -> list[Group]:
    """Store it after the days without network; change a few two days after they were stored."""
    if day.ago in _OFFLINE:
        wait = (day.ago - _ONLINE_AGAIN) * 86_400
        for group in groups:
            group["created"] = group["modified"] = group["created"] + wait
    elif nth % 61 == 33:
        groups[0]["modified"] = min(groups[0]["created"] + 2 * 86_400, day.now - _QUIET)
    return groups


def _as_goal(groups: list[Group]) -> list[Group]:
    for group in groups:
        group["category"] = shapes.GOAL
    return groups


def _numbered(groups: Iterable[Group], now: int, slot: int) -> list[Group]:
    """Settled groups in the order of storing, with ids that ascend."""
    settled = [group for group in groups if group["created"] < now - _QUIET]
    settled.sort(key=lambda group: group["created"])
    last = 0
    for group in settled:
        last = group["grpid"] = max(last + 1, shapes.group_id(group["created"], slot))
    return settled


def _fresh(groups: list[Group], seed: int) -> list[Group]:
    for group in groups:
        group["grpid"] = shapes.group_id(group["created"], seed % 32)
    return groups

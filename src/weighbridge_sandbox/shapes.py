"""
The shapes in which Withings devices store one weigh-in or one blood-pressure reading. Pure.

One weigh-in becomes several measure groups that share their date and device and are stored one
to five seconds apart (docs/reference/withings-api.md#one-weigh-in). Keys and their
order are those of recorded answers; every value is invented.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import msgspec

type Group = dict[str, Any]
type Measure = dict[str, Any]
type Part = tuple[int, list[Measure]]
"""What becomes one measure group: its attribution and its measures."""

OWNER_KNOWN, AMBIGUOUS, BY_HAND, AT_SIGN_UP, BEST_OF_SEVERAL = 0, 1, 2, 4, 5
DERIVED, PER_FOOT, GUIDED, UNDOCUMENTED = 8, 10, 15, 10009
MEASURED, GOAL = 1, 2

_WHOLE_BODY, _BETWEEN_LEGS, _LEFT_FOOT, _RIGHT_FOOT = 7, 6, 5, 4
_SEGMENTS = {12: 0.52, 10: 0.17, 3: 0.065, 11: 0.172, 2: 0.067}
"""Torso, left leg, left arm, right leg, right arm, with their share of the body."""


class Device(msgspec.Struct, frozen=True):
    """What measured. ``upload`` bounds the seconds from measuring to storing when it is online."""

    model: str | None = None
    model_id: int | None = None
    device_id: str | None = None
    upload: tuple[int, int] = (1, 2)


def dice(seed: str) -> Random:
    """A source of chance that always falls the same way for the same seed."""
    return Random(seed)  # noqa: S311 - invents histories, guards nothing


def _device(model: str, model_id: int, upload: tuple[int, int]) -> Device:
    return Device(model, model_id, dice(f"device {model}").randbytes(20).hex(), upload)


BODY_SCAN = _device("Body Scan", 10, (54, 167))
BODY_CARDIO = _device("Body Cardio", 6, (18, 40))
BODY_PLUS = _device("Body+", 5, (18, 40))
BPM_CONNECT = _device("BPM Connect", 45, (104, 694))
UNKNOWN_SCALE = _device("Body Unheard Of", 1999, (20, 60))
HAND = Device()


class Moment(msgspec.Struct, frozen=True):
    """When and where: epoch seconds, and the IANA zone that newer answers carry in each group."""

    taken_at: int
    stored_at: int
    timezone: str | None = None


class Body(msgspec.Struct, frozen=True):
    """One body on one morning. The weight is ``mantissa * 10**exponent`` kg, the fat in grams."""

    mantissa: int
    exponent: int
    fat: int

    @property
    def grams(self) -> int:
        """The weight in whole grams."""
        return round(Decimal(self.mantissa).scaleb(self.exponent + 3))

    @property
    def lean(self) -> int:
        """The fat-free mass in grams."""
        return self.grams - self.fat

    @property
    def fat_ratio(self) -> int:
        """The share of fat in thousandths of a percent."""
        return round(self.fat * 100_000 / self.grams)


def exactly(kg: str, fat_share: float = 0.22) -> Body:
    """A body of exactly this weight; the text may have any number of decimals."""
    digits = Decimal(kg)
    exponent = min(int(digits.as_tuple().exponent), -3)
    return Body(int(digits.scaleb(-exponent)), exponent, round(digits * 1000 * Decimal(fat_share)))


def _measure(code: int, value: int, unit: int = 0, position: int | None = None) -> Measure:
    measure: Measure = {"value": value, "type": code, "unit": unit, "algo": 0, "fm": 131}
    if position is not None:
        measure["position"] = position
    return measure


def _derived(code: int, value: int) -> Measure:
    """A value that the cloud works out itself comes without the keys of the device."""
    return {"value": value, "type": code, "unit": -3}


def _weight(body: Body) -> Measure:
    return _measure(1, body.mantissa, body.exponent)


def weight_only(body: Body, attribution: int = OWNER_KNOWN) -> list[Part]:
    """A weigh-in in socks."""
    return [(attribution, [_weight(body)])]


def body_plus(body: Body) -> list[Part]:
    """One group with everything; fat-free mass and fat ratio are derived."""
    masses = ((8, body.fat), (76, body.lean * 19 // 20), (77, body.lean * 73 // 100))
    measures = [_weight(body), *(_measure(code, grams // 10, -2) for code, grams in masses)]
    measures.append(_measure(88, body.lean // 200, -2))
    measures += [_derived(6, body.fat_ratio), _derived(5, body.lean)]
    return [(OWNER_KNOWN, measures)]


def body_cardio(body: Body, chance: Random) -> list[Part]:
    """Composition, pulse, and pulse wave velocity: attribution 8, at times with its twin 10."""
    speed = chance.randint(6200, 8100)
    parts = body_plus(body)
    parts.append((OWNER_KNOWN, [_measure(11, chance.randint(54, 72) * 100, -2)]))
    parts.append((DERIVED, [_measure(91, speed, -3), _measure(155, speed // 16, -1)]))
    if chance.random() < 0.3:
        feet = ((_RIGHT_FOOT, speed + 80), (_LEFT_FOOT, speed - 90))
        parts.append((PER_FOOT, [_measure(91, value, -3, foot) for foot, value in feet]))
    return parts


def body_scan(body: Body, chance: Random) -> list[Part]:
    """Composition with segments, pulse with ECG result, nerve response, pulse wave velocity."""
    pulse = [_measure(11, chance.randint(52, 70)), _measure(130, 8)]
    for measure in pulse:
        measure["algo_params"] = {"1": 1}
    speed = chance.randint(5900, 7600)
    return [
        (OWNER_KNOWN, _scanned(body)),
        (OWNER_KNOWN, pulse),
        (OWNER_KNOWN, _nerve_response(chance)),
        (DERIVED, [_measure(91, speed, -3), _measure(155, speed // 17, -1)]),
    ]


def body_scan_without_handle(
    body: Body, chance: Random, attribution: int = OWNER_KNOWN
) -> list[Part]:
    """No composition and no ECG when the handle stays in its dock."""
    parts = [[_weight(body)], [_measure(11, chance.randint(52, 70))], _nerve_response(chance)]
    return [(attribution, measures) for measures in parts]


def nerve_health(chance: Random) -> Part:
    """A guided nerve-health check; it carries the time stamp of the weigh-in before it."""
    left, right = chance.randint(44_000, 72_000), chance.randint(44_000, 72_000)
    scores = ((158, left), (159, right), (167, (left + right) // 2))
    return GUIDED, [_measure(code, score, -3) for code, score in scores]


def never_heard_of(chance: Random) -> Part:
    """Types and an attribution that no documentation knows."""
    return UNDOCUMENTED, [_measure(9310, chance.randint(1, 99)), _measure(9311, -1000, -3)]


def _scanned(body: Body) -> list[Measure]:
    lean, fat = body.lean // 10, body.fat // 10
    water = lean * 73 // 100
    whole = [(5, lean), (5, lean), (8, fat), (8, fat), (76, lean * 19 // 20), (77, water)]
    measures = [_weight(body)]
    measures += [_measure(code, value, -2, _WHOLE_BODY) for code, value in whole]
    measures.append(_measure(88, lean // 20, -2, _WHOLE_BODY))
    measures.append(_measure(168, water * 2 // 5, -2, _BETWEEN_LEGS))
    measures.append(_measure(169, water - water * 2 // 5, -2, _WHOLE_BODY))
    measures.append(_measure(170, body.fat // 800, -1, _WHOLE_BODY))
    for code, total in ((173, lean), (174, fat), (175, lean * 19 // 20)):
        measures += [_measure(code, round(total * s), -2, p) for p, s in _SEGMENTS.items()]
    measures.append(_measure(226, 370 + body.lean * 216 // 10_000, 0, _WHOLE_BODY))
    measures.append(_derived(6, body.fat_ratio))
    return measures


def _nerve_response(chance: Random) -> list[Measure]:
    left, right = chance.randint(42_000, 66_000), chance.randint(42_000, 66_000)
    scores = ((196, (left + right) // 2), (197, left), (198, right))
    return [_measure(code, score, -3) for code, score in scores]


def cuff(systolic: int, diastolic: int, pulse: int, attribution: int = OWNER_KNOWN) -> list[Part]:
    """A blood-pressure reading in mmHg, with the pulse in beats a minute."""
    values = ((9, diastolic), (10, systolic), (11, pulse))
    return [(attribution, [_measure(code, value) for code, value in values])]


def pulse_only(chance: Random) -> list[Part]:
    """The second group of many a weigh-in."""
    return [(OWNER_KNOWN, [_measure(11, chance.randint(50, 75))])]


def by_hand(code: int, value: int, unit: int, attribution: int = BY_HAND) -> list[Part]:
    """One value that a person entered on a phone."""
    measure = _measure(code, value, unit) | {"apppfmid": 7, "appliver": 7_020_001}
    return [(attribution, [measure])]


def by_hand_without_fat(body: Body) -> list[Part]:
    """A weight entered by hand. Its zeros mean that no fat was entered."""
    weight = _measure(1, body.grams * 10, -4)
    return [(BY_HAND, [weight, _measure(8, 0, -3), _derived(6, 0), _derived(5, body.grams)])]


def stored(
    parts: list[Part], device: Device, moment: Moment, gaps: Random | None = None
) -> list[Group]:
    """The parts as measure groups: same date and device, stored one to five seconds apart.

    Without ``gaps`` they are stored one second apart.
    """
    groups, stored_at = [], moment.stored_at
    for attribution, measures in parts:
        groups.append(_group(attribution, measures, device, moment, stored_at))
        stored_at += gaps.randint(1, 5) if gaps else 1
    return groups


def group_id(stored_at: int, slot: int = 0) -> int:
    """An id that grows with the time of storing, about as fast as the real ones do."""
    return (stored_at - 1_540_000_000) * 32 + slot


def _group(
    attribution: int, measures: list[Measure], device: Device, moment: Moment, stored_at: int
) -> Group:
    group: Group = {
        "grpid": group_id(stored_at),
        "attrib": attribution,
        "date": moment.taken_at,
        "created": stored_at,
        "modified": stored_at,
        "category": MEASURED,
        "deviceid": device.device_id,
        "hash_deviceid": device.device_id,
        "measures": measures,
        "modelid": device.model_id,
        "model": device.model,
        "comment": None,
    }
    if moment.timezone:
        group["timezone"] = moment.timezone
    return group

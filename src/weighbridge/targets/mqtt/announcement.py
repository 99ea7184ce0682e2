"""What one reading says at the broker: its event, and the bare weight for simple listeners. Pure.

The reference of a delivery names what was announced. A reading that grows is announced again only
when it has become something else, for instance a weight after a pulse that came first.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import msgspec

from weighbridge.core.errors import Refused
from weighbridge.core.measures import KG_IN_A_POUND, MeasureType, Reading
from weighbridge.targets.base import Newest, Owed
from weighbridge.targets.mqtt.mqtt_event import Wording, compared_type, event_of, event_type_of
from weighbridge.targets.mqtt.mqtt_message import MqttMessage
from weighbridge.targets.mqtt.mqtt_values import instant, number

DAY = 86_400
EXPIRY = DAY
"""Seconds after which an event is of no use to a listener who was away."""

SILENT = "state"
"""The reference of a reading that was never announced: it only became part of the state."""

NOTHING = "nothing"
"""The manner of an event whose sentence is left empty."""

_HEAVIEST = Decimal(10) ** 6


class Announcement(msgspec.Struct, frozen=True):
    """What is said about one reading; no messages: it is history, or was announced before."""

    reading_id: str
    taken_at: int
    reference: str
    messages: tuple[MqttMessage, ...]


class Announcer(msgspec.Struct, frozen=True):
    """How the readings of one person are announced."""

    person: str
    topic: str
    wording: Wording
    plain_topic: str | None
    before: Callable[[Reading, int], Newest | None]
    since: float
    """What the cloud had stored by then is history."""
    now: float

    def _is_history(self, reading: Reading) -> bool:
        """A reading of this morning may reach the cloud now; one of last year only changed."""
        return reading.stored_at <= self.since or reading.taken_at < self.since - DAY

    def announce(self, owed: Owed) -> Announcement:
        """Raises Refused for a reading that JSON or the calendar cannot hold."""
        reading = owed.reading
        _check(reading)
        kind = event_type_of(reading)
        announced = _announced(owed.previous)
        is_new = not self._is_history(reading) and owed.previous != "" and kind not in announced
        messages = (self._event(reading), *self._plain(reading)) if is_new else ()
        announced = announced | {kind} if is_new else announced
        reference = "+".join(sorted(announced)) or SILENT
        return Announcement(reading.reading_id, reading.taken_at, reference, messages)

    def _event(self, reading: Reading) -> MqttMessage:
        code = compared_type(reading)
        before = None if code is None else self.before(reading, code)
        manner = self.wording.manner
        wording = self.wording
        if manner == NOTHING:
            wording = msgspec.structs.replace(wording, manner="value")
        event: dict[str, Any] = event_of(
            reading, before, person=self.person, now=self.now, wording=wording
        )
        if manner == NOTHING:
            event["text"] = ""
        return MqttMessage(self.topic, msgspec.json.encode(event), expiry=EXPIRY)

    def _plain(self, reading: Reading) -> tuple[MqttMessage, ...]:
        kg = reading.get(MeasureType.WEIGHT)
        if self.plain_topic is None or kg is None or event_type_of(reading) != "weight":
            return ()
        text = plain_weight(kg, self.wording.units)
        return (MqttMessage(self.plain_topic, text.encode(), expiry=EXPIRY),)


def plain_weight(kg: Decimal, units: str) -> str:
    """``75.2``: the weight in kilograms or pounds with one decimal, rounded half up."""
    with localcontext(prec=60):
        weight = kg / KG_IN_A_POUND if units == "imperial" else kg
        return str(weight.quantize(Decimal("0.1"), ROUND_HALF_UP))


def _announced(reference: str | None) -> frozenset[str]:
    return frozenset((reference or "").split("+")) - {"", SILENT}


def _check(reading: Reading) -> None:
    if instant(reading.taken_at) is None:
        raise Refused(code="reading.no_time")
    for one in (*reading.measurements, *reading.segments):
        if abs(one.value) >= _HEAVIEST or number(one.value) is None:
            raise Refused(code="reading.too_large", type=one.type_code)

"""One new measurement, as it is announced: numbers, what changed, and a sentence. Pure.

It is not retained. The keys beside ``event_type`` become attributes of Home Assistant's event
entity (docs/reference/home-assistant.md#event-entity). ``id`` is there because a message may
arrive twice.

The reference of a delivery names what was announced. A reading that grows is announced again only
when it has become something else, for instance a weight after a pulse that came first.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import msgspec

from weighbridge.core.errors import Refused
from weighbridge.core.measures import KG_IN_A_POUND, Kind, MeasureType, Reading, field_name
from weighbridge.targets.base import Newest, Owed
from weighbridge.targets.mqtt.broker_messages import MqttMessage
from weighbridge.targets.mqtt.sensors import by_part, instant, number, rounded
from weighbridge.targets.mqtt.speech import Spoken, sentence
from weighbridge.targets.mqtt.topics import display_name

EVENT_TYPES = ("weight", "blood_pressure", "temperature", "other")
LATE_AFTER = 600.0
"""Seconds after which a measurement is old news."""

_TEMPERATURES = (
    MeasureType.BODY_TEMPERATURE,
    MeasureType.TEMPERATURE,
    MeasureType.SKIN_TEMPERATURE,
)


class Wording(msgspec.Struct, frozen=True):
    """How a person wants to be told: see ``weighbridge.targets.mqtt.speech``."""

    language: str = "en"
    units: str = "metric"
    """``metric`` or ``imperial``: of the sentence, and of the main numbers of an event."""
    manner: str = "value"


def event_type_of(reading: Reading) -> str:
    """What a reading is announced as: one of ``EVENT_TYPES``."""
    if reading.kind == Kind.BLOOD_PRESSURE:
        both = (MeasureType.SYSTOLIC, MeasureType.DIASTOLIC)
        return "other" if None in map(reading.get, both) else "blood_pressure"
    if reading.get(MeasureType.WEIGHT) is not None:
        return "weight"
    return "other" if _temperature_type(reading) is None else "temperature"


def compared_type(reading: Reading) -> int | None:
    """The measure type whose value before this reading ``event_of`` wants; None: it wants none."""
    match event_type_of(reading):
        case "weight":
            return int(MeasureType.WEIGHT)
        case "temperature":
            return _temperature_type(reading)
        case _:
            return None


def event_of(
    reading: Reading, before: Newest | None, *, person: str, now: float, wording: Wording
) -> dict[str, Any]:
    """The event of one reading. ``before``: the value of ``compared_type`` that came before it.

    ``person`` is the configured name, ``now`` in seconds. The main numbers are in the wanted
    units, ``values`` and ``segments`` always in SI units.
    """
    event_type = event_type_of(reading)
    event = {
        "event_type": event_type,
        "id": reading.reading_id,
        "measured_at": instant(reading.taken_at),
        "late": now - reading.taken_at > LATE_AFTER,
        "person": person,
        **_main_numbers(event_type, reading, before, wording.units),
        "text": _text(event_type, reading, before, display_name(person), wording),
        "values": {field_name(one.type_code): number(one.value) for one in reading.measurements},
    }
    parts = by_part(reading.segments)
    return {**event, "segments": parts} if parts else event


# --- Numbers --------------------------------------------------------------------------------------


class _Unit(msgspec.Struct, frozen=True):
    """A unit, and how exact SI values become numbers in it."""

    name: str
    convert: Callable[[Decimal], Decimal]


_UNITS = {
    ("weight", "metric"): _Unit("kg", rounded),
    ("weight", "imperial"): _Unit("lb", lambda kg: rounded(kg / KG_IN_A_POUND, 2)),
    ("temperature", "metric"): _Unit("°C", rounded),
    ("temperature", "imperial"): _Unit("°F", lambda celsius: rounded(celsius * 9 / 5 + 32, 2)),
}


def _main_numbers(
    event_type: str, reading: Reading, before: Newest | None, units: str
) -> dict[str, Any]:
    if event_type == "blood_pressure":
        return {
            "systolic": number(reading.get(MeasureType.SYSTOLIC)),
            "diastolic": number(reading.get(MeasureType.DIASTOLIC)),
            "pulse": number(reading.get(MeasureType.PULSE)),
            "unit": "mmHg",
        }
    code = compared_type(reading)
    if code is None:
        return {}
    return _compared(event_type, reading.get(code), before, _UNITS[event_type, units])


def _compared(
    name: str, value: Decimal | None, before: Newest | None, unit: _Unit
) -> dict[str, Any]:
    """The change is that of the rounded numbers, so that they add up."""
    assert value is not None, "only a type that is there is compared"
    now = unit.convert(value)
    previous = None if before is None else unit.convert(before.measurement.value)
    return {
        name: number(now),
        "unit": unit.name,
        "previous": number(previous),
        "change": None if previous is None else number(now - previous),
    }


def _temperature_type(reading: Reading) -> int | None:
    found = (int(code) for code in _TEMPERATURES if reading.get(code) is not None)
    return next(found, None)


# --- The sentence ---------------------------------------------------------------------------------


def _text(
    event_type: str, reading: Reading, before: Newest | None, name: str, wording: Wording
) -> str:
    previous = None if before is None else before.measurement.value
    temperature = _temperature_type(reading)
    spoken = Spoken(
        name=name,
        kind=event_type,
        kg=reading.get(MeasureType.WEIGHT),
        previous_kg=previous if event_type == "weight" else None,
        systolic=reading.get(MeasureType.SYSTOLIC),
        diastolic=reading.get(MeasureType.DIASTOLIC),
        pulse=reading.get(MeasureType.PULSE),
        celsius=None if temperature is None else reading.get(temperature),
    )
    return sentence(spoken, language=wording.language, units=wording.units, manner=wording.manner)


DAY = 86_400
EXPIRY = DAY
"""Seconds after which an event is of no use to a listener who was away."""

SILENT = "state"
"""The reference of a reading that was never announced: it only became part of the state."""

NOTHING = "nothing"
"""The manner of an event whose sentence is left empty."""

_HEAVIEST = Decimal(10) ** 6


class Announcement(msgspec.Struct, frozen=True):
    """What is published about one reading; no messages: it is history, or was announced before."""

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

"""Anna, her measurements, and any body at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from weighbridge import __version__
from weighbridge.measures import Kind, Measurement, MeasureType, Reading
from weighbridge.mqtt.names import Person
from weighbridge.mqtt.topics import Topics
from weighbridge.targets.base import Newest
from weighbridge.testing.builders import NOON, UNHEARD_OF, measurement, reading

GOLDEN = Path(__file__).parent / "golden"
TOPICS = Topics()
ANNA = Person("12345678", "anna")
MORNING = int(datetime(2026, 11, 20, 7, 12, 3, tzinfo=UTC).timestamp())

BODY = {
    MeasureType.WEIGHT: "81.430",
    MeasureType.FAT_RATIO: "22.300",
    MeasureType.FAT_MASS: "18.16",
    MeasureType.FAT_FREE_MASS: "63.27",
    MeasureType.MUSCLE_MASS: "60.10",
    MeasureType.BONE_MASS: "3.16",
    MeasureType.WATER_MASS: "44.2",
    MeasureType.VISCERAL_FAT: "3.4",
    MeasureType.PULSE: "62",
    MeasureType.SYSTOLIC: "122",
    MeasureType.DIASTOLIC: "79",
    MeasureType.BODY_TEMPERATURE: "36.7",
    MeasureType.SPO2: "97",
    MeasureType.PULSE_WAVE_VELOCITY: "7.1",
    MeasureType.VASCULAR_AGE: "38",
    MeasureType.HEIGHT: "1.82",
}
"""What the MQTT reference, section 3, sends."""


def golden(name: str) -> Any:
    text = (GOLDEN / f"mqtt_{name}.json").read_text("utf-8")
    return json.loads(text.replace("VERSION", __version__))


def newest(code: int, value: str, taken_at: int = MORNING, position: int | None = None) -> Newest:
    return Newest(measurement(code, value, position), taken_at)


def whole_body(values: dict[MeasureType, str] = BODY, taken_at: int = MORNING) -> list[Newest]:
    return [newest(code, value, taken_at) for code, value in values.items()]


# --- Anything -------------------------------------------------------------------------------------

CODES = st.one_of(st.sampled_from([int(code) for code in MeasureType]), st.just(UNHEARD_OF))
POSITIONS = st.one_of(st.none(), st.integers(0, 40))
MEASUREMENTS = st.builds(
    Measurement, CODES, st.integers(-(10**30), 10**30), st.integers(-400, 400), POSITIONS
)
"""Also what no scale has ever shown."""
SENSIBLE = st.integers(1, 500_000).map(lambda grams: Decimal(grams).scaleb(-3))
INSTANTS = st.one_of(st.integers(0, 2 * NOON), st.integers(-(10**18), 10**18))
NEWEST = st.lists(st.builds(Newest, MEASUREMENTS, INSTANTS), max_size=12)


@st.composite
def any_reading(draw: st.DrawFn) -> Reading:
    taken: Sequence[Measurement] = draw(
        st.lists(MEASUREMENTS, max_size=6, unique_by=lambda one: one.type_code)
    )
    kind = draw(st.sampled_from([Kind.BODY, Kind.BLOOD_PRESSURE]))
    return reading(
        {},
        kind=kind,
        reading_id="20251009T085320Z-0e1f2a",
        taken_at=draw(INSTANTS),
        measurements=tuple(taken),
        segments=tuple(draw(st.lists(MEASUREMENTS, max_size=4))),
    )

"""An event says what was measured, what changed and a sentence, and its numbers add up."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.mqtt_payloads import MEASUREMENTS, MORNING, SENSIBLE, any_reading, golden, newest
from fixtures.paths import ROOT
from weighbridge.core.measures import Kind, MeasureType, Reading
from weighbridge.targets.base import Newest
from weighbridge.targets.mqtt.mqtt_event import (
    EVENT_TYPES,
    LATE_AFTER,
    Wording,
    compared_type,
    event_of,
    event_type_of,
)
from weighbridge.targets.mqtt.speech import LANGUAGES, MANNERS, UNITS
from weighbridge.testing.builders import (
    NOON,
    UNHEARD_OF,
    blood_pressure,
    measurement,
    reading,
    weigh_in,
)

PLAIN = Wording()
POUNDS = Wording(units="imperial")
WORDINGS = st.builds(
    Wording, st.sampled_from(LANGUAGES), st.sampled_from(UNITS), st.sampled_from(MANNERS)
)
BEFORE = st.one_of(st.none(), st.builds(Newest, MEASUREMENTS, st.just(NOON)))


def told(
    one: Reading, before: Newest | None = None, *, wording: Wording = PLAIN, after: float = 8
) -> dict[str, object]:
    return event_of(one, before, person="anna", now=one.taken_at + after, wording=wording)


def test_a_weigh_in_is_told_as_documented() -> None:
    one = weigh_in(
        "81.430",
        fat_percent="22.3",
        others={MeasureType.PULSE: 62},
        taken_at=MORNING,
        reading_id="20261120T071203Z-0e1f2a",
    )
    event = told(one, newest(MeasureType.WEIGHT, "81.90"))
    assert json.dumps(event) == json.dumps(golden("event"))


def test_without_a_weight_before_there_is_no_change() -> None:
    event = told(weigh_in("81.43"))
    assert event["previous"] is event["change"] is None


def test_the_same_weight_again_is_a_change_of_zero() -> None:
    assert told(weigh_in("81.43"), newest(MeasureType.WEIGHT, "81.430"))["change"] == 0


def test_a_blood_pressure_has_numbers_of_its_own() -> None:
    event = told(blood_pressure(122, 79, 62))
    assert {key: event[key] for key in ("systolic", "diastolic", "pulse", "unit")} == {
        "systolic": 122,
        "diastolic": 79,
        "pulse": 62,
        "unit": "mmHg",
    }
    assert told(blood_pressure(122, 79, None))["pulse"] is None
    assert "weight" not in event
    assert str(event["text"]).startswith("Anna, ")


def test_a_temperature_is_compared_with_the_one_before() -> None:
    event = told(
        reading({MeasureType.BODY_TEMPERATURE: "36.7"}),
        newest(MeasureType.BODY_TEMPERATURE, "38.2"),
    )
    assert (event["temperature"], event["unit"]) == (36.7, "°C")
    assert (event["previous"], event["change"]) == (38.2, -1.5)


def test_imperial_numbers_are_for_people_and_values_stay_in_si_units() -> None:
    weight = told(weigh_in("81.43"), newest(MeasureType.WEIGHT, "81.9"), wording=POUNDS)
    assert (weight["weight"], weight["unit"]) == (179.52, "lb")
    assert (weight["previous"], weight["change"]) == (180.56, -1.04)
    assert weight["values"] == {"weight_kg": 81.43}
    temperature = told(reading({MeasureType.TEMPERATURE: "36.7"}), wording=POUNDS)
    assert (temperature["temperature"], temperature["unit"]) == (98.06, "°F")
    assert temperature["values"] == {"temperature_celsius": 36.7}


def test_the_sentence_is_in_the_wanted_words() -> None:
    before = newest(MeasureType.WEIGHT, "81.9")
    german = told(weigh_in("81.43"), before, wording=Wording("de", "metric", "value"))
    assert german["text"] == "Anna, 81,4 Kilogramm"
    discreet = told(weigh_in("81.43"), before, wording=Wording(manner="change"))
    assert "81" not in str(discreet["text"])


@pytest.mark.parametrize(
    ("one", "event_type"),
    [
        (weigh_in(), "weight"),
        (weigh_in(others={MeasureType.BODY_TEMPERATURE: "36"}), "weight"),
        (blood_pressure(), "blood_pressure"),
        (reading({MeasureType.SYSTOLIC: 120}, kind=Kind.BLOOD_PRESSURE), "other"),
        (reading({MeasureType.SKIN_TEMPERATURE: "30"}), "temperature"),
        (reading({MeasureType.SPO2: 97}), "other"),
        (reading({UNHEARD_OF: 1}), "other"),
    ],
)
def test_a_reading_is_announced_as_what_it_is_about(one: Reading, event_type: str) -> None:
    assert event_type_of(one) == told(one)["event_type"] == event_type


def test_body_temperature_comes_before_that_of_the_skin() -> None:
    both = {MeasureType.SKIN_TEMPERATURE: "30", MeasureType.BODY_TEMPERATURE: "36.7"}
    assert compared_type(reading(both)) == MeasureType.BODY_TEMPERATURE
    assert told(reading(both))["temperature"] == 36.7


@pytest.mark.parametrize(
    ("after", "late"), [(0, False), (LATE_AFTER, False), (LATE_AFTER + 1, True), (-60, False)]
)
def test_what_is_older_than_ten_minutes_is_late(after: float, late: bool) -> None:
    assert told(weigh_in(), after=after)["late"] is late


def test_parts_of_the_body_are_told_when_there_are_any() -> None:
    arm = measurement(MeasureType.SEGMENT_MUSCLE_MASS, "3.2", 3)
    assert told(weigh_in(segments=(arm,)))["segments"] == {"muscle_mass": {"left_arm": 3.2}}
    assert "segments" not in told(weigh_in())


PAGE = ROOT / "docs" / "how-to" / "home-assistant.md"


def test_the_events_of_the_documentation_are_real() -> None:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("{")]
    shown = [one for one in map(json.loads, lines) if "measured_at" in one]
    readings = [
        weigh_in("81.43", fat_percent="22.3", taken_at=MORNING, reading_id=shown[0]["id"]),
        blood_pressure(122, 79, 62, taken_at=MORNING, reading_id=shown[1]["id"]),
    ]
    default = Wording(manner="value_and_change")
    before = newest(MeasureType.WEIGHT, "81.9")
    assert [told(one, before, wording=default) for one in readings] == shown


# --- Anything -------------------------------------------------------------------------------------


@given(any_reading(), BEFORE, WORDINGS)
def test_any_reading_makes_an_event_that_is_json(
    one: Reading, before: Newest | None, wording: Wording
) -> None:
    event = event_of(one, before, person="anna", now=NOON, wording=wording)
    assert json.loads(msgspec.json.encode(event)) == json.loads(json.dumps(event, allow_nan=False))
    assert event["event_type"] in EVENT_TYPES
    assert event["text"]


@given(SENSIBLE, SENSIBLE, WORDINGS)
def test_the_numbers_of_an_event_add_up(kg: Decimal, before: Decimal, wording: Wording) -> None:
    event = told(weigh_in(kg), newest(MeasureType.WEIGHT, str(before)), wording=wording)
    weight, previous, change = (
        Decimal(json.dumps(event[key])) for key in ("weight", "previous", "change")
    )
    assert weight == previous + change


@given(SENSIBLE)
def test_numbers_come_back_as_they_were(kg: Decimal) -> None:
    event = json.loads(json.dumps(told(weigh_in(kg))))
    assert Decimal(str(event["values"]["weight_kg"])) == kg
    assert Decimal(str(event["weight"])) == kg

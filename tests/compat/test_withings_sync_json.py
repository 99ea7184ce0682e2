"""The JSON of ``withings-sync``: its keys, its units, exact values, and nothing overwritten."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.compat.withings_sync.named_values import NAMES, named_values, values_of
from weighbridge.core.measures import Kind, MeasureType, Reading, type_name
from weighbridge.targets.formats.render_context import Owner
from weighbridge.testing.builders import (
    NOON,
    UNHEARD_OF,
    blood_pressure,
    measurement,
    reading,
    weigh_in,
)

ANNA = Owner("anna", height_m=Decimal("1.72"))
IN_THE_REPEATED_HOUR = 1_729_989_000
"""2024-10-27T00:30:00Z: half past two in Paris, for the first time that night."""


def only(readings: list[Reading], owner: Owner = ANNA) -> dict[str, dict[str, object]]:
    (values,) = named_values(readings, owner).values()
    return {name: (value["Value"], value["Unit"]) for name, value in values.items()}  # type: ignore[misc]


def test_a_weigh_in_has_the_keys_that_it_always_had() -> None:
    whole = weigh_in(
        "65.750", fat_percent="21.337", others={77: "35.125", 88: "3.54", 76: "49.105", 5: "51"}
    )
    assert named_values([whole], ANNA) == {
        "2025-10-09 10:53:20": {
            "Weight": {"Value": 65.75, "Unit": "kg"},
            "Fat_Ratio": {"Value": 21.34, "Unit": "%"},
            "Hydration": {"Value": 35.13, "Unit": "kg"},
            "Bone_Mass": {"Value": 3.54, "Unit": "kg"},
            "Muscle_Mass": {"Value": 49.11, "Unit": "kg"},
            "Fat_Free_Mass": {"Value": 51, "Unit": "kg"},
            "BMI": {"Value": 22.2, "Unit": "kg/m^2"},
            "Percent_Hydration": {"Value": 53.42, "Unit": "%"},
        }
    }


def test_what_is_not_known_is_null_where_a_reader_expects_it() -> None:
    values = values_of(weigh_in(), Owner("anna"))
    assert values["BMI"] == {"Value": None, "Unit": "kg/m^2"}
    assert values["Percent_Hydration"] == {"Value": None, "Unit": "%"}


def test_a_blood_pressure_has_neither_bmi_nor_hydration() -> None:
    assert only([blood_pressure(131, 84, 61)]) == {
        "Systolic_Blood_Pressure": (131, "mmHg"),
        "Diastolic_Blood_Pressure": (84, "mmHg"),
        "Heart_Pulse": (61, "bpm"),
    }


def test_visceral_fat_does_not_overwrite_the_extracellular_water() -> None:
    values = only([weigh_in(others={168: "15.2", 169: "20.1", 170: "6.5"})])
    assert values["Extracellular_Water"] == (15.2, "kg")
    assert values["Intracellular_Water"] == (20.1, "kg")
    assert values["Visceral_Fat"] == (6.5, "")


def test_values_of_body_parts_and_unknown_types_are_told_apart() -> None:
    parts = tuple(measurement(174, f"{place}.5", place) for place in (2, 3, 12))
    values = only([weigh_in(others={UNHEARD_OF: "7"}, segments=parts)])
    assert values["unknown_99999"] == (7, "")
    name = "Fat_Mass_for_segments_in_mass_unit"
    assert {values[f"{name}_{place}"] for place in (2, 3, 12)} == {
        (2.5, "kg"),
        (3.5, "kg"),
        (12.5, "kg"),
    }


def test_every_type_with_a_name_of_its_own_has_one_here() -> None:
    names = [name for name, _ in NAMES.values()]
    assert len(names) == len(set(names))
    assert all(type_name(code) != f"type_{code}" for code in NAMES)


def test_times_are_those_of_the_place_of_the_measurement() -> None:
    reading = weigh_in(timezone="America/New_York")
    assert list(named_values([reading], ANNA)) == ["2025-10-09 04:53:20"]
    at_home = Owner("anna", timezone="Asia/Tokyo")
    assert list(named_values([reading], at_home)) == ["2025-10-09 17:53:20"]


def test_a_weigh_in_and_a_blood_pressure_of_one_second_share_a_key() -> None:
    values = only([weigh_in(), blood_pressure()])
    assert {"Weight", "Systolic_Blood_Pressure"} <= values.keys()


def test_nothing_is_overwritten_in_the_hour_that_comes_twice() -> None:
    times = [IN_THE_REPEATED_HOUR, IN_THE_REPEATED_HOUR + 3600]
    content = named_values([weigh_in(taken_at=at) for at in times], ANNA)
    assert list(content) == ["2024-10-27 02:30:00", "2024-10-27 02:30:00+01:00"]


def test_nothing_is_overwritten_when_two_scales_are_used_at_once() -> None:
    twins = [weigh_in(kg, reading_id=kg, device=kg) for kg in ("65.75", "71.2", "80")]
    content = named_values(twins, ANNA)
    assert [values["Weight"]["Value"] for values in content.values()] == [65.75, 71.2, 80]


@given(
    mantissa=st.integers(-(10**9), 10**9),
    exponent=st.integers(-6, 3),
    code=st.sampled_from(sorted(NAMES)),
)
def test_values_are_rounded_half_up_and_never_cut(mantissa: int, exponent: int, code: int) -> None:
    exact = Decimal(mantissa).scaleb(exponent)
    (value,) = values_of(reading({code: exact}, kind="other"), ANNA).values()
    expected = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert value["Value"] == float(expected)


@pytest.mark.parametrize("value", ["1E+90", "1E-90", "-1E+90"])
def test_an_absurd_value_breaks_nothing(value: str) -> None:
    values = values_of(reading({MeasureType.WEIGHT: value}, kind=Kind.BODY), ANNA)
    assert values["Weight"]["Value"] in {None, 0.0}


@given(
    readings=st.lists(
        st.builds(
            lambda at, pressure: blood_pressure(taken_at=at) if pressure else weigh_in(taken_at=at),
            st.integers(IN_THE_REPEATED_HOUR - 7200, IN_THE_REPEATED_HOUR + 7200) | st.just(NOON),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_every_reading_is_in_the_file(readings: list[Reading]) -> None:
    content = named_values(readings, ANNA)
    weights = sum("Weight" in values for values in content.values())
    pressures = sum("Heart_Pulse" in values for values in content.values())
    assert weights + pressures == len(readings)

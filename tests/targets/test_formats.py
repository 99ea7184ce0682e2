"""Formats: what stands in a line, in a cell and in a FIT row."""

from __future__ import annotations

import csv as plain_csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.paths import GOLDEN
from weighbridge.core.errors import Refused
from weighbridge.core.measures import Measurement, MeasureType, Reading, field_name
from weighbridge.targets.formats import csv_format, fit_format, jsonl_format
from weighbridge.targets.formats.file_store import file_name
from weighbridge.targets.formats.line_file import LineFormat, LineIndex
from weighbridge.targets.formats.render_context import Owner, instant, number
from weighbridge.testing.builders import (
    NOON,
    UNTHINKABLE,
    blood_pressure,
    measurement,
    reading,
    weigh_in,
)

ANNA = Owner("anna", height_m=Decimal("1.72"))
WITHOUT_HEIGHT = Owner("anna")

EVERYTHING = weigh_in(
    "89.475006",
    fat_percent="21.304",
    others={5: "70.1", 76: "66.62", 77: "49.20", 88: "3.5", 170: "2.5", 226: 1963, 999: "-1.5"},
    segments=(measurement(174, "1.234", 3), measurement(175, "9.9", 12), measurement(173, "1", 77)),
)
PRESSURE = blood_pressure(taken_at=NOON + 60, timezone=None)
BARE = weigh_in("70", taken_at=NOON + 120, device=None, model=None, timezone="America/New_York")
SAMPLES = (EVERYTHING, PRESSURE, BARE)

measurements = st.builds(
    Measurement, st.integers(0, 300), st.integers(-(10**40), 10**40), st.integers(-40, 40)
)
texts = st.text(max_size=12)
readings = st.builds(
    Reading,
    reading_id=st.text("abcdefghijklmnopqrstuvwxyz0123456789-:_", min_size=1),
    kind=st.sampled_from(["body", "blood_pressure", "of tomorrow"]),
    taken_at=st.integers(-(10**11), 10**11),
    stored_at=st.just(0),
    device=st.none(),
    model=st.none() | texts,
    timezone=st.none() | texts | st.sampled_from(["Europe/Paris", "Asia/Kathmandu"]),
    attributions=st.just((0,)),
    group_ids=st.lists(st.integers(0, 10**12)).map(tuple),
    measurements=st.lists(measurements, max_size=8).map(tuple),
    segments=st.lists(
        st.builds(
            Measurement,
            st.integers(173, 175),
            st.integers(0, 9999),
            st.just(-2),
            st.none() | st.integers(0, 40),
        ),
        max_size=4,
    ).map(tuple),
)


def as_json(one: Reading, owner: Owner = ANNA) -> dict[str, Any]:
    decoded = json.loads(jsonl_format.encode(one, owner), parse_float=Decimal, parse_int=Decimal)
    assert isinstance(decoded, dict)
    return decoded


def as_cells(one: Reading, owner: Owner = ANNA) -> dict[str, str]:
    text = (csv_format.HEADER + csv_format.encode(one, owner)).decode()
    rows = list(plain_csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len(rows) == 2
    return dict(zip(rows[0], rows[1], strict=True))


# -- both text formats


@pytest.mark.parametrize(
    ("form", "name"), [(jsonl_format, "readings.json"), (csv_format, "readings.csv")]
)
def test_the_documented_schema_does_not_move(form: LineFormat, name: str) -> None:
    content = form.HEADER + b"".join(form.encode(one, ANNA) for one in SAMPLES)
    assert content == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("form", [jsonl_format, csv_format])
@given(one=readings)
def test_every_reading_is_one_line_that_knows_its_id(form: LineFormat, one: Reading) -> None:
    try:
        line = form.encode(one, ANNA)
    except Refused:
        assert not -62_000_000_000 < one.taken_at < 250_000_000_000
        return
    assert line.endswith(form.LINE_END)
    assert len(line.splitlines()) == 1
    assert form.read_id(line) == one.reading_id
    assert form.is_whole(line.removesuffix(form.LINE_END))


@pytest.mark.parametrize("form", [jsonl_format, csv_format])
@pytest.mark.parametrize("reading_id", ['quo"te', "com,ma", "back\\slash", "ümlaut", "semi;colon"])
def test_an_id_of_odd_signs_is_found_again(form: LineFormat, reading_id: str) -> None:
    line = form.encode(weigh_in(reading_id=reading_id), ANNA)
    assert form.read_id(line) == reading_id


@pytest.mark.parametrize("form", [jsonl_format, csv_format])
@pytest.mark.parametrize("one", SAMPLES[:2])
def test_a_torn_line_is_not_whole(form: LineFormat, one: Reading) -> None:
    line = form.encode(one, ANNA).rstrip()
    cells_before_the_last = line.rfind(b",") if form is csv_format else len(line) - 1
    assert not any(form.is_whole(line[:size]) for size in range(cells_before_the_last))


@pytest.mark.parametrize("form", [jsonl_format, csv_format])
@pytest.mark.parametrize("line", [b"", b"\r\n", b'{"id":"torn', b'{"id":7}', b'"open', b"\xff\xfe"])
def test_lines_that_are_not_ours_are_harmless(form: LineFormat, line: bytes) -> None:
    assert form.read_id(line) != "torn"
    assert not form.is_whole(line)


@pytest.mark.parametrize("form", [jsonl_format, csv_format])
def test_a_time_in_no_calendar_is_refused(form: LineFormat) -> None:
    with pytest.raises(Refused, match="calendar"):
        form.encode(weigh_in(taken_at=UNTHINKABLE), ANNA)


# -- JSON lines


def test_cloud_noise_is_kept_to_the_last_digit() -> None:
    assert b'"weight_kg":89.475006,' in jsonl_format.encode(EVERYTHING, ANNA)
    assert b'"weight_kg":65.750,' in jsonl_format.encode(weigh_in("65.750"), ANNA)


@given(st.integers(-(10**30), 10**30), st.integers(-30, 30))
def test_numbers_are_written_exactly(mantissa: int, exponent: int) -> None:
    text = number(Measurement(1, mantissa, exponent))
    exact = Decimal(text)
    assert exact.as_integer_ratio() == Decimal(f"{mantissa}E{exponent}").as_integer_ratio()
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == exact


def test_json_has_what_the_reading_has_and_no_more() -> None:
    record = as_json(BARE, WITHOUT_HEIGHT)
    assert record == {
        "id": BARE.reading_id,
        "person": "anna",
        "kind": "body",
        "taken_at": "2025-10-09T08:55:20Z",
        "local_time": "2025-10-09T04:55:20-04:00",
        "timezone": "America/New_York",
        "device": None,
        "source_groups": [Decimal(BARE.group_ids[0])],
        "weight_kg": 70,
        "segments": [],
    }


def test_derived_values_are_rounded_half_up_to_one_decimal() -> None:
    record = as_json(weigh_in("80", others={77: "44.04"}), Owner("anna", height_m=Decimal(2)))
    assert record["bmi"] == Decimal("20.0")
    assert record["water_percent"] == Decimal("55.1")  # 55.05


def test_segments_say_which_part_of_the_body_they_are() -> None:
    segments = as_json(EVERYTHING)["segments"]
    assert segments[0] == {
        "name": "segment_fat_mass",
        "position": 3,
        "part": "left_arm",
        "value": Decimal("1.234"),
        "unit": "kg",
    }
    assert [segment["part"] for segment in segments] == ["left_arm", "torso", "position_77"]


def test_a_type_without_a_name_keeps_its_number() -> None:
    assert as_json(EVERYTHING)["type_999"] == Decimal("-1.5")


def test_the_order_of_the_measurements_does_not_change_the_line() -> None:
    values = {1: "70", 6: "20", 88: "3"}
    backwards = dict(reversed(values.items()))
    assert jsonl_format.encode(reading(values), ANNA) == jsonl_format.encode(
        reading(backwards), ANNA
    )


def test_a_value_out_of_all_proportion_spoils_nothing_else() -> None:
    record = as_json(reading({1: Decimal("7E+2000000"), 6: "20.5", 77: "40"}))
    assert record["fat_ratio_percent"] == Decimal("20.5")
    assert not {"bmi", "water_percent"} & set(record)


# -- time


@pytest.mark.parametrize(
    ("configured", "measured", "local"),
    [
        ("Europe/Paris", "Asia/Tokyo", "2025-10-09T10:53:20+02:00"),
        (None, "Asia/Tokyo", "2025-10-09T17:53:20+09:00"),
        (None, None, "2025-10-09T08:53:20+00:00"),
        ("Mars/Olympus", "Asia/Tokyo", "2025-10-09T17:53:20+09:00"),
        (None, "../../etc/passwd", "2025-10-09T08:53:20+00:00"),
        (None, "Europe", "2025-10-09T08:53:20+00:00"),
    ],
)
def test_local_time_is_in_the_configured_zone_then_in_the_measurements_own(
    configured: str | None, measured: str | None, local: str
) -> None:
    assert instant(weigh_in(timezone=measured), Owner("anna", configured)).local == local


def test_the_repeated_hour_in_october_stays_two_instants() -> None:
    first, second = 1_761_438_600, 1_761_442_200  # 02:30 twice in the night of 2025-10-26
    assert instant(weigh_in(taken_at=first), ANNA).local == "2025-10-26T02:30:00+02:00"
    assert instant(weigh_in(taken_at=second), ANNA).local == "2025-10-26T02:30:00+01:00"


# -- CSV


def test_every_named_scalar_has_a_column() -> None:
    segments = {code for code in MeasureType if code.name.startswith("SEGMENT_")}
    named = {field_name(code) for code in MeasureType if code not in segments}
    assert named < set(csv_format.COLUMNS)
    assert csv_format.COLUMNS[:6] == ("id", "taken_at", "local_time", "timezone", "kind", "device")
    assert csv_format.COLUMNS[-3:] == ("bmi", "water_percent", "other")
    assert len(set(csv_format.COLUMNS)) == len(csv_format.COLUMNS)


def test_what_has_no_column_stands_in_the_last_one() -> None:
    assert as_cells(EVERYTHING)["other"] == (
        "type_999=-1.5;segment_fat_mass_kg[left_arm]=1.234;"
        "segment_muscle_mass_kg[torso]=9.9;segment_fat_free_mass_kg[position_77]=1"
    )


@pytest.mark.parametrize("model", ["=1+1", "+49", "-x", "@SUM(A1)", "\t=1", " =1"])
def test_text_from_the_cloud_cannot_become_a_formula(model: str) -> None:
    assert as_cells(weigh_in(model=model))["device"].startswith("'")


def test_negative_numbers_stay_numbers() -> None:
    assert as_cells(reading({MeasureType.BODY_TEMPERATURE: "-1.5"}))[
        "body_temperature_celsius"
    ] == ("-1.5")


@given(texts)
def test_any_model_name_stays_in_its_cell(model: str) -> None:
    cells = as_cells(weigh_in(model=model))
    assert cells["weight_kg"] == "65.750"
    assert cells["device"].isprintable() or not model.isprintable()


# -- FIT rows


def test_a_weigh_in_becomes_a_row_with_everything_that_garmin_shows() -> None:
    row = fit_format.weight_row(EVERYTHING, Decimal("1.72"))
    assert (row.taken_at, row.weight, row.percent_fat) == (NOON, 8948, 2130)
    assert row.percent_hydration == 5499  # 49.20 / 89.475006
    assert (row.bone_mass, row.muscle_mass, row.basal_met) == (350, 6662, 7852)
    assert (row.visceral_fat_rating, row.bmi) == (3, 302)


def test_without_height_there_is_no_bmi() -> None:
    assert fit_format.weight_row(EVERYTHING, None).bmi is None
    assert "bmi" not in as_json(EVERYTHING, WITHOUT_HEIGHT)
    assert as_cells(EVERYTHING, WITHOUT_HEIGHT)["bmi"] == ""


def test_fat_mass_stands_in_for_a_missing_ratio() -> None:
    assert fit_format.weight_row(weigh_in("80", others={8: "20"}), None).percent_fat == 2500
    both = weigh_in("80", fat_percent="24", others={8: "20"})
    assert fit_format.weight_row(both, None).percent_fat == 2400


def test_a_fat_of_zero_was_not_measured() -> None:
    assert fit_format.weight_row(
        weigh_in(fat_percent="0", others={88: 0}), None
    ) == fit_format.weight_row(weigh_in(), None)


@pytest.mark.parametrize(
    "one",
    [
        weigh_in("0"),
        weigh_in("700"),
        weigh_in(others={227: 300}),
        weigh_in(others={88: Decimal("7E+2000000")}),
        reading({MeasureType.FAT_RATIO: "20"}),
        blood_pressure(systolic=0),
        reading({MeasureType.SYSTOLIC: 120}, kind="blood_pressure"),
        weigh_in(taken_at=UNTHINKABLE),
    ],
)
def test_what_fit_cannot_hold_is_refused(one: Reading) -> None:
    with pytest.raises(Refused):
        fit_format.row(one, Decimal("1.72"))


def test_the_part_for_fit_holds_what_changes_the_row_and_no_more() -> None:
    def codes(one: Reading) -> set[int]:
        return {measurement.type_code for measurement in fit_format.fit_part(one)}

    assert codes(EVERYTHING) == {1, 6, 76, 77, 88, 170, 226}
    assert codes(weigh_in(others={8: "20"})) == {1, 8}
    assert codes(weigh_in(fat_percent="20", others={8: "20"})) == {1, 6}
    assert codes(PRESSURE) == {9, 10, 11}
    assert codes(reading({6: "20"})) == set()
    assert codes(reading({10: 120}, kind="blood_pressure")) == set()
    assert codes(reading({1: 70}, kind="of tomorrow")) == set()


def test_a_row_is_described_in_physical_units() -> None:
    row = fit_format.weight_row(weigh_in("65.75", fat_percent="21.3"), Decimal("1.72"))
    assert fit_format.describe(row) == (
        "weight_scale 2025-10-09T08:53:20Z weight=65.75 percent_fat=21.3 bmi=22.2"
    )


# -- finding lines


@given(st.lists(st.text(max_size=3), max_size=3000))
def test_the_index_gives_the_offsets_of_an_id_in_their_order(ids: list[str]) -> None:
    index = LineIndex()
    expected: dict[str, list[int]] = {}
    for offset, one in enumerate(ids):
        index.add(one, offset)
        expected.setdefault(one, []).append(offset)
    assert len(index) == len(ids)
    assert all(list(index.offsets(one)) == offsets for one, offsets in expected.items())
    assert list(index.offsets("not there")) == []


def test_the_index_grows() -> None:
    index = LineIndex()
    for entry in range(5000):
        index.add(f"reading-{entry}", entry)
    assert all(list(index.offsets(f"reading-{n}")) == [n] for n in range(5000))


@given(st.text(), st.text())
def test_file_names_are_safe_and_stay_different(one: str, other: str) -> None:
    assert (file_name(one) == file_name(other)) == (one == other)
    assert not set(file_name(one)) - set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_%"
    )

"""FIT bytes: what we write is what two independent readers find in it."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import fitdecode
import fitparse
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.paths import GOLDEN
from weighbridge.core.errors import ConfigProblem, Refused
from weighbridge.targets.formats.fit_codec import (
    crc16,
    encode_pressures,
    encode_weights,
    read_pressures,
    read_weights,
)
from weighbridge.targets.formats.fit_messages import (
    BLOOD_PRESSURE,
    FIRST_INSTANT,
    LAST_INSTANT,
    WEIGHT_SCALE,
    FitMessage,
    PressureRow,
    Row,
    WeightRow,
)

TAKEN_AT = 1_760_000_000
IDENTITY: dict[str, Any] = {"manufacturer": 1, "product": 2429, "serial": 1234}
NAMELESS: dict[str, Any] = {"manufacturer": None, "product": None, "serial": 1}

FULL = WeightRow.of(
    TAKEN_AT,
    Decimal("65.755"),
    percent_fat=Decimal("21.304"),
    percent_hydration=Decimal("55.125"),
    bone_mass=Decimal("2.85"),
    muscle_mass=Decimal("48.9"),
    basal_met=Decimal("1512.3"),
    metabolic_age=Decimal("33"),
    visceral_fat_rating=Decimal("2.5"),
    bmi=Decimal("22.25"),
)
BARE = WeightRow.of(TAKEN_AT - 86_400, Decimal("66"))
PRESSURE = PressureRow.of(TAKEN_AT, Decimal(121), Decimal(79), Decimal(62))
NO_PULSE = PressureRow.of(TAKEN_AT + 60, Decimal(119), Decimal(80))

timestamps = st.integers(0x10000000, 0xFFFFFFFE)
u16 = st.none() | st.integers(0, 65_534)
u8 = st.none() | st.integers(0, 254)
weight_rows = st.builds(
    WeightRow, timestamps, st.integers(1, 65_533), u16, u16, u16, u16, u16, u8, u8, u16
)
pressure_rows = st.builds(
    PressureRow, timestamps, st.integers(0, 65_534), st.integers(0, 65_534), u8
)


def frames(content: bytes) -> list[Any]:
    """The messages in a file, read by fitdecode in its strictest mode."""
    with fitdecode.FitReader(
        io.BytesIO(content),
        check_crc=fitdecode.CrcCheck.RAISE,
        error_handling=fitdecode.ErrorHandling.RAISE,
    ) as reader:
        return [frame for frame in reader if isinstance(frame, fitdecode.FitDataMessage)]


def raw_rows(content: bytes, message: FitMessage) -> list[dict[str, int]]:
    """The integers of the rows as fitdecode sees them."""
    names = {field.number: field.name for field in message.fields}
    return [
        {
            names[field.def_num]: field.raw_value
            for field in frame.fields
            if field.raw_value is not None
        }
        for frame in frames(content)
        if frame.global_mesg_num == message.number
    ]


def columns(rows: Sequence[Row]) -> list[dict[str, int]]:
    return sorted(
        (
            {
                name: value
                for name in row.__struct_fields__
                if (value := getattr(row, name)) is not None
            }
            for row in rows
        ),
        key=lambda row: sorted(row.items()),
    )


def sort(rows: list[dict[str, int]]) -> list[dict[str, int]]:
    return sorted(rows, key=lambda row: sorted(row.items()))


@given(st.lists(weight_rows, min_size=1, max_size=20))
def test_fitdecode_reads_every_weigh_in_that_we_write(rows: list[WeightRow]) -> None:
    assert sort(raw_rows(encode_weights(rows, **IDENTITY), WEIGHT_SCALE)) == columns(rows)


@given(st.lists(pressure_rows, min_size=1, max_size=20))
def test_fitdecode_reads_every_blood_pressure_that_we_write(rows: list[PressureRow]) -> None:
    assert sort(raw_rows(encode_pressures(rows, **IDENTITY), BLOOD_PRESSURE)) == columns(rows)


@given(st.lists(weight_rows, min_size=1, max_size=20))
def test_our_reader_reads_what_our_encoder_writes(rows: list[WeightRow]) -> None:
    read = read_weights(encode_weights(rows, **NAMELESS))
    assert columns(read) == columns(rows)
    assert [row.timestamp for row in read] == sorted(row.timestamp for row in rows)


@given(st.lists(pressure_rows, min_size=1, max_size=20))
def test_our_reader_reads_blood_pressure_back(rows: list[PressureRow]) -> None:
    assert columns(read_pressures(encode_pressures(rows, **NAMELESS))) == columns(rows)


@given(st.lists(weight_rows, min_size=1, max_size=20), st.randoms(use_true_random=False))
@example([FULL, WeightRow(FULL.timestamp, 5000), WeightRow(FULL.timestamp, 4000)], random.Random(1))
def test_the_order_of_the_rows_does_not_matter(rows: list[WeightRow], dice: random.Random) -> None:
    shuffled = [*rows]
    dice.shuffle(shuffled)
    assert encode_weights(shuffled, **IDENTITY) == encode_weights(rows, **IDENTITY)


def test_physical_values_come_out_as_they_went_in() -> None:
    file_id, older, newer = frames(encode_weights([FULL, BARE], **IDENTITY))
    assert file_id.get_value("type") == "weight"
    assert file_id.get_value("manufacturer") == "garmin"
    assert file_id.get_raw_value("product") == 2429
    assert file_id.get_value("serial_number") == 1234
    assert file_id.get_value("time_created").timestamp() == TAKEN_AT
    assert older.get_value("weight") == 66.0
    assert older.get_value("percent_fat") is None
    values = {
        "weight": 65.76,
        "percent_fat": 21.3,
        "percent_hydration": 55.13,
        "bone_mass": 2.85,
        "muscle_mass": 48.9,
        "basal_met": 1512.25,
        "metabolic_age": 33,
        "visceral_fat_rating": 3,
        "bmi": 22.3,
    }
    assert {name: newer.get_value(name) for name in values} == values
    assert newer.get_value("timestamp").timestamp() == TAKEN_AT


def test_blood_pressure_has_a_file_type_of_its_own() -> None:
    file_id, first, second = frames(encode_pressures([NO_PULSE, PRESSURE], **NAMELESS))
    assert file_id.get_value("type") == "blood_pressure"
    assert file_id.get_value("manufacturer") is None
    names = ("systolic_pressure", "diastolic_pressure", "heart_rate")
    assert [first.get_value(name) for name in names] == [121, 79, 62]
    assert second.get_value("heart_rate") is None


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp")
def test_a_second_library_reads_the_same() -> None:
    file = fitparse.FitFile(io.BytesIO(encode_weights([FULL, BARE], **IDENTITY)), check_crc=True)
    rows = [message.get_values() for message in file.get_messages("weight_scale")]
    assert [row["weight"] for row in rows] == [66.0, 65.76]
    # This library of 2020 does not know BMI: it shows the raw number.
    assert rows[1]["unknown_13"] == 223
    assert rows[1]["basal_met"] == 1512.25


def test_a_column_that_no_row_fills_is_left_out() -> None:
    assert [field.name for field in frames(encode_weights([BARE], **NAMELESS))[1].fields] == [
        "timestamp",
        "weight",
    ]


def test_there_is_one_definition_for_all_rows() -> None:
    rows = [FULL, BARE, *(WeightRow.of(TAKEN_AT + day, Decimal(70)) for day in range(300))]
    with fitdecode.FitReader(io.BytesIO(encode_weights(rows, **NAMELESS))) as reader:
        definitions = [f for f in reader if isinstance(f, fitdecode.FitDefinitionMessage)]
    assert [definition.global_mesg_num for definition in definitions] == [0, 30]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("weights.fit", encode_weights([FULL, BARE], **IDENTITY)),
        ("weight_alone.fit", encode_weights([BARE], **NAMELESS)),
        ("blood_pressure.fit", encode_pressures([PRESSURE, NO_PULSE], **NAMELESS)),
    ],
)
def test_the_same_readings_give_the_same_bytes_for_ever(name: str, content: bytes) -> None:
    assert content == (GOLDEN / name).read_bytes()


@given(st.decimals("0.01", "655.33", places=3))
def test_weights_are_rounded_half_up_and_never_truncated(kg: Decimal) -> None:
    row = WeightRow.of(TAKEN_AT, kg)
    doubled = Decimal(row.weight) / 100 * 2
    assert doubled - Decimal("0.01") <= kg * 2 < doubled + Decimal("0.01")


@pytest.mark.parametrize("kg", ["0", "-1", "0.004", "655.331", "655.34", "1E+999999", "1E-999"])
def test_a_weight_that_fit_cannot_hold_is_refused(kg: str) -> None:
    with pytest.raises(Refused):
        WeightRow.of(TAKEN_AT, Decimal(kg))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("percent_fat", "655.35"),
        ("percent_fat", "-0.01"),
        ("bone_mass", "1E+50"),
        ("basal_met", "16384"),
        ("metabolic_age", "254.5"),
        ("visceral_fat_rating", "255"),
        ("bmi", "6553.45"),
    ],
)
def test_a_value_beyond_its_field_is_refused_by_name(field: str, value: str) -> None:
    with pytest.raises(Refused, match=field):
        WeightRow.of(TAKEN_AT, Decimal(70), **{field: Decimal(value)})


@pytest.mark.parametrize("taken_at", [FIRST_INSTANT - 1, LAST_INSTANT + 1, -1, 10**15])
def test_a_time_that_fit_cannot_hold_is_refused(taken_at: int) -> None:
    with pytest.raises(Refused, match="1998"):
        WeightRow.of(taken_at, Decimal(70))
    with pytest.raises(Refused, match="1998"):
        PressureRow.of(taken_at, Decimal(120), Decimal(80))


@pytest.mark.parametrize(("systolic", "diastolic"), [(0, 80), (120, -1), (65_535, 80)])
def test_a_blood_pressure_that_fit_cannot_hold_is_refused(systolic: int, diastolic: int) -> None:
    with pytest.raises(Refused):
        PressureRow.of(TAKEN_AT, Decimal(systolic), Decimal(diastolic))


def test_a_file_without_rows_is_refused() -> None:
    with pytest.raises(Refused):
        encode_weights([], **NAMELESS)


@pytest.mark.parametrize(
    "identity",
    [
        {"serial": 0},
        {"serial": 2**32},
        {"manufacturer": 65_535},
        {"product": -1},
    ],
)
def test_an_identity_that_fit_cannot_hold_is_a_problem_of_the_configuration(
    identity: dict[str, int],
) -> None:
    with pytest.raises(ConfigProblem):
        encode_weights([BARE], **{**NAMELESS, **identity})


def test_the_check_sum_is_the_one_of_the_catalogue() -> None:
    assert crc16(b"123456789") == 0xBB3D
    assert crc16(b"6789", start=crc16(b"12345")) == 0xBB3D


@given(st.data())
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    content = bytearray((GOLDEN / "weights.fit").read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Refused):
        read_weights(bytes(content))


@given(st.integers(0, 140))
def test_a_file_cut_short_is_noticed(size: int) -> None:
    whole = (GOLDEN / "weights.fit").read_bytes()
    with pytest.raises(Refused):
        read_weights(whole[: min(size, len(whole) - 1)])


def framed(records: bytes) -> bytes:
    """Any records with a header and check sums like ours."""
    head = struct.pack("<BBHI4s", 14, 0x10, 2100, len(records), b".FIT")
    content = head + struct.pack("<H", crc16(head)) + records
    return content + struct.pack("<H", crc16(content))


def records_of(content: bytes) -> bytes:
    return content[14:-2]


WHOLE = records_of((GOLDEN / "weights.fit").read_bytes())
FILE_ID_SIZE = 6 + 5 * 3 + 14


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (b"", "file_id"),
        (WHOLE[:FILE_ID_SIZE], "define"),
        (WHOLE[FILE_ID_SIZE:], "file_id"),
        (records_of((GOLDEN / "blood_pressure.fit").read_bytes()), "type is not 9"),
        (WHOLE[:FILE_ID_SIZE] + b"\x41\0\0\x1e\0\x01\xfd\x04\x86", "middle"),
        (WHOLE[:FILE_ID_SIZE] + b"\x41\0\0\x1e\0\x01\xfd\x04\x86\x01\1\2\3\4", "lacks"),
        (WHOLE[:FILE_ID_SIZE] + b"\x41\0\0\x1e\0\x01\x08\x01\x02\x01\1", "columns"),
        (WHOLE[:FILE_ID_SIZE] + b"\x41\0\0\x17\0\x01\xfd\x04\x86\x01\1\2\3\4", "columns"),
        (WHOLE[:-1], "middle"),
        (WHOLE + b"\x02" + WHOLE[-20:], "other records"),
    ],
)
def test_what_we_never_write_is_refused_even_when_its_sums_are_right(
    records: bytes, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        read_weights(framed(records))

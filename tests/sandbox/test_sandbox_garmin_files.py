"""How strictly the sandbox's Garmin reads what is uploaded. No network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import fitdecode
import pytest
from garminconnect.fit import FitEncoderBloodPressure, FitEncoderWeight
from hypothesis import given
from hypothesis import strategies as st

from weighbridge_sandbox.garmin.accounts import default_accounts
from weighbridge_sandbox.garmin.fit import FitRuleError, read_fit
from weighbridge_sandbox.garmin.times import DAY, day_of, local_millis, millis_of, start_of, text_of
from weighbridge_sandbox.garmin.upload import Uploads, file_part
from weighbridge_sandbox.garmin.weight import WeighIns
from weighbridge_sandbox.messages import Request

MORNING = int(datetime(2026, 3, 1, 7, 15, tzinfo=UTC).timestamp())
Rows = list[tuple[int, float | None]]


def encode(rows: Rows, *, kind: int = 9, file_id: bool = True, pressure: bool = False) -> bytes:
    """A file written by the library's encoder, with one rule broken where that is asked for."""
    encoder: Any = type("Encoder", (FitEncoderWeight, FitEncoderBloodPressure), {})()
    encoder.FILE_TYPE = kind
    if file_id:
        encoder.write_file_info(time_created=datetime.fromtimestamp(MORNING, UTC))
    encoder.write_file_creator()
    for taken_at, kilograms in rows:
        encoder.write_weight_scale(taken_at, kilograms)
    if pressure:
        encoder.write_blood_pressure(MORNING, 79, 128)
    encoder.finish()
    return bytes(encoder.getvalue())


def multipart(content: bytes, name: str = "weight.fit", part: str = "file") -> Request:
    """An upload as ``requests`` sends it."""
    head = f'--xyzzy\r\nContent-Disposition: form-data; name="{part}"; filename="{name}"\r\n\r\n'
    headers = {"content-type": "multipart/form-data; boundary=xyzzy"}
    body = head.encode() + content + b"\r\n--xyzzy--\r\n"
    return Request("POST", "127.0.0.1", "/upload-service/upload", {}, headers, body)


@pytest.fixture
def upload() -> Callable[[bytes], int]:
    """Uploads bytes as Anna and returns the status."""
    uploads = Uploads(lambda: 1.8e9, Random(1), WeighIns(lambda: 1.8e9))
    anna = default_accounts()[0]
    return lambda content: uploads.answer(multipart(content), anna).status


def test_values_are_read_exactly_as_they_were_encoded() -> None:
    encoder = FitEncoderWeight()
    encoder.write_file_info()
    encoder.write_weight_scale(MORNING, 65.75, percent_fat=18.25, basal_met=1500.25, bmi=22.8)
    encoder.finish()
    [row] = read_fit(encoder.getvalue()).rows
    assert row.taken_at == MORNING
    assert row.values == {
        "weight_kg": Decimal("65.75"),
        "fat_percent": Decimal("18.25"),
        "basal_kcal": Decimal("1500.25"),
        "bmi": Decimal("22.8"),
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encode([(MORNING, 65.75)], file_id=False), "first message is not file_id"),
        (encode([(MORNING, 65.75)], kind=4), "file type is 4"),
        (encode([(MORNING, 65.75)], kind=14), "in a file of type 14"),
        (encode([(MORNING, 65.75), (MORNING - 1, 65.5)]), "do not ascend"),
        (encode([(MORNING, 65.75), (MORNING + 1, None)]), "has no weight"),
        (encode([(MORNING, 0)]), "has no weight"),
        (encode([(MORNING, 655.34)]), "has no weight"),
        (encode([(MORNING, 65.75)], pressure=True), "weight and blood pressure"),
        (encode([]), "nothing in the file"),
        (encode([(MORNING, 65.75)]) * 2, "two files in one|more than one file_id"),
        (b"", "it is empty"),
        (encode([(MORNING, 65.75)])[:-1], "no FIT file"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_as_a_whole(
    upload: Callable[[bytes], int], content: bytes, reason: str
) -> None:
    with pytest.raises(FitRuleError, match=reason):
        read_fit(content)
    assert upload(content) == 415


def test_a_thousand_weigh_ins_are_the_most(upload: Callable[[bytes], int]) -> None:
    rows: Rows = [(MORNING + n, 65.75) for n in range(1001)]
    assert upload(encode(rows)) == 504
    assert upload(encode(rows[:1000])) == 202


def test_blood_pressure_in_a_file_is_accepted_and_lost(upload: Callable[[bytes], int]) -> None:
    assert upload(encode([], kind=14, pressure=True)) == 200
    assert read_fit(encode([], kind=14, pressure=True)).rows == ()


def test_only_a_part_called_file_is_an_upload() -> None:
    assert file_part(multipart(b"abc", part="data")) is None
    plain = Request("POST", "127.0.0.1", "/upload-service/upload", {}, {}, b"abc")
    assert file_part(plain) is None


@given(st.binary())
def test_any_bytes_survive_the_multipart_form(content: bytes) -> None:
    assert file_part(multipart(content)) == ("weight.fit", content)


GOOD = encode([(MORNING, 65.75), (MORNING + 60, 65.5)])


@given(st.dictionaries(st.integers(0, len(GOOD) - 3), st.integers(0, 255), max_size=4))
def test_a_damaged_file_is_refused_or_read_and_never_breaks_the_reader(
    damage: dict[int, int],
) -> None:
    content = bytearray(GOOD)
    for place, byte in damage.items():
        content[place] = byte
    content[-2:] = fitdecode.utils.compute_crc(bytes(content[:-2])).to_bytes(2, "little")
    try:
        rows = read_fit(bytes(content)).rows
    except FitRuleError:
        return
    assert all(row.values["weight_kg"] > 0 for row in rows)


@given(st.integers(0, 4_000_000_000_000))
def test_times_are_written_and_read_without_loss(millis: int) -> None:
    assert millis_of(text_of(millis)) == millis
    assert start_of(day_of(millis)) == millis // DAY * DAY


@pytest.mark.parametrize(("utc", "wall"), [("00:30", "02:30"), ("01:30", "02:30")])
def test_both_hours_of_the_october_night_have_the_same_wall_clock(utc: str, wall: str) -> None:
    instant = millis_of(f"2026-10-25T{utc}:00")
    assert text_of(local_millis(instant, "Europe/Paris")) == f"2026-10-25T{wall}:00.0"

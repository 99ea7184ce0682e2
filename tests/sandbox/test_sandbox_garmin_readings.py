"""The sandbox's Garmin keeps what the real ``garminconnect`` library sends, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from garminconnect import Garmin, GarminConnectAuthenticationError, GarminConnectConnectionError

from fixtures.garmin_library import (
    ANNA,
    BEN,
    BENS_CODE,
    MORNING,
    UPLOAD,
    ask_for_code,
    first_failure,
    fit,
    pressures_of,
    send,
    weigh_ins_of,
)
from weighbridge_sandbox.admin import Admin, AdminError

pytest_plugins = ["fixtures.garmin_sessions"]


# Weight


def test_the_library_reads_back_its_own_body_composition(anna: Garmin) -> None:
    answer = anna.add_body_composition(
        "2026-03-01T08:15:00",
        weight=65.75,
        percent_fat=18.25,
        percent_hydration=55.5,
        bone_mass=3.54,
        muscle_mass=50.0,
        metabolic_age=24,
        visceral_fat_rating=5,
        bmi=22.8,
    )
    assert answer["detailedImportResult"]["failures"] == []
    [metric] = weigh_ins_of(anna)
    assert metric.pop("samplePk") > MORNING * 1000
    assert metric == {
        "date": (MORNING + 3600) * 1000,
        "timestampGMT": MORNING * 1000,
        "calendarDate": "2026-03-01",
        "weight": 65750.0,
        "bmi": 22.799999237060547,
        "bodyFat": 18.25,
        "bodyWater": 55.5,
        "boneMass": 3539,
        "muscleMass": 50000,
        "physiqueRating": None,
        "visceralFat": 5.0,
        "metabolicAge": 757366224000,
        "sourceType": "INDEX_SCALE",
        "weightDelta": None,
    }


def test_each_upload_adds_rows_and_nothing_is_merged(anna: Garmin) -> None:
    assert send(anna, fit((MORNING, 65.75))).status_code == 202
    assert send(anna, fit((MORNING, 65.75), (MORNING + 60, 65.5))).status_code == 202
    metrics = weigh_ins_of(anna)
    assert sorted(metric["weight"] for metric in metrics) == [65500.0, 65750.0, 65750.0]
    assert len({metric["samplePk"] for metric in metrics}) == 3


def test_identical_bytes_are_a_duplicate_until_their_rows_are_deleted(anna: Garmin) -> None:
    content = fit((MORNING, 65.75))
    first = send(anna, content)
    again = send(anna, content)
    assert again.status_code == 409
    failure = first_failure(again)
    assert failure["messages"][0] == {"code": 202, "content": "Duplicate Activity."}
    assert failure["internalId"] == first.json()["detailedImportResult"]["uploadId"]
    [metric] = weigh_ins_of(anna)
    anna.delete_weigh_in(metric["samplePk"], metric["calendarDate"])
    assert weigh_ins_of(anna) == []
    assert send(anna, content).status_code == 202


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "weight.fit"),
        (b"<html></html>", "weight.fit"),
        (fit((MORNING, 65.75))[:-1] + b"?", "weight.fit"),
        (fit((MORNING, 65.75)), "weight.txt"),
    ],
    ids=["zero bytes", "not FIT", "broken CRC", "wrong extension"],
)
def test_what_is_not_a_fit_file_is_unsupported(anna: Garmin, content: bytes, name: str) -> None:
    answer = send(anna, content, name)
    assert answer.status_code == 415
    message = first_failure(answer)["messages"][0]
    assert message == {"code": 415, "content": "The file is of a type we do not support."}
    assert weigh_ins_of(anna) == []


def test_a_weigh_in_is_deleted_by_version_and_day(anna: Garmin) -> None:
    send(anna, fit((MORNING, 65.75), (MORNING + 60, 65.5)))
    newest, oldest = weigh_ins_of(anna)
    with pytest.raises(GarminConnectConnectionError, match="404"):
        anna.delete_weigh_in(oldest["samplePk"], "2026-03-02")
    anna.delete_weigh_in(oldest["samplePk"], "2026-03-01")
    assert [metric["samplePk"] for metric in weigh_ins_of(anna)] == [newest["samplePk"]]


def test_a_weight_typed_in_by_hand_is_kept_with_its_own_local_time(anna: Garmin) -> None:
    anna.add_weigh_in(70, "kg", "2026-03-01T23:30:00-05:00")
    [metric] = anna.get_daily_weigh_ins("2026-03-01")["dateWeightList"]
    assert metric["weight"] == 70000.0
    assert metric["sourceType"] == "MANUAL"
    assert metric["timestampGMT"] - metric["date"] == 5 * 3600 * 1000
    anna.add_weigh_in(100, "lbs", "2026-03-01T08:00:00+01:00")
    assert weigh_ins_of(anna)[-1]["weight"] == pytest.approx(45359.237)


def test_an_uploaded_weigh_in_falls_on_the_local_day_of_the_account(
    garmin_library: Callable[..., Garmin], garmin_admin: Admin
) -> None:
    who = {"email": "kim@example.test", "password": "kim", "display_name": "kim"}
    garmin_admin.tell("garmin", "accounts", create={**who, "timezone": "America/New_York"})
    kim = garmin_library(("kim@example.test", "kim"))
    kim.login()
    send(kim, fit((int(datetime(2026, 3, 1, 3, tzinfo=UTC).timestamp()), 65.75)))
    assert [metric["calendarDate"] for metric in weigh_ins_of(kim)] == ["2026-02-28"]


def test_ranges_know_their_neighbours_and_their_average(anna: Garmin, garmin_admin: Admin) -> None:
    day = 86400
    rows = [{"taken_at": MORNING + n * day, "weight_kg": 60 + n} for n in range(4)]
    garmin_admin.tell("garmin", "put_weigh_ins", account=ANNA[0], weigh_ins=rows)
    answer = anna.get_weigh_ins("2026-03-02", "2026-03-03")
    assert [one["summaryDate"] for one in answer["dailyWeightSummaries"]] == [
        "2026-03-03",
        "2026-03-02",
    ]
    assert answer["totalAverage"]["weight"] == 61500.0
    assert answer["previousDateWeight"]["weight"] == 60000.0
    assert answer["nextDateWeight"]["weight"] == 63000.0
    assert answer["dailyWeightSummaries"][0]["latestWeight"]["weightDelta"] == 1000.0
    empty = anna.get_weigh_ins("2025-01-01", "2025-01-02")
    assert empty["dailyWeightSummaries"] == []
    assert empty["previousDateWeight"]["samplePk"] is None


def test_date_range_shows_one_entry_a_day(anna: Garmin) -> None:
    send(anna, fit((MORNING, 65.75), (MORNING + 60, 65.5)))
    answer = anna.get_body_composition("2026-03-01", "2026-03-01")
    assert [metric["weight"] for metric in answer["dateWeightList"]] == [65500.0]


def test_accounts_do_not_see_each_other(
    anna: Garmin, garmin_library: Callable[..., Garmin]
) -> None:
    ben = garmin_library(BEN, prompt_mfa=ask_for_code(BENS_CODE))
    ben.login()
    content = fit((MORNING, 65.75))
    assert send(anna, content).status_code == 202
    assert weigh_ins_of(ben) == []
    assert send(ben, content).status_code == 202
    [metric] = weigh_ins_of(anna)
    with pytest.raises(GarminConnectConnectionError, match="404"):
        ben.delete_weigh_in(metric["samplePk"], "2026-03-01")


# What can be ordered


def test_an_accepted_upload_can_show_up_after_some_reads_and_seconds(
    anna: Garmin, garmin_admin: Admin
) -> None:
    garmin_admin.tell("garmin", "visibility", reads=2, seconds=30)
    send(anna, fit((MORNING, 65.75)))
    assert [row["visible"] for row in garmin_admin.tell("garmin", "weigh_ins")] == [False]
    assert [len(weigh_ins_of(anna)) for _ in range(3)] == [0, 0, 0]
    garmin_admin.advance_clock(30)
    assert len(weigh_ins_of(anna)) == 1


@pytest.mark.parametrize("status", [200, 201, 202])
def test_the_status_of_an_accepted_upload_can_be_ordered(
    anna: Garmin, garmin_admin: Admin, status: int
) -> None:
    garmin_admin.tell("garmin", "upload_answer", status=status)
    answer = send(anna, fit((MORNING, 65.75)))
    assert answer.status_code == status
    assert ("location" in answer.headers) == (status == 202)
    assert len(weigh_ins_of(anna)) == 1


def test_a_failure_can_hide_inside_a_success(anna: Garmin, garmin_admin: Admin) -> None:
    garmin_admin.tell("garmin", "upload_answer", status=201, failure="Not today.", times=1)
    answer = send(anna, fit((MORNING, 65.75)))
    assert answer.status_code == 201
    assert first_failure(answer)["messages"][0]["content"] == "Not today."
    assert weigh_ins_of(anna) == []
    assert send(anna, fit((MORNING, 65.75))).status_code == 201
    assert len(weigh_ins_of(anna)) == 1


@pytest.mark.parametrize("status", [400, 415])
def test_a_poisoned_row_sinks_its_whole_file(
    anna: Garmin, garmin_admin: Admin, status: int
) -> None:
    garmin_admin.tell("garmin", "poison", timestamps=[MORNING + 60], status=status)
    assert send(anna, fit((MORNING, 65.75), (MORNING + 60, 65.5))).status_code == status
    assert weigh_ins_of(anna) == []
    assert send(anna, fit((MORNING, 65.75))).status_code == 202


def test_an_upload_whose_answer_is_lost_was_still_carried_out(
    anna: Garmin, garmin_admin: Admin
) -> None:
    garmin_admin.fault("drop", path=UPLOAD, after_work=True)
    with pytest.raises(requests.ConnectionError):
        send(anna, fit((MORNING, 65.75)))
    assert len(weigh_ins_of(anna)) == 1
    assert send(anna, fit((MORNING, 65.75))).status_code == 409


def test_prefilled_weigh_ins_are_kept_exactly(anna: Garmin, garmin_admin: Admin) -> None:
    row = {"taken_at": MORNING, "weight_kg": "65.753", "bmi": "22.8", "basal_kcal": "1500"}
    garmin_admin.tell("garmin", "put_weigh_ins", account=ANNA[0], weigh_ins=[row])
    [stored] = garmin_admin.tell("garmin", "weigh_ins")
    assert stored.items() >= {**row, "account": ANNA[0], "day": "2026-03-01"}.items()
    assert weigh_ins_of(anna)[0]["weight"] == 65753.0


def test_mistaken_orders_are_refused_with_a_sentence(garmin_admin: Admin) -> None:
    for action, content in (
        ("nonsense", {}),
        ("expire", {"account": "nobody@example.test"}),
        ("sign_in", {"answer": 500}),
        ("sign_in", {"answer": 429, "flows": ["door"]}),
        ("poison", {"timestamp": [1]}),
        ("put_weigh_ins", {"account": ANNA[0], "weigh_ins": [{"taken_at": 1}]}),
        ("put_weigh_ins", {"account": ANNA[0], "weigh_ins": [{"taken_at": 1, "weight_kg": "x"}]}),
        ("accounts", {"create": {"email": ANNA[0], "password": "x", "display_name": "x"}}),
    ):
        with pytest.raises(AdminError):
            garmin_admin.tell("garmin", action, **content)


def test_reset_forgets_everything(anna: Garmin, garmin_admin: Admin) -> None:
    send(anna, fit((MORNING, 65.75)))
    garmin_admin.tell("garmin", "reset")
    assert garmin_admin.tell("garmin", "weigh_ins") == []
    assert garmin_admin.tell("garmin", "uploads") == []
    with pytest.raises(GarminConnectAuthenticationError):
        anna.get_weigh_ins("2026-03-01", "2026-03-01")


# Blood pressure


def test_blood_pressure_is_set_read_and_deleted(anna: Garmin, garmin_admin: Admin) -> None:
    answer = anna.set_blood_pressure(128, 79, 61, "2026-03-01T08:15:00+01:00", "after breakfast")
    [read] = pressures_of(anna)
    assert read == answer
    assert (read["systolic"], read["diastolic"], read["pulse"]) == (128, 79, 61)
    assert read["measurementTimestampLocal"] == "2026-03-01T08:15:00.0"
    assert read["measurementTimestampGMT"] == "2026-03-01T07:15:00.0"
    assert [row["taken_at"] for row in garmin_admin.tell("garmin", "pressures")] == [MORNING]
    with pytest.raises(GarminConnectConnectionError, match="404"):
        anna.delete_blood_pressure(str(read["version"]), "2026-03-02")
    assert anna.delete_blood_pressure(str(read["version"]), "2026-03-01") == {}
    assert pressures_of(anna) == []


def test_the_same_blood_pressure_twice_is_two_rows(anna: Garmin) -> None:
    for _ in range(2):
        anna.set_blood_pressure(128, 79, None, "2026-03-01T08:15:00+01:00")
    assert [row["pulse"] for row in pressures_of(anna)] == [None, None]
    [day] = anna.client.connectapi(
        "/bloodpressure-service/bloodpressure/range/2026-03-01/2026-03-01"
    )["measurementSummaries"]
    assert day["numOfMeasurements"] == 2
    assert day["measurements"] == []
    older, newer = sorted(row["version"] for row in pressures_of(anna))
    anna.delete_blood_pressure(str(newer), "2026-03-01")
    assert [row["version"] for row in pressures_of(anna)] == [older]


def test_only_the_note_of_a_blood_pressure_can_be_changed(anna: Garmin) -> None:
    row = anna.set_blood_pressure(128, 79, 61, "2026-03-01T08:15:00+01:00")
    echo = anna.update_blood_pressure({**row, "systolic": 200}, notes="sitting")
    assert echo["systolic"] == 200
    [read] = pressures_of(anna)
    assert (read["systolic"], read["notes"]) == (128, "sitting")


@pytest.mark.parametrize("changes", [{"systolic": 300}, {"diastolic": None}, {"pulse": 61.5}])
def test_an_impossible_blood_pressure_is_refused(anna: Garmin, changes: dict[str, Any]) -> None:
    stamps = {
        "measurementTimestampLocal": "2026-03-01T08:15:00.000",
        "measurementTimestampGMT": "2026-03-01T07:15:00.000",
    }
    wanted = {"systolic": 128, "diastolic": 79, "pulse": 61, **stamps, **changes}
    with pytest.raises(GarminConnectConnectionError, match="400"):
        anna.client.post("connectapi", "/bloodpressure-service/bloodpressure", json=wanted)
    assert pressures_of(anna) == []

"""What the account holds, and which of it is ours: no network."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.targets.garmin.remote_entries import (
    YEAR_MILLISECONDS,
    Wanted,
    match_pressures,
    match_weights,
    older_entries,
    read_pressures,
    read_weigh_ins,
    span_of,
    split_reference,
)

MORNING = 1_772_350_500
"""2026-03-01T07:35:00Z."""
HOUR = 3600

instants = st.integers(MORNING - 10**8, MORNING)


def metric(at: int, grams: float, key: int = 1, **fields: Any) -> dict[str, Any]:
    """A weigh-in as Garmin returns it, of an account in Paris in winter."""
    return {
        "samplePk": key,
        "date": (at + HOUR) * 1000,
        "timestampGMT": at * 1000,
        "calendarDate": "2026-03-01",
        "weight": grams,
        "bmi": 22.799999237060547,
        "bodyFat": None,
        **fields,
    }


def weights(*metrics: Any) -> dict[str, Any]:
    return {"dailyWeightSummaries": [{"allWeightMetrics": [one]} for one in metrics]}


def pressures(*entries: Any) -> dict[str, Any]:
    return {"measurementSummaries": [{"measurements": list(entries)}]}


def pressure(at: int, systolic: int, diastolic: int, key: int = 1, **fields: Any) -> dict[str, Any]:
    def text(instant: int) -> str:
        return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%S.0")

    return {
        "version": key,
        "systolic": systolic,
        "diastolic": diastolic,
        "pulse": None,
        "measurementTimestampLocal": text(at + HOUR),
        "measurementTimestampGMT": text(at),
        **fields,
    }


def want(at: int, previous: str | None = None, **values: float) -> Wanted:
    return Wanted("r", at, at + HOUR, values, values.get("weight", 0.0), previous)


def seen_weight(wanted: Wanted, *metrics: Any) -> tuple[str, bool] | None:
    held = read_weigh_ins(weights(*metrics))
    assert held is not None
    sighting = match_weights([wanted], held).get("r")
    return sighting and (sighting.reference, sighting.same)


def seen_pressure(wanted: Wanted, *entries: Any) -> tuple[str, bool] | None:
    held = read_pressures(pressures(*entries))
    assert held is not None
    sighting = match_pressures([wanted], held).get("r")
    return sighting and (sighting.reference, sighting.same)


# weight


def test_the_weight_of_the_same_second_is_ours() -> None:
    wanted = want(MORNING, weight=65750.0)
    assert seen_weight(wanted, metric(MORNING, 65750.0, 42)) == ("42:2026-03-01", True)


def test_another_second_is_another_weigh_in() -> None:
    wanted = want(MORNING, weight=65750.0)
    assert seen_weight(wanted, metric(MORNING + 1, 65750.0), metric(MORNING - 1, 65750.0)) is None


@pytest.mark.parametrize(("grams", "same"), [(65740, True), (65735, True), (65734, False)])
def test_other_tools_may_have_cut_the_weight(grams: float, same: bool) -> None:
    assert seen_weight(want(MORNING, weight=65750.0), metric(MORNING, grams)) == (
        "1:2026-03-01",
        same,
    )


def test_milliseconds_of_an_entry_do_not_hide_it() -> None:
    entry = metric(MORNING, 65750.0, timestampGMT=MORNING * 1000 + 873)
    assert seen_weight(want(MORNING, weight=65750.0), entry) is not None


def test_an_old_entry_without_an_instant_is_found_by_its_wall_clock() -> None:
    entry = metric(MORNING, 65750.0, timestampGMT=None)
    assert seen_weight(want(MORNING, weight=65750.0), entry) == ("1:2026-03-01", True)
    assert seen_weight(want(MORNING - HOUR, weight=65750.0), entry) is None


def test_a_first_delivery_does_not_ask_for_the_composition() -> None:
    wanted = want(MORNING, weight=65750.0, bodyFat=20.0)
    assert seen_weight(wanted, metric(MORNING, 65750.0)) == ("1:2026-03-01", True)


@pytest.mark.parametrize(
    "sent",
    [
        {"bodyFat": 20.0},
        {"bodyFat": 20.21},
        {"bodyFat": 20.1, "boneMass": 3540.0},
        {},
    ],
)
def test_a_change_of_any_value_shows(sent: dict[str, float]) -> None:
    there = metric(MORNING, 65750.0, bodyFat=20.1, bodyWater=55.0)
    wanted = want(MORNING, "1:2026-03-01", weight=65750.0, **sent)
    assert seen_weight(wanted, there) == ("1:2026-03-01", False)


def test_what_garmin_rounds_and_cuts_is_no_change() -> None:
    there = metric(
        MORNING,
        65750.0,
        bodyFat=20.1,
        bodyWater=55.04,
        boneMass=3539,
        muscleMass=49999,
        visceralFat=7.0,
        metabolicAge=35 * YEAR_MILLISECONDS,
    )
    sent = {"bodyFat": 20.15, "bodyWater": 55.0, "boneMass": 3540.0, "muscleMass": 50000.0}
    wanted = want(MORNING, "", weight=65750.0, **sent, visceralFat=7.0, metabolicAge=35.0)
    assert seen_weight(wanted, there) == ("1:2026-03-01", True)


def test_a_correction_by_one_step_shows() -> None:
    wanted = want(MORNING, "1:2026-03-01", weight=65760.0)
    assert seen_weight(wanted, metric(MORNING, 65750.0)) == ("1:2026-03-01", False)


def test_of_two_at_one_second_the_equal_one_is_ours() -> None:
    wanted = want(MORNING, "1:2026-03-01", weight=65750.0)
    both = metric(MORNING, 64000.0, 1), metric(MORNING, 65750.0, 2)
    assert seen_weight(wanted, *both) == ("2:2026-03-01", True)


def test_of_two_others_at_one_second_the_older_revision_is_named() -> None:
    wanted = want(MORNING, "3:2026-03-01", weight=65750.0)
    others = [metric(MORNING, 64000.0, key) for key in (2, 3, 4)]
    assert seen_weight(wanted, *others) == ("3:2026-03-01", False)


@given(st.lists(st.tuples(instants, st.integers(30_000, 200_000)), max_size=20), st.randoms())
def test_the_order_of_the_answer_does_not_matter(
    entries: list[tuple[int, int]], order: random.Random
) -> None:
    metrics = [metric(at, grams, key) for key, (at, grams) in enumerate(entries)]
    wanted = [
        Wanted(str(key), at, at + HOUR, {"weight": grams}, grams)
        for key, (at, grams) in enumerate(entries)
    ]
    held = read_weigh_ins(weights(*metrics))
    order.shuffle(metrics)
    shuffled = read_weigh_ins(weights(*metrics))
    assert held is not None
    assert shuffled is not None
    assert match_weights(wanted, held) == match_weights(wanted, shuffled)
    assert len(match_weights(wanted, held)) == len(wanted)


# blood pressure


def test_a_blood_pressure_is_ours_by_second_and_values() -> None:
    wanted = want(MORNING, systolic=121, diastolic=79)
    assert seen_pressure(wanted, pressure(MORNING, 121, 79, 5)) == ("5:2026-03-01", True)
    assert seen_pressure(wanted, pressure(MORNING, 122, 79, 5)) == ("5:2026-03-01", False)


def test_a_client_that_cut_the_seconds_is_recognised_by_the_values() -> None:
    wanted = want(MORNING + 33, systolic=121, diastolic=79)
    assert seen_pressure(wanted, pressure(MORNING, 121, 79)) == ("1:2026-03-01", True)
    assert seen_pressure(wanted, pressure(MORNING, 121, 80)) is None
    assert seen_pressure(wanted, pressure(MORNING + 60, 121, 79)) is None


def test_a_changed_pulse_shows() -> None:
    wanted = want(MORNING, "1:2026-03-01", systolic=121, diastolic=79, pulse=62)
    assert seen_pressure(wanted, pressure(MORNING, 121, 79, pulse=62)) == ("1:2026-03-01", True)
    assert seen_pressure(wanted, pressure(MORNING, 121, 79)) == ("1:2026-03-01", False)


def test_the_day_of_a_blood_pressure_is_its_local_one() -> None:
    late = int(datetime(2026, 2, 28, 23, 30, tzinfo=UTC).timestamp())
    wanted = want(late, systolic=121, diastolic=79)
    assert seen_pressure(wanted, pressure(late, 121, 79)) == ("1:2026-03-01", True)


# what must go


def test_the_older_revision_and_its_second_must_go() -> None:
    held = read_weigh_ins(weights(metric(MORNING, 1.0, 1), metric(MORNING + 1, 1.0, 2)))
    assert held is not None
    wanted = [want(MORNING, "9:2026-03-01", weight=65750.0)]
    found = match_weights(wanted, held)
    assert older_entries(wanted, held, found) == ["9:2026-03-01", "1:2026-03-01"]


def test_what_stands_there_already_stays() -> None:
    held = read_weigh_ins(weights(metric(MORNING, 65750.0, 1)))
    assert held is not None
    wanted = [want(MORNING, "1:2026-03-01", weight=65750.0)]
    assert older_entries(wanted, held, match_weights(wanted, held)) == []


# odd answers


@pytest.mark.parametrize("content", [None, [], {}, "x", {"dailyWeightSummaries": "x"}])
def test_an_answer_that_cannot_be_read_is_not_an_empty_account(content: Any) -> None:
    assert read_weigh_ins(content) is None
    assert read_pressures(content) is None


def test_an_empty_account_is_one() -> None:
    assert read_weigh_ins({"dailyWeightSummaries": []}) == []
    assert read_pressures({"measurementSummaries": None}) == []


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {},
        "x",
        {"weight": 65750.0},
        metric(MORNING, True),
        metric(MORNING, 1.0, timestampGMT="x", date=None),
    ],
)
def test_one_odd_entry_hides_no_other(odd: Any) -> None:
    wanted = want(MORNING, weight=65750.0)
    assert seen_weight(wanted, odd, metric(MORNING, 65750.0, 8)) == ("8:2026-03-01", True)


def test_an_odd_blood_pressure_hides_no_other() -> None:
    wanted = want(MORNING, systolic=121, diastolic=79)
    odd = {"version": 3, "measurementTimestampGMT": "yesterday", "systolic": 121, "diastolic": 79}
    assert seen_pressure(wanted, odd, None, pressure(MORNING, 121, 79, 8)) == (
        "8:2026-03-01",
        True,
    )


# references and spans


@given(st.integers(0, 2**60), st.dates(date(1971, 1, 1)))
def test_a_reference_comes_apart_as_it_was_made(key: int, day: date) -> None:
    assert split_reference(f"{key}:{day.isoformat()}") == (str(key), day.isoformat())


@pytest.mark.parametrize(
    "text",
    ["", ":", "1", "1:", ":2026-03-01", "None:2026-03-01", "1:None", "1:2026-02-30", "1:../x"],
)
def test_what_is_no_reference_is_none(text: str) -> None:
    assert split_reference(text) is None


@given(st.lists(instants, min_size=1), st.integers(-14 * HOUR, 14 * HOUR))
def test_the_span_holds_every_reading_in_every_zone(times: list[int], offset: int) -> None:
    first, last = span_of(times)
    for time in times:
        local_day = datetime.fromtimestamp(time + offset, UTC).date().isoformat()
        assert first <= local_day <= last


@given(st.integers(10_000, 20_000), st.lists(st.integers(0, 86_399), min_size=1))
def test_the_span_of_one_day_is_three(day: int, seconds: list[int]) -> None:
    first, last = span_of(day * 86_400 + second for second in seconds)
    assert (date.fromisoformat(last) - date.fromisoformat(first)).days == 2

"""The blood-pressure diary: every reading, and averages that a doctor can rely on."""

from __future__ import annotations

import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.measures import Reading
from weighbridge.testing.builders import blood_pressure, weigh_in
from weighbridge.web.views.diary import Average, BloodPressureDiary, write_diary

PARIS, NEW_YORK = "Europe/Paris", "America/New_York"


def at(text: str, zone: str = PARIS) -> int:
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def pressure(when: str, *values: int, zone: str | None = PARIS) -> Reading:
    systolic, diastolic, *pulse = values
    return blood_pressure(
        systolic,
        diastolic,
        pulse[0] if pulse else None,
        taken_at=at(when, zone or "UTC"),
        timezone=zone,
    )


def figures(average: Average | None) -> tuple[str, ...]:
    assert average is not None
    shown = (average.systolic, average.diastolic, average.pulse)
    return (str(average.number), *(str(one) for one in shown))


def overall(diary: BloodPressureDiary) -> tuple[str, ...]:
    assert diary.overall is not None
    return figures(diary.overall.all_day)


def test_averages_by_week_and_by_time_of_day() -> None:
    diary = write_diary(
        [
            pressure("2026-03-09T07:10", 120, 80, 60),
            pressure("2026-03-09T21:00", 130, 84, 66),
            pressure("2026-03-15T11:59", 126, 82, 64),
            pressure("2026-03-16T12:00", 140, 90),
        ],
        None,
    )
    first, second = diary.weeks
    assert (first.monday, second.monday) == (datetime.date(2026, 3, 9), datetime.date(2026, 3, 16))
    assert figures(first.averages.morning) == ("2", "123", "81", "62")
    assert figures(first.averages.evening) == ("1", "130", "84", "66")
    assert second.averages.morning is None
    assert figures(second.averages.evening) == ("1", "140", "90", "None")
    assert overall(diary) == ("4", "129", "84", str(Decimal(190) / 3))


def test_noon_belongs_to_the_evening_by_the_clock_of_the_place() -> None:
    """It is one instant: half past seven in New York, half past twelve in Paris."""
    instant = at("2026-03-10T12:30", PARIS)
    here = blood_pressure(taken_at=instant, timezone=PARIS)
    there = blood_pressure(taken_at=instant, timezone=NEW_YORK)
    assert not write_diary([here], NEW_YORK).weeks[0].entries[0].in_the_morning
    assert write_diary([there], PARIS).weeks[0].entries[0].in_the_morning


def test_a_sunday_night_in_new_york_is_no_monday() -> None:
    diary = write_diary([pressure("2026-03-15T23:30", 120, 80, zone=NEW_YORK)], PARIS)
    assert diary.weeks[0].monday == datetime.date(2026, 3, 9)


def test_without_a_zone_of_its_own_the_zone_of_the_person_counts() -> None:
    reading = blood_pressure(taken_at=at("2026-03-10T11:30", "UTC"), timezone=None)
    assert write_diary([reading], PARIS).weeks[0].entries[0].local.hour == 12
    assert write_diary([reading], None).weeks[0].entries[0].local.hour == 11
    strange = blood_pressure(taken_at=at("2026-03-10T11:30", "UTC"), timezone="Mars/Olympus")
    assert write_diary([strange], PARIS).weeks[0].entries[0].local.hour == 12


def test_the_hour_that_comes_twice_stays_in_order() -> None:
    instants = [at("2026-10-25T00:30", "UTC"), at("2026-10-25T01:10", "UTC")]
    readings = [blood_pressure(110 + i, taken_at=x, timezone=PARIS) for i, x in enumerate(instants)]
    (week,) = write_diary(reversed(readings), None).weeks
    assert [f"{entry.local:%H:%M}" for entry in week.entries] == ["02:30", "02:10"]


def test_what_is_no_blood_pressure_is_left_out() -> None:
    broken = blood_pressure(10**6, 80)
    far = blood_pressure(taken_at=10**15)
    assert write_diary([weigh_in(), broken, far], None) == BloodPressureDiary([], None)


readings = st.builds(
    lambda instant, systolic, diastolic, pulse, zone: blood_pressure(
        systolic, diastolic, pulse, taken_at=instant, timezone=zone
    ),
    st.integers(0, 4_000_000_000),
    st.integers(60, 250),
    st.integers(30, 150),
    st.none() | st.integers(30, 200),
    st.sampled_from([PARIS, NEW_YORK, "Asia/Kathmandu", None]),
)


@given(st.lists(readings, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_every_reading_stands_in_exactly_one_week(history: list[Reading], chance: object) -> None:
    diary = write_diary(history, None)
    entries = [entry for week in diary.weeks for entry in week.entries]
    assert sorted(int(one.local.timestamp()) for one in entries) == sorted(
        reading.taken_at for reading in history
    )
    for week in diary.weeks:
        assert week.monday.weekday() == 0
        for entry in week.entries:
            assert 0 <= (entry.local.date() - week.monday).days < 7
    assert diary.overall is not None
    morning, evening = diary.overall.morning, diary.overall.evening
    numbers = [average.number if average else 0 for average in (morning, evening)]
    assert sum(numbers) == diary.overall.all_day.number == len(history)


@given(st.lists(readings, min_size=1, max_size=20), st.permutations(range(20)))
def test_the_order_of_readings_does_not_matter(history: list[Reading], order: list[int]) -> None:
    shuffled = [history[index] for index in order if index < len(history)]
    assert overall(write_diary(shuffled, PARIS)) == overall(write_diary(history, PARIS))


@given(st.lists(readings, min_size=1, max_size=20))
def test_an_average_lies_between_the_lowest_and_the_highest(history: list[Reading]) -> None:
    diary = write_diary(history, None)
    assert diary.overall is not None
    values = [entry.systolic for week in diary.weeks for entry in week.entries]
    assert min(values) <= diary.overall.all_day.systolic <= max(values)

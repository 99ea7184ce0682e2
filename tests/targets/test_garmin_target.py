"""The Garmin target with the real library at the sandbox: what is sent, seen and replaced."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fitdecode
import msgspec
import pytest

from fixtures.garmin import BEN, COMPOSITION, PROFILE, UPLOAD, GarminWorld, garmin_world, whole
from weighbridge.core.errors import LoginNeeded
from weighbridge.core.measures import Kind, MeasureType, Reading
from weighbridge.targets import garmin
from weighbridge.targets.base import Checks, Context, Replaces, Verifiable
from weighbridge.targets.garmin.garmin_options import GarminOptions
from weighbridge.targets.garmin.garmin_payload import GarminPayload
from weighbridge.targets.garmin.garmin_target import GarminTarget
from weighbridge.testing.builders import (
    NOON,
    UNTHINKABLE,
    blood_pressure,
    measurement,
    owe,
    reading,
    weigh_in,
)
from weighbridge.testing.targets import TargetContract


@pytest.fixture
def world() -> Iterator[GarminWorld]:
    with garmin_world() as world:
        yield world


def types_of(part: Sequence[Any]) -> set[int]:
    return {one.type_code for one in part}


class TestGarmin(TargetContract):
    kind = garmin.KIND

    @pytest.fixture(autouse=True)
    def _world(self, world: GarminWorld) -> None:
        self.world = world
        tokens = world.tokens()
        type(self).secrets = (
            *TargetContract.secrets,
            tokens["di_token"],
            tokens["di_refresh_token"],
        )

    def context(self, home: Path) -> Context:
        return self.world.context(home)

    def make(self, context: Context) -> GarminTarget:
        return GarminTarget(GarminOptions(url=self.world.sandbox.url), context)

    def instants(self, payload: GarminPayload) -> list[int]:
        return [one.row.taken_at for one in payload.weigh_ins]

    def standing(self, context: Context) -> list[Any]:
        return self.world.weigh_ins()


# what it takes


def test_it_takes_what_garmin_shows_and_nothing_else(world: GarminWorld) -> None:
    odd = measurement(MeasureType.PULSE_WAVE_VELOCITY, "7.1")
    full = whole(FAT_MASS="14.03")
    full = msgspec.structs.replace(full, measurements=(*full.measurements, odd))
    taken = types_of(world.target().takes(full))
    assert taken == {MeasureType.WEIGHT, *COMPOSITION}


def test_the_fat_mass_counts_when_there_is_no_ratio(world: GarminWorld) -> None:
    lean = weigh_in("70", others={MeasureType.FAT_MASS: "14"})
    target = world.target()
    assert types_of(target.takes(lean)) == {MeasureType.WEIGHT, MeasureType.FAT_MASS}
    target.send(target.render([owe(lean)]))
    assert Decimal(world.cloud.admin("weigh_ins", {})[0]["fat_percent"]) == 20


def test_muscle_mass_can_be_left_out(world: GarminWorld) -> None:
    target = world.target(muscle_mass=False)
    assert MeasureType.MUSCLE_MASS not in types_of(target.takes(whole()))
    target.send(target.render([owe(whole())]))
    assert "muscle_kg" not in world.cloud.admin("weigh_ins", {})[0]


@pytest.mark.parametrize(
    "other",
    [
        reading({MeasureType.FAT_RATIO: "20"}),
        reading({MeasureType.NERVE_HEALTH: "60"}, kind="nerve_health"),
        reading({MeasureType.SYSTOLIC: "120"}, kind=Kind.BLOOD_PRESSURE),
        reading({MeasureType.DIASTOLIC: "80", MeasureType.PULSE: "60"}, kind=Kind.BLOOD_PRESSURE),
    ],
)
def test_what_is_not_complete_is_not_taken(world: GarminWorld, other: Reading) -> None:
    assert world.target().takes(other) == []


def test_blood_pressure_can_be_switched_off(world: GarminWorld) -> None:
    assert world.target().takes(blood_pressure())
    assert world.target(blood_pressure=False).takes(blood_pressure()) == []


def test_bmi_is_no_part_of_what_is_taken(world: GarminWorld) -> None:
    assert MeasureType.HEIGHT not in types_of(world.target().takes(whole(HEIGHT="1.72")))


# what is sent


def test_garmin_gets_every_value_rounded_and_not_cut(world: GarminWorld) -> None:
    world.send(owe(whole("65.755")))
    row = world.cloud.admin("weigh_ins", {})[0]
    assert row["taken_at"] == NOON
    assert Decimal(row["weight_kg"]) == Decimal("65.76")
    assert Decimal(row["fat_percent"]) == Decimal("21.35")
    assert Decimal(row["water_percent"]) == Decimal("54.99")
    assert Decimal(row["bone_kg"]) == Decimal("3.54")
    assert Decimal(row["muscle_kg"]) == Decimal("49.11")
    assert Decimal(row["visceral_fat_rating"]) == 7
    assert Decimal(row["metabolic_age_years"]) == 35
    assert Decimal(row["basal_kcal"]) == 1512
    assert Decimal(row["bmi"]) == Decimal("22.2")


def test_the_same_readings_give_the_same_file(world: GarminWorld) -> None:
    owed = [owe(whole(taken_at=NOON + 60)), owe(whole())]
    files = {world.target().render(part).file for part in (owed, owed[::-1])}
    assert len(files) == 1


def test_nobody_is_named_as_the_maker_unless_configured(world: GarminWorld) -> None:
    plain = world.target().render([owe(whole())]).file
    posed = world.target(manufacturer=1, product=2429).render([owe(whole())]).file
    identities = []
    for file in (plain, posed):
        with fitdecode.FitReader(file) as frames:
            first = next(f for f in frames if f.frame_type == fitdecode.FIT_FRAME_DATA)
            identities.append({field.name: field.raw_value for field in first.fields})
    assert [one["manufacturer"] for one in identities] == [None, 1]
    assert identities[0]["serial_number"] == identities[1]["serial_number"] != 0


def test_a_blood_pressure_arrives_with_both_its_times(world: GarminWorld) -> None:
    receipt = world.send(owe(blood_pressure(121, 79, 62, taken_at=NOON)))
    (row,) = world.pressures()
    assert (row["systolic"], row["diastolic"], row["pulse"]) == (121, 79, 62)
    assert row["measurementTimestampGMT"] == "2025-10-09T08:53:20.0"
    assert row["measurementTimestampLocal"] == "2025-10-09T10:53:20.0"
    assert list(receipt.delivered.values()) == [f"{row['version']}:2025-10-09"]


def test_a_blood_pressure_without_a_pulse_is_complete(world: GarminWorld) -> None:
    target = world.target()
    payload = target.render([owe(blood_pressure(pulse=None))])
    assert "pulse" not in payload.pressures[0].entry
    target.send(payload)
    assert world.pressures()[0]["pulse"] is None


@pytest.mark.parametrize(
    ("configured", "measured", "local"),
    [
        (None, "Europe/Paris", "02:30:00"),
        ("America/New_York", "Europe/Paris", "20:30:00"),
        (None, None, "00:30:00"),
        (None, "Mars/Olympus", "00:30:00"),
        ("../etc/passwd", "Europe/Paris", "02:30:00"),
    ],
)
def test_the_local_time_is_the_persons_then_the_measurements_then_utc(
    world: GarminWorld, configured: str | None, measured: str | None, local: str
) -> None:
    night = int(datetime(2025, 10, 26, 0, 30, tzinfo=UTC).timestamp())
    context = world.context(timezone=configured)
    target = GarminTarget(GarminOptions(url=world.sandbox.url), context)
    payload = target.render([owe(blood_pressure(taken_at=night, timezone=measured))])
    entry = payload.pressures[0].entry
    assert entry["measurementTimestampLocal"].endswith(f"T{local}.000")
    assert entry["measurementTimestampGMT"] == "2025-10-26T00:30:00.000"


def test_the_hour_that_october_repeats_keeps_both_instants(world: GarminWorld) -> None:
    first = int(datetime(2025, 10, 26, 0, 30, tzinfo=UTC).timestamp())
    both = [owe(blood_pressure(taken_at=first)), owe(blood_pressure(taken_at=first + 3600))]
    world.send(*both, owe(whole(taken_at=first)), owe(whole(taken_at=first + 3600)))
    assert [row["taken_at"] for row in world.pressures()] == [first, first + 3600]
    locals_ = {row["measurementTimestampLocal"] for row in world.pressures()}
    assert locals_ == {"2025-10-26T02:30:00.0"}
    assert [at for at, _ in world.weigh_ins()] == [first, first + 3600]
    seen = world.target().find_existing(both)
    assert {sighting.same for sighting in seen.values()} == {True}
    assert len({sighting.reference for sighting in seen.values()}) == 2


def test_weight_and_blood_pressure_of_one_second_are_two(world: GarminWorld) -> None:
    receipt = world.send(owe(whole()), owe(blood_pressure()))
    assert len(receipt.delivered) == 2
    assert (len(world.weigh_ins()), len(world.pressures())) == (1, 1)


def test_half_a_millimetre_is_rounded_up(world: GarminWorld) -> None:
    half = reading(
        {MeasureType.SYSTOLIC: "120.5", MeasureType.DIASTOLIC: "79.4999"},
        kind=Kind.BLOOD_PRESSURE,
    )
    world.send(owe(half))
    assert (world.pressures()[0]["systolic"], world.pressures()[0]["diastolic"]) == (121, 79)


BEYOND = [
    blood_pressure(69, 60),
    blood_pressure(261, 80),
    blood_pressure(120, 39),
    blood_pressure(160, 151),
    blood_pressure(pulse=19),
    blood_pressure(pulse=251),
    blood_pressure(systolic=10**9),
    blood_pressure(taken_at=UNTHINKABLE),
    weigh_in("655.34"),
    weigh_in("-1"),
    weigh_in("0"),
    weigh_in("70", taken_at=0),
]


@pytest.mark.parametrize("bad", BEYOND)
def test_a_reading_beyond_the_limits_is_refused_alone(world: GarminWorld, bad: Reading) -> None:
    bad = msgspec.structs.replace(bad, reading_id="bad")
    good = [owe(whole(taken_at=NOON + 60)), owe(blood_pressure(taken_at=NOON + 60))]
    receipt = world.send(owe(bad), *good)
    assert set(receipt.refused) == {"bad"}
    assert set(receipt.delivered) == {one.reading_id for one in good}
    assert receipt.problem is None
    assert world.target().find_existing([owe(bad)]) == {}


def test_a_blood_pressure_at_the_limits_is_sent(world: GarminWorld) -> None:
    lowest = blood_pressure(70, 40, 20)
    highest = blood_pressure(260, 150, 250, taken_at=NOON + 60)
    receipt = world.send(owe(lowest), owe(highest))
    assert set(receipt.delivered) == {lowest.reading_id, highest.reading_id}


def test_with_nothing_to_send_nobody_is_asked(world: GarminWorld) -> None:
    assert set(world.send(owe(weigh_in("0"))).refused) == {weigh_in("0").reading_id}
    assert world.counts() == {}


def test_a_preview_says_what_goes_where(world: GarminWorld) -> None:
    target = world.target()
    owed = [
        owe(whole()),
        owe(blood_pressure(taken_at=NOON + 60)),
        owe(weigh_in("0", taken_at=NOON - 1)),
    ]
    lines = list(target.preview(target.render(owed)))
    assert "2025-10-09 08:53:20 UTC  weigh-in  65750 g, fat 21.35 %" in lines[0]
    assert lines[0].endswith("BMI 22.2")
    assert lines[1].endswith("blood pressure  121/79 mmHg, pulse 62 bpm")
    assert "cannot be sent" in lines[2]
    assert world.counts() == {}


def test_two_hundred_weigh_ins_are_one_request(world: GarminWorld) -> None:
    owed = [owe(whole(taken_at=NOON + 86_400 * day)) for day in range(200)]
    world.send(*owed)
    assert len(world.weigh_ins()) == 200
    assert world.counts() == {f"GET {PROFILE}": 1, f"POST {UPLOAD}": 1}


# the login


def test_the_account_that_answers_is_checked_before_anything_is_sent(world: GarminWorld) -> None:
    other = world.sign_in(BEN)
    world.session.store(other.tokens, account="81000001")
    with pytest.raises(LoginNeeded, match="another Garmin account"):
        world.send(owe(whole()))
    with pytest.raises(LoginNeeded, match="weighbridge login garmin --person anna"):
        world.target().find_existing([owe(whole())])
    assert world.weigh_ins() == []
    assert f"POST {UPLOAD}" not in world.counts()


def test_the_account_is_asked_once_a_process(world: GarminWorld) -> None:
    target = world.target()
    for step in range(3):
        target.find_existing([owe(whole())])
        target.send(target.render([owe(whole(taken_at=NOON + step))]))
    assert world.counts()[f"GET {PROFILE}"] == 1


def test_a_new_login_in_a_running_process_is_checked_again(world: GarminWorld) -> None:
    target = world.target()
    target.find_existing([owe(whole())])
    world.sign_in(BEN)
    target.send(target.render([owe(whole())]))
    assert world.cloud.admin("weigh_ins", {"account": BEN[0]})


def test_it_says_who_is_logged_in(world: GarminWorld) -> None:
    assert world.target().check() == "Logged in to Garmin Connect (garmin.com) as Anna Example."


def test_nobody_logged_in_is_told_what_to_do(world: GarminWorld) -> None:
    world.session = type(world.session)()
    with pytest.raises(LoginNeeded, match="Run: weighbridge login garmin --person anna"):
        world.target().check()


def test_it_can_look_replace_and_check(world: GarminWorld) -> None:
    target = world.target(resend_after=60)
    assert isinstance(target, (Verifiable, Replaces, Checks))
    assert target.visible_after == 60


def test_an_upload_is_believed_to_be_on_its_way_for_ten_minutes(world: GarminWorld) -> None:
    assert world.target().visible_after == 10 * 60


# the options


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://garmin.example"},
        {"url": "ftp://127.0.0.1"},
        {"url": "127.0.0.1:80"},
        {"domain": "garmin.de"},
        {"manufacturer": 65535},
        {"product": -1},
        {"resend_after": -1},
        {"muscle_mass": "yes"},
    ],
)
def test_wrong_options_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, GarminOptions)


@pytest.mark.parametrize(
    "url", ["", "http://127.0.0.1:80", "http://localhost:1", "https://x.example"]
)
def test_an_address_in_the_clear_is_for_this_machine_only(url: str) -> None:
    assert msgspec.convert({"url": url}, GarminOptions).url == url


def test_reading_the_options_loads_nothing_heavy() -> None:
    program = (
        "import sys, weighbridge.targets.garmin as g; g.KIND.options(); "
        "print([m for m in ('garminconnect', 'requests', 'curl_cffi', 'urllib3', 'zoneinfo')"
        " if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"

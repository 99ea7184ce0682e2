"""The TrainerRoad target at the stand-in: what is taken, compared, written and read back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.trainerroad import (
    ANNA,
    BEN,
    LOGIN,
    MEMBER,
    PROFILE,
    TrainerRoadWorld,
    trainerroad_world,
)
from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.core.measures import MeasureType, Reading
from weighbridge.targets import trainerroad
from weighbridge.targets.base import Checks, Context, LatestOnly, Replaces, Verifiable
from weighbridge.targets.trainerroad import KIND, TrainerRoadOptions
from weighbridge.targets.trainerroad.trainerroad_target import (
    TrainerRoadPayload,
    TrainerRoadTarget,
    weight_of,
)
from weighbridge.testing.builders import (
    NOON,
    UNTHINKABLE,
    MemorySession,
    blood_pressure,
    measurement,
    owe,
    reading,
    weigh_in,
)
from weighbridge.testing.targets import TargetContract


@pytest.fixture
def world() -> Iterator[TrainerRoadWorld]:
    with trainerroad_world() as world:
        yield world


class TestTrainerRoad(TargetContract):
    """A profile holds one weight, so what "stands" there is every weight that was written."""

    kind = trainerroad.KIND

    @pytest.fixture(autouse=True)
    def _world(self, world: TrainerRoadWorld) -> None:
        self.world = world
        type(self).secrets = (*TargetContract.secrets, world.cookie(), ANNA[1])

    def context(self, home: Path) -> Context:
        return self.world.context(home)

    def make(self, context: Context) -> TrainerRoadTarget:
        return KIND.create(TrainerRoadOptions(url=self.world.sandbox.url), context)

    def instants(self, payload: TrainerRoadPayload) -> list[int]:
        return [one.taken_at for one in payload.weights]

    def standing(self, context: Context) -> list[float]:
        return self.world.weights()

    def good(self, taken_at: int) -> Reading:
        kg = Decimal(71) + Decimal(taken_at % 1000) / 10
        return weigh_in(kg, fat_percent="21.3", taken_at=taken_at)

    def bad(self) -> Reading:
        return weigh_in("1000", taken_at=UNTHINKABLE)


# what it takes and renders


def test_it_takes_the_weight_of_a_weigh_in_and_nothing_else(world: TrainerRoadWorld) -> None:
    taken = world.target().takes(weigh_in("70", fat_percent="20"))
    assert [one.type_code for one in taken] == [MeasureType.WEIGHT]
    assert world.target().takes(blood_pressure()) == []
    assert world.target().takes(reading({MeasureType.FAT_RATIO: "20"})) == []
    odd = reading({MeasureType.WEIGHT: "70"}, kind="luggage")
    assert world.target().takes(odd) == []


@pytest.mark.parametrize(
    ("kg", "written"),
    [("70.049", "70.0"), ("70.05", "70.1"), ("70.15", "70.2"), ("7E1", "70.0"), ("0.05", "0.1")],
)
def test_a_weight_has_one_decimal_rounded_half_up(kg: str, written: str) -> None:
    assert str(weight_of(weigh_in(Decimal(kg)))) == written


@given(st.decimals(min_value="-1", max_value="1001", places=4))
def test_a_weight_is_at_most_half_a_step_off_or_none(kg: Decimal) -> None:
    found = weight_of(weigh_in(kg))
    if found is None:
        assert kg < Decimal("0.05") or kg >= Decimal("999.95")
    else:
        assert abs(found - kg) <= Decimal("0.05")
        assert found.as_tuple().exponent == -1


@pytest.mark.parametrize("kg", ["0", "-70", "0.04", "999.96", "1000", "70000"])
def test_a_weight_that_is_none_is_refused_and_nobody_asked(
    world: TrainerRoadWorld, kg: str
) -> None:
    receipt = world.send(owe(weigh_in(kg)))
    assert list(receipt.refused) == [weigh_in(kg).reading_id]
    assert receipt.problem is None
    assert world.counts() == {}


def test_a_mantissa_of_any_length_is_refused_or_rounded() -> None:
    assert weight_of(weigh_in("9" * 400)) is None
    fine = reading({MeasureType.WEIGHT: "70." + "4" * 300})
    assert weight_of(fine) == Decimal("70.4")
    tiny = msgspec.structs.replace(
        fine, measurements=(measurement(MeasureType.WEIGHT, Decimal("1E-999")),)
    )
    assert weight_of(tiny) is None


def test_a_preview_says_what_would_stand_there(world: TrainerRoadWorld) -> None:
    target = world.target()
    owed = [owe(weigh_in("70.25")), owe(weigh_in("0", taken_at=NOON - 1))]
    lines = list(target.preview(target.render(owed)))
    assert lines[0] == "2025-10-09 08:53:20 UTC  weight  70.3 kg"
    assert lines[1].startswith(f"cannot be sent: body-{NOON - 1}: ")
    (odd,) = target.preview(target.render([owe(weigh_in("70", taken_at=UNTHINKABLE))]))
    assert "70.0 kg" in odd
    assert world.counts() == {}


# what is sent


def test_only_the_weight_changes(world: TrainerRoadWorld) -> None:
    before = world.profile()
    receipt = world.send(owe(weigh_in("68.349")))
    assert receipt.delivered == {weigh_in().reading_id: "written"}
    assert receipt.problem is None
    assert world.profile() == {**before, "weightKg": 68.3}
    (write,) = world.order("writes")
    assert (write["changed"], write["missing"]) == (["weightKg"], [])
    assert world.counts() == {f"GET {MEMBER}": 1, f"GET {PROFILE}": 2, f"PUT {PROFILE}": 1}


def test_whatever_else_a_profile_holds_is_sent_back(world: TrainerRoadWorld) -> None:
    odd = {"big": 12345678901234567890, "text": 'é"\\', "list": [1.0, None, {"Deep": True}]}
    world.order("profile", account=ANNA[0], set=odd)
    world.send(owe(weigh_in("68.3")))
    (write,) = world.order("writes")
    assert (write["changed"], write["missing"]) == (["weightKg"], [])
    assert b'"weightKg":68.3' in world.cloud.heard[-2].body


def test_kilograms_are_sent_whatever_the_rider_sees(world: TrainerRoadWorld) -> None:
    world.sign_in(BEN)
    assert world.profile(BEN[0])["units"] == "mph"
    world.send(owe(weigh_in("87.4")))
    assert world.profile(BEN[0])["weightKg"] == 87.4


@pytest.mark.parametrize("there", [70.3, 70.31, 70.29, 70.300000001])
def test_a_weight_that_stands_there_is_not_written(world: TrainerRoadWorld, there: float) -> None:
    world.order("profile", account=ANNA[0], set={"weightKg": there})
    receipt = world.send(owe(weigh_in("70.32")))
    assert receipt.delivered == {weigh_in().reading_id: "unchanged"}
    assert world.weights() == []
    assert world.counts() == {f"GET {MEMBER}": 1, f"GET {PROFILE}": 1}


@pytest.mark.parametrize("there", [70.2, 70.32, 70.4, 155.0, 0, None])
def test_any_other_weight_is_replaced(world: TrainerRoadWorld, there: float | None) -> None:
    world.order("profile", account=ANNA[0], set={"weightKg": there})
    assert world.send(owe(weigh_in("70.3"))).problem is None
    assert world.profile()["weightKg"] == 70.3


def test_pascal_case_is_understood_and_sent_back_as_it_came(world: TrainerRoadWorld) -> None:
    world.order("pascal_case", on=True)
    receipt = world.send(owe(weigh_in("68.3")))
    assert list(receipt.delivered.values()) == ["written"]
    put = world.cloud.heard[-2]
    assert put.method == "PUT"
    assert b'"WeightKg":68.3' in put.body
    assert b"weightKg" not in put.body
    assert world.target().check() == "Logged in to TrainerRoad as anna-rides."


def test_every_request_looks_like_one_of_the_web_page(world: TrainerRoadWorld) -> None:
    world.send(owe(weigh_in("68.3")))
    url = world.sandbox.url
    for request in world.cloud.heard:
        assert request.headers["trainerroad-jsonformat"] == "camel-case"
        assert request.headers["accept"] == "application/json, text/plain, */*"
        assert request.headers["origin"] == url
        assert request.headers["referer"].startswith(f"{url}/app/")
        assert request.headers["cookie"] == f"SharedTrainerRoadAuth={world.cookie()}"
        assert request.query == {}
    put = world.cloud.heard[-2]
    assert put.headers["content-type"] == "application/json"
    assert put.headers["referer"] == f"{url}/app/profile/rider-information"


def test_an_ftp_that_changed_at_the_same_moment_is_reported(world: TrainerRoadWorld) -> None:
    world.order("meanwhile", account=ANNA[0], after="write", changes={"ftp": 205})
    receipt = world.send(owe(weigh_in("68.3")))
    assert list(receipt.delivered.values()) == ["written"]
    assert type(receipt.problem) is Problem
    assert "FTP" in str(receipt.problem)
    assert world.profile()["ftp"] == 205


def test_a_profile_without_ftp_is_no_reason_to_stop(world: TrainerRoadWorld) -> None:
    world.order("drop", account=ANNA[0], field="ftp")
    receipt = world.send(owe(weigh_in("68.3")))
    assert (receipt.problem, world.weights()) == (None, [68.3])


def test_decimals_that_are_not_kept_are_tolerated(world: TrainerRoadWorld) -> None:
    world.order("decimals", digits=1)
    assert world.send(owe(weigh_in("68.25"))).problem is None
    assert world.profile()["weightKg"] == 68.3


# the login


def test_the_session_is_used_and_nobody_signs_in_again(world: TrainerRoadWorld) -> None:
    for kg in ("68.3", "68.4", "68.5"):
        world.send(owe(weigh_in(kg)))
    assert f"POST {LOGIN}" not in world.counts()
    assert world.counts()[f"GET {MEMBER}"] == 3


def test_the_account_that_answers_is_checked_before_anything_is_read(
    world: TrainerRoadWorld,
) -> None:
    other = world.sign_in(BEN)
    world.session.store(other.tokens, account="51000001")
    receipt = world.send(owe(weigh_in("68.3")))
    assert isinstance(receipt.problem, LoginNeeded)
    assert "another TrainerRoad account" in receipt.problem.message
    assert receipt.problem.remedy == "Run: weighbridge login trainerroad --person anna"
    assert world.weights() == []
    assert f"GET {PROFILE}" not in world.counts()


@pytest.mark.parametrize("secret", [None, {}, {"cookie": ""}, {"cookie": "a b"}, {"cookie": 1}, []])
def test_nobody_logged_in_is_told_what_to_do(world: TrainerRoadWorld, secret: Any) -> None:
    world.session = MemorySession(secret, account="51000001")
    with pytest.raises(LoginNeeded, match="Run: weighbridge login trainerroad --person anna"):
        world.target().check()
    assert isinstance(world.send(owe(weigh_in())).problem, LoginNeeded)
    assert world.counts() == {}


def test_a_session_that_is_prolonged_is_kept(world: TrainerRoadWorld) -> None:
    first = world.cookie()
    world.order("renew_cookie")
    assert world.send(owe(weigh_in("68.3"))).problem is None
    assert world.cookie() != first
    assert world.session.account() == "51000001"
    assert world.session.leased == 1
    assert world.send(owe(weigh_in("68.4"))).problem is None


def test_a_prolonged_session_never_replaces_a_new_login(world: TrainerRoadWorld) -> None:
    """Somebody signs in again between the request and its answer."""
    fresh = world.order("cookie", account=ANNA[0])["value"]

    class Overtaken(MemorySession):
        def lease(self) -> Any:
            self.store({"cookie": fresh}, account="51000001")
            return super().lease()

    world.session = Overtaken(world.signed_in.tokens, account="51000001")
    world.order("renew_cookie")
    world.target().check()
    assert world.cookie() == fresh


def test_a_cookie_that_is_taken_away_is_not_stored(world: TrainerRoadWorld) -> None:
    first = world.cookie()
    gone = {"Set-Cookie": "SharedTrainerRoadAuth=; expires=Tue, 12-Oct-1999 00:00:00 GMT; path=/"}
    body = {"memberId": 51_000_001, "username": "anna-rides"}
    world.fault("http", MEMBER, status=200, headers=gone, body=body)
    world.target().check()
    assert world.cookie() == first


def test_it_says_who_is_logged_in(world: TrainerRoadWorld) -> None:
    assert world.target().check() == "Logged in to TrainerRoad as anna-rides."


def test_it_holds_one_weight_and_is_not_looked_at(world: TrainerRoadWorld) -> None:
    target = world.target(max_age_days=3)
    assert isinstance(target, LatestOnly)
    assert isinstance(target, Checks)
    assert not isinstance(target, (Verifiable, Replaces))
    assert target.oldest == 3 * 86_400
    assert (target.batch_size, target.idempotent) == (1, True)


def test_a_weight_older_than_two_weeks_is_not_sent(world: TrainerRoadWorld) -> None:
    assert world.target().oldest == 14 * 86_400


# the options


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://trainerroad.example"},
        {"url": "ftp://127.0.0.1"},
        {"url": "127.0.0.1:80"},
        {"url": "http://[::1"},
        {"max_age_days": 0},
        {"max_age_days": 1.5},
        {"username": 7},
        {"password": "never here"},
    ],
)
def test_wrong_options_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, TrainerRoadOptions)


@pytest.mark.parametrize(
    "url", ["", "http://127.0.0.1:80", "http://localhost:1/", "https://x.example"]
)
def test_an_address_in_the_clear_is_for_this_machine_only(url: str) -> None:
    assert msgspec.convert({"url": url}, TrainerRoadOptions).url == url


def test_reading_the_options_loads_nothing_heavy() -> None:
    program = (
        "import sys, weighbridge.targets.trainerroad as t; t.KIND.options(url='http://127.0.0.1:1');"
        "print([m for m in ('httpx2', 'ssl', 'weighbridge.targets.trainerroad.trainerroad_http')"
        " if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"

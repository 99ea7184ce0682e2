"""``withings-sync`` signs in at Garmin once, when it must and may."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.house import House, days_ago
from fixtures.old_home import OldHome
from fixtures.old_user import EMAIL, kilograms, user_for_weeks

pytestmark = pytest.mark.story


@pytest.fixture
def home(house: House, tmp_path: Path) -> OldHome:
    return user_for_weeks(house, tmp_path)


def test_a_dead_session_is_renewed_with_the_password_within_the_run(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.sign_in_at_garmin("anna")
    home.know_garmin()
    home.house.admin.tell("garmin", "revoke")
    home.house.admin.tell("garmin", "expire")
    home.sync()
    assert len(kilograms(home)) == 1
    assert home.signs_in() == 1


def test_without_a_password_a_dead_session_waits_for_a_person(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.sign_in_at_garmin("anna")
    home.variables["GARMIN_USERNAME"] = EMAIL
    home.house.admin.tell("garmin", "revoke")
    home.house.admin.tell("garmin", "expire")
    assert "GARMIN_PASSWORD" in home.sync(expect=3).err
    home.know_garmin()
    home.sync()
    assert len(kilograms(home)) == 1


def test_a_blocked_sign_in_is_left_alone_and_tried_again_later(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.know_garmin()
    home.house.admin.tell("garmin", "sign_in", answer=429)
    home.sync(expect=4)
    home.house.admin.tell("garmin", "sign_in", answer=None)
    home.house.admin.clear_requests()
    assert "No password is sent for another" in home.sync(expect=4).err
    assert not home.house.requests(cloud="garmin")
    home.house.database("UPDATE service_pause SET until = 1")  # as if the hours had gone by
    home.sync()
    assert len(kilograms(home)) == 1


def test_a_second_factor_is_not_asked_for_again_and_again_without_a_person(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.know_garmin("ben")
    told = home.sync(expect=3).err
    assert "second factor" in told
    assert "in a terminal" in told
    home.sync(expect=3)
    home.sync(expect=3)
    assert home.signs_in() == 1

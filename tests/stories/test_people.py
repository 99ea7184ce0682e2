"""People do not mix: one scale, several people, and logins that get into the wrong hands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fixtures.house import ACCOUNTS, LONG_AGO, House, days_ago, weight

pytestmark = pytest.mark.story

SCALE = "the-scale-in-the-bathroom"


@pytest.fixture
def family(house: House) -> House:
    """Anna and Ben, each with Garmin and a file."""
    for name in ("anna", "ben"):
        house.person(name)
        house.target(name, "garmin")
        house.target(name, "file", f'path = "{name}.json"\n{LONG_AGO}')
    house.move_in()
    return house


def garmin_weights(house: House, person: str) -> list[tuple[int, str]]:
    return [(row["taken_at"], row["weight_kg"]) for row in house.weigh_ins(person)]


def written(house: House, person: str) -> list[Any]:
    lines = [json.loads(line, parse_float=str) for line in house.file_lines(f"{person}.json")]
    return [(line["person"], line["weight_kg"]) for line in lines]


def test_two_people_on_one_scale_in_the_same_second_stay_two(family: House) -> None:
    at = days_ago(3)
    family.admin.add_groups("anna", [weight(1, at, "61.2", device=SCALE)])
    family.admin.add_groups("ben", [weight(2, at, "83.4", device=SCALE)])
    family.sync()
    family.sync()

    assert garmin_weights(family, "anna") == [(at, "61.2")]
    assert garmin_weights(family, "ben") == [(at, "83.4")]
    assert written(family, "anna") == [("anna", "61.200")]
    assert written(family, "ben") == [("ben", "83.400")]
    readings = family.run("deliveries", "list", "--target", "garmin", "--json", expect=0).json
    assert len({row["reading"] for row in readings}) == 2


def test_one_file_may_hold_the_readings_of_both(house: House) -> None:
    at = days_ago(3)
    for name, number in (("anna", 1), ("ben", 2)):
        house.person(name, [weight(number, at, f"6{number}.2", device=SCALE)])
        house.target(name, "file", f'path = "all.json"\n{LONG_AGO}')
    house.move_in()
    house.sync()
    house.sync()
    lines = [json.loads(line, parse_float=str) for line in house.file_lines("all.json")]
    assert [(one["person"], one["weight_kg"]) for one in lines] == [
        ("anna", "61.200"),
        ("ben", "62.200"),
    ]


def test_a_garmin_session_of_the_wrong_account_sends_nothing(family: House) -> None:
    """The stored tokens of Anna are Ben's, whatever brought them there."""
    family.admin.add_groups("anna", [weight(1, days_ago(3), "61.2")])
    family.admin.add_groups("ben", [weight(2, days_ago(2), "83.4")])
    family.database(
        "UPDATE credential SET secret = (SELECT secret FROM credential"
        " WHERE person = 'ben' AND service = 'target garmin')"
        " WHERE person = 'anna' AND service = 'target garmin'"
    )
    synced = family.sync(expect=3)
    assert "The saved login belongs to another Garmin account. Nothing was sent." in synced.err
    assert "Run: weighbridge login garmin --person anna" in synced.err
    assert garmin_weights(family, "anna") == []
    assert [kg for _, kg in garmin_weights(family, "ben")] == ["83.4"]
    assert written(family, "anna") == [("anna", "61.200")]

    status = family.run("status", expect=3).out
    assert "1 reading waits for the login." in status
    assert "weighbridge login garmin --person anna" in status

    # Once is enough: the next run neither writes nor looks with these tokens.
    family.admin.clear_requests()
    family.sync(expect=3)
    assert family.requests(cloud="garmin") == []

    family.log_in_garmin("anna")
    family.sync()
    assert [kg for _, kg in garmin_weights(family, "anna")] == ["61.2"]
    assert [kg for _, kg in garmin_weights(family, "ben")] == ["83.4"]


def test_one_garmin_account_is_refused_for_a_second_person(family: House) -> None:
    email, password, _ = ACCOUNTS["anna"]
    arguments = ["--person", "ben", "--username", email, "--password-stdin"]
    refused = family.run("login", "garmin", *arguments, input=f"{password}\n", expect=2)
    assert "already belongs to anna" in refused.err

    # Ben's own login is as it was.
    family.admin.add_groups("ben", [weight(2, days_ago(2), "83.4")])
    family.sync()
    assert [kg for _, kg in garmin_weights(family, "ben")] == ["83.4"]
    assert garmin_weights(family, "anna") == []


def test_signing_in_with_another_garmin_account_is_a_decision_of_its_person(family: House) -> None:
    """Anna has a new account. What waits goes there; what is done is not sent once more."""
    family.admin.add_groups("anna", [weight(1, days_ago(3), "61.2")])
    family.sync()
    family.open_account("anna.new", "Europe/Paris")
    family.log_in_garmin("anna", account="anna.new")
    family.admin.add_groups("anna", [weight(2, days_ago(0.2), "61.4")])
    family.sync()
    assert [kg for _, kg in garmin_weights(family, "anna")] == ["61.2"]
    assert [kg for _, kg in garmin_weights(family, "anna.new")] == ["61.4"]


def test_withings_profiles_are_bound_to_their_people(family: House) -> None:
    def log_in(person: str, profile: str) -> str:
        code = family.admin.code(profile, family.callback_url)
        return family.run("login", "withings", "--person", person, "--code", code, expect=2).err

    assert "ben is bound to another Withings profile" in log_in("ben", "anna")
    family.withings.household.add_profile("carol", groups=[weight(3, days_ago(1), "55.5")])
    refused = log_in("ben", "carol")
    assert "ben is bound to another Withings profile" in refused
    assert "Choose the right profile" in refused

    # Both go on as before, with their own groups only.
    family.admin.add_groups("anna", [weight(1, days_ago(3), "61.2")])
    family.admin.add_groups("ben", [weight(2, days_ago(2), "83.4")])
    family.sync()
    assert written(family, "anna") == [("anna", "61.200")]
    assert written(family, "ben") == [("ben", "83.400")]


def test_withings_tokens_of_somebody_else_read_nothing(family: House) -> None:
    """Whatever brought them there: Ben's weight must not become Anna's."""
    family.admin.add_groups("ben", [weight(2, days_ago(2), "83.4")])
    family.database(
        "UPDATE credential SET secret = (SELECT secret FROM credential"
        " WHERE person = 'ben' AND service = 'withings')"
        " WHERE person = 'anna' AND service = 'withings'"
    )
    synced = family.sync(expect=3)
    assert "weighbridge login withings --person anna" in synced.err
    assert written(family, "ben") == [("ben", "83.400")]
    assert not (family.home / "anna.json").exists()

    family.log_in("anna")
    family.admin.add_groups("anna", [weight(1, days_ago(1), "61.2")])
    family.sync()
    assert written(family, "anna") == [("anna", "61.200")]


def test_a_withings_profile_of_somebody_else_is_refused_for_a_new_person(house: House) -> None:
    for name in ("anna", "ben"):
        house.person(name, [weight(1 if name == "anna" else 2, days_ago(1), "61.2")])
        house.target(name, "file", f'path = "{name}.json"\n{LONG_AGO}')
    house.write_configuration()
    house.log_in("anna")
    code = house.admin.code("anna", house.callback_url)
    refused = house.run("login", "withings", "--person", "ben", "--code", code, expect=2)
    assert "already belongs to anna" in refused.err
    synced = house.sync(expect=3)
    assert "weighbridge login withings --person ben" in synced.err
    assert written(house, "anna") == [("anna", "61.200")]
    assert not (house.home / "ben.json").exists()

"""The scale was not certain who stood on it, or somebody changes their mind in the cloud."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fixtures.house import LONG_AGO, House, days_ago, weight

pytestmark = pytest.mark.story

AMBIGUOUS, CONFIRMED_BY_PERSON = 1, 7


@pytest.fixture
def family(house: House) -> House:
    """Anna and Ben, each with Garmin and a file."""
    for name in ("anna", "ben"):
        house.person(name)
        house.target(name, "garmin")
        house.target(name, "file", f'path = "{name}.json"\n{LONG_AGO}')
    house.move_in()
    return house


def reading_of(house: House, person: str) -> str:
    """The one reading that is held for somebody."""
    listed = house.run("deliveries", "list", "--person", person, "--state", "held", "--json")
    (reading,) = {row["reading"] for row in listed.json}
    return str(reading)


def weights(house: House, person: str) -> list[tuple[int, str]]:
    return [(row["taken_at"], row["weight_kg"]) for row in house.weigh_ins(person)]


def lines(house: House, person: str) -> list[dict[str, Any]]:
    if not (house.home / f"{person}.json").exists():
        return []
    return [json.loads(line, parse_float=str) for line in house.file_lines(f"{person}.json")]


def test_a_doubtful_reading_waits_until_a_person_accepts_it(family: House) -> None:
    taken_at = days_ago(2.3)
    family.admin.add_groups("anna", [weight(1, taken_at, "72.4", attrib=AMBIGUOUS)])
    synced = family.sync()
    assert "1 held because the owner is in doubt" in synced.err
    assert "deliveries list --state held" in synced.err
    assert weights(family, "anna") == []

    reading = reading_of(family, "anna")
    why = family.run("why", reading, expect=0).out
    assert "not certain who was measured" in why
    assert "weighbridge deliveries accept" in why
    assert "1 reading waits for a decision" in family.run("status", expect=0).out

    family.run("deliveries", "accept", reading, expect=0)
    family.sync()
    assert weights(family, "anna") == [(taken_at, "72.4")]
    (line,) = lines(family, "anna")
    assert (line["id"], line["weight_kg"]) == (reading, "72.400")
    assert weights(family, "ben") == []
    assert "confirmed" in family.run("why", reading, expect=0).out


def test_an_accepted_reading_stays_accepted_when_its_value_is_corrected(family: House) -> None:
    family.admin.add_groups("anna", [weight(1, days_ago(2), "72.4", attrib=AMBIGUOUS)])
    family.sync()
    family.run("deliveries", "accept", "--all", expect=0)
    family.sync()
    measures = [{"type": 1, "value": 719, "unit": -1}]
    family.admin.edit_group(1, {"measures": measures})
    family.sync()
    assert [kg for _, kg in weights(family, "anna")] == ["71.9"]


def test_a_doubtful_reading_is_released_when_its_person_confirms_it(family: House) -> None:
    taken_at = days_ago(2.3)
    family.admin.add_groups("anna", [weight(1, taken_at, "72.4", attrib=AMBIGUOUS)])
    family.sync()
    family.admin.edit_group(1, {"attrib": CONFIRMED_BY_PERSON})
    synced = family.sync()
    assert "held" not in synced.err
    assert weights(family, "anna") == [(taken_at, "72.4")]


def test_a_doubtful_reading_that_is_given_to_somebody_else_arrives_there(family: House) -> None:
    taken_at = days_ago(2.3)
    family.admin.add_groups("anna", [weight(1, taken_at, "83.1", attrib=AMBIGUOUS)])
    family.sync()
    reading = reading_of(family, "anna")
    family.admin.move_group(1, "ben")
    family.admin.edit_group(1, {"attrib": CONFIRMED_BY_PERSON})
    family.sync()
    assert weights(family, "ben") == [(taken_at, "83.1")]
    assert lines(family, "ben")[0]["person"] == "ben"

    # The cloud says nothing to whom a group was taken from; reading the days again shows it.
    synced = family.sync("--person", "anna", "--since", "2000-01-01")
    assert "1 no longer there" in synced.err
    assert "held" not in synced.err
    assert "no longer there" in family.run("why", reading, expect=0).out
    family.run("deliveries", "accept", "--all", expect=0)
    family.sync()
    assert weights(family, "anna") == []
    assert lines(family, "anna") == []


def test_a_deleted_group_is_noticed_and_what_waits_is_withdrawn(family: House) -> None:
    family.admin.add_groups("anna", [weight(1, days_ago(9), "72.4"), weight(2, days_ago(1), "73")])
    family.admin.fault("http", path="/upload-service/upload", status=503, times=-1)
    assert "2 waiting" in family.sync(expect=4).err
    family.admin.delete_group(1)
    assert "2 waiting" in family.sync(expect=4).err

    day = "2020-01-01"
    synced = family.sync("--since", day, expect=4)
    assert "1 no longer there" in synced.err
    assert "1 waiting" in synced.err
    family.admin.clear_faults()
    family.sync()
    assert [kg for _, kg in weights(family, "anna")] == ["73"]
    assert "no longer there" not in family.sync("--since", day).err

    # Its raw text is kept for ever, and should the group come back, it is delivered after all.
    assert family.database("SELECT count(*) FROM raw_group WHERE gone_at > 0") == [(1,)]
    family.admin.add_groups("anna", [weight(1, days_ago(9), "72.4", modified=days_ago(0))])
    family.sync()
    assert [kg for _, kg in weights(family, "anna")] == ["72.4", "73"]


def test_a_window_that_could_not_be_read_to_its_end_withdraws_nothing(family: House) -> None:
    many = [weight(n, days_ago(n), "72.4", attrib=AMBIGUOUS) for n in range(1, 8)]
    family.admin.add_groups("anna", many)
    family.sync()
    family.admin.page_size(3)
    family.admin.fault("truncated", path="/measure", nth=2)
    synced = family.sync("--since", "all", "--person", "anna", expect=4)
    assert "no longer there" not in synced.err
    assert "7 held" in synced.err

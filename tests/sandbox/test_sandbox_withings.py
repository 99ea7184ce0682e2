"""The Withings stand-in answers getmeas, getdevice and getgoals like the real cloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from fixtures.sandbox import NOW, Life, consent, pressure, recorded, weight
from weighbridge_sandbox.admin import AdminError


def test_the_token_may_stand_in_a_form_field_and_the_action_in_the_query(life: Life) -> None:
    life.household.add_group("anna", weight(1, date=NOW - 90))
    token = life.token()
    form = {"access_token": token}
    answer = life.client.post("/measure?action=getmeas", data=form).json()
    assert answer["status"] == 0
    fields = {"action": "getmeas", "access_token": token}
    assert life.client.post("/measure", json=fields).json() == answer
    assert life.client.get("/measure", params=fields).json() == answer
    assert life.client.post("/measure?action=getmeas").json()["status"] == 401


def test_an_answer_is_the_recorded_one_with_the_groups_as_they_were_given(life: Life) -> None:
    group = weight(1, date=NOW - 90) | {"new_key": [1.5, None, "ä"]}
    life.household.add_group("anna", group)
    answer = life.measures(life.token(), lastupdate=1)
    body = {"updatetime": NOW, "timezone": "Europe/Oslo", "measuregrps": [group]}
    assert answer == {"status": 0, "body": body}
    expected = recorded("getmeas-empty")
    assert [*answer["body"]] == [*expected["body"]]


def test_pages_ascend_by_modified_and_only_the_last_has_no_more(life: Life) -> None:
    dates = [NOW - 500, NOW - 100, NOW - 300, NOW - 200, NOW - 400]
    stored = [NOW - 50, NOW - 40, NOW - 30, NOW - 20, NOW - 10]
    groups = [
        weight(n, date=d, modified=m) for n, d, m in zip(range(5), dates, stored, strict=True)
    ]
    life.household.add_groups("anna", reversed(groups))
    life.admin.page_size(2)
    token = life.token()

    first = life.measures(token, lastupdate=0)["body"]
    second = life.measures(token, lastupdate=0, offset=first["offset"])["body"]
    third = life.measures(token, lastupdate=0, offset=second["offset"])["body"]

    pages = [[g["grpid"] for g in page["measuregrps"]] for page in (first, second, third)]
    assert pages == [[0, 1], [2, 3], [4]]
    assert (first["more"], first["offset"]) == (1, 2)
    assert (second["more"], second["offset"]) == (1, 4)
    assert not third.keys() & {"more", "offset"}
    life.admin.page_size(5)
    assert "more" not in life.measures(token, lastupdate=0)["body"]


def test_lastupdate_is_compared_with_modified_and_belongs_to_the_window(life: Life) -> None:
    life.household.add_group("anna", weight(1, date=NOW - 1000, modified=NOW - 11))
    life.household.add_group("anna", weight(2, date=NOW - 9000, modified=NOW - 10))
    token = life.token()
    assert life.ids(token, lastupdate=NOW - 11) == [1, 2]
    assert life.ids(token, lastupdate=NOW - 10) == [2]
    assert life.ids(token, lastupdate=NOW - 9) == []
    assert life.ids(token, lastupdate=NOW) == []


def test_a_lastupdate_of_the_future_is_refused_in_the_recorded_words(life: Life) -> None:
    answer = life.measures(life.token(), lastupdate=NOW + 1)
    text = f"Invalid Params lastupdate is too high:[{NOW + 1}]"
    assert answer == {"status": 503, "error": text}
    expected = recorded("error-503-lastupdate-too-high")
    assert expected["error"].split("[")[0] == text.split("[", maxsplit=1)[0]


def test_a_date_window_includes_both_ends_and_is_newest_first(life: Life) -> None:
    for grpid in range(5):
        life.household.add_group("anna", weight(grpid, date=NOW - 100 + grpid))
    token = life.token()
    assert life.ids(token, startdate=NOW - 99, enddate=NOW - 97) == [3, 2, 1]
    assert life.ids(token) == [4, 3, 2, 1, 0]


def test_a_type_filter_strips_the_groups(life: Life) -> None:
    life.household.add_group("anna", weight(1, date=NOW - 90))
    life.household.add_group("anna", pressure(2, date=NOW - 80))
    token = life.token()
    group = life.measures(token, meastype=9)["body"]["measuregrps"][0]
    assert (group["grpid"], [m["type"] for m in group["measures"]]) == (2, [9])
    assert life.ids(token, meastypes="1,10", lastupdate=0) == [1, 2]
    assert life.measures(token, meastype="1,10")["status"] == 503


def test_a_goal_is_told_apart_by_its_category(life: Life) -> None:
    life.household.add_group("anna", weight(1, date=NOW - 90))
    life.household.add_group("anna", weight(2, date=NOW - 80) | {"category": 2})
    token = life.token()
    assert life.ids(token, category=1) == [1]
    assert life.ids(token, category=2, lastupdate=0) == [2]
    assert life.ids(token, lastupdate=0) == [1, 2]


def test_things_that_are_no_groups_are_served_as_they_are(life: Life) -> None:
    odd = ["oops", 7, None, {"grpid": "text"}, {"measures": "none"}]
    life.admin.add_groups("anna", odd)
    body = life.measures(life.token(), lastupdate=NOW - 1)["body"]
    assert body["measuregrps"] == odd


def test_profiles_do_not_mix(life: Life) -> None:
    life.household.add_group("anna", weight(1, date=NOW - 90))
    life.household.add_group("ben", weight(2, date=NOW - 90))
    assert life.ids(life.token("anna")) == [1]
    assert life.ids(life.token("ben")) == [2]


def test_groups_are_edited_moved_and_deleted_through_the_administration(life: Life) -> None:
    life.admin.add_groups("anna", [weight(n, date=NOW - 900) for n in (1, 2, 3)])
    anna, ben = life.token("anna"), life.token("ben")
    life.admin.advance_clock(60)

    life.admin.edit_group(1, {"attrib": 7})
    life.admin.move_group(2, "ben")
    life.admin.delete_group(3)

    edited = life.measures(anna, lastupdate=NOW)["body"]["measuregrps"]
    assert [(g["grpid"], g["attrib"], g["modified"]) for g in edited] == [(1, 7, NOW + 60)]
    assert edited[0]["created"] == NOW - 880
    assert life.ids(anna, lastupdate=0) == [1]
    assert life.ids(ben, lastupdate=NOW + 60) == [2]
    with pytest.raises(AdminError, match="Nobody has a group 3"):
        life.admin.delete_group(3)


def test_a_weigh_in_of_today_appears_with_exactly_its_weight(life: Life) -> None:
    groups = life.admin.weigh_in("anna", "71.35") + life.admin.weigh_in("anna", "71.40")
    served = life.measures(life.token(), lastupdate=NOW - 3600)["body"]["measuregrps"]
    assert sorted(g["grpid"] for g in served) == sorted({g["grpid"] for g in groups})
    weights = [m for g in served for m in g["measures"] if m["type"] == 1]
    assert sorted(round(m["value"] * 10 ** m["unit"], 3) for m in weights) == [71.35, 71.4]


def test_a_long_history_is_sorted_once_for_all_its_pages(life: Life) -> None:
    def groups() -> Iterator[Any]:
        for n in range(100_000):
            yield {"grpid": n, "date": NOW - n - 1, "modified": NOW - n - 1, "measures": []}

    life.household.add_groups("anna", groups())
    profile = life.household.profile("anna")
    assert profile.changed_since(0)[0] is profile.changed_since(NOW - 10)[0]
    assert profile.newest_first() is profile.newest_first()

    life.admin.page_size(10_000)
    token, pages, offset = life.token(), [], 0
    while offset is not None:
        body = life.measures(token, lastupdate=0, offset=offset)["body"]
        pages.append([group["grpid"] for group in body["measuregrps"]])
        offset = body.get("offset")
    assert [len(page) for page in pages] == [10_000] * 10
    assert [grpid for page in pages for grpid in page] == [*range(99_999, -1, -1)]

    life.household.add_group("anna", weight(-1, date=1, modified=1))
    assert life.ids(token, lastupdate=0)[0] == -1


def test_identical_data_calls_are_refused_only_when_that_is_switched_on(life: Life) -> None:
    token = life.token()
    assert [life.measures(token)["status"] for _ in range(2)] == [0, 0]
    life.admin.tell("withings", "duplicates", seconds=10)
    answers = [life.measures(token), life.measures(token), life.measures(token, lastupdate=0)]
    assert [answer["status"] for answer in answers] == [0, 601, 0]
    life.admin.advance_clock(10)
    assert life.measures(token)["status"] == 0


def test_what_is_unknown_has_status_2554(life: Life) -> None:
    token = life.token()
    for path in ("/measure", "/v2/user", "/v2/oauth2", "/v2/sleep", "/notify", "/v2/measure"):
        assert life.ask(path, token, action="dance")["status"] == 2554


def test_a_scope_that_was_not_granted_is_missed(life: Life) -> None:
    query = consent(profile="anna", scope="user.activity")
    location = life.client.get("/oauth2_user/authorize2", params=query).headers["location"]
    code = dict(parse_qsl(urlsplit(location).query))["code"]
    token = life.exchange(code)["body"]["access_token"]
    assert life.measures(token)["status"] == 2553
    assert life.ask("/v2/user", token, action="getdevice")["status"] == 2553


# Devices and goals


def test_devices_are_those_that_stored_something(life: Life) -> None:
    life.household.add_group("anna", weight(1, date=NOW - 90))
    life.household.add_group("anna", weight(2, date=NOW - 10))
    life.household.add_group("anna", pressure(3, date=NOW - 50))
    life.household.add_group("anna", weight(4, date=NOW - 5) | {"deviceid": None, "model": None})
    devices = life.ask("/v2/user", life.token(), action="getdevice")["body"]["devices"]
    assert [(d["type"], d["model_id"]) for d in devices] == [
        ("Scale", 5),
        ("Blood Pressure Monitor", 45),
    ]
    assert (devices[0]["first_session_date"], devices[0]["last_session_date"]) == (
        NOW - 90,
        NOW - 10,
    )


def test_no_goals_are_an_empty_list_as_recorded(life: Life) -> None:
    token = life.token()
    assert life.ask("/v2/user", token, action="getgoals")["body"]["goals"]["steps"] == 10_000
    life.admin.tell("withings", "goals", profile="anna", goals={})
    answer = life.ask("/v2/user", token, action="getgoals")
    assert answer == {"status": 0, "body": {"goals": []}}

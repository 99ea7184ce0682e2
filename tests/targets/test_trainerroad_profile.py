"""Reading and writing TrainerRoad's objects: whatever they hold, and in either casing. Pure."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Refused, RetryLater
from weighbridge.targets.http import HttpAnswer
from weighbridge.targets.trainerroad.trainerroad_account import find_cookie
from weighbridge.targets.trainerroad.trainerroad_http import (
    CHANGED_PAUSE_SECONDS,
    PAUSE_SECONDS,
    trouble_of_read,
    trouble_of_write,
)
from weighbridge.targets.trainerroad.trainerroad_profile import (
    RiderProfile,
    read_member,
    read_profile,
    read_success,
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e300, 1e300) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
weights = st.decimals(min_value="0.1", max_value="999.9", places=1)
other_keys = st.text(max_size=12).filter(lambda key: key.lower() not in {"weightkg", "ftp"})


def profile(weight: Any, **more: Any) -> RiderProfile:
    return read_profile(json.dumps({"weightKg": weight, **more}).encode())


@given(st.dictionaries(other_keys, anything), st.sampled_from(["weightKg", "WeightKg"]), weights)
def test_every_other_field_goes_back_as_it_came(
    others: dict[str, Any], key: str, kg: Decimal
) -> None:
    received = {**others, key: 70.25}
    sent = read_profile(json.dumps(received).encode()).with_weight(kg)
    assert json.loads(sent, parse_float=str) == json.loads(
        json.dumps({**received, key: float(kg)}), parse_float=str
    )


def test_numbers_and_texts_are_not_written_anew() -> None:
    body = (
        '{"a":1.50,"b":1e2,"é":"\\u00e9\\/","weightKg":70,"c":{ "D" : 0.10 },'
        '"n":123456789012345678901}'
    )
    sent = read_profile(body.encode()).with_weight(Decimal("68.3")).decode()
    assert sent == body.replace('"weightKg":70', '"weightKg":68.3')


@given(weights, weights)
def test_a_weight_that_was_not_taken_is_noticed(before: Decimal, kg: Decimal) -> None:
    held = profile(float(before))
    assert held.holds(kg) == (before == kg)
    assert held.took(kg, held) == (before == kg)


@given(weights, weights, st.decimals(min_value="-0.05", max_value="0.05", places=3))
def test_a_weight_kept_with_other_decimals_was_taken(
    before: Decimal, kg: Decimal, off: Decimal
) -> None:
    assert profile(float(kg + off)).took(kg, profile(float(before)))


def test_a_step_away_counts_only_when_the_profile_moved() -> None:
    before, after = profile(70.2), profile(70.3)
    assert after.took(Decimal("70.4"), before)
    assert not before.took(Decimal("70.3"), before)
    assert not after.took(Decimal("70.5"), before)
    assert not profile(None).took(Decimal("70.5"), profile(None))


def test_a_rider_without_a_weight_gets_one() -> None:
    assert profile(None).weight_kg is None
    assert not profile(None).holds(Decimal("70.0"))
    assert json.loads(profile(None).with_weight(Decimal("70.0")))["weightKg"] == 70.0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"weightKg"',
        b"{}",
        b'{"weight": 70}',
        b'{"weightKG": 70}',
        b'{"weightKg": 70, "WeightKg": 70}',
        b'{"weightKg": "70"}',
        b'{"weightKg": true}',
        b'{"weightKg": [70]}',
        b'{"weightKg": 1e9}',
        b'{"weightKg": 1e400}',
        b'{"weightKg": 70',
        b'{"weightKg": "\xff"}',
        b'{"\xff": 70}',
        b'{"weightKg": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_a_profile_without_a_usable_weight_stops_for_hours(body: bytes) -> None:
    with pytest.raises(RetryLater, match="TrainerRoad has changed") as caught:
        read_profile(body)
    assert caught.value.after == CHANGED_PAUSE_SECONDS
    assert "Nothing was written" in caught.value.remedy


@pytest.mark.parametrize(
    ("body", "account", "name"),
    [
        (b'{"memberId": 7, "username": "anna"}', "7", "anna"),
        (b'{"MemberId": 7, "Username": "anna", "x": {}}', "7", "anna"),
        (b'{"memberId": 7}', "7", "member 7"),
        (b'{"memberId": 7, "username": null}', "7", "member 7"),
        (b'{"memberId": 7, "username": "\xff"}', "7", "member 7"),
    ],
)
def test_a_member_is_read_in_either_casing(body: bytes, account: str, name: str) -> None:
    member = read_member(body)
    assert member is not None
    assert (member.account, member.name) == (account, name)


@pytest.mark.parametrize("number", [b"-1", b"null", b"0"])
def test_nobody_has_a_number_but_no_name(number: bytes) -> None:
    assert read_member(b'{"MemberId": ' + number + b"}") is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"id": 7}', b'{"memberId": "7"}', b'{"memberId": true}']
)
def test_a_session_check_that_says_nothing_is_not_nobody(body: bytes) -> None:
    with pytest.raises(RetryLater, match="TrainerRoad has changed"):
        read_member(body)


@pytest.mark.parametrize(
    ("body", "success"),
    [
        (b'{"success": true}', True),
        (b'{"Success": false}', False),
        (b'{"success": "true"}', None),
        (b'{"success": null}', None),
        (b"{}", None),
        (b"[true]", None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_success_is_what_the_body_says(body: bytes, success: bool | None) -> None:
    assert read_success(body) is success


@given(st.binary(max_size=60))
def test_no_body_breaks_the_readers(body: bytes) -> None:
    for reader in (read_member, read_profile, read_success):
        with contextlib.suppress(RetryLater):
            reader(body)


@pytest.mark.parametrize(
    "text",
    [
        "0123ABCDEF",
        "  0123ABCDEF\n",
        '"0123ABCDEF"',
        "SharedTrainerRoadAuth=0123ABCDEF",
        "SharedTrainerRoadAuth: 0123ABCDEF",
        'SharedTrainerRoadAuth:"0123ABCDEF"',
        "Cookie: _ga=1; SharedTrainerRoadAuth=0123ABCDEF; other=x",
        "SharedTrainerRoadAuth\t0123ABCDEF\t.trainerroad.com\t/",
        "SharedTrainerRoadAuth=0123ABCDEF; path=/; secure; HttpOnly",
        '{"SharedTrainerRoadAuth": "0123ABCDEF"}',
    ],
)
def test_a_cookie_is_found_in_whatever_was_pasted(text: str) -> None:
    assert find_cookie(text) == "0123ABCDEF"


@pytest.mark.parametrize("text", ["", "  ", "two words", "a;b", "ключ", "a\nb", "other=1; x=2"])
def test_what_cannot_be_a_cookie_is_none(text: str) -> None:
    assert find_cookie(text) is None


# statuses

LOGIN = "weighbridge login trainerroad"


@given(st.integers(200, 599))
def test_every_status_has_a_decision(status: int) -> None:
    read = trouble_of_read(HttpAnswer(status), "profile", LOGIN)
    assert isinstance(read, (RetryLater, LoginNeeded))
    assert isinstance(read, LoginNeeded) == (status == 401)
    written = trouble_of_write(HttpAnswer(status), LOGIN)
    assert (written is None) == (status in {200, 204})
    if written is not None:
        assert isinstance(written, (RetryLater, LoginNeeded, Refused, OutcomeUnknown))
        assert str(status) in str(written) or status == 401
        assert written.remedy


def test_a_way_to_the_login_page_is_a_lost_login() -> None:
    there = HttpAnswer(
        302, headers=(("location", "https://www.trainerroad.com/app/login?ReturnUrl=x"),)
    )
    elsewhere = HttpAnswer(302, headers=(("location", "/app/welcome"),))
    for trouble in (trouble_of_read(there, "profile", LOGIN), trouble_of_write(there, LOGIN)):
        assert isinstance(trouble, LoginNeeded)
        assert trouble.remedy == f"Run: {LOGIN}"
    changed = trouble_of_read(elsewhere, "profile", LOGIN)
    assert isinstance(changed, RetryLater)
    assert changed.after == CHANGED_PAUSE_SECONDS


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (HttpAnswer(429), PAUSE_SECONDS),
        (HttpAnswer(429, headers=(("retry-after", "7"),)), 7.0),
        (HttpAnswer(403), PAUSE_SECONDS),
        (HttpAnswer(503, headers=(("retry-after", "60"),)), 60.0),
        (HttpAnswer(500), None),
        (HttpAnswer(404), CHANGED_PAUSE_SECONDS),
        (HttpAnswer(200), CHANGED_PAUSE_SECONDS),
    ],
)
def test_how_long_it_is_left_alone(answer: HttpAnswer, after: float | None) -> None:
    trouble = trouble_of_read(answer, "profile", LOGIN)
    assert isinstance(trouble, RetryLater)
    assert trouble.after == after


def test_an_answer_does_not_show_its_cookie() -> None:
    assert "secret" not in repr(HttpAnswer(200, b"secret", (("set-cookie", "secret"),)))
    assert "70" not in repr(profile(70.5, name="secret"))

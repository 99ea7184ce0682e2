"""Signing in at TrainerRoad: with a password, or with a cookie from a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fixtures.trainerroad import ANNA, BEN, LOGIN, MEMBER, TrainerRoadWorld, trainerroad_world
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater, SignInBlocked
from weighbridge.targets import trainerroad
from weighbridge.targets.base import SignedIn, SignInAnswers, WrongPassword
from weighbridge.targets.trainerroad import TrainerRoadOptions
from weighbridge.targets.trainerroad.trainerroad_account import (
    browser_url,
    sign_in,
    sign_in_with_cookie,
)


@pytest.fixture
def world() -> Iterator[TrainerRoadWorld]:
    with trainerroad_world() as world:
        yield world


def answers(
    who: tuple[str, str] = ANNA, *, ticket: Callable[[str], str] | None = None
) -> SignInAnswers:
    return SignInAnswers(username=lambda: who[0], password=lambda: who[1], code=None, ticket=ticket)


@pytest.mark.parametrize("name", ["anna@example.test", "anna-rides", "Anna-Rides"])
def test_a_password_brings_a_session(world: TrainerRoadWorld, name: str) -> None:
    signed_in = sign_in(world.sandbox.url, name, ANNA[1])
    assert (signed_in.account, signed_in.name) == ("51000001", "anna-rides")
    assert signed_in.tokens["cookie"] not in repr(signed_in)
    assert world.counts() == {f"POST {LOGIN}": 1, f"GET {MEMBER}": 1}
    world.session.store(signed_in.tokens, account=signed_in.account)
    assert world.target().check() == "Logged in to TrainerRoad as anna-rides."


def test_the_sign_in_is_the_one_of_the_web_page(world: TrainerRoadWorld) -> None:
    sign_in(world.sandbox.url, *ANNA)
    request = world.cloud.heard[0]
    assert request.json() == {"username": ANNA[0], "password": ANNA[1], "returnUrl": None}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json, text/plain, */*"
    assert request.headers["origin"] == world.sandbox.url
    assert request.headers["referer"] == f"{world.sandbox.url}/app/login"
    assert request.headers["trainerroad-jsonformat"] == "camel-case"
    assert "cookie" not in request.headers


def test_a_pascal_case_answer_is_understood(world: TrainerRoadWorld) -> None:
    world.order("pascal_case", on=True)
    assert sign_in(world.sandbox.url, *ANNA).account == "51000001"


def http(status: int, **more: Any) -> dict[str, Any]:
    return {"kind": "http", "status": status, **more}


SIGN_INS = {
    "429": (http(429), SignInBlocked),
    "403": (http(403), SignInBlocked),
    "404": (http(404), SignInBlocked),
    "405": (http(405), SignInBlocked),
    "302": (http(302, headers={"Location": "/app/career"}), SignInBlocked),
    "HTML": ({"kind": "garbage"}, SignInBlocked),
    "nothing": ({"kind": "empty"}, SignInBlocked),
    "half an answer": ({"kind": "truncated"}, SignInBlocked),
    "neither yes nor no": (http(200, body={"ok": 1}), SignInBlocked),
    "yes without a cookie": (http(200, body={"success": True}), SignInBlocked),
    "401": (http(401), WrongPassword),
    "no": (http(200, body={"success": False}), WrongPassword),
    "500": (http(500), RetryLater),
    "503": (http(503), RetryLater),
    "dropped": ({"kind": "drop"}, RetryLater),
    "an answer that was cut off": ({"kind": "cut_off"}, RetryLater),
}
"""What happens to a sign-in, and the decision. SignInBlocked opens a breaker for hours."""


@pytest.mark.parametrize("trouble", SIGN_INS)
def test_a_sign_in_that_fails_is_tried_once(world: TrainerRoadWorld, trouble: str) -> None:
    fault, decision = SIGN_INS[trouble]
    world.fault(path=LOGIN, **fault)
    with pytest.raises(Problem) as caught:
        sign_in(world.sandbox.url, *ANNA)
    assert type(caught.value) is decision
    assert caught.value.remedy
    assert ANNA[1] not in str(caught.value)
    assert world.counts()[f"POST {LOGIN}"] == 1


@pytest.mark.parametrize("who", [(ANNA[0], "wrong"), ("nobody", ANNA[1])])
def test_a_wrong_password_is_said_plainly(world: TrainerRoadWorld, who: tuple[str, str]) -> None:
    with pytest.raises(LoginNeeded, match="does not accept this user name and password"):
        sign_in(world.sandbox.url, *who)
    assert world.counts() == {f"POST {LOGIN}": 1}


def test_success_without_the_cookie_is_no_success(world: TrainerRoadWorld) -> None:
    world.order("forget_cookie", on=True)
    with pytest.raises(SignInBlocked, match="gave no session"):
        sign_in(world.sandbox.url, *ANNA)


def test_a_session_that_belongs_to_nobody_is_no_login(world: TrainerRoadWorld) -> None:
    world.fault("http", MEMBER, status=200, body={"MemberId": -1})
    with pytest.raises(LoginNeeded, match="not valid"):
        sign_in(world.sandbox.url, *ANNA)


@pytest.mark.parametrize("who", [("", "x"), ("x", "")])
def test_nothing_is_sent_without_both(world: TrainerRoadWorld, who: tuple[str, str]) -> None:
    with pytest.raises(ConfigProblem):
        sign_in(world.sandbox.url, *who)
    assert world.counts() == {}


def test_a_password_in_a_broken_encoding_is_told(world: TrainerRoadWorld) -> None:
    with pytest.raises(ConfigProblem, match="cannot be sent"):
        sign_in(world.sandbox.url, "anna", "p\udce4ss")


def test_any_password_arrives_as_it_is(world: TrainerRoadWorld) -> None:
    odd = 'pä"ss\\w\u20acrd \U0001f6b2'
    account = {"username": "cleo", "email": "cleo@example.test", "password": odd}
    world.order("accounts", create=account)
    assert sign_in(world.sandbox.url, "cleo", odd).name == "cleo"


# a cookie from a browser


@pytest.mark.parametrize("form", ["{}", "SharedTrainerRoadAuth={}; path=/", " {}\n"])
def test_a_cookie_of_a_browser_is_taken_over(world: TrainerRoadWorld, form: str) -> None:
    cookie = world.order("cookie", account=BEN[0])["value"]
    signed_in = sign_in_with_cookie(world.sandbox.url, form.format(cookie))
    assert signed_in == SignedIn({"cookie": cookie}, "51000002", "ben-rides")
    assert world.counts() == {f"GET {MEMBER}": 1}


@pytest.mark.parametrize("text", ["0123", "SharedTrainerRoadAuth=0123"])
def test_a_cookie_that_nobody_knows_is_told(world: TrainerRoadWorld, text: str) -> None:
    with pytest.raises(LoginNeeded, match="does not know this cookie"):
        sign_in_with_cookie(world.sandbox.url, text)


@pytest.mark.parametrize("text", ["", "not a cookie", "geheim\u20ac"])
def test_what_is_no_cookie_is_not_sent(world: TrainerRoadWorld, text: str) -> None:
    with pytest.raises(LoginNeeded, match="not the cookie SharedTrainerRoadAuth") as caught:
        sign_in_with_cookie(world.sandbox.url, text)
    assert "geheim" not in str(caught.value)
    assert world.counts() == {}


def test_the_page_to_open_is_the_sign_in_page() -> None:
    assert browser_url("") == "https://www.trainerroad.com/app/login"
    assert browser_url("http://127.0.0.1:1/") == "http://127.0.0.1:1/app/login"


def test_a_cookie_that_is_renewed_at_once_is_the_one_to_keep(world: TrainerRoadWorld) -> None:
    world.order("renew_cookie")
    first = sign_in(world.sandbox.url, *ANNA)
    world.order("renew_cookie")
    second = sign_in_with_cookie(world.sandbox.url, first.tokens["cookie"])
    assert first.tokens != second.tokens
    world.session.store(second.tokens, account=second.account)
    assert world.target().check() == "Logged in to TrainerRoad as anna-rides."


# as the command calls it


def sign_in_with(options: TrainerRoadOptions, given: SignInAnswers) -> SignedIn:
    assert trainerroad.KIND.sign_in is not None
    return trainerroad.KIND.sign_in(options, given)


def test_the_kind_signs_in_with_what_a_person_answers(world: TrainerRoadWorld) -> None:
    options = TrainerRoadOptions(url=world.sandbox.url + "/")
    assert sign_in_with(options, answers(BEN)).account == "51000002"
    shown: list[str] = []
    cookie = world.order("cookie", account=ANNA[0])["value"]

    def paste(link: str) -> str:
        shown.append(link)
        return str(cookie)

    assert sign_in_with(options, answers(BEN, ticket=paste)).account == "51000001"
    assert shown == [f"{world.sandbox.url}/app/login"]

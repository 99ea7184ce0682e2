"""The TrainerRoad stand-in answers as clients of the real one saw it answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from fixtures.sandbox import plain_client
from weighbridge_sandbox.admin import Admin, AdminError
from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.http import Sandbox
from weighbridge_sandbox.trainerroad import TrainerRoadCloud

ANNA = {"username": "anna-rides", "password": "anna-climbs-hills"}
BEN = {"username": "BEN@example.test", "password": "ben-likes-the-flat"}
CAMEL = {"trainerroad-jsonformat": "camel-case"}
LOGIN = "/app/api/login/login"
MEMBER = "/app/api/member-info"
PROFILE = "/app/api/profile/rider-information"


class Browser:
    """Somebody at the stand-in. The cookie is sent by hand: it is marked for HTTPS only."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        self.cookie = ""

    def sign_in(self, who: dict[str, str], **headers: str) -> httpx2.Response:
        answer = self._client.post(
            LOGIN, json={**who, "returnUrl": None}, headers={**CAMEL, **headers}
        )
        found = answer.headers.get("Set-Cookie", "")
        self.cookie = found.partition(";")[0]
        return answer

    def get(self, path: str, headers: dict[str, str] = CAMEL) -> httpx2.Response:
        return self._client.get(path, headers={**headers, "Cookie": self.cookie})

    def put(self, content: Any) -> httpx2.Response:
        return self._client.put(PROFILE, json=content, headers={**CAMEL, "Cookie": self.cookie})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(clock: Clock) -> Iterator[str]:
    with Sandbox([TrainerRoadCloud(clock=clock)], clock=clock) as sandbox:
        yield sandbox.url


@pytest.fixture
def client(url: str) -> Iterator[httpx2.Client]:
    with plain_client(url) as client:
        yield client


@pytest.fixture
def browser(client: httpx2.Client) -> Browser:
    return Browser(client)


@pytest.fixture
def admin(url: str) -> Admin:
    return Admin(url)


@pytest.mark.parametrize(("who", "name"), [(ANNA, "anna-rides"), (BEN, "ben-rides")])
def test_a_password_brings_a_session(browser: Browser, who: dict[str, str], name: str) -> None:
    answer = browser.sign_in(who)
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "redirectUrl": f"/app/career/{name}"}
    assert browser.cookie.startswith("SharedTrainerRoadAuth=")
    assert browser.get(MEMBER).json()["username"] == name


@pytest.mark.parametrize("wrong", [{**ANNA, "password": "x"}, {**ANNA, "username": "nobody"}, {}])
def test_a_wrong_password_is_answered_with_200(browser: Browser, wrong: dict[str, str]) -> None:
    answer = browser.sign_in(wrong)
    assert answer.status_code == 200
    assert answer.json() == {"success": False, "redirectUrl": None}
    assert browser.cookie == ""


def test_a_form_is_no_sign_in(client: httpx2.Client) -> None:
    assert client.post(LOGIN, data=ANNA).status_code == 400
    assert client.post(LOGIN, json=[1]).status_code == 400
    broken = {"Content-Type": "application/json"}
    assert client.post(LOGIN, content=b"{", headers=broken).status_code == 400
    assert client.get(LOGIN).status_code == 405


def test_the_retired_form_is_answered_with_429(client: httpx2.Client) -> None:
    assert client.post("/app/login", data=ANNA).status_code == 429
    page = client.get("/app/login")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")


def test_no_session_is_member_minus_one_and_no_error(browser: Browser) -> None:
    answer = browser.get(MEMBER)
    assert answer.status_code == 200
    assert answer.json()["memberId"] == -1
    assert browser.get(PROFILE).status_code == 401


def test_a_session_lives_thirty_days(browser: Browser, clock: Clock) -> None:
    browser.sign_in(ANNA)
    clock.offset = 30 * 86_400 - 60
    assert browser.get(MEMBER).json()["memberId"] > 0
    clock.offset += 120
    assert browser.get(MEMBER).json()["memberId"] == -1


def test_keys_are_pascal_case_without_the_header(browser: Browser) -> None:
    browser.sign_in(ANNA)
    assert {"MemberId", "Username"} <= browser.get(MEMBER, {}).json().keys()
    plain = browser.get(PROFILE, {}).json()
    assert plain["WeightKg"] == browser.get(PROFILE).json()["weightKg"] == 70.0
    assert plain["VirtualPower"]["Enabled"] is True


def test_a_whole_profile_is_written(browser: Browser, admin: Admin) -> None:
    browser.sign_in(BEN)
    profile = browser.get(PROFILE).json()
    assert browser.put({**profile, "weightKg": 87.4}).status_code == 200
    assert browser.get(PROFILE).json() == {**profile, "weightKg": 87.4}
    (write,) = admin.tell("trainerroad", "writes", account="ben-rides")
    assert (write["changed"], write["missing"], write["taken"]) == (["weightKg"], [], True)
    assert admin.tell("trainerroad", "writes", account="anna-rides") == []


def test_a_profile_without_one_of_its_fields_is_ignored_silently(
    browser: Browser, admin: Admin
) -> None:
    browser.sign_in(ANNA)
    profile = browser.get(PROFILE).json()
    del profile["dateOfBirth"]
    assert browser.put({**profile, "weightKg": 60}).status_code == 200
    assert browser.get(PROFILE).json()["weightKg"] == 70.0
    (write,) = admin.tell("trainerroad", "writes")
    assert (write["missing"], write["taken"]) == (["dateOfBirth"], False)


@pytest.mark.parametrize("weight", [None, "60", True, 0, -1])
def test_a_weight_that_is_none_is_refused(browser: Browser, weight: Any) -> None:
    browser.sign_in(ANNA)
    profile = browser.get(PROFILE).json()
    assert browser.put({**profile, "weightKg": weight}).status_code == 400
    assert browser.put([profile]).status_code == 400
    assert browser.get(PROFILE).json() == profile


def test_other_paths_and_methods_are_not_there(browser: Browser, client: httpx2.Client) -> None:
    browser.sign_in(ANNA)
    assert browser.get("/app/api/career/51000001/new").status_code == 404
    assert client.post(MEMBER).status_code == 405
    assert client.delete(PROFILE, headers={"Cookie": browser.cookie}).status_code == 405


# What can be ordered


def test_writes_can_be_ignored(browser: Browser, admin: Admin) -> None:
    browser.sign_in(ANNA)
    profile = browser.get(PROFILE).json()
    admin.tell("trainerroad", "ignore_writes", on=True)
    assert browser.put({**profile, "weightKg": 60}).status_code == 200
    assert browser.get(PROFILE).json() == profile


def test_weights_can_be_kept_with_fewer_decimals(browser: Browser, admin: Admin) -> None:
    browser.sign_in(ANNA)
    profile = browser.get(PROFILE).json()
    admin.tell("trainerroad", "decimals", digits=0)
    browser.put({**profile, "weightKg": 60.5})
    assert browser.get(PROFILE).json()["weightKg"] == 61.0
    admin.tell("trainerroad", "decimals", digits=None)
    browser.put({**profile, "weightKg": 60.55})
    assert browser.get(PROFILE).json()["weightKg"] == 60.55


@pytest.mark.parametrize("after", ["read", "write"])
def test_somebody_else_can_change_the_profile_in_between(
    browser: Browser, admin: Admin, after: str
) -> None:
    browser.sign_in(ANNA)
    changes = {"ftp": 260}
    admin.tell("trainerroad", "meanwhile", account=BEN["username"], after=after, changes=changes)
    admin.tell("trainerroad", "meanwhile", account="anna-rides", after=after, changes=changes)
    profile = browser.get(PROFILE).json()
    assert profile["ftp"] == 231
    browser.put(profile)
    assert browser.get(PROFILE).json()["ftp"] == (231 if after == "read" else 260)


def test_a_field_can_vanish_and_a_profile_can_change(browser: Browser, admin: Admin) -> None:
    browser.sign_in(ANNA)
    admin.tell("trainerroad", "drop", account="anna-rides", field="weightKg")
    assert "weightKg" not in browser.get(PROFILE).json()
    admin.tell("trainerroad", "profile", account="anna-rides", set={"weightKg": None})
    assert browser.get(PROFILE).json()["weightKg"] is None


def test_sessions_can_end_and_begin_without_a_password(browser: Browser, admin: Admin) -> None:
    browser.sign_in(ANNA)
    first = browser.cookie
    browser.sign_in(BEN)
    assert admin.tell("trainerroad", "expire", account="ben-rides") == {"expired": 1}
    assert browser.get(MEMBER).json()["memberId"] == -1
    browser.cookie = first
    assert browser.get(MEMBER).json()["memberId"] > 0
    cookie = admin.tell("trainerroad", "cookie", account="ben-rides")
    browser.cookie = f"{cookie['name']}={cookie['value']}"
    assert browser.get(MEMBER).json()["username"] == "ben-rides"
    assert admin.tell("trainerroad", "expire") == {"expired": 2}


def test_a_cookie_can_be_renewed_once_or_forgotten(browser: Browser, admin: Admin) -> None:
    browser.sign_in(ANNA)
    admin.tell("trainerroad", "renew_cookie")
    renewed = browser.get(MEMBER).headers["Set-Cookie"].partition(";")[0]
    assert browser.get(MEMBER).json()["memberId"] == -1
    browser.cookie = renewed
    assert browser.get(MEMBER).json()["memberId"] > 0
    assert "Set-Cookie" not in browser.get(MEMBER).headers
    admin.tell("trainerroad", "forget_cookie", on=True)
    answer = browser.sign_in(ANNA)
    assert answer.json()["success"] is True
    assert browser.cookie == ""


def test_every_answer_can_be_pascal_case(browser: Browser, admin: Admin) -> None:
    admin.tell("trainerroad", "pascal_case", on=True)
    assert browser.sign_in(ANNA).json()["Success"] is True
    assert "WeightKg" in browser.get(PROFILE).json()


def test_one_more_account_can_be_opened_and_everything_forgotten(
    browser: Browser, admin: Admin
) -> None:
    cleo = {"username": "cleo", "email": "cleo@example.test", "password": "cleo-tries-it"}
    listed = admin.tell("trainerroad", "accounts", create=cleo)
    assert listed["member_id"] not in {51_000_001, 51_000_002}
    assert "cleo-tries-it" not in str(admin.tell("trainerroad", "accounts"))
    assert browser.sign_in({"username": "Cleo", "password": "cleo-tries-it"}).json()["success"]
    with pytest.raises(AdminError, match="Choose other names"):
        admin.tell("trainerroad", "accounts", create={**cleo, "username": "other"})
    admin.tell("trainerroad", "reset")
    assert len(admin.tell("trainerroad", "accounts")) == 2
    assert browser.get(MEMBER).json()["memberId"] == -1


@pytest.mark.parametrize(
    ("action", "content"),
    [
        ("dance", {}),
        ("cookie", {"account": "nobody"}),
        ("drop", {"account": "anna-rides", "field": "no_such_field"}),
        ("meanwhile", {"account": "anna-rides", "changes": {}, "after": "tea"}),
        ("ignore_writes", {}),
    ],
)
def test_an_order_that_makes_no_sense_is_told(
    admin: Admin, action: str, content: dict[str, Any]
) -> None:
    with pytest.raises(AdminError):
        admin.tell("trainerroad", action, **content)


def test_the_same_seed_gives_the_same_sessions() -> None:
    first, second = (TrainerRoadCloud(clock=lambda: 0.0, seed=7) for _ in range(2))
    order = {"account": "anna-rides"}
    assert first.admin("cookie", order) == second.admin("cookie", order)
    assert first.admin("cookie", order) != first.admin("cookie", order)


def test_it_leaves_the_paths_of_others_alone() -> None:
    cloud = TrainerRoadCloud(clock=lambda: 0.0)
    with Sandbox([cloud]) as sandbox, plain_client(sandbox.url) as other:
        other.get("/measure")
        other.get(MEMBER)
        assert [one.cloud for one in sandbox.requests.entries()] == ["", "trainerroad"]

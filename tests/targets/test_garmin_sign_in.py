"""Signing in with the real library at the sandbox's Garmin."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

import pytest
from garminconnect.client import sso

from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater, SignInBlocked
from weighbridge.targets import garmin
from weighbridge.targets.base import SignInAnswers
from weighbridge.targets.garmin import garmin_tokens
from weighbridge.targets.garmin.garmin_account import browser_url, sign_in, sign_in_with_ticket
from weighbridge.targets.garmin.garmin_options import Endpoint, GarminOptions
from weighbridge.targets.garmin.garmin_tokens import require_library
from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.faults import Fault
from weighbridge_sandbox.garmin import GarminCloud
from weighbridge_sandbox.http import Sandbox

ANNA = ("anna@example.test", "anna-walks-home")
BEN = ("ben@example.test", "ben-rides-uphill")
BENS_CODE = "123456"
TOKENS = "/di-oauth2-service/oauth/token"
PROFILE = "/userprofile-service/socialProfile"


@pytest.fixture
def cloud() -> GarminCloud:
    return GarminCloud(clock=Clock())


@pytest.fixture
def sandbox(cloud: GarminCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Sandbox([cloud]) as running:
        yield running


@pytest.fixture
def place(sandbox: Sandbox) -> Endpoint:
    return Endpoint(url=sandbox.url)


def test_a_password_brings_a_complete_login(place: Endpoint) -> None:
    signed_in = sign_in(place, *ANNA)
    assert (signed_in.account, signed_in.name) == ("81000001", "Anna Example")
    assert all(signed_in.tokens[key] for key in ("di_token", "di_refresh_token", "di_client_id"))
    assert signed_in.tokens["profile_id"] == "81000001"
    assert signed_in.tokens["di_token"] not in repr(signed_in)


def test_a_wrong_password_is_said_plainly_and_sent_once(place: Endpoint, sandbox: Sandbox) -> None:
    with pytest.raises(LoginNeeded, match="does not accept this e-mail and password"):
        sign_in(place, ANNA[0], "wrong")
    assert sandbox.requests.counts()["POST /mobile/api/login"] == 1


@pytest.mark.parametrize("credentials", [("", "x"), ("x", "")])
def test_without_a_password_nothing_is_asked(
    place: Endpoint, sandbox: Sandbox, credentials: tuple[str, str]
) -> None:
    with pytest.raises(ConfigProblem):
        sign_in(place, *credentials)
    assert sandbox.requests.counts() == {}


def test_the_code_of_the_second_factor_is_asked_for(place: Endpoint) -> None:
    assert sign_in(place, *BEN, ask_mfa=lambda: f" {BENS_CODE} ").name == "Ben Example"


def test_a_wrong_code_may_be_corrected_in_the_same_sign_in(
    place: Endpoint, sandbox: Sandbox
) -> None:
    codes = iter(["1", "2", BENS_CODE])
    assert sign_in(place, *BEN, ask_mfa=lambda: next(codes)).name == "Ben Example"
    assert sandbox.requests.counts()["POST /mobile/api/login"] == 1


def test_three_wrong_codes_are_enough(place: Endpoint) -> None:
    codes = iter("123456")
    with pytest.raises(LoginNeeded, match="did not accept the code"):
        sign_in(place, *BEN, ask_mfa=lambda: next(codes))
    assert next(codes) == "4"


def test_a_code_from_an_option_is_tried_once(place: Endpoint, sandbox: Sandbox) -> None:
    with pytest.raises(LoginNeeded, match="did not accept the code"):
        sign_in(place, *BEN, ask_mfa=lambda: "9")
    assert sandbox.requests.counts()["POST /mobile/api/mfa/verifyCode"] == 1


def test_a_code_that_nobody_can_be_asked_for_is_named(place: Endpoint) -> None:
    with pytest.raises(LoginNeeded, match="--mfa-code"):
        sign_in(place, *BEN)


@pytest.mark.parametrize("answer", [429, 427, 403, "captcha"])
def test_a_blocked_sign_in_has_its_own_class(
    place: Endpoint, cloud: GarminCloud, answer: int | str
) -> None:
    cloud.gate.close(answer)
    with pytest.raises(SignInBlocked, match="--ticket"):
        sign_in(place, *ANNA)


@pytest.mark.parametrize("credentials", [ANNA, BEN])
def test_the_widget_helps_when_the_application_is_blocked(
    place: Endpoint, cloud: GarminCloud, credentials: tuple[str, str]
) -> None:
    cloud.gate.close(429, ["mobile", "portal"])
    assert sign_in(place, *credentials, ask_mfa=lambda: BENS_CODE).account


def test_no_network_is_not_a_block() -> None:
    with pytest.raises(RetryLater) as caught:
        sign_in(Endpoint(url="http://127.0.0.1:9"), *ANNA)
    assert not isinstance(caught.value, SignInBlocked)


@pytest.mark.parametrize("kind", ["http", "drop"])
def test_garmin_out_of_order_is_not_a_block(place: Endpoint, sandbox: Sandbox, kind: Any) -> None:
    sandbox.faults.add(Fault(kind=kind, times=-1, status=503))
    with pytest.raises(RetryLater) as caught:
        sign_in(place, *ANNA)
    assert not isinstance(caught.value, SignInBlocked)


def test_a_network_that_dies_on_the_way_is_not_a_block(place: Endpoint, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind="drop", times=-1, nth=2))
    with pytest.raises(RetryLater) as caught:
        sign_in(place, *ANNA)
    assert not isinstance(caught.value, SignInBlocked)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault(kind="http", path=TOKENS, times=-1, status=400), LoginNeeded),
        (Fault(kind="http", path=TOKENS, times=-1, status=429), SignInBlocked),
        (Fault(kind="drop", path=TOKENS, times=-1), RetryLater),
        (Fault(kind="garbage", path=TOKENS, times=-1), LoginNeeded),
    ],
)
def test_without_tokens_the_password_is_not_sent_again(
    place: Endpoint, sandbox: Sandbox, fault: Fault, problem: type[Problem]
) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(problem):
        sign_in(place, *ANNA)
    assert sandbox.requests.counts()["POST /mobile/api/login"] == 1


def test_a_login_without_a_refresh_token_is_a_failure(place: Endpoint, sandbox: Sandbox) -> None:
    body = {"access_token": sign_in(place, *ANNA).tokens["di_token"]}
    sandbox.faults.add(Fault(kind="http", path=TOKENS, status=200, body=body))
    with pytest.raises(LoginNeeded, match="cannot be kept"):
        sign_in(place, *ANNA)


def test_a_profile_that_does_not_answer_is_no_login(place: Endpoint, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind="http", path=PROFILE, nth=2, status=503))
    with pytest.raises(RetryLater):
        sign_in(place, *ANNA)


def test_a_right_code_without_tokens_is_no_wrong_code(place: Endpoint, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind="http", path=TOKENS, times=-1, status=400))
    with pytest.raises(LoginNeeded, match="issued no tokens"):
        sign_in(place, *BEN, ask_mfa=lambda: BENS_CODE)


def test_a_block_at_the_code_is_a_block(place: Endpoint, sandbox: Sandbox) -> None:
    for flow in ("mobile", "portal"):
        path = f"/{flow}/api/mfa/verifyCode"
        sandbox.faults.add(Fault(kind="http", path=path, times=-1, status=429))
    with pytest.raises(SignInBlocked):
        sign_in(place, *BEN, ask_mfa=lambda: BENS_CODE)


def test_a_network_that_dies_at_the_code_is_not_a_wrong_code(
    place: Endpoint, cloud: GarminCloud, sandbox: Sandbox
) -> None:
    cloud.gate.close(429, ["mobile", "portal"])
    sandbox.faults.add(Fault(kind="drop", path="/sso/verifyMFA/loginEnterMfaCode", times=-1))
    with pytest.raises(RetryLater) as caught:
        sign_in(place, *BEN, ask_mfa=lambda: BENS_CODE)
    assert not isinstance(caught.value, SignInBlocked)


def ticket_from_browser(place: Endpoint) -> str:
    """What a person does: open the link, fill in the form, copy what comes back."""
    browser = build_opener(ProxyHandler({}), HTTPCookieProcessor())
    link = browser_url(place)
    page = browser.open(link).read().decode()
    token = re.search(r'name="_csrf"\s+value="(.+?)"', page)
    assert token is not None
    form = {"username": ANNA[0], "password": ANNA[1], "embed": "true", "_csrf": token[1]}
    try:
        return str(browser.open(link, urlencode(form).encode()).read().decode())
    except HTTPError as error:
        raise AssertionError(error.read()) from error


def test_a_ticket_from_the_browser_is_enough(place: Endpoint, sandbox: Sandbox) -> None:
    page = ticket_from_browser(place)
    sandbox.requests.clear()
    assert sign_in_with_ticket(place, page).name == "Anna Example"
    assert set(sandbox.requests.counts()) == {f"POST {TOKENS}", f"GET {PROFILE}"}


def test_a_ticket_counts_once(place: Endpoint) -> None:
    page = ticket_from_browser(place)
    sign_in_with_ticket(place, page)
    with pytest.raises(LoginNeeded, match="for a few seconds, once"):
        sign_in_with_ticket(place, page)


def test_something_else_than_a_ticket_is_told_before_asking(
    place: Endpoint, sandbox: Sandbox
) -> None:
    with pytest.raises(LoginNeeded, match="begins with ST-"):
        sign_in_with_ticket(place, "https://sso.garmin.com/sso/embed")
    assert sandbox.requests.counts() == {}


def test_the_browser_goes_to_the_real_garmin_of_the_domain() -> None:
    assert browser_url(Endpoint()).startswith("https://sso.garmin.com/sso/signin?id=gauth-widget&")
    assert browser_url(Endpoint("garmin.cn")).startswith("https://sso.garmin.cn/sso/signin?")


def test_the_target_asks_only_for_what_it_needs(place: Endpoint) -> None:
    def never() -> str:
        raise AssertionError("nobody is to be asked for this")

    options = GarminOptions(url=place.url)
    garmin_sign_in = garmin.KIND.sign_in
    assert garmin_sign_in is not None
    by_password = SignInAnswers(lambda: ANNA[0], lambda: ANNA[1], never, None)
    assert garmin_sign_in(options, by_password).name == "Anna Example"
    page = ticket_from_browser(place)
    by_ticket = SignInAnswers(never, never, never, lambda link: page)
    assert garmin_sign_in(options, by_ticket).name == "Anna Example"


def test_nothing_secret_is_logged(
    place: Endpoint, cloud: GarminCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = sign_in(place, *BEN, ask_mfa=lambda: BENS_CODE).tokens
    cloud.gate.close(403)
    with pytest.raises(SignInBlocked) as caught:
        sign_in(place, *BEN)
    for secret in (BEN[1], BENS_CODE, tokens["di_token"], tokens["di_refresh_token"]):
        assert secret not in caplog.text + str(caught.value)


def test_the_library_waits_again_after_a_sandbox(place: Endpoint) -> None:
    sign_in(place, *ANNA)
    assert sso.MOBILE_DELAY_MIN_S >= 2
    assert sso.LOGIN_DELAY_MAX_S >= 10


def test_a_missing_library_is_named_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "garminconnect.client", None)
    with pytest.raises(ConfigProblem, match=re.escape("pip install 'weighbridge[garmin]'")):
        require_library()


def test_an_unknown_release_of_the_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("garminconnect.client.SessionMixin._refresh_session")
    monkeypatch.delattr("garminconnect.client._base._ClientState._refresh_session")
    with pytest.raises(ConfigProblem, match="not a known one"):
        require_library()


@pytest.mark.parametrize("taken", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", None])
def test_certificates_of_the_environment_count_for_requests_too(
    monkeypatch: pytest.MonkeyPatch, taken: str | None
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "mine.pem") if name == taken else monkeypatch.delenv(name, False)
    monkeypatch.setenv("SSL_CERT_FILE", "ours.pem")
    monkeypatch.setattr(
        "weighbridge.targets.garmin.garmin_tokens.os.environ",
        environ := dict(garmin_tokens.os.environ),
    )
    garmin_tokens.trust_the_same_authorities()
    used = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    assert used == ("mine.pem" if taken else "ours.pem")

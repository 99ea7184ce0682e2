"""Signing in: the link, what a person pastes, the exchange."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.withings_memory import APP, NOW, Wire, failed, html, renewed
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater
from weighbridge.sources.withings.oauth import SCOPE, consent_url, exchange, new_state, read_pasted
from weighbridge.sources.withings.wire import CodeExpired

CODE = "0123456789abcdef0123456789abcdef01234567"
STATE = "5c0ffee5"
BACK = f"http://localhost:9473/callback?code={CODE}&state={STATE}"


def test_the_link_asks_for_what_the_reference_says() -> None:
    link = urlsplit(consent_url(APP, STATE))
    assert f"{link.scheme}://{link.netloc}{link.path}" == (
        "https://account.withings.com/oauth2_user/authorize2"
    )
    assert parse_qs(link.query) == {
        "response_type": ["code"],
        "client_id": ["the-client"],
        "scope": ["user.metrics,user.info,user.activity"],
        "redirect_uri": ["http://localhost:9473/callback"],
        "state": [STATE],
    }
    assert "the-client-secret" not in link.query


def test_another_consent_page_may_be_named() -> None:
    link = consent_url(APP, STATE, base="http://127.0.0.1:99/")
    assert link.startswith("http://127.0.0.1:99/oauth2_user/authorize2?")


def test_a_state_is_long_and_never_the_same() -> None:
    assert len({new_state() for _ in range(50)}) == 50
    assert new_state(bytes) == "00" * 24


@pytest.mark.parametrize(
    "pasted",
    [
        CODE,
        f"  {CODE}\n",
        f'"{CODE}"',
        BACK,
        f"  <{BACK}>\r\n",
        BACK[:60] + "\n   " + BACK[60:],
        f"{BACK}#top",
        f"https://example.org/withings.html?x=1&state={STATE}&code={CODE}",
        f"code={CODE}&state={STATE}",
        f"?code={CODE}&state={STATE}",
        f"/callback?code={CODE}&state={STATE}",
    ],
)
def test_the_code_is_found_in_whatever_was_copied(pasted: str) -> None:
    assert read_pasted(pasted, STATE) == CODE


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        ("", "Nothing"),
        ("   ", "Nothing"),
        ("yes", "cannot be a Withings code"),
        ("I do not know", "cannot be a Withings code"),
        ("a" * 600, "cannot be a Withings code"),
        ("schlüssel", "cannot be a Withings code"),
        ("http://localhost:9473/callback", "no code"),
        (f"http://localhost:9473/callback?state={STATE}", "no code"),
        ("http://[", "no code"),
        (f"http://localhost:9473/callback?code={CODE}", "another sign-in"),
        (f"http://localhost:9473/callback?code={CODE}&state=other", "another sign-in"),
        (f"http://localhost:9473/callback?code={CODE}&state=ätsch", "another sign-in"),
        (f"http://localhost/?error=access_denied&code={CODE}", "another sign-in"),
        (f"http://localhost/?code=%0A&state={STATE}", "cannot be a Withings code"),
        (consent_url(APP, STATE), "link to open"),
    ],
)
def test_nonsense_is_refused_with_a_reason(pasted: str, told: str) -> None:
    with pytest.raises(ConfigProblem, match=told) as caught:
        read_pasted(pasted, STATE)
    assert caught.value.remedy


@pytest.mark.parametrize("state", [f"&state={STATE}", ""])
def test_a_refused_consent_is_reported(state: str) -> None:
    with pytest.raises(LoginNeeded, match="access_denied"):
        read_pasted(f"http://localhost:9473/callback?error=access_denied{state}", STATE)


def test_a_refusal_of_another_sign_in_is_not_ours() -> None:
    with pytest.raises(ConfigProblem, match="another sign-in"):
        read_pasted("http://localhost/?error=access_denied&state=other", STATE)


@given(st.text(max_size=60))
def test_whatever_is_pasted_is_a_code_or_a_clear_problem(pasted: str) -> None:
    try:
        found = read_pasted(pasted, STATE)
    except Problem as problem:
        found = problem.remedy.replace(" ", "_")
    assert found
    assert found.isascii()
    assert " " not in found


def test_the_exchange_sends_what_the_link_said() -> None:
    wire = Wire(renewed(1, userid="4711"))
    pair = exchange(APP, CODE, wire.client, lambda: NOW)
    assert (pair.userid, pair.access_token, pair.expires_at) == ("4711", "access-1", NOW + 10_800)
    assert wire.forms == [
        {
            "action": "requesttoken",
            "client_id": "the-client",
            "client_secret": "the-client-secret",
            "grant_type": "authorization_code",
            "code": CODE,
            "redirect_uri": "http://localhost:9473/callback",
        }
    ]
    assert len(SCOPE.split(",")) == 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failed(503, "Invalid Params: invalid code"), CodeExpired),
        (failed(503, "Invalid Params: invalid client_id"), ConfigProblem),
        (failed(503, f"Invalid Params: {CODE}"), ConfigProblem),
        (failed(601, "Same arguments in less than 10 seconds"), RetryLater),
        (html(), RetryLater),
    ],
)
def test_a_failed_exchange_is_a_decision(answer: httpx2.Response, kind: type[Problem]) -> None:
    with pytest.raises(kind) as caught:
        exchange(APP, CODE, Wire(answer).client, lambda: NOW)
    assert caught.value.remedy
    assert CODE not in str(caught.value)

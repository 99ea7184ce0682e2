"""A login with OAuth for targets: which answers count, and when a token is refreshed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from weighbridge.core.errors import ConfigProblem, Problem, RetryLater
from weighbridge.core.secret import Secret
from weighbridge.targets.base import SignedIn, SignInAnswers, WrongTicket
from weighbridge.targets.oauth_login import OAuthApp, sign_in
from weighbridge.testing.builders import NOON

TOKENS = b'{"access_token":"access","refresh_token":"refresh","expires_in":7200}'


@contextmanager
def tokens_from(status: int, body: bytes) -> Iterator[OAuthApp]:
    """An application at a service whose token endpoint always says the same."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield app(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def app(url: str, scope: str = "weight") -> OAuthApp:
    return OAuthApp(
        service="Board",
        authorize_url="https://board.example/agree",
        token_url=url,
        client_id="us",
        client_secret=Secret.of_value("hush-hush"),
        redirect_url="https://localhost/back",
        scope=scope,
    )


def answering(ticket: Callable[[str], str] | None) -> SignInAnswers:
    return SignInAnswers(username=str, password=str, code=None, ticket=ticket)


def state_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["state"][0]


def signed_in(app: OAuthApp, ticket: Callable[[str], str] | None) -> SignedIn:
    return sign_in(app, answering(ticket), lambda token: ("17", "anna"), lambda: float(NOON))


@pytest.mark.parametrize(
    "ticket",
    [
        lambda link: "the-code",
        lambda link: f"https://localhost/back?code=the-code&state={state_of(link)}",
        lambda link: f" code=the-code&state={state_of(link)} ",
    ],
)
def test_the_code_or_the_address_that_the_browser_ended_at_is_a_login(
    ticket: Callable[[str], str],
) -> None:
    with tokens_from(200, TOKENS) as known:
        found = signed_in(known, ticket)
    assert found.tokens == {
        "access_token": "access",
        "refresh_token": "refresh",
        "expires_at": NOON + 7200,
    }


@pytest.mark.parametrize(
    "ticket",
    [
        lambda link: "https://localhost/back?code=the-code&state=of-another-attempt",
        lambda link: "https://localhost/back?code=the-code",
        lambda link: f"https://localhost/back?code=&state={state_of(link)}",
        lambda link: f"https://localhost/back?error=denied&state={state_of(link)}",
        lambda link: " ",
    ],
)
def test_an_answer_to_another_attempt_or_without_a_code_is_refused(
    ticket: Callable[[str], str],
) -> None:
    with tokens_from(200, TOKENS) as known, pytest.raises(WrongTicket):
        signed_in(known, ticket)


def test_every_attempt_has_a_state_that_nobody_guesses() -> None:
    states = set[str]()
    with tokens_from(200, TOKENS) as known:
        for _ in range(3):
            signed_in(known, lambda link: states.add(state_of(link)) or "the-code")
    assert len(states) == 3
    assert min(map(len, states)) >= 21, "16 bytes of randomness"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error":"invalid_grant"}', WrongTicket),
        (401, b"", WrongTicket),
        (400, b'{"error":"invalid_client"}', ConfigProblem),
        (401, b'{"error":"invalid_client"}', ConfigProblem),
        (403, b"", RetryLater),
        (500, b"", RetryLater),
        (200, b"<html>", RetryLater),
        (200, b'{"access_token":"access"}', RetryLater),
    ],
)
def test_what_the_token_endpoint_says_is_a_decision(
    status: int, body: bytes, kind: type[Problem]
) -> None:
    with tokens_from(status, body) as known, pytest.raises(kind):
        signed_in(known, lambda link: "the-code")


def test_without_a_browser_nobody_can_agree() -> None:
    with pytest.raises(ConfigProblem):
        signed_in(app("https://board.example/token"), None)


def test_a_scope_is_asked_for_when_the_service_has_one() -> None:
    with_scope, without = (app("https://board.example", scope).link("s") for scope in ("w", ""))
    assert parse_qs(urlsplit(with_scope).query)["scope"] == ["w"]
    assert "scope" not in without

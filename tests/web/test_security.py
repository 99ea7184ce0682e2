"""The guard: whose name, whose form, whose word about the visitor; what each answer carries."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from weighbridge.config import ServerSettings, Settings, WithingsSettings
from weighbridge.web.security import HEADERS, Networks, RequestGuard, host_name, seen_through

PROXY = "10.0.0.7"
VISITOR = "203.0.113.9"


def settings(**server: Any) -> Settings:
    return Settings(
        home=Path("home"),
        withings=WithingsSettings(),
        people=(),
        server=ServerSettings(**server),
    )


PUBLIC = settings(
    url="https://scale.example.org", proxies=("10.0.0.0/8",), hosts=("pi.local", "fd00::1")
)


class Page:
    """The app behind the guard: remembers what it was asked, answers 200."""

    def __init__(self, headers: dict[str, str] | None = None) -> None:
        self.scope: Scope | None = None
        self.headers = [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await send({"type": "http.response.body", "body": b""})


class Answer:
    """Status and headers of an answer."""

    def __init__(self, messages: list[Message]) -> None:
        self.status: int = messages[0]["status"]
        self.pairs = [(k.decode(), v.decode()) for k, v in messages[0]["headers"]]
        self.headers = dict(self.pairs)
        self.text: str = messages[1]["body"].decode()


def ask(
    page: Page | None = None,
    *,
    of: Settings = PUBLIC,
    path: str = "/connect",
    method: str = "GET",
    peer: str = VISITOR,
    **headers: str,
) -> Answer:
    """Send a request through the guard; ``x_forwarded_for="..."`` is a header."""
    named = {"host": "scale.example.org", **headers}
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "scheme": "http",
        "client": (peer, 5555),
        "server": ("192.168.1.5", 9474),
        "headers": [(k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in named.items()],
    }
    messages: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nobody reads here")

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(RequestGuard(page or Page(), of)(scope, receive, send))
    return Answer(messages)


# --- whose name ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:9474",
        "LOCALHOST:8080",
        "127.0.0.1:9474",
        "[::1]:9474",
        "scale.example.org",
        "Scale.Example.org:443",
        "scale.example.org.",
        "pi.local:9474",
        "[fd00::1]",
        "[FD00:0::1]:9474",
    ],
)
def test_pages_are_given_out_under_our_own_names_with_any_port(host: str) -> None:
    assert ask(host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "scale.example.org.evil.example",
        "notscale.example.org",
        "192.168.1.5:9474",
        "0.0.0.0",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
    ],
)
def test_a_foreign_name_gets_no_page_and_is_told_what_to_do(host: str) -> None:
    page = Page()
    answer = ask(page, host=host)
    assert answer.status == 421
    assert page.scope is None
    assert "hosts = " in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["", "a b", "evil.example/x", "a@localhost", "localhost:x", "<b>", "[::1", "ü"]
)
def test_a_request_without_a_readable_name_is_malformed(host: str) -> None:
    assert ask(host=host).status == 400


@pytest.mark.parametrize("path", ["/withings/notify/abc", "/healthz", "/readyz"])
def test_notifications_and_health_are_answered_under_any_name(path: str) -> None:
    assert ask(path=path, host="whatever.example").status == 200
    assert ask(path=path, host="", method="POST", origin="https://evil.example").status == 200


@pytest.mark.parametrize("path", ["/healthz/x", "/withings/notifyx", "/metrics", "/"])
def test_a_path_that_only_resembles_them_is_guarded(path: str) -> None:
    assert ask(path=path, host="whatever.example").status == 421


def test_below_the_prefix_of_a_proxy_it_is_the_same() -> None:
    below = settings(url="https://example.org/scale")
    assert ask(of=below, path="/scale/withings/notify/abc", host="x.example").status == 200
    assert ask(of=below, path="/scale/connect", host="x.example").status == 421
    assert ask(of=below, path="/scale/connect", host="example.org").status == 200


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "::"])
def test_listening_everywhere_we_know_the_address_that_was_called(everywhere: str) -> None:
    here = settings(host=everywhere)
    assert ask(of=here, host="192.168.1.5:9474").status == 200
    assert ask(of=here, host="192.168.1.6:9474").status == 421
    assert ask(of=here, host=everywhere if "." in everywhere else "[::]").status == 421


def test_a_name_with_umlauts_is_known_as_browsers_send_it() -> None:
    here = settings(url="https://wäge.example.org", hosts=("küche.local",))
    assert ask(of=here, host="xn--wge-qla.example.org").status == 200
    assert ask(of=here, host="xn--kche-0ra.local").status == 200


@given(st.text(max_size=40))
def test_no_text_is_taken_for_a_name_that_holds_more_than_a_name(text: str) -> None:
    name = host_name(text)
    assert name is None or set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-:")


# --- whose form ------------------------------------------------------------------------------

OWN = "https://scale.example.org"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": OWN},
        {"origin": OWN, "sec_fetch_site": "same-origin"},
        {"origin": OWN, "sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"origin": "http://pi.local:9474", "host": "pi.local:9474"},
        {"origin": OWN, "host": "localhost:9474"},  # the proxy did not pass our name on
    ],
)
def test_a_form_of_our_own_pages_is_let_through(headers: dict[str, Any]) -> None:
    assert ask(method="POST", **headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": OWN + ".evil.example"},
        {"origin": "https://scale.example.org:8443"},
        {"origin": "http://localhost:3000", "host": "localhost:9474"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": OWN},
        {"sec_fetch_site": "none", "origin": "https://evil.example"},
        {"origin": "://"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_a_form_of_another_site_is_refused(headers: dict[str, Any], method: str) -> None:
    page = Page()
    assert ask(page, method=method, **headers).status == 403
    assert page.scope is None


def test_reading_a_page_from_a_link_elsewhere_is_no_form() -> None:
    assert ask(sec_fetch_site="cross-site").status == 200


# --- whose word about the visitor --------------------------------------------------------------


def seen(**headers: Any) -> tuple[str, str]:
    """Client and scheme as the page sees them behind a trusted proxy."""
    page = Page()
    ask(page, peer=PROXY, **headers)
    assert page.scope is not None
    return page.scope["client"][0], page.scope["scheme"]


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        (VISITOR, VISITOR),
        (f"1.2.3.4, {VISITOR}", VISITOR),
        (f"{VISITOR}, 10.0.0.3", VISITOR),
        (f"1.2.3.4,{VISITOR} , 10.0.0.3,10.0.0.4", VISITOR),
        ("10.0.0.3, 10.0.0.4", "10.0.0.3"),
        (f"{VISITOR}:4711", VISITOR),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        (f"::ffff:{VISITOR}", VISITOR),
        ("", PROXY),
        ("unknown", PROXY),
        ("<script>", PROXY),
        (f"{VISITOR}, unknown", PROXY),
        (f"garbage, {VISITOR}", VISITOR),
        (f"{VISITOR}, unknown, 10.0.0.3", "10.0.0.3"),
        (",".join(["1.1.1.1"] * 500 + [VISITOR]), VISITOR),
    ],
)
def test_the_client_is_the_last_one_that_no_trusted_proxy_is(chain: str, client: str) -> None:
    assert seen(x_forwarded_for=chain)[0] == client


@pytest.mark.parametrize(
    ("word", "scheme"),
    [("https", "https"), ("HTTPS", "https"), ("http, https", "https"), ("ftp", "http")],
)
def test_the_scheme_is_what_the_nearest_proxy_says(word: str, scheme: str) -> None:
    assert seen(x_forwarded_proto=word)[1] == scheme


def test_the_forwarded_name_is_checked_like_any_other() -> None:
    page = Page()
    assert ask(page, peer=PROXY, host="10.0.0.9", x_forwarded_host="pi.local").status == 200
    assert page.scope is not None
    assert [v for k, v in page.scope["headers"] if k == b"host"] == [b"pi.local"]
    assert ask(peer=PROXY, host="pi.local", x_forwarded_host="evil.example").status == 421
    assert ask(peer=PROXY, x_forwarded_host="pi.local, evil.example").status == 421


def test_a_stranger_who_forwards_is_not_believed() -> None:
    page = Page()
    answer = ask(
        page,
        x_forwarded_for="127.0.0.1",
        x_forwarded_proto="https",
        x_forwarded_host="evil.example",
    )
    assert answer.status == 200
    assert page.scope is not None
    assert page.scope["client"] == (VISITOR, 5555)
    assert page.scope["scheme"] == "http"


HOPS = st.one_of(st.sampled_from(["10.0.0.1", VISITOR, "::1", "", "unknown"]), st.text(max_size=8))


@given(st.lists(HOPS, max_size=6))
def test_whatever_was_sent_before_a_proxy_cannot_choose_the_client(hops: list[str]) -> None:
    chain = ", ".join([*hops, VISITOR]).encode("utf-8")
    scope = {"client": (PROXY, 1), "headers": [(b"x-forwarded-for", chain)]}
    assert seen_through(scope, Networks(["10.0.0.0/8"]))["client"] == (VISITOR, 0)


# --- what every answer carries -----------------------------------------------------------------


def test_every_answer_carries_the_careful_headers() -> None:
    answer = ask()
    for name, value in HEADERS.items():
        assert answer.headers[name.lower()] == value
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_may_set_its_own() -> None:
    answer = ask(Page({"Cache-Control": "public", "Content-Security-Policy": "default-src 'self'"}))
    assert answer.headers["cache-control"] == "public"
    names = [name for name, _ in answer.pairs]
    assert len(names) == len(set(names))


def test_browsers_stay_with_tls_only_where_our_public_address_has_it() -> None:
    name = "strict-transport-security"
    assert name in ask().headers
    assert name not in ask(host="localhost:9474").headers
    plain = settings(url="http://scale.example.org")
    assert name not in ask(of=plain).headers


def test_a_request_that_tells_its_length_in_two_ways_reaches_nobody() -> None:
    page = Page()
    answer = ask(page, content_length="4", transfer_encoding="chunked")
    assert answer.status == 400
    assert answer.headers["connection"] == "close"
    assert page.scope is None


def test_what_is_no_request_goes_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        return None

    asyncio.run(RequestGuard(app, PUBLIC)({"type": "lifespan"}, nothing, nothing))
    assert seen == ["lifespan"]


# --- networks ----------------------------------------------------------------------------------


def test_networks_hold_their_addresses_and_nothing_else() -> None:
    networks = Networks(["10.0.0.0/8", "192.168.1.5", "2001:db8::/32"])
    for inside in ("10.1.2.3", "::ffff:10.1.2.3", "192.168.1.5", "2001:db8::9"):
        assert inside in networks
    for outside in ("11.0.0.1", "192.168.1.6", "::1", "", "testclient", "10.1.2.3/8"):
        assert outside not in networks
    assert networks
    assert not Networks([])

"""What holds for every request before a page sees it, and for every answer before it leaves.

- A page is given out under our own names only. Otherwise a foreign site could point its name at
  this machine and read the pages with the browser of a visitor (DNS rebinding).
- A form that a foreign site made a browser send is refused.
- A request that tells its length in two ways is refused: a proxy before us may have believed the
  other one, and would take the rest for the request of another visitor (RFC 9112, section 6.1).
- What a reverse proxy says about the visitor is believed from proxies in the settings only.
- Every answer carries the headers that keep browsers careful, unless the page set its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weighbridge.config import Settings
from weighbridge.core.network import is_loopback
from weighbridge.sources.withings.notification import CALLBACK_PATH
from weighbridge.web.urls import inner_path

NOTIFY_PATH = CALLBACK_PATH
"""What lies below is for Withings, under whatever name it finds us."""
_ANY_NAME = frozenset({"/healthz", "/readyz"})
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared, not bound
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?P<port>:\d{1,5})?")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_STAY_WITH_TLS = (b"strict-transport-security", b"max-age=15552000")


class RequestGuard:
    """Wraps the app of one server."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._proxies = Networks(settings.server.proxies)
        self._public = urlsplit(settings.server.url or "")
        self._names = _own_names(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = seen_through(scope, self._proxies)
        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, self._careful(scope, send))

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        if header(scope, b"transfer-encoding") and header(scope, b"content-length"):
            return _say(400, "The request tells its length in two ways.", close=True)
        path = inner_path(scope["path"], self._settings)
        if path in _ANY_NAME or path.startswith(NOTIFY_PATH):
            return None
        return self._foreign_name(scope) or self._foreign_form(scope)

    def _foreign_name(self, scope: Scope) -> PlainTextResponse | None:
        name = host_name(header(scope, b"host"))
        if name is None:
            return _say(400, "The request does not say to which host it goes.")
        if name in self._names or is_loopback(name) or self._is_this_connection(name, scope):
            return None
        return _say(
            421,
            f"This server has no pages under the name {name}. Use one of its own names, or add "
            f'this one to weighbridge.toml under [server]: hosts = ["{name}"].',
        )

    def _is_this_connection(self, name: str, scope: Scope) -> bool:
        """Listening everywhere, we are also called by the address that was connected to."""
        server = scope.get("server")
        if self._settings.server.host not in _EVERYWHERE or not server:
            return False
        return name == str(read_address(server[0]))

    def _foreign_form(self, scope: Scope) -> PlainTextResponse | None:
        """Browsers say where a form comes from; programs say nothing and are asked for a token."""
        if scope["method"] in _HARMLESS:
            return None
        site, origin = header(scope, b"sec-fetch-site"), header(scope, b"origin")
        if site == "same-origin" or (site in ("", "none") and not origin):
            return None
        if site in ("", "none") and self._is_own(origin, header(scope, b"host")):
            return None
        return _say(403, "This form was sent by another site. Open the page here and try again.")

    def _is_own(self, origin: str, host: str) -> bool:
        """``Origin`` must be the address under which we were asked, or our public one.

        The scheme may differ: a proxy that we were not told of may speak TLS to the browser.
        """
        _, _, place = origin.lower().partition("://")
        return place != "" and place in (host.lower(), self._public.netloc.lower())

    def _careful(self, scope: Scope, send: Send) -> Send:
        added = [*_RAW_HEADERS]
        if self._public.scheme == "https" and self._is_public(scope):
            added.append(_STAY_WITH_TLS)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message.get("headers", ())}
                more = [pair for pair in added if pair[0] not in own]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        return send_with_headers

    def _is_public(self, scope: Scope) -> bool:
        return host_name(header(scope, b"host")) == host_name(self._public.netloc)


def host_name(text: str) -> str | None:
    """The name in a ``Host`` header: lower case, no port, no brackets. None: malformed.

    The port says nothing about who is asking, and containers are reached under other ports.
    """
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    name = (found["six"] or found["name"]).lower().rstrip(".")
    address = read_address(name)
    return str(address) if address else name or None


def _own_names(settings: Settings) -> frozenset[str]:
    server = settings.server
    public = urlsplit(server.url or "").netloc
    named = [f"[{text}]" if text.count(":") > 1 else text for text in (server.host, *server.hosts)]
    names = {host_name(_as_sent(text)) for text in (*named, public)}
    return frozenset(name for name in names if name) - _EVERYWHERE


def _as_sent(name: str) -> str:
    """Browsers send a name with umlauts in the ASCII form of the name system."""
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _say(status: int, text: str, *, close: bool = False) -> PlainTextResponse:
    return PlainTextResponse(f"{text}\n", status, {"Connection": "close"} if close else None)


_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](?::\d{1,5})?|(?P<four>[\d.]+):\d{1,5}")
_LONGEST_CHAIN = 20


def seen_through(scope: Scope, trusted: Networks) -> Scope:
    """The request as the last proxy received it: ``client``, ``scheme`` and ``host`` replaced.

    Unchanged unless the peer is trusted. A header that is malformed is ignored.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    if not trusted or peer not in trusted:
        return scope
    seen = {**scope}
    client = _client(header(scope, b"x-forwarded-for"), peer, trusted)
    if client != peer:
        seen["client"] = (client, 0)
    scheme = _last(header(scope, b"x-forwarded-proto")).lower()
    if scheme in ("http", "https"):
        seen["scheme"] = scheme
    host = _last(header(scope, b"x-forwarded-host"))
    if host:
        others = [pair for pair in scope["headers"] if pair[0] != b"host"]
        seen["headers"] = [(b"host", host.encode("latin-1")), *others]
    return seen


def header(scope: Scope, name: bytes) -> str:
    """The value of a header; several are joined as HTTP allows. "" when there is none."""
    values = [value for known, value in scope["headers"] if known == name]
    return b",".join(values).decode("latin-1")


def _last(text: str) -> str:
    return text.rpartition(",")[2].strip()


def _client(chain: str, peer: str, trusted: Networks) -> str:
    """Walk from our neighbour outwards and stop at the first one that is not trusted."""
    for hop in _hops(chain):
        if hop not in trusted:
            return hop
        peer = hop
    return peer


def _hops(chain: str) -> Iterator[str]:
    """Addresses from right to left, up to the first thing that is none."""
    for text in reversed(chain.rsplit(",", _LONGEST_CHAIN)[-_LONGEST_CHAIN:]):
        written = text.strip()
        if found := _WITH_PORT.fullmatch(written):
            written = found["six"] or found["four"]
        address = read_address(written)
        if address is None:
            return
        yield str(address)


Address = IPv4Address | IPv6Address


class Networks:
    """Addresses and networks like ``127.0.0.1`` and ``10.0.0.0/8``. The settings are checked."""

    def __init__(self, written: Iterable[str]) -> None:
        self._networks = [ip_network(text, strict=False) for text in written]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, text: str) -> bool:
        """False for what is no address."""
        address = read_address(text)
        return address is not None and any(address in network for network in self._networks)


def read_address(text: str) -> Address | None:
    """An IP address, None for anything else. IPv4 in the clothes of IPv6 is IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address

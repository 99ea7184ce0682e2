"""What holds for every request before a page sees it, and for every answer before it leaves.

- A page is given out under our own names only. Otherwise a foreign site could point its name at
  this machine and read the pages with the visitor's browser (DNS rebinding).
- A form that a foreign site made a browser send is refused.
- A request that tells its length in two ways is refused: a proxy before us may have believed the
  other one, and would take the rest for somebody else's request (RFC 9112, section 6.1).
- Every answer carries the headers that keep browsers careful, unless the page set its own.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weighbridge.config import Settings
from weighbridge.core.network import is_loopback
from weighbridge.sources.withings.notify_url import CALLBACK_PATH
from weighbridge.web.host_names import inner_path
from weighbridge.web.ip_networks import Networks, read_address
from weighbridge.web.proxies import header, seen_through

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
    """Stands around the app of one server."""

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
        return self._strange_name(scope) or self._strange_form(scope)

    def _strange_name(self, scope: Scope) -> PlainTextResponse | None:
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

    def _strange_form(self, scope: Scope) -> PlainTextResponse | None:
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

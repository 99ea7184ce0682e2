"""The addresses of this server, and where Withings sends browsers back. Pure."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, unquote, urlsplit

from weighbridge.config import Settings
from weighbridge.core.network import is_loopback

CALLBACK_PATH = "/connect/withings"

TAKEN = (
    "/card",
    "/connect",
    "/deliveries",
    "/diary",
    "/disconnect",
    "/events",
    "/history",
    "/household",
    "/language",
    "/p",
    "/setup",
    "/sign-in",
    "/sign-out",
    "/static",
    "/subscriptions",
    "/withings/notify",
    "/healthz",
    "/readyz",
    "/metrics",
)
"""Paths of other pages, with all that lies below: no redirect address can be there."""

_PORTS = {"http": 80, "https": 443}


def base_url(settings: Settings) -> str:
    """The address of the first page without a slash at its end, as a browser must know it."""
    return settings.server.url or f"http://localhost:{settings.server.port}"


def prefix(settings: Settings) -> str:
    """The path under which a proxy shows the pages, ``/weighbridge``; usually empty."""
    return urlsplit(base_url(settings)).path.rstrip("/")


def callback_address(settings: Settings) -> str:
    """The redirect address that is registered at Withings.

    The configured ``callback_url`` if it leads to this server: to the host and port of its public
    address, or to its port on this machine. Else the server's own address. A default that was
    not written does not count: nothing but the command line listens there.
    """
    written = settings.withings.callback_url
    is_default = settings.origin("withings.callback_url") == "default"
    if not is_default and _leads_here(urlsplit(written), settings):
        return written
    return base_url(settings) + CALLBACK_PATH


def begin_address(settings: Settings) -> str:
    """Where a person must begin: a browser keeps its cookies for the host that it comes back to."""
    callback, base = urlsplit(callback_address(settings)), urlsplit(base_url(settings))
    if (callback.hostname, _port(callback)) == (base.hostname, _port(base)):
        return f"{base_url(settings)}/connect"
    return f"{callback.scheme}://{callback.netloc}/connect"


def callback_path(settings: Settings) -> str:
    """The path of that address as our routes see it."""
    return inner_path(urlsplit(callback_address(settings)).path, settings)


def inner_path(path: str, settings: Settings) -> str:
    """A path without the prefix of the proxy. Some proxies take it away, some do not."""
    before = prefix(settings)
    if before and (path == before or path.startswith(f"{before}/")):
        path = path.removeprefix(before)
    return path or "/"


def same_place(address: str, host: str) -> bool:
    """Whether a ``Host`` header speaks of the host and port of an address."""
    parts = urlsplit(address)
    try:
        other = urlsplit(f"{parts.scheme}://{host}")
        return (other.hostname, _port(other)) == (parts.hostname, _port(parts))
    except ValueError:
        return False


def local_path(written: str) -> str:
    """A path of ours that a form or query asks for; ``/`` for what would lead elsewhere."""
    is_path = written.startswith("/") and not written.startswith(("//", "/\\"))
    if not is_path or not written.isascii() or not written.isprintable() or "\\" in written:
        return "/"
    return written


def segment(name: str) -> str:
    """A name of any characters as one part of a path, for ``name_in`` to read.

    Quoted twice: the server takes one quoting away before it looks for slashes.
    """
    once = quote(name, safe="")
    return quote(once.replace(".", "%2E") if name in (".", "..") else once, safe="")


def name_in(part: str) -> str:
    """The name in a part of a path, as the server hands it on."""
    return unquote(part)


def _leads_here(written: SplitResult, settings: Settings) -> bool:
    ours = urlsplit(base_url(settings))
    path = inner_path(written.path, settings)
    if path != CALLBACK_PATH and any(path == one or path.startswith(f"{one}/") for one in TAKEN):
        return False
    if (written.hostname, _port(written)) == (ours.hostname, _port(ours)):
        return True
    is_local = written.scheme == "http" and is_loopback(written.hostname or "")
    return is_local and _port(written) == settings.server.port


def _port(parts: SplitResult) -> int | None:
    return parts.port or _PORTS.get(parts.scheme)

"""The HTTP clients of a process, and a time limit that holds for a call as a whole.

What people set in the environment counts on every connection: ``HTTPS_PROXY`` and its relatives,
``NO_PROXY``, ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, cast
from urllib.parse import urlsplit

from weighbridge import __version__
from weighbridge.core.errors import ConfigProblem

if TYPE_CHECKING:
    import ssl
    from http.cookiejar import CookieJar

    import httpx2

    from weighbridge.core.form_client import FormClient

TIME_LIMIT = 30.0
"""Seconds for one call. Ten were too few for others (home-assistant/core#104758)."""


_HEADERS = {"User-Agent": f"weighbridge/{__version__}", "Accept": "application/json"}
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})


def form_client(url: str) -> FormClient:
    """What posts forms to the service at ``url``; close it after use. Raises ConfigProblem.

    Without a proxy it needs no HTTP library, whose import takes longer than the rest of a sync
    with nothing new.
    """
    local = _is_local(url)
    if not local and _names_proxy():
        from weighbridge.core.proxied_forms import ProxiedForms

        return ProxiedForms(http_client(url))
    from weighbridge.core.direct_forms import DirectForms

    context = None if local else _certificates()  # no TLS is spoken there
    return DirectForms(context, headers=_HEADERS, limit=TIME_LIMIT)


def http_client(url: str) -> httpx2.Client:
    """A client for the service at ``url``; close it after use. Raises ConfigProblem.

    It follows no redirect and keeps no cookie, so that nothing of one person reaches another.
    A plain ``http:`` address of this machine needs neither certificates (reading them costs
    20 ms) nor a proxy (which could not reach it).
    """
    import httpx2

    local = _is_local(url)
    context = None if local else _certificates()
    try:
        return httpx2.Client(
            transport=_direct_transport(context) if local or not _names_proxy() else None,
            verify=context or False,
            trust_env=not local,
            timeout=TIME_LIMIT,
            follow_redirects=False,
            headers=_HEADERS,
            cookies=_no_cookies(),
        )
    except (ValueError, httpx2.InvalidURL, ImportError) as error:
        raise ConfigProblem(code="network.proxy") from error


def _names_proxy() -> bool:
    """Whether the environment, or on some systems the settings of the machine, name a proxy."""
    asks_the_system = sys.platform in ("darwin", "win32")
    if not asks_the_system and _PROXIES.isdisjoint(name.lower() for name in os.environ):
        return False
    from urllib.request import getproxies

    return bool(getproxies().keys() & {"http", "https", "all"})


def _direct_transport(context: ssl.SSLContext | None) -> httpx2.BaseTransport:
    from weighbridge.core.direct_transport import DirectTransport

    return DirectTransport(context)


def is_loopback(host: str) -> bool:
    """True for ``localhost`` and the addresses of this machine itself."""
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def within[T](seconds: float, call: Callable[[], T]) -> T:
    """Carry out a blocking call; TimeoutError when it takes longer than ``seconds`` as a whole.

    The client's own limits count each read alone and leave out the name look-up: a service that
    sends one byte now and then would hold us for ever. So the call runs in a thread which is
    left behind when the time is over; it ends with its own read, and nobody looks at its answer.
    """
    import queue
    import threading

    outcome: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((call(), None))
        except BaseException as error:  # whatever it is, it belongs to the caller
            outcome.put((None, error))

    threading.Thread(target=run, name="weighbridge-call", daemon=True).start()
    try:
        result, error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def is_untrusted(error: BaseException) -> bool:
    """Whether a connection failed because the certificate of the other side is not trusted."""
    import ssl

    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        if isinstance(link, ssl.SSLCertVerificationError):
            return True
        seen.add(id(link))
        link = link.__cause__ or link.__context__
    return False


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


def _certificates() -> ssl.SSLContext:
    """One context for all connections: httpx2 would read the certificates again for each proxy.

    ``SSL_CERT_FILE`` counts, then ``SSL_CERT_DIR``, then what the system trusts.
    """
    try:
        context = _openssl_context()
    except OSError as error:  # an ssl.SSLError is one, too
        raise ConfigProblem(code="network.certificates") from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def _openssl_context() -> ssl.SSLContext:
    """What httpx2 would make; where OpenSSL knows the file of the system, without importing it."""
    import ssl

    if cafile := os.environ.get("SSL_CERT_FILE"):
        return ssl.create_default_context(cafile=cafile)
    if capath := os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context(capath=capath)
    paths = ssl.get_default_verify_paths()
    if sys.platform in ("darwin", "win32") or not Path(paths.openssl_cafile).is_file():
        import httpx2

        found: ssl.SSLContext = httpx2.create_ssl_context()
        return found
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    capath = paths.openssl_capath if Path(paths.openssl_capath).is_dir() else None
    context.load_verify_locations(paths.openssl_cafile, capath)
    return context


def _no_cookies() -> CookieJar:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


class Closeable(Protocol):
    """A resource that is closed at the end of the process."""

    def close(self) -> None:
        """Close the resource. Called once."""


class SharedResources:
    """Resources by key, such as connections, for all threads of a process."""

    def __init__(self) -> None:
        self._resources: dict[str, Closeable] = {}
        self._lock = threading.Lock()

    def get[T: Closeable](self, key: str, make: Callable[[], T]) -> T:
        """The resource with this key, made at the first call. ``make`` must not block."""
        with self._lock:
            if key not in self._resources:
                self._resources[key] = make()
            return cast("T", self._resources[key])

    def close(self) -> None:
        """Close all of them, the newest first. One that fails does not keep the others open."""
        with self._lock:
            resources, self._resources = list(self._resources.values()), {}
        for resource in reversed(resources):
            try:
                resource.close()
            except Exception:  # the other resources must be closed all the same
                import logging  # not needed at the start of every command

                logging.getLogger(__name__).exception("connection_not_closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

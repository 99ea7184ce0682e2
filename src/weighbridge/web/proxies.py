"""What a reverse proxy says about the visitor, believed from proxies that the settings name only.

Everybody can send ``X-Forwarded-*``. What counts is what a trusted neighbour put there: it stands
at the right end, everything further left was sent by somebody before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from starlette.types import Scope

from weighbridge.web.ip_networks import Networks, read_address

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

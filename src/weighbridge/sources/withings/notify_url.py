"""The address that Withings notifies: how it is made, shown, and what Withings wants of it. Pure.

A caller that knows the address may notify us, so it is shown shortened.
Source: docs/reference/withings-api.md#callbacks.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

CALLBACK_PATH = "/withings/notify/"
"""What follows in an address of ours is the secret."""
LONGEST_URL = 255
USUAL_PORTS = frozenset({80, 443})
LONG_WORD = 16
"""Characters. A part of a path that is as long as that may be a secret."""


def callback_at(public: str, secret: str) -> str:
    """The callback under a public address, for instance ``https://scale.example.org``."""
    return public.rstrip("/") + CALLBACK_PATH + secret


def shortened(url: str) -> str:
    """An address without what could be a secret in it: no user, no query, long words cut."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an address that cannot be read"
    place = f"[{host}]" if ":" in host else host
    words = [word if len(word) < LONG_WORD else f"{word[:4]}…" for word in parts.path.split("/")]
    shown = f"{parts.scheme}://{place}{f':{port}' if port else ''}{'/'.join(words)}"
    return "".join(char for char in shown if char.isprintable())


def rules_broken(url: str) -> list[str]:
    """Sentences about the rules that a callback breaks (docs/reference/withings-api.md#callbacks).

    They are warnings: the service alone decides, and it may be another one, as in a test.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ["It is no web address."]
    found = []
    if parts.scheme != "https":
        found.append("It does not begin with https.")
    if trouble := _trouble_with_host(host):
        found.append(trouble)
    if port is not None and port not in USUAL_PORTS:
        found.append(f"It names the port {port}; Withings wants 443.")
    if len(url) > LONGEST_URL:
        found.append(f"With its secret it has {len(url)} characters; {LONGEST_URL} are allowed.")
    return found


_AT_HOME = ("local", "lan", "home", "internal", "localdomain", "home.arpa")
"""Endings of names that are known at home only."""


def _trouble_with_host(host: str) -> str:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "localhost is this machine, whoever says it."
    try:
        ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        return f"{name} is a bare address; Withings wants the name of a domain."
    if "." not in name or name.endswith(tuple(f".{ending}" for ending in _AT_HOME)):
        return f"{name or 'The host'} is not a name that the whole internet knows."
    return ""

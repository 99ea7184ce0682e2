"""Where Garmin is, and whether the library ``garminconnect`` is ready to go there.

Importing this module imports nothing heavy. After ``require()``, ``adapter.py`` may be imported.
"""

from __future__ import annotations

import os
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from weighbridge.core.errors import ConfigProblem
from weighbridge.core.network import is_loopback

_NEEDED = (
    "login",
    "resume_login",
    "request",
    "_di_token_post",
    "_establish_session",
    "_exchange_service_ticket",
    "_refresh_session",
    "_token_expires_soon",
)
"""What ``adapter.py`` calls or replaces, so that a release without it is noticed before use."""


class Endpoint(msgspec.Struct, frozen=True):
    """Where Garmin is. ``url``: a stand-in for all its hosts, "" for the real ones."""

    domain: Literal["garmin.com", "garmin.cn"] = "garmin.com"
    url: str = ""

    def sso(self) -> str:
        """The address of the sign-in host."""
        return self.url.rstrip("/") or f"https://sso.{self.domain}"

    def is_local(self) -> bool:
        """Whether it is a stand-in on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")


def require() -> None:
    """Load the library. Raises ConfigProblem when it is absent or another one than we know."""
    trust_the_same_authorities()
    try:
        from garminconnect.client import Client
    except ImportError as error:
        raise ConfigProblem(
            code="garmin.package_missing", package=error.name or "garminconnect"
        ) from None
    if not all(hasattr(Client, name) for name in _NEEDED):
        raise ConfigProblem(code="garmin.package_unknown")


def trust_the_same_authorities() -> None:
    """Let ``SSL_CERT_FILE`` count for ``requests`` too, which only knows a name of its own.

    Otherwise the login passes and the profile call fails
    (docs/reference/garmin.md#test-server).
    """
    file = os.environ.get("SSL_CERT_FILE")
    if file and not os.environ.get("REQUESTS_CA_BUNDLE") and not os.environ.get("CURL_CA_BUNDLE"):
        os.environ["REQUESTS_CA_BUNDLE"] = file

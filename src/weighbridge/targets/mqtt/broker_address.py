"""How a broker is reached: address, login, certificates, version of the protocol."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit

import msgspec

from weighbridge.core.secret import Secret

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_OTHER_WORDS = {"tcp": "mqtt", "ssl": "mqtts", "tls": "mqtts"}
_FORM = 'Write it like "mqtt://user@host:1883" or "mqtts://host"'


class Address(msgspec.Struct, frozen=True):
    """Where a broker is, and as whom it is visited."""

    host: str
    port: int
    tls: bool
    user: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def read_address(url: str) -> Address:
    """The address that a url names. Raises ValueError with a sentence that never holds the url."""
    parts = _split(url)
    if parts.password is not None:
        raise ValueError('url must not hold a password. Write password = "..." below it')
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"url has more than a user, a host and a port. {_FORM}")
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    return Address(host, port, parts.scheme == "mqtts", unquote(parts.username or ""))


def without_password(url: str) -> tuple[str, str]:
    """The url without its password, and the password ("" when there is none).

    What is no address is returned as it is, unless a password may be in it: then ``mqtt://``,
    which ``read_address`` refuses without showing anything.
    """
    try:
        parts = _split(url)
    except ValueError:
        return ("mqtt://" if "@" in url else url), ""
    if parts.password is None:
        return url, ""
    host = parts.netloc.rpartition("@")[2]
    user = quote(unquote(parts.username or ""), safe="")
    return parts._replace(netloc=f"{user}@{host}").geturl(), unquote(parts.password)


def with_our_words(url: str) -> str:
    """A url as other programs write it: without a scheme, or with ``tcp``, ``ssl`` or ``tls``."""
    scheme, found, rest = url.rpartition("://")
    if not found:
        return f"mqtt://{url}"
    return f"{_OTHER_WORDS.get(scheme, scheme)}://{rest}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        raise ValueError(f"url is no address of a broker. {_FORM}") from None
    if parts.scheme not in _PORTS:
        raise ValueError(f"url must begin with mqtt:// or mqtts://. {_FORM}")
    host = parts.hostname or ""
    if not host or not url.isprintable() or " " in url or parts.port == 0:
        raise ValueError(f"url names no host. {_FORM}")
    return parts


Protocol = Literal["3.1.1", "5"]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a connection needs to know before it is made. The files are read late."""

    address: Address
    password: Secret | None = None
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    protocol: Protocol = "3.1.1"

    def key(self, *more: str) -> str:
        """The same for the same settings, and silent about the password."""
        address = self.address
        parts = [
            *(address.host, str(address.port), str(address.tls), address.user, self.protocol),
            *(str(self.ca_file), str(self.client_certificate), str(self.client_key)),
            *_identity(self.password),
            *more,
        ]
        return blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()


def _identity(password: Secret | None) -> tuple[str, str]:
    """A reference is enough to tell two passwords apart; it need not be looked up for it."""
    if password is None:
        return "", ""
    return password.kind, password.reveal() if password.kind == "value" else password.source

"""How a broker is reached: address, login, certificates, version of the protocol."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Literal

import msgspec

from weighbridge.core.secret import Secret
from weighbridge.targets.mqtt.broker_address import Address

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

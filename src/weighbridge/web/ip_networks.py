"""Networks as a person writes them, and which addresses lie in them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

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

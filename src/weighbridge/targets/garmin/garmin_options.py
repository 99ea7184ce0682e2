"""Where Garmin is, and the options of the kind. Every command reads them: nothing here is slow."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from weighbridge.core.network import is_loopback
from weighbridge.targets.http import check_url

_Code = Annotated[int, msgspec.Meta(ge=0, le=65534)]


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


class GarminOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may write for this target."""

    username: str = ""
    """The e-mail of the account. Only ``weighbridge login garmin`` uses it."""
    domain: Literal["garmin.com", "garmin.cn"] = "garmin.com"
    """Accounts of mainland China live at ``garmin.cn``."""
    url: str = ""
    """The address of a stand-in for Garmin; ``http`` only on this machine."""
    muscle_mass: bool = True
    """Garmin shows it as skeletal muscle mass; Withings measures all muscle, which is more."""
    blood_pressure: bool = True
    """Send blood pressure as well; weigh-ins are always sent."""
    manufacturer: _Code | None = None
    """The maker named in the FIT file; none is what is proven to work
    (docs/reference/garmin.md#manufacturer)."""
    product: _Code | None = None
    """The maker's product number in the FIT file, for instance 2429 with manufacturer 1."""
    resend_after: Annotated[float, msgspec.Meta(ge=0)] = 600.0
    """Seconds for which an upload that cannot be seen yet is believed to be on its way."""

    def __post_init__(self) -> None:
        check_url(self.url)

    def place(self) -> Endpoint:
        """Where Garmin is."""
        return Endpoint(self.domain, self.url)

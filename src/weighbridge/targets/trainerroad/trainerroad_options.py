"""The options of the kind."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from weighbridge.core.network import is_loopback


class TrainerRoadOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may write for this target."""

    username: str = ""
    """User name or e-mail. Only ``weighbridge login trainerroad`` uses it."""
    url: str = ""
    """The address of a stand-in for TrainerRoad; ``http`` only on this machine."""
    max_age_days: Annotated[int, msgspec.Meta(ge=1)] = 14
    """A weight that was taken longer ago is not sent any more."""

    def __post_init__(self) -> None:
        if not self.url or self.url.startswith("https://"):
            return
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
            raise ValueError("url must begin with https:// (http:// only for this machine)")

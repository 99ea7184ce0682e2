"""The tables of ``weighbridge.toml`` as frozen structs: every key, its type and its default."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret

CONFIG_FILE = "weighbridge.toml"
CALLBACK_URL = "http://localhost:9473/callback"

USUAL_SETTLE = 10.0
"""Seconds; a kind may have another one (``SETTLE`` in its module)."""

Ambiguous = Literal["hold", "deliver", "skip"]


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[[person.target]]``: one target of one person."""

    name: str
    kind: str
    since: datetime.date | None = None
    """Older readings are not owed. None: from the day the target was first connected."""
    settle: float = USUAL_SETTLE
    """A reading is owed once its newest group is this many seconds old."""
    options: Any
    """An instance of the kind's own ``Options``."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """``[[person]]``: one person whose readings are delivered."""

    name: str
    height_cm: Decimal | None = None
    timezone: str | None = None
    ambiguous: Ambiguous = "hold"
    """What happens to readings when Withings is not sure whose they are."""
    targets: tuple[TargetSettings, ...] = ()

    def target(self, name: str) -> TargetSettings:
        """The target of that name. Raises ConfigProblem when there is none."""
        for target in self.targets:
            if target.name == name:
                return target
        raise unknown_name(f"target of {self.name}", name, [each.name for each in self.targets])


class WithingsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[withings]``: the application that is registered at Withings."""

    client_id: str | None = None
    client_secret: Secret | None = None
    callback_url: str = CALLBACK_URL
    url: str | None = None
    """Another address than the real cloud's, for the sandbox."""


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[server]``: how ``weighbridge serve`` is reached and how often it polls."""

    host: str = "127.0.0.1"
    """Where it listens; the default is this machine only."""
    port: int = 9474
    url: str | None = None
    """The public address, without a slash at its end; None: Withings cannot reach us."""
    poll: float = 3 * 3600.0
    """Seconds between two polls of a person's account, whether or not Withings notifies."""
    proxies: tuple[str, ...] = ()
    """Networks whose ``X-Forwarded-*`` headers are trusted."""
    notify_from: tuple[str, ...] = ()
    """Networks that may send notifications; empty: everyone who knows the address."""
    hosts: tuple[str, ...] = ()
    """Further host names under which the pages are served."""


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[alerts]``: where to report that something needs attention."""

    urls: tuple[Secret, ...] = ()
    """Apprise addresses: they contain passwords."""
    ping: Secret | None = None
    """Requested while all is well, so that another machine notices when we fall silent."""
    silent_days: float = 3.0
    """Days without a delivery, although there is something to deliver, before an alert."""


def unknown_name(what: str, name: str, known: list[str]) -> ConfigProblem:
    """The problem that nothing has this name, with the names that exist."""
    return ConfigProblem(
        f'There is no {what} called "{name}".',
        remedy=f"Choose one of these: {', '.join(known) or 'nobody'}.",
    )

"""Ask our own public address as Withings does, to see what it would see. Nothing is changed."""

from __future__ import annotations

import msgspec

from weighbridge.core.errors import ConfigProblem
from weighbridge.core.network import http_client, within

PATIENCE = 10.0
"""Seconds. Withings waits for "a few" (docs/reference/withings-api.md#delivery)."""
WANTED = 200
"""Exactly that: others had 204 refused (docs/reference/withings-api.md#address-test)."""


class Probe(msgspec.Struct, frozen=True):
    """What a HEAD of the callback brought."""

    status: int | None
    """The HTTP status; None: no answer reached this machine."""
    told: str
    """The same as a sentence, with what to do."""

    @property
    def is_wrong(self) -> bool:
        """Somebody answers, and not as Withings wants it. No answer proves nothing."""
        return self.status not in (None, WANTED)


def probe(callback: str) -> Probe:
    """One HEAD from this machine. Nothing is raised, and nothing told holds the address."""
    import httpx2

    try:
        with http_client(callback) as client:
            status = within(PATIENCE, lambda: client.head(callback, timeout=PATIENCE)).status_code
    except TimeoutError:
        return _unreached("no answer in time")
    except (httpx2.HTTPError, httpx2.InvalidURL, ConfigProblem, ValueError) as error:
        return _unreached(type(error).__name__)
    if status == WANTED:
        return Probe(status, "The public address answers as Withings wants it.")
    return Probe(
        status,
        f"The public address answers {status} where Withings wants {WANTED}. Check that it leads "
        "to weighbridge serve, for HEAD as well, and that the server is running.",
    )


def _unreached(why: str) -> Probe:
    return Probe(
        None,
        f"The public address cannot be reached from this machine ({why}). Some routers do not let "
        "a house see itself from outside: try it with a telephone that is not in your network.",
    )

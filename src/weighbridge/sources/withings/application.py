"""The application that a person registers at Withings: its id, its secret, its callback URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from weighbridge.core.errors import ConfigProblem
from weighbridge.core.reason import Reason, reason
from weighbridge.sources.withings import CALLBACK_URL

API_URL = "https://wbsapi.withings.net"
CONSENT_URL = "https://account.withings.com"


def how_to_register() -> Reason:
    """Five lines for a person who has no application (docs/reference/withings-api.md#consent)."""
    return reason("withings.how_to_register", callback=CALLBACK_URL)


class WithingsApp(msgspec.Struct, frozen=True):
    """What Withings knows the application by. The secret never appears when it is printed."""

    client_id: str
    client_secret: str
    callback_url: str = CALLBACK_URL
    url: str | None = None
    """Another address for all of Withings, for instance a sandbox; None: the real one."""

    @property
    def api_url(self) -> str:
        """The host of tokens and data (docs/reference/withings-api.md#hosts-and-calls)."""
        return (self.url or API_URL).rstrip("/")

    @property
    def consent_url(self) -> str:
        """The host of the consent page, without a slash at its end."""
        return (self.url or CONSENT_URL).rstrip("/")

    def __repr__(self) -> str:
        return (
            f"WithingsApp(client_id={self.client_id!r}, client_secret='***', "
            f"callback_url={self.callback_url!r}, url={self.url!r})"
        )

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("client_id", self.client_id), ("callback_url", self.callback_url)]


class _AppFile(msgspec.Struct):
    client_id: str
    consumer_secret: str
    callback_url: str = CALLBACK_URL


def read_app_file(path: Path) -> WithingsApp:
    """Read the ``withings_app.json`` format: ``client_id``, ``consumer_secret``, ``callback_url``.

    Other keys are ignored; without ``callback_url`` the default stands. Raises ConfigProblem.
    """
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")  # Windows editors write a mark
        file = msgspec.json.decode(content, type=_AppFile)
    except OSError as error:
        raise ConfigProblem(
            code="withings.application_unreadable", path=str(path), error=error.strerror
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigProblem(
            code="withings.application_unusable", path=str(path), error=str(error)
        ) from None
    if not file.client_id or not file.consumer_secret:
        raise ConfigProblem(code="withings.application_empty", path=str(path))
    return WithingsApp(file.client_id, file.consumer_secret, file.callback_url)

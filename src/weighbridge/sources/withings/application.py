"""The application that a person registers at Withings: its id, its secret, its callback URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from weighbridge.core.errors import ConfigProblem

API_URL = "https://wbsapi.withings.net"
CONSENT_URL = "https://account.withings.com"
DEFAULT_CALLBACK_URL = "http://localhost:9473/callback"

HOW_TO_REGISTER = f"""\
1. Log in at https://developer.withings.com/dashboard/ (any account) and create an application.
2. Choose "Public API integration" and keep "Development": it allows localhost and 10 people.
3. Enter the callback URL {DEFAULT_CALLBACK_URL} (or another port: configure the same here).
4. Put client id and secret into [withings] of weighbridge.toml, or into the environment as
   WITHINGS_CLIENT_ID and WITHINGS_CLIENT_SECRET. Then run: weighbridge login withings"""
"""Five lines for a person who has no application yet (docs/reference/withings-api.md#consent)."""


class WithingsApp(msgspec.Struct, frozen=True):
    """What Withings knows the application by. The secret never appears when it is printed."""

    client_id: str
    client_secret: str
    callback_url: str = DEFAULT_CALLBACK_URL
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
    callback_url: str = DEFAULT_CALLBACK_URL


def read_app_file(path: Path) -> WithingsApp:
    """Read the ``withings_app.json`` format: ``client_id``, ``consumer_secret``, ``callback_url``.

    Other keys are ignored; without ``callback_url`` the default stands. Raises ConfigProblem.
    """
    remedy = (
        'It must look like this: {"client_id": "...", "consumer_secret": "...", '
        f'"callback_url": "{DEFAULT_CALLBACK_URL}"}}'
    )
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")  # Windows editors write a mark
        file = msgspec.json.decode(content, type=_AppFile)
    except OSError as error:
        raise ConfigProblem(
            f"The file {path} cannot be read ({error.strerror}).",
            remedy="Correct WITHINGS_APP, or make the file readable.",
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigProblem(f"The file {path} cannot be used: {error}.", remedy=remedy) from None
    if not file.client_id or not file.consumer_secret:
        raise ConfigProblem(f"Client id or secret in {path} is empty.", remedy=remedy)
    return WithingsApp(file.client_id, file.consumer_secret, file.callback_url)

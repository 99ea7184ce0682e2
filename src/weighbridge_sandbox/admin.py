"""A client for the administration of a running sandbox, for tests, the demo and scripts.

    admin = Admin("http://127.0.0.1:8765")
    admin.fault("drop", path="/v2/oauth2", after_work=True)
    admin.add_groups("anna", groups)

Every method raises ``AdminError`` with the sandbox's own sentence when it says no.
"""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ssl import SSLContext

TIMEOUT_SECONDS = 10.0


class AdminError(Exception):
    """The sandbox refused an administration call."""


class Admin:
    """The administration of one sandbox. ``url`` is the one that the sandbox printed."""

    def __init__(self, url: str, *, ssl_context: SSLContext | None = None) -> None:
        self.url = url.rstrip("/")
        self._address = urlsplit(self.url).netloc
        self._context = ssl_context

    def call(self, method: str, route: str = "", content: Any = None) -> Any:
        """One administration call: ``call("POST", "garmin/forget", {...})``."""
        body = None if content is None else json.dumps(content)
        connection = self._connection()
        try:
            connection.request(method, f"/sandbox/{route}".rstrip("/"), body)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise AdminError(text.decode())
        return json.loads(text)

    def _connection(self) -> HTTPConnection:
        """A connection of its own for each call: the sandbox may have been started again."""
        if self.url.startswith("https:"):
            return HTTPSConnection(self._address, timeout=TIMEOUT_SECONDS, context=self._context)
        return HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)

    def tell(self, cloud: str, action: str, **content: Any) -> Any:
        """Ask one cloud: ``tell("withings", "page_size", groups=10)``."""
        return self.call("POST", f"{cloud}/{action}", content)

    def describe(self) -> dict[str, Any]:
        """Where everything is: ``url``, ``clouds``, ``time``, ``routes``."""
        answer: dict[str, Any] = self.call("GET")
        return answer

    # Faults

    def fault(self, kind: str, **fields: Any) -> None:
        """Set a fault; the kinds and fields are those of ``faults.Fault``."""
        self.call("POST", "faults", {"kind": kind, **fields})

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def active_faults(self) -> list[dict[str, Any]]:
        """The faults that may still strike."""
        faults: list[dict[str, Any]] = self.call("GET", "faults")["faults"]
        return faults

    def wait_for_hold(self, *, seconds: float = 10.0) -> None:
        """Return as soon as a request is held. Raises AdminError after ``seconds``."""
        end = time.monotonic() + seconds
        while not self.call("GET", "faults")["holding"]:
            if time.monotonic() > end:
                raise AdminError(f"No request was held within {seconds} seconds.")
            time.sleep(0.02)

    def release(self) -> int:
        """Let held requests go on; returns how many there were."""
        return int(self.call("POST", "release")["released"])

    # Requests and the clock

    def requests(
        self, *, cloud: str | None = None, path: str | None = None
    ) -> list[dict[str, Any]]:
        """What was asked, oldest first; of one cloud or one path only, if named."""
        entries: list[dict[str, Any]] = self.call("GET", "requests")["requests"]
        return [
            entry
            for entry in entries
            if cloud in {None, entry["cloud"]} and path in {None, entry["path"]}
        ]

    def counts(self) -> dict[str, int]:
        """``"POST /measure getmeas"`` → how often, since the last clearing."""
        counts: dict[str, int] = self.call("GET", "requests")["counts"]
        return counts

    def clear_requests(self) -> None:
        self.call("DELETE", "requests")

    def set_clock(self, *, offset: float) -> None:
        """The clock of the clouds shows the real time plus ``offset`` seconds."""
        self.call("POST", "clock", {"offset": offset})

    def advance_clock(self, seconds: float) -> None:
        """Turn the clock of the clouds on by so many seconds."""
        self.call("POST", "clock", {"advance": seconds})

    # The Withings household

    def profiles(self) -> list[dict[str, Any]]:
        """``name``, ``userid``, ``timezone`` and number of ``groups`` of everybody."""
        profiles: list[dict[str, Any]] = self.tell("withings", "profiles")
        return profiles

    def add_groups(self, profile: str, groups: list[Any], *, notify: bool = True) -> None:
        """Store measure groups, exactly as given. Subscribers are told unless ``notify=False``."""
        self.tell("withings", "add_groups", profile=profile, groups=groups, notify=notify)

    def weigh_in(
        self, profile: str, kg: str, *, seed: int | None = None, notify: bool = True
    ) -> list[Any]:
        """Let somebody step on the scale now; returns the groups that came of it."""
        groups: list[Any] = self.tell(
            "withings", "weigh_in", profile=profile, kg=kg, seed=seed, notify=notify
        )
        return groups

    def edit_group(self, grpid: int, changes: dict[str, Any], *, notify: bool = True) -> None:
        """Replace keys of a stored group; ``modified`` becomes now unless it is among them."""
        self.tell("withings", "edit_group", grpid=grpid, changes=changes, notify=notify)

    def delete_group(self, grpid: int, *, notify: bool = True) -> None:
        self.tell("withings", "delete_group", grpid=grpid, notify=notify)

    def move_group(self, grpid: int, to: str, *, notify: bool = True) -> None:
        """Give a group to another profile; ``modified`` becomes now."""
        self.tell("withings", "move_group", grpid=grpid, to=to, notify=notify)

    def page_size(self, groups: int) -> None:
        """So many groups a page of getmeas (300 at first)."""
        self.tell("withings", "page_size", groups=groups)

    def expire_tokens(self, profile: str, *, refresh: bool = False) -> None:
        """Let the access tokens be too old; with ``refresh`` the refresh tokens as well."""
        self.tell("withings", "expire_tokens", profile=profile, refresh=refresh)

    def revoke_tokens(self, profile: str) -> None:
        """Kill all tokens and subscriptions, as when the application is removed by its user."""
        self.tell("withings", "revoke_tokens", profile=profile)

    def code(self, profile: str, redirect_uri: str) -> str:
        """An authorization code as the consent page would give it, without the page."""
        return str(
            self.tell("withings", "code", profile=profile, redirect_uri=redirect_uri)["code"]
        )

    def notifications(self) -> list[dict[str, Any]]:
        """What was posted to subscribers: ``to``, ``body``, ``statuses``, ``state``."""
        posted: list[dict[str, Any]] = self.tell("withings", "notifications")
        return posted

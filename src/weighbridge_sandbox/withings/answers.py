"""How the Withings cloud says yes and no: HTTP 200 always, the status is inside."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from weighbridge_sandbox.faults import REFUSED_LOGIN, envelope
from weighbridge_sandbox.messages import Response

NOT_IMPLEMENTED = 2554
INVALID_PARAMS = 503


class Failure(Exception):  # an answer of the cloud, not a mistake of ours
    """An answer with a status other than 0 (docs/reference/withings-api.md#status-codes)."""

    def __init__(
        self,
        status: int,
        error: str,
        *,
        wait_seconds: int | None = None,
        without_body: bool = False,
    ) -> None:
        super().__init__(error)
        self.without_body = without_body
        self.status = status
        self.error = error
        self.wait_seconds = wait_seconds

    def response(self) -> Response:
        if self.without_body:
            return Response.of_json({"status": self.status, "error": self.error})
        return envelope(self.status, self.error, self.wait_seconds)


def success(body: Any) -> Response:
    """Status 0."""
    return Response.of_json({"status": 0, "body": body})


def invalid(what: str) -> Failure:
    """503 with the recorded beginning: ``invalid("code")`` is the text of a used-up code."""
    return Failure(INVALID_PARAMS, f"Invalid Params: invalid {what}")


def not_logged_in() -> Failure:
    """The access token is missing, unknown, expired or revoked; the recorded text."""
    return Failure(401, REFUSED_LOGIN)


def unknown_action() -> Failure:
    return Failure(NOT_IMPLEMENTED, "Not implemented")


def integer(params: dict[str, str], name: str, default: int | None = None) -> int | None:
    """One parameter as an integer. Raises Failure when it is something else."""
    text = params.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise invalid(name) from None


class Repetitions:
    """Finds identical calls that follow too fast (docs/reference/withings-api.md#status-codes).

    ``window`` is in seconds; 0 finds nothing.
    """

    def __init__(self, clock: Callable[[], float], window: float) -> None:
        self.window = window
        self._clock = clock
        self._seen: dict[tuple[Any, ...], float] = {}

    def check(self, *call: Any) -> None:
        """Note a call. Raises Failure 601 when the same one was made within the window."""
        if self.window <= 0:
            return
        now = self._clock()
        earlier = self._seen.get(call)
        if earlier is not None and 0 <= now - earlier < self.window:
            wait = math.ceil(self.window - (now - earlier))
            text = "Same arguments in less than 10 seconds"
            raise Failure(601, text, wait_seconds=wait)
        if len(self._seen) > 1000:
            self._seen = {c: at for c, at in self._seen.items() if now - at < self.window}
        self._seen[call] = now

"""One HTTP request to TrainerRoad's web application, and what its answers mean.

Headers as the web application sends them (docs/reference/trainerroad.md#signing-in). The session is
one cookie. It is set by hand, because the client keeps no cookies. A status becomes a decision
(docs/reference/trainerroad.md#failures); where that leaves a choice:

    401, 3xx to the login page   LoginNeeded
    403, 408, 429, 5xx           RetryLater: turned away, or out of order
    PUT 400, 409, 413, 415, 422  Refused: the rest of the profile was its own, so it is the weight
    PUT 5xx                      OutcomeUnknown: the writer reads again
    everything else              the interface changed: report it and leave it alone for hours
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.core.reason import Reason, reason
from weighbridge.targets.http import HttpAnswer, HttpCalls, http_calls

HOME = "https://www.trainerroad.com"
COOKIE = "SharedTrainerRoadAuth"

_COOKIE_TEXT = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
"""What a cookie may hold (RFC 6265, section 4.1.1)."""


class Wire:
    """The web application at ``url``. ``cookie`` is the session that every request carries."""

    def __init__(self, calls: HttpCalls) -> None:
        self.cookie = ""
        self._calls = calls

    def call(
        self, method: str, path: str, *, page: str, content: bytes | None = None
    ) -> HttpAnswer:
        """Ask once; ``page`` is the page of the web application that asks this.

        Raises RetryLater without an answer, but OutcomeUnknown for a PUT that may have arrived.
        """
        return self._calls.call(
            method,
            path,
            headers=self._headers(page, has_content=content is not None),
            content=content or b"",
            writes=method == "PUT",
        )

    def _headers(self, page: str, *, has_content: bool) -> dict[str, str]:
        headers = {
            "Accept": "application/json, text/plain, */*",
            "Origin": self._calls.url,
            "Referer": self._calls.url + page,
            "trainerroad-jsonformat": "camel-case",
        }
        if has_content:
            headers["Content-Type"] = "application/json"
        if self.cookie:
            headers["Cookie"] = f"{COOKIE}={self.cookie}"
        return headers


@contextmanager
def connected(url: str) -> Iterator[Wire]:
    """A wire for the block. ``url`` is a stand-in, "" for the real TrainerRoad."""
    with http_calls("TrainerRoad", url or HOME) as calls:
        yield Wire(calls)


def is_cookie(text: str) -> bool:
    """Whether a text can be sent as the value of a cookie."""
    return _COOKIE_TEXT.fullmatch(text) is not None


def session_in(answer: HttpAnswer) -> str:
    """The session that an answer set last; "" when it set none or took it away."""
    found = ""
    for cookie in answer.header_list("set-cookie"):
        name, _, value = cookie.partition(";")[0].partition("=")
        if name.strip() == COOKIE:
            found = value.strip().strip('"')
    return found if is_cookie(found) else ""


PAUSE_SECONDS = 900.0
"""How long to leave TrainerRoad alone when it turns us away and does not say."""

CHANGED_PAUSE_SECONDS = 6 * 3600.0
"""An interface that changed does not change back within minutes."""

_TURNED_AWAY = frozenset({403, 408, 429, 503})
_REFUSING = frozenset({400, 409, 413, 415, 422})


def changed(how: str, *, what: Reason | None = None, status: int = 0) -> RetryLater:
    """TrainerRoad is not as we know it: stop and say so (docs/reference/trainerroad.md#changes)."""
    return RetryLater(
        code=f"trainerroad.{how}", after=CHANGED_PAUSE_SECONDS, what=what, status=status
    )


def trouble_of_read(answer: HttpAnswer, what: str, login: str) -> Problem:
    """The decision after a read without the expected answer. ``login``: the command for it."""
    status, named = answer.status, reason(f"trainerroad.{what}")
    if status == 401 or is_login_page(answer):
        return LoginNeeded(code="trainerroad.session_refused", login=login)
    if status in _TURNED_AWAY:
        after = PAUSE_SECONDS if answer.retry_after is None else answer.retry_after
        return RetryLater(code="trainerroad.turned_away", after=after, what=named, status=status)
    if status >= 500:
        return RetryLater(code="trainerroad.out_of_order", status=status)
    return changed("other_answer", what=named, status=status)


def trouble_of_write(answer: HttpAnswer, login: str) -> Problem | None:
    """The decision after a PUT; None when it was accepted."""
    status = answer.status
    if status in {200, 204}:
        return None
    if status in _REFUSING:
        return Refused(code="trainerroad.refused", status=status)
    if status >= 500 and status not in _TURNED_AWAY:
        return OutcomeUnknown(code="trainerroad.doubtful", status=status)
    return trouble_of_read(answer, "profile", login)


def is_login_page(answer: HttpAnswer) -> bool:
    """Whether the answer leads to the sign-in page."""
    return 300 <= answer.status < 400 and "/login" in answer.header("location").lower()

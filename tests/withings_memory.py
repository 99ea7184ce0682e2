"""Stand-ins for the seams of the Withings client: all in memory, no waiting, no network."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from weighbridge.withings.api import Withings
from weighbridge.withings.app import WithingsApp
from weighbridge.withings.tokens import TokenPair, Tokens

NOW = 1_790_000_000
APP = WithingsApp("the-client", "the-client-secret", "http://localhost:9473/callback")


def pair(n: int = 1, *, userid: str = "4711", age: int = 0, life: int = 10_800) -> TokenPair:
    """The ``n``-th pair of an account, asked for ``age`` seconds ago."""
    issued = NOW - age
    return TokenPair(userid, f"access-{n}", f"refresh-{n}", issued + life, "user.metrics", issued)


class Clock:
    """A clock that moves only when somebody sleeps; the naps are written down."""

    def __init__(self) -> None:
        self.now = float(NOW)
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


class MemoryStore:
    """A TokenStore. ``events`` tells in which order things happened."""

    def __init__(self, *pairs: TokenPair) -> None:
        self.pairs = list(pairs)
        self.events: list[str] = []
        self.reason: str | None = None
        self._lock = threading.Lock()

    def load(self) -> TokenPair | None:
        return self.pairs[-1] if self.pairs else None

    def previous(self) -> TokenPair | None:
        return self.pairs[-2] if len(self.pairs) > 1 else None

    def store(self, pair: TokenPair) -> None:
        assert self._lock.locked(), "a pair is stored under the lease only"
        self.events.append(f"store {pair.access_token}")
        self.pairs.append(pair)

    def mark_login_needed(self, reason: str) -> None:
        self.reason = reason

    @contextmanager
    def lease(self, seconds: float) -> Iterator[None]:
        with self._lock:
            yield


class MemoryBrake:
    def __init__(self) -> None:
        self._until = 0.0

    def until(self) -> float:
        return self._until

    def set(self, until: float) -> None:
        self._until = max(self._until, until)


Answer = httpx2.Response | Exception | Callable[[dict[str, str]], httpx2.Response]


class Wire:
    """The other end: gives the answers in their order and keeps what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.forms: list[dict[str, str]] = []
        self.client = httpx2.Client(transport=httpx2.MockTransport(self._answer))

    @property
    def bearers(self) -> list[str]:
        return [
            request.headers.get("Authorization", "").removeprefix("Bearer ")
            for request in self.requests
        ]

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        self.requests.append(request)
        self.forms.append(form)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(form) if callable(answer) else answer


class World:
    """A Withings account with everything around it."""

    def __init__(self, *answers: Answer, store: MemoryStore | None = None) -> None:
        self.clock = Clock()
        self.store = store or MemoryStore(pair(1))
        self.brake = MemoryBrake()
        self.wire = Wire(*answers)
        self.tokens = Tokens(
            self.store,
            APP,
            self.wire.client,
            self.brake,
            clock=self.clock,
            sleep=self.clock.sleep,
            person="anna",
        )
        self.withings = Withings(
            self.wire.client, self.tokens, self.brake, clock=self.clock, sleep=self.clock.sleep
        )


def ok(body: Any) -> httpx2.Response:
    return httpx2.Response(200, json={"status": 0, "body": body})


def failed(status: int, error: str = "", body: Any = None) -> httpx2.Response:
    """A failure as the service words it: HTTP 200, and the truth inside."""
    return httpx2.Response(200, json={"status": status, "body": body or {}, "error": error})


def html(code: int = 200) -> httpx2.Response:
    return httpx2.Response(code, html="<html><h1>Back soon</h1></html>")


def renewed(n: int, *, userid: Any = 4711) -> httpx2.Response:
    """A complete answer of the token endpoint; ``userid`` is a number in a renewal."""
    return ok(
        {
            "userid": userid,
            "access_token": f"access-{n}",
            "refresh_token": f"refresh-{n}",
            "expires_in": 10_800,
            "scope": "user.metrics,user.info",
            "token_type": "Bearer",
        }
    )


def page(*groups: int, **more: Any) -> httpx2.Response:
    """A getmeas answer with these groups."""
    return ok(
        {"updatetime": NOW, "timezone": "Europe/Oslo", "measuregrps": groups_of(groups), **more}
    )


def groups_of(numbers: tuple[int, ...]) -> list[dict[str, Any]]:
    measures = [{"value": 80_094, "type": 1, "unit": -3}]
    return [
        {"grpid": n, "attrib": 0, "date": NOW - n, "category": 1, "measures": measures}
        for n in numbers
    ]


def truncated(response: httpx2.Response) -> httpx2.Response:
    return httpx2.Response(200, content=response.content[: len(response.content) // 2])


def json_of(response: httpx2.Response) -> Any:
    return json.loads(response.content)

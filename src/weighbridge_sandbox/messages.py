"""What goes over the wire of the sandbox: requests, responses, and what a stand-in promises."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec


class Request(msgspec.Struct):
    """One HTTP request, read completely. Header names are in lower case."""

    method: str
    host: str
    path: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""

    def form(self) -> dict[str, str]:
        """The fields of an urlencoded body; of repeated names the last one. Never raises."""
        text = self.body.decode("utf-8", errors="replace")
        return dict(parse_qsl(text, keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON. Raises ``msgspec.DecodeError``."""
        return msgspec.json.decode(self.body)


class Response(msgspec.Struct):
    """One answer. A header value with line breaks is sent as several lines of the same name."""

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b""
    send_only: int | None = None
    """Send this many bytes of the body, then drop the connection; None: send all of it."""

    @classmethod
    def of_json(cls, content: Any, status: int = 200) -> Response:
        return cls(status, {"Content-Type": "application/json"}, msgspec.json.encode(content))

    @classmethod
    def of_html(cls, page: str, status: int = 200) -> Response:
        return cls(status, {"Content-Type": "text/html; charset=UTF-8"}, page.encode())


class Dropped(Exception):  # a decision, not a mistake
    """The connection ends here, without an answer."""


class Cloud(Protocol):
    """A stand-in for one service. It may also have ``admin(action, content)``, ``close()`` and
    ``prefixes`` (the beginnings of its paths, so that faults know whose request it is)."""

    @property
    def name(self) -> str: ...

    def answer(self, request: Request) -> Response | None:
        """The answer, or None when the path belongs to somebody else. One call at a time."""

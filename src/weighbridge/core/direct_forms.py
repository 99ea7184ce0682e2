"""Forms without a proxy: no HTTP library is imported for them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode, urlsplit

from weighbridge.core.direct_connections import DirectConnections, DirectRequest, Place
from weighbridge.core.form_client import AnswerLost, FormResponse

if TYPE_CHECKING:
    import ssl

_GZIP = 31
"""The window of ``zlib`` for what is compressed by gzip."""


class DirectForms:
    """A ``FormClient`` whose connections lead to the service itself.

    ``context`` says whom to trust (None: no TLS is spoken), ``limit`` is in seconds, for each wait.
    """

    def __init__(
        self, context: ssl.SSLContext | None, *, headers: Mapping[str, str], limit: float
    ) -> None:
        self._connections = DirectConnections(context)
        self._headers = {
            **headers,
            "Accept-Encoding": "gzip",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._limits = {"connect": limit, "read": limit}

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> FormResponse:
        """Post a form once. Raises CallFailed."""
        parts = urlsplit(url)
        place = Place(parts.scheme, parts.hostname or "", parts.port)
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        body = urlencode(form).encode()
        sent = {
            "Host": parts.netloc.rpartition("@")[2],
            **self._headers,
            **headers,
            "Content-Length": str(len(body)),
        }
        request = DirectRequest("POST", target, [*sent.items()], body)
        answer = self._connections.exchange(place, request, self._limits)
        received = {name.lower(): value for name, value in answer.headers.items()}
        content = _decoded(answer.content, received.get("content-encoding", ""))
        return FormResponse(answer.status, received, content)

    def close(self) -> None:
        """Give the connections back."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _decoded(content: bytes, encoding: str) -> bytes:
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        return content
    try:
        return zlib.decompress(content, _GZIP)
    except zlib.error as error:
        raise AnswerLost.because(error) from error

"""The connections of ``direct_connections`` under the client of the HTTP library.

The client's own engine costs more to import than everything else that a target needs. It is left
for those whose environment names a proxy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2

from weighbridge.core.direct_connections import DirectConnections, DirectRequest, Place
from weighbridge.core.form_client import (
    AnswerLate,
    AnswerLost,
    NotConnected,
    NotConnectedInTime,
    NotSpoken,
)

if TYPE_CHECKING:
    import ssl


class DirectTransport(httpx2.BaseTransport):
    """Connections to the hosts that are asked for. Its errors are those of ``httpx2``.

    ``context`` says whom to trust; None: no TLS is spoken.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._connections = DirectConnections(context)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request and its whole answer."""
        url = request.url
        target = url.raw_path.decode("ascii")
        sent = DirectRequest(request.method, target, request.headers.raw, request.read())
        limits = request.extensions.get("timeout", {})
        with _errors_of_the_client():
            answer = self._connections.exchange(Place(url.scheme, url.host, url.port), sent, limits)
        return httpx2.Response(
            answer.status,
            headers=answer.headers.items(),
            stream=httpx2.ByteStream(answer.content),
        )

    def close(self) -> None:
        """Close what is kept."""
        self._connections.close()


@contextmanager
def _errors_of_the_client() -> Iterator[None]:
    try:
        yield
    except NotConnectedInTime as error:
        raise httpx2.ConnectTimeout(str(error)) from error
    except NotSpoken as error:
        raise httpx2.UnsupportedProtocol(str(error)) from error
    except NotConnected as error:
        raise httpx2.ConnectError(str(error)) from error
    except AnswerLate as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except AnswerLost as error:
        raise httpx2.ReadError(str(error)) from error

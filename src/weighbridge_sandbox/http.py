"""The sandbox: stand-in clouds on one loopback port.

It knows nothing about any cloud. Clouds answer complete requests; faults (``faults.py``) stand
between them and the connection; ``/sandbox/...`` belongs to ``administration.py``.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

from weighbridge_sandbox.administration import administer
from weighbridge_sandbox.listener import Listener
from weighbridge_sandbox.messages import Cloud, Dropped, Request, Response
from weighbridge_sandbox.state import SandboxState

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["Cloud", "Dropped", "Request", "Response", "Sandbox"]


class Sandbox(SandboxState):
    """Stand-in clouds on one loopback port, with faults on demand. Also a context manager.

    ``clock`` gives seconds since 1970; pass the same ``Clock`` to the clouds, so that the
    administration can turn all of them. With ``ssl_context`` the port speaks HTTPS.
    ``url`` is empty until ``start``.
    """

    def __init__(
        self,
        clouds: Sequence[Cloud],
        *,
        port: int = 0,
        clock: Callable[[], float] | None = None,
        ssl_context: SSLContext | None = None,
    ) -> None:
        super().__init__(clouds, clock)
        self._port = port
        self._context = ssl_context
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        listener = Listener(self._port, self.serve, self._context)
        scheme = "http" if self._context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{listener.server_port}"
        self._listener = listener
        self._thread = threading.Thread(target=listener.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End every connection and thread. Calling it twice is harmless."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self.faults.close()
        listener.end()
        if self._thread is not None:
            self._thread.join()
        for cloud in self.clouds:
            getattr(cloud, "close", lambda: None)()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cloud_of(self, path: str) -> str:
        """The name of the cloud to which a path belongs, "" when nobody claims it."""
        unnamed = ""
        for cloud in self.clouds:
            prefixes: tuple[str, ...] | None = getattr(cloud, "prefixes", None)
            if prefixes is None:
                unnamed = cloud.name
            elif path.startswith(prefixes):
                return cloud.name
        return unnamed

    def serve(self, request: Request) -> Response:
        """Answer one request, faults included. Raises Dropped when there is no answer."""
        if request.path == "/sandbox" or request.path.startswith("/sandbox/"):
            return administer(self, request)
        cloud = self.cloud_of(request.path)
        fault = self.faults.take(request, cloud)
        entry = self.requests.note(request, cloud, self.clock(), fault.kind if fault else None)
        try:
            if fault is None:
                response = self.work(request)
            else:
                response = self.faults.apply(fault, cloud, lambda: self.work(request))
        except Dropped:
            self.requests.finish(entry, None)
            raise
        self.requests.finish(entry, response)
        return response

    def work(self, request: Request) -> Response:
        """Let the clouds do what the request asks for, one request at a time."""
        with self.lock:
            try:
                for cloud in self.clouds:
                    response = cloud.answer(request)
                    if response is not None:
                        return response
            except Exception:
                # A mistake in a stand-in must be seen by whoever wrote the test.
                return Response.of_json({"error": traceback.format_exc()}, 500)
        return Response.of_json({"error": f"No stand-in serves {request.path}."}, 404)

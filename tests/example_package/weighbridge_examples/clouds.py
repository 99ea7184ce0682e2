"""Stand-ins for the two services, for the tests and for ``weighbridge sandbox``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weighbridge_sandbox.messages import Request, Response


class DaybookCloud:
    """Knows everybody whose key is ``key-of-`` and the name."""

    name = "daybook"
    prefixes = ("/daybook/",)

    def __init__(self, *, clock: Callable[[], float], seed: int = 1) -> None:
        self.days: dict[tuple[str, str], Any] = {}

    def answer(self, request: Request) -> Response | None:
        """The answer; None for the path of another cloud."""
        if not request.path.startswith(self.prefixes):
            return None
        athlete, _, rest = request.path.removeprefix("/daybook/").partition("/")
        if request.headers.get("authorization") != f"Bearer key-of-{athlete}":
            return Response(401)
        if request.method == "PUT":
            self.days[athlete, rest.removeprefix("days/")] = request.json()
        return Response.of_json({"name": athlete})


class ScaleboardCloud:
    """Knows one application and Anna. A refresh token dies at its first use."""

    name = "scaleboard"
    prefixes = ("/scaleboard/",)

    def __init__(self, *, clock: Callable[[], float], seed: int = 1) -> None:
        self.weights: list[float] = []
        self.access, self.refresh = "access-0", "refresh-0"
        self.codes = {"the-code"}
        self.refreshes = 0

    def answer(self, request: Request) -> Response | None:
        """The answer; None for the path of another cloud."""
        if not request.path.startswith(self.prefixes):
            return None
        path = request.path.removeprefix("/scaleboard/")
        if path == "token":
            return self._token(request.form())
        if request.headers.get("authorization") != f"Bearer {self.access}":
            return Response(401)
        if path == "weight":
            self.weights.append(request.json()["kg"])
        return Response.of_json({"id": "4711", "name": "Anna"})

    def _token(self, form: dict[str, str]) -> Response:
        if form.get("client_secret") != "hush-hush":
            return Response.of_json({"error": "invalid_client"}, 401)
        if form["grant_type"] == "authorization_code":
            known = form["code"] in self.codes
            self.codes.discard(form["code"])
        else:
            known = form["refresh_token"] == self.refresh
            self.refreshes += 1
        if not known:
            return Response.of_json({"error": "invalid_grant"}, 400)
        number = int(self.refresh.rpartition("-")[2]) + 1
        self.access, self.refresh = f"access-{number}", f"refresh-{number}"
        answer = {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600}
        return Response.of_json(answer)

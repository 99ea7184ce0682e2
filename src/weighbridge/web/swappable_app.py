"""An app in front of another one, which may be exchanged while the port stays open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class SwappableApp:
    """What is under way is finished by the app that began it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def change(self, app: ASGIApp) -> None:
        """From now on this app answers. For any thread."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

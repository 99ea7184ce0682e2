"""What is left of the set-up when there is a configuration: a page that says so.

A page of the set-up that is still open, in another browser for instance, leads here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from weighbridge.config import CONFIG_FILE
from weighbridge.web.render import Message

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.app_context import AppContext
    from weighbridge.web.auth import Auth
    from weighbridge.web.render import Pages


_DONE = Message(
    "setup.done_title", ("setup.done", "setup.done_unused"), "setup.to_connect", "/connect"
)


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """Every address of the set-up."""
    path = context.settings.home / CONFIG_FILE

    def say(request: Request) -> Response:
        status = 409 if request.method == "POST" else 200
        return pages.message(request, _DONE, status=status, path=path)

    done = auth.require_admin(say)
    ways = ["GET", "POST"]
    return [Route("/setup", done, methods=ways), Route("/setup/{rest:path}", done, methods=ways)]

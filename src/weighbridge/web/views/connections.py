"""How the connections of a person stand: Withings, its notifications, and the targets that sign in;
and the pages on which they are made, looked at and ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.routing import BaseRoute

from weighbridge.storage.subscription_store import SubscriptionState, SubscriptionStore
from weighbridge.sync.target_login import TargetLoginStatus, standing_at
from weighbridge.web.views import disconnect, target_check, target_login_page
from weighbridge.web.views.disconnect import disconnect_path
from weighbridge.web.views.target_check import check_path
from weighbridge.web.views.target_ref import look_up, service_of, sign_in_path

if TYPE_CHECKING:
    from weighbridge.config import Person, TargetSettings
    from weighbridge.sync.services import Services
    from weighbridge.web.app_context import AppContext
    from weighbridge.web.auth import Auth
    from weighbridge.web.render import Pages


def routes(parts: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """Everything below the list itself."""
    return [
        *target_login_page.routes(parts, auth, pages),
        *disconnect.routes(parts, auth, pages),
        *target_check.routes(parts, auth, pages),
    ]


class TargetConnection(msgspec.Struct, frozen=True):
    """A target that signs in, and where that is done."""

    service: str
    standing: TargetLoginStatus
    sign_in: str
    disconnect: str
    problem: str = ""
    """Why the kind cannot be used, in English."""


class ConnectionsPage(msgspec.Struct, frozen=True):
    """What a person has besides Withings itself, and where it is changed."""

    targets: list[TargetConnection]
    care: SubscriptionState | None
    """How the subscriptions stand; None: nobody has looked yet."""
    check: str
    disconnect: str
    """The page that disconnects Withings."""


def connections_of(workplace: Services, person: Person) -> ConnectionsPage:
    """As far as the archive knows. Nothing is asked."""
    archive = workplace.archive(person.name)
    return ConnectionsPage(
        targets=[
            found
            for target in person.targets
            if (found := _connection(workplace, person, target)) is not None
        ],
        care=SubscriptionStore(workplace.database, archive.account).state() if archive else None,
        check=check_path(person.name),
        disconnect=disconnect_path(person.name),
    )


def _connection(
    workplace: Services, person: Person, target: TargetSettings
) -> TargetConnection | None:
    """None: nobody signs in there."""
    module, problem = look_up(target)
    if module is None and problem is None:
        return None
    return TargetConnection(
        service=service_of(module, target),
        standing=standing_at(workplace, person, target),
        sign_in=sign_in_path(person.name, target.name),
        disconnect=disconnect_path(person.name, target.name),
        problem=str(problem or ""),
    )

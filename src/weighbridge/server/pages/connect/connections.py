"""How the connections of a person stand: Withings, its notifications, and the targets that sign in;
and the pages on which they are made, looked at and ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.routing import BaseRoute

from weighbridge.archive.subscriptions import CareRecord, CareState
from weighbridge.server.pages.connect import checking, disconnecting, target_way
from weighbridge.server.pages.connect.checking import check_path
from weighbridge.server.pages.connect.disconnecting import disconnect_path
from weighbridge.server.pages.connect.target_place import look_up, service_of, sign_in_path
from weighbridge.signing_in import Standing, standing_at

if TYPE_CHECKING:
    from weighbridge.assembly import Workplace
    from weighbridge.config import Person, TargetSettings
    from weighbridge.server.pages.door import Door
    from weighbridge.server.pages.pages import Pages
    from weighbridge.server.parts import Parts


def routes(parts: Parts, door: Door, pages: Pages) -> list[BaseRoute]:
    """Everything below the list itself."""
    return [
        *target_way.routes(parts, door, pages),
        *disconnecting.routes(parts, door, pages),
        *checking.routes(parts, door, pages),
    ]


class TargetConnection(msgspec.Struct, frozen=True):
    """A target that signs in, and where that is done."""

    service: str
    standing: Standing
    sign_in: str
    disconnect: str
    problem: str = ""
    """Why the kind cannot be used, in English."""


class Connections(msgspec.Struct, frozen=True):
    """What a person has besides Withings itself, and where it is changed."""

    targets: list[TargetConnection]
    care: CareState | None
    """How the subscriptions stand; None: nobody has looked yet."""
    check: str
    disconnect: str
    """The page that disconnects Withings."""


def connections_of(workplace: Workplace, person: Person) -> Connections:
    """As far as the archive knows. Nothing is asked."""
    archive = workplace.archive(person.name)
    return Connections(
        targets=[
            found
            for target in person.targets
            if (found := _connection(workplace, person, target)) is not None
        ],
        care=CareRecord(workplace.database, archive.account).state() if archive else None,
        check=check_path(person.name),
        disconnect=disconnect_path(person.name),
    )


def _connection(
    workplace: Workplace, person: Person, target: TargetSettings
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

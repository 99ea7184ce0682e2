"""A target of a person, as the address of a page names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge.config import Person, TargetSettings
from weighbridge.core.errors import ConfigProblem
from weighbridge.targets import load_kind
from weighbridge.web.auth import Auth
from weighbridge.web.host_names import name_in, segment
from weighbridge.web.sessions import session_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.web.app_context import AppContext

_DESCRIBED = frozenset({"garmin", "trainerroad"})
"""Kinds about whose way with a browser our catalogue has words."""


class TargetPlace(msgspec.Struct, frozen=True):
    """Where somebody signs in or out, for whom, and in which session that is asked for."""

    person: Person
    target: TargetSettings
    session: str
    module: Any
    """The kind; None when it cannot be loaded."""
    problem: ConfigProblem | None
    """Why it cannot."""

    @property
    def key(self) -> tuple[str, str]:
        """Its name among the chores."""
        return self.person.name, self.target.name

    @property
    def path(self) -> str:
        """The page on which to sign in."""
        return sign_in_path(self.person.name, self.target.name)

    @property
    def service(self) -> str:
        """How people call the other side."""
        return service_of(self.module, self.target)

    @property
    def browser_way(self) -> str:
        """Whose words describe the way in with a browser: of a kind, or ``other``."""
        return self.target.kind if self.target.kind in _DESCRIBED else "other"

    @property
    def browser_words(self) -> tuple[str, str]:
        """What a kind that we do not know says about it, in English; empty: nothing."""
        said: tuple[str, str] = getattr(self.module, "FROM_BROWSER", ("", ""))
        return said


def sign_in_path(person: str, target: str) -> str:
    """The page on which somebody signs in at a target."""
    return f"/connect/{segment(person)}/{segment(target)}"


def service_of(module: Any, target: TargetSettings) -> str:
    """How people call the other side of a target, told apart from another one of its kind."""
    service = str(getattr(module, "SERVICE", target.kind))
    return service if target.name == target.kind else f"{service} ({target.name})"


def place_of(request: Request, auth: Auth, parts: AppContext) -> TargetPlace | None:
    """What the address names; None when it is nothing that the visitor may know of.

    Nobody signs in at a file: for that there is no page either.
    """
    person_name = name_in(request.path_params["person"])
    session = session_of(request)
    if session is None or not auth.may_see(request, person_name):
        return None
    person = parts.settings.person(person_name)
    name = name_in(request.path_params["target"])
    target = next((one for one in person.targets if one.name == name), None)
    if target is None:
        return None
    module, problem = look_up(target)
    if module is None and problem is None:
        return None
    return TargetPlace(person, target, session.key, module, problem)


def look_up(target: TargetSettings) -> tuple[Any, ConfigProblem | None]:
    """The module of a kind that signs in, or why it cannot be used; neither: nobody signs in."""
    try:
        module = load_kind(target.kind)
    except ConfigProblem as problem:
        return None, problem
    return (module if hasattr(module, "sign_in") else None), None

"""A target of a person, as the address of a page names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from weighbridge.config import Person, TargetSettings
from weighbridge.core.errors import ConfigProblem
from weighbridge.targets import load_kind
from weighbridge.targets.kind import TargetKind
from weighbridge.web.auth import Auth, SignedInRequest
from weighbridge.web.urls import name_in, segment

if TYPE_CHECKING:
    from weighbridge.web.app_context import AppContext


class TargetRef(msgspec.Struct, frozen=True):
    """A target at which a person signs in or out, and the session that asks for it."""

    person: Person
    target: TargetSettings
    session: str
    kind: TargetKind | None
    """None when it cannot be used."""
    problem: ConfigProblem | None
    """Why it cannot."""

    @property
    def key(self) -> tuple[str, str]:
        """Its key among the tasks."""
        return self.person.name, self.target.name

    @property
    def path(self) -> str:
        """The page on which to sign in."""
        return sign_in_path(self.person.name, self.target.name)

    @property
    def progress_path(self) -> str:
        """The page that shows how signing in goes on."""
        return f"{self.path}/progress"

    @property
    def service(self) -> str:
        """How people call the other side."""
        return service_of(self.kind, self.target)

    @property
    def has_password(self) -> bool:
        """Whether user name and password are a way to sign in."""
        return self.kind is not None and self.kind.has_password

    @property
    def has_ticket(self) -> bool:
        """Whether the browser of the person is a way to sign in."""
        return self.kind is not None and self.kind.has_ticket


def sign_in_path(person: str, target: str) -> str:
    """The page on which a person signs in at a target."""
    return f"/connect/{segment(person)}/{segment(target)}"


def service_of(kind: TargetKind | None, target: TargetSettings) -> str:
    """How people call the other side of a target, told apart from another one of its kind."""
    service = kind.service if kind else target.kind
    return service if target.name == target.kind else f"{service} ({target.name})"


def target_ref_of(request: SignedInRequest, auth: Auth, parts: AppContext) -> TargetRef | None:
    """What the address names; None when it is nothing that the visitor may know of.

    There is no login at a file, so there is no page for it either.
    """
    person_name = name_in(request.path_params["person"])
    if not auth.may_see(request, person_name):
        return None
    person = parts.settings.person(person_name)
    name = name_in(request.path_params["target"])
    target = next((one for one in person.targets if one.name == name), None)
    if target is None:
        return None
    kind, problem = look_up(target)
    if kind is None and problem is None:
        return None
    return TargetRef(person, target, request.visitor.key, kind, problem)


def look_up(target: TargetSettings) -> tuple[TargetKind | None, ConfigProblem | None]:
    """A kind that signs in, or why it cannot be used; neither: there is nothing to sign in at."""
    try:
        kind = load_kind(target.kind)
    except ConfigProblem as problem:
        return None, problem
    return (kind if kind.signs_in else None), None

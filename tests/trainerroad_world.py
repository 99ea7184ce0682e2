"""One person, signed in at the sandbox's TrainerRoad, and her target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weighbridge.sandbox.clock import Clock
from weighbridge.sandbox.faults import Fault
from weighbridge.sandbox.http import Sandbox
from weighbridge.sandbox.messages import Request, Response
from weighbridge.sandbox.trainerroad import TrainerRoadCloud
from weighbridge.targets import trainerroad
from weighbridge.targets.base import Context, Owed, Receipt, SignedIn
from weighbridge.testing.builders import MemorySession, context
from weighbridge.trainerroad.sign_in import sign_in

ANNA = ("anna@example.test", "anna-climbs-hills")
BEN = ("ben@example.test", "ben-likes-the-flat")

LOGIN = "/app/api/login/login"
MEMBER = "/app/api/member-info"
PROFILE = "/app/api/profile/rider-information"
LOGIN_PAGE = {"Location": "/app/login?ReturnUrl=%2Fapp%2Fapi"}


class Listening(TrainerRoadCloud):
    """The stand-in, and every request that reached it, with its headers."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.heard: list[Request] = []

    def answer(self, request: Request) -> Response | None:
        self.heard.append(request)
        return super().answer(request)


class TrainerRoadWorld:
    """The sandbox, Anna's session, and targets that use it."""

    def __init__(self, sandbox: Sandbox, cloud: Listening, clock: Clock) -> None:
        self.sandbox = sandbox
        self.cloud = cloud
        self.clock = clock
        self.session = MemorySession()
        self.signed_in = self.sign_in(ANNA)
        cloud.heard.clear()
        sandbox.requests.clear()

    def sign_in(self, who: tuple[str, str]) -> SignedIn:
        """Sign a person in and keep the session."""
        signed_in = sign_in(self.sandbox.url, *who)
        self.session.store(signed_in.tokens, account=signed_in.account)
        return signed_in

    def context(self, home: Path = Path(), **fields: Any) -> Context:
        fields.setdefault("session", self.session)
        return context(home, clock=self.clock, target="trainerroad", **fields)

    def target(self, **options: Any) -> trainerroad.TrainerRoad:
        """A target of a process that has just started."""
        given = trainerroad.Options(url=self.sandbox.url, **options)
        return trainerroad.create(given, self.context())

    def send(self, *owed: Owed) -> Receipt:
        target = self.target()
        return target.send(target.render(owed))

    def fault(self, kind: Any, path: str, **fields: Any) -> None:
        self.sandbox.faults.add(Fault(kind=kind, path=path, **fields))

    def order(self, action: str, **content: Any) -> Any:
        """What the administration of the stand-in offers."""
        return self.cloud.admin(action, content)

    def profile(self, account: str = ANNA[0]) -> dict[str, Any]:
        return dict(self.order("profile", account=account))

    def weights(self) -> list[float]:
        """Every weight that was sent, oldest first."""
        return [write["weight_kg"] for write in self.order("writes")]

    def counts(self) -> dict[str, int]:
        """How often each call was made since the sign-in."""
        return self.sandbox.requests.counts()

    def cookie(self) -> str:
        """The session that is stored."""
        return str((self.session.load() or {})["cookie"])


@contextmanager
def trainerroad_world() -> Iterator[TrainerRoadWorld]:
    """A fresh world; it ends with the block."""
    clock = Clock()
    cloud = Listening(clock=clock)
    with Sandbox([cloud], clock=clock) as sandbox:
        yield TrainerRoadWorld(sandbox, cloud, clock)

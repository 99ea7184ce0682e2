"""One person, signed in at the sandbox's Garmin with the real library, and her target."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from weighbridge.garmin.library import Place
from weighbridge.garmin.sign_in import sign_in
from weighbridge.measures import MeasureType, Reading
from weighbridge.sandbox.clock import Clock
from weighbridge.sandbox.faults import Fault
from weighbridge.sandbox.garmin import GarminCloud
from weighbridge.sandbox.http import Sandbox
from weighbridge.targets import garmin
from weighbridge.targets.base import Context, Owed, Receipt, SignedIn
from weighbridge.testing.builders import NOON, MemorySession, context, weigh_in

ANNA = ("anna@example.test", "anna-walks-home")
BEN = ("ben@example.test", "ben-rides-uphill")
BENS_CODE = "123456"

UPLOAD = "/upload-service/upload"
WEIGHTS = "/weight-service/*"
PRESSURE = "/bloodpressure-service/bloodpressure"
PROFILE = "/userprofile-service/socialProfile"
TOKENS = "/di-oauth2-service/oauth/token"


COMPOSITION = {
    MeasureType.FAT_RATIO: "21.346",
    MeasureType.WATER_MASS: "36.16",
    MeasureType.BONE_MASS: "3.54",
    MeasureType.MUSCLE_MASS: "49.105",
    MeasureType.VISCERAL_FAT: "6.5",
    MeasureType.BASAL_METABOLIC_RATE: "1512",
    MeasureType.METABOLIC_AGE: "35",
}


def whole(kg: str = "65.750", taken_at: int = NOON, **changed: str) -> Reading:
    """A weigh-in with everything; ``changed`` names other values."""
    others = COMPOSITION | {MeasureType[name]: value for name, value in changed.items()}
    return weigh_in(kg, taken_at=taken_at, others=others)


class Session(MemorySession):
    """A login in memory whose lease really holds others back."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    @contextmanager
    def lease(self) -> Iterator[None]:
        with self._lock:
            yield


class GarminWorld:
    """The sandbox, Anna's session, and targets that use it."""

    def __init__(self, sandbox: Sandbox, cloud: GarminCloud, clock: Clock) -> None:
        self.sandbox = sandbox
        self.cloud = cloud
        self.clock = clock
        self.session = Session()
        self.signed_in = self.sign_in(ANNA)
        sandbox.requests.clear()

    def sign_in(self, who: tuple[str, str]) -> SignedIn:
        """Sign a person in and keep the session."""
        signed_in = sign_in(Place(url=self.sandbox.url), *who, ask_mfa=lambda: BENS_CODE)
        self.session.store(signed_in.tokens, account=signed_in.account)
        return signed_in

    def context(self, home: Path = Path(), **fields: Any) -> Context:
        return context(
            home,
            height=Decimal("1.72"),
            session=self.session,
            clock=self.clock,
            target="garmin",
            **fields,
        )

    def target(self, **options: Any) -> garmin.Garmin:
        """A target of a process that has just started."""
        return garmin.create(garmin.Options(url=self.sandbox.url, **options), self.context())

    def send(self, *owed: Owed) -> Receipt:
        target = self.target()
        return target.send(target.render(owed))

    def fault(self, kind: Any, path: str, **fields: Any) -> None:
        self.sandbox.faults.add(Fault(kind=kind, path=path, **fields))

    def weigh_ins(self) -> list[tuple[int, str]]:
        """Instants and kilograms at Garmin, oldest first."""
        rows = self.cloud.admin("weigh_ins", {})
        return [(row["taken_at"], row["weight_kg"]) for row in rows]

    def pressures(self) -> list[dict[str, Any]]:
        return list(self.cloud.admin("pressures", {}))

    def counts(self) -> dict[str, int]:
        """How often each call was made since the sign-in."""
        return self.sandbox.requests.counts()

    def tokens(self) -> dict[str, str]:
        return dict(msgspec.to_builtins(self.session.load()))


@contextmanager
def garmin_world() -> Iterator[GarminWorld]:
    """A fresh world; it ends with the block."""
    clock = Clock()
    cloud = GarminCloud(clock=clock)
    with pytest.MonkeyPatch.context() as environment, Sandbox([cloud], clock=clock) as sandbox:
        for name in ("NO_PROXY", "no_proxy"):
            environment.setenv(name, "127.0.0.1")
        yield GarminWorld(sandbox, cloud, clock)

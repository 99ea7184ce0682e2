"""``/app/api/profile/rider-information``: the profile is read and written as a whole.

A write in which a field is missing is answered with 200 and ignored: that is how the real service
treated clients that did not know a new field (withings-sync#83).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

import msgspec

from weighbridge_sandbox.messages import Request, Response
from weighbridge_sandbox.trainerroad.accounts import Rider
from weighbridge_sandbox.trainerroad.casing import camel

PATH = "/app/api/profile/rider-information"
WEIGHT = "weightKg"


class Write(msgspec.Struct):
    """One PUT. ``changed`` names the fields that were not what the profile held."""

    received_at: float
    account: str
    weight_kg: float
    changed: list[str]
    missing: list[str]
    taken: bool


class Meanwhile(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody else changes fields, once, right after the next read or write of an account."""

    account: str
    changes: dict[str, Any]
    after: Literal["read", "write"] = "read"


class Profiles:
    """Reads and writes of profiles, and what was ordered for them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.writes: list[Write] = []
        self.meanwhile: Meanwhile | None = None
        self.ignores_writes = False
        self.decimals: int | None = None
        """How many decimals of a weight are kept; None: all."""

    def read(self, account: Rider) -> dict[str, Any]:
        """The profile as it is now."""
        content = dict(account.profile)
        self._let_others_change(account, "read")
        return content

    def write(self, request: Request, account: Rider) -> Response:
        """Take a whole profile: 200, whether it is written or silently ignored."""
        content = _object_of(request)
        weight = content.get(WEIGHT)
        if not isinstance(weight, (int, float)) or isinstance(weight, bool) or weight <= 0:
            return Response.of_json({"message": "The request is invalid."}, 400)
        profile = account.profile
        missing = sorted(profile.keys() - content.keys())
        changed = [key for key in profile if key in content and content[key] != profile[key]]
        taken = not missing and not self.ignores_writes
        self.writes.append(Write(self._clock(), account.username, weight, changed, missing, taken))
        if taken:
            profile.update((key, content[key]) for key in profile)
            profile[WEIGHT] = self._kept(weight)
        self._let_others_change(account, "write")
        return Response()

    def _kept(self, weight: float) -> float:
        if self.decimals is None:
            return weight
        step = Decimal(1).scaleb(-self.decimals)
        return float(Decimal(str(weight)).quantize(step, ROUND_HALF_UP))

    def _let_others_change(self, account: Rider, moment: str) -> None:
        ordered = self.meanwhile
        if ordered and ordered.after == moment and ordered.account == account.username:
            account.profile.update(ordered.changes)
            self.meanwhile = None


def _object_of(request: Request) -> dict[str, Any]:
    """The JSON object of the body; anything else is an empty one and misses its weight."""
    try:
        content = request.json()
    except (msgspec.DecodeError, ValueError):
        return {}
    return camel(content) if isinstance(content, dict) else {}

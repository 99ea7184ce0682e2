"""The accounts of the sandbox's TrainerRoad and what their profile holds.

Two exist from the start, so that a demonstration can sign both in:

    user name    e-mail              password             shows weights in
    anna-rides   anna@example.test   anna-climbs-hills    kilograms
    ben-rides    ben@example.test    ben-likes-the-flat   pounds

Of a profile only ``weightKg`` and ``ftp`` are known by name
(docs/reference/trainerroad.md#profile); the other names are invented after the fields of the old
form. ``virtualPower`` keeps its own casing: some payloads hold PascalCase parts in a camelCase
object (docs/reference/trainerroad.md#key-casing).
"""

from __future__ import annotations

from typing import Any

import msgspec

from weighbridge_sandbox.accounts import Account, Accounts

METRIC, IMPERIAL = "kmh", "mph"


class Rider(Account, kw_only=True, forbid_unknown_fields=True):
    """One rider. ``profile`` is the rider-information object, with camelCase keys."""

    username: str
    profile: dict[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.profile = self.profile or new_profile(75.0, 200)

    def names(self) -> tuple[str, ...]:
        return self.username.lower(), self.email.lower()

    def listed(self) -> dict[str, Any]:
        """What the administration may show: not the password."""
        return {"member_id": self.account_id, "username": self.username, "email": self.email}


def new_profile(weight_kg: float, ftp: int, units: str = METRIC) -> dict[str, Any]:
    """A complete profile. ``units`` is what the rider sees; ``weightKg`` is always kilograms."""
    return {
        "timeZoneId": "Europe/Paris",
        "units": units,
        "weightKg": weight_kg,
        "ftp": ftp,
        "genderId": 2,
        "genderCustomText": None,
        "dateOfBirth": "1988-04-01T00:00:00",
        "locale": "en-US",
        "isPrivate": False,
        "virtualPower": {"Enabled": True, "TrainerId": 118, "TirePressure": 7.50},
    }


def first_accounts() -> list[Rider]:
    """Anna sees kilograms, Ben sees pounds."""
    return [
        Rider(
            username="anna-rides",
            email="anna@example.test",
            password="anna-climbs-hills",  # noqa: S106 (documented, opens only the sandbox)
            profile=new_profile(70.0, 231),
        ),
        Rider(
            username="ben-rides",
            email="ben@example.test",
            password="ben-likes-the-flat",  # noqa: S106 (documented, opens only the sandbox)
            profile=new_profile(88.0, 268, IMPERIAL),
        ),
    ]


type Riders = Accounts[Rider]

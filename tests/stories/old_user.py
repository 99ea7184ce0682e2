"""Somebody who has used ``withings-sync`` for weeks, and what can be seen of it from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from house import ACCOUNTS, House, days_ago, weight
from old_home import OldHome

EMAIL, PASSWORD, _ = ACCOUNTS["anna"]
UPLOAD = "/upload-service/upload"
HISTORY = {30: "70.315", 20: "72.205", 9: "70.915", 6: "70.615"}
"""Days ago → kilograms."""


def user_for_weeks(house: House, folder: Path) -> OldHome:
    """Anna has weighed herself for weeks. The old program is gone; nothing of it is set up yet."""
    weeks = [weight(10 + days, days_ago(days), kg) for days, kg in HISTORY.items()]
    house.withings.household.add_profile("anna", timezone="Europe/Paris", groups=weeks)
    old = OldHome(house, folder / "old")
    old.register()
    return old


def add(home: OldHome, *groups: Any) -> None:
    """More groups at Withings."""
    home.house.admin.add_groups("anna", list(groups))


def kilograms(home: OldHome) -> list[str]:
    """What Garmin holds, oldest first."""
    return [row["weight_kg"] for row in home.house.weigh_ins("anna")]


def as_uploaded_before(home: OldHome) -> None:
    """What the old program has sent: cut down to ten grams, at the same second."""
    rows = []
    for group in home.house.withings.household.profiles["anna"].groups():
        sent = group.raw
        grams = sent["measures"][0]["value"]
        rows.append({"taken_at": sent["date"], "weight_kg": f"{grams // 10 / 100}"})
    home.house.admin.tell("garmin", "put_weigh_ins", account=EMAIL, weigh_ins=rows)

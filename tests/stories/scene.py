"""A moment of a house to which a story can return as often as it needs, without moving in again."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import msgspec
from house import House


class Scene:
    """The home folder and what the clouds hold, as they are when this is made."""

    def __init__(self, house: House, kept: Path) -> None:
        self._house = house
        self._kept = kept
        shutil.copytree(house.home, kept)
        self._clouds = [(part, _contents(part)) for part in _parts(house)]

    def return_to(self) -> House:
        """Let everything be as it was. The clocks go on."""
        shutil.rmtree(self._house.home)
        shutil.copytree(self._kept, self._house.home)
        for part, contents in self._clouds:
            vars(part).update(copy.deepcopy(contents))
        self._house.admin.clear_faults()
        self._house.admin.clear_requests()
        return self._house


def _parts(house: House) -> list[Any]:
    garmin, withings, trainerroad = house.garmin, house.withings, house.trainerroad
    profiles = withings.household.profiles.values()
    return [
        withings.tokens,
        *profiles,
        garmin.tokens,
        garmin.weigh_ins,
        garmin.pressures,
        garmin.uploads,
        trainerroad.accounts,
        trainerroad.sessions,
        trainerroad.profiles,
    ]


def _contents(part: Any) -> dict[str, Any]:
    """What a part of a cloud remembers; its clock and its neighbours stay what they are."""
    return {
        name: copy.deepcopy(value)
        for name, value in vars(part).items()
        if isinstance(value, (dict, list, int, float, msgspec.Struct))
    }

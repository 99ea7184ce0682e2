"""What the road tells while it works. Silence is the default; the command line speaks."""

from __future__ import annotations

from weighbridge.core.errors import Problem


class Progress:
    """Override what you want to hear. Nothing here may raise."""

    def asking(self) -> None:
        """A request goes to Withings."""

    def collected(self, person: str, groups: int) -> None:
        """So many groups have arrived from Withings so far."""

    def planned(self, person: str, readings: int) -> None:
        """So many instants have been planned so far."""

    def settling(self, person: str, seconds: float) -> None:
        """A fresh reading may still grow: waiting."""

    def delivering(self, person: str, target: str, owed: int) -> None:
        """A target is about to be served; so many readings are owed to it."""

    def delivered(self, person: str, target: str, readings: int) -> None:
        """So many more readings have been dealt with."""

    def stopped(self, person: str, where: str, problem: Problem) -> None:
        """Something stands in the way of this person at Withings or at a target."""

"""What a person wants to reach.

Withings tells the goal for the weight when it is asked (``getgoals``), and keeps older ones among
the measure groups, in category 2.
"""

from __future__ import annotations

from weighbridge.core.measures import Measurement, MeasureType
from weighbridge.storage.archive import Archive
from weighbridge.storage.database import Row


def stored_goal_groups(archive: Archive) -> list[Row]:
    """The raw text and the zone of the groups that are goals, oldest first."""
    return archive.database.all("goal_groups", account=archive.account)


def told_weight_goal(archive: Archive) -> Measurement | None:
    """The goal that Withings told when it was last asked; None: there is none."""
    told = archive.database.one("weight_goal_of", account=archive.account)
    if told is None or told["mantissa"] is None:
        return None
    return Measurement(int(MeasureType.WEIGHT), told["mantissa"], told["exponent"])


def goal_asked_at(archive: Archive) -> float | None:
    """When Withings last told the goal, or that there is none."""
    row = archive.database.one("weight_goal_of", account=archive.account)
    return None if row is None else float(row["asked_at"])


def keep_weight_goal(archive: Archive, goal: Measurement | None, now: float) -> None:
    """What Withings said just now; None: there is no goal."""
    archive.database.run(
        "keep_weight_goal",
        account=archive.account,
        mantissa=goal and goal.mantissa,
        exponent=goal and goal.exponent,
        now=now,
    )

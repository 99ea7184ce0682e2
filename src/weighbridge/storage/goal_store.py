"""What somebody wants to reach.

Withings tells the goal for the weight when it is asked (``getgoals``), and keeps older ones among
the measure groups, in category 2.
"""

from __future__ import annotations

from decimal import Decimal

from weighbridge.core.measures import Measurement, MeasureType
from weighbridge.sources.withings.parse import OddGroup, parse_group
from weighbridge.storage.archive import Archive

WEIGHT = int(MeasureType.WEIGHT)


def goals(archive: Archive) -> dict[int, Decimal]:
    """Measure type → the newest goal for it, in the unit of the type."""
    found: dict[int, Decimal] = {}
    for row in archive.database.all("goal_groups", account=archive.account):
        try:
            group = parse_group(row["raw"].encode(), zone=row["zone"])
        except OddGroup:  # stored by another version, which understood it
            continue
        found.update({one.type_code: one.value for one in group.measurements if one.mantissa > 0})
    told = archive.database.one("weight_goal_of", account=archive.account)
    if told is not None and told["mantissa"] is not None:
        found[WEIGHT] = Measurement(WEIGHT, told["mantissa"], told["exponent"]).value
    return found


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

"""A sync with nothing new must cost the same whether the archive is small or huge."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from command_costs import Cost, home_with, median_cost

GARMIN = 'kind = "garmin"\nurl = "{url}"\nsince = 2000-01-01'


def nothing_new(readings: int, runs: int) -> tuple[Cost, int, int]:
    """The cost of a sync with nothing new, its requests to Withings, and those to targets.

    The archive is filled with copies of stored rows: reading a million of them from the sandbox
    would take an hour and change no figure.
    """
    with home_with(400) as home:
        home.configure(
            'kind = "file"\nformat = "csv"\npath = "anna.csv"\nsince = 2000-01-01',
        )
        home.log_in()
        home.run("sync")
        fill(home.folder / "weighbridge.db", readings)
        home.run("sync")
        home.admin.clear_requests()
        costs = [home.run("sync") for _ in range(runs)]
        asked = home.admin.requests()
    to_withings = sum(one["cloud"] == "withings" for one in asked) / runs
    to_targets = sum(one["cloud"] == "garmin" for one in asked) / runs
    return median_cost(costs), round(to_withings), round(to_targets)


def fill(path: Path, readings: int) -> None:
    """Fill the archive to about ``readings`` readings of the last ten years, all delivered."""
    database = sqlite3.connect(path)
    held = database.execute("SELECT count(*) FROM delivery").fetchone()[0]
    copies = max(0, readings // max(held, 1))
    mark = database.execute("SELECT sql FROM sqlite_master WHERE name = 'raw_group_new'")
    trigger = mark.fetchone()[0]
    database.execute("DROP TRIGGER raw_group_new")
    database.execute("CREATE TEMP TABLE one_group AS SELECT * FROM raw_group")
    database.execute("CREATE TEMP TABLE one_delivery AS SELECT * FROM delivery")
    for copy in range(1, copies + 1):
        values = {"shift": -copy * (10 * 366 * 86_400 // (copies + 1)), "copy": copy}
        database.execute(
            "INSERT INTO raw_group (account, feed, group_id, taken_at, zone, gone_at, raw) "
            "SELECT account, feed, group_id + :copy * 1000000000000, taken_at + :shift, "
            "zone, NULL, raw FROM one_group",
            values,
        )
        database.execute(
            "INSERT INTO delivery (route, kind, reading_id, taken_at, ordinal, revision, state, "
            "planned_at, done_at) "
            "SELECT route, kind, reading_id || '-' || :copy, taken_at + :shift, "
            "0, revision, state, :now, :now FROM one_delivery",
            {**values, "now": time.time()},
        )
    database.execute(trigger)
    database.commit()
    database.close()

"""The real command with shorter pauses, for what takes a person's patience and no story's.

    python brisk.py serve

Nothing but numbers of seconds differs from the real one. They are those of ``weighbridge serve``.
"""

from __future__ import annotations

import sys
from functools import partial

from weighbridge.deliver import due, retry
from weighbridge.mqtt import broker
from weighbridge.mqtt.residence import Pace
from weighbridge.server import server
from weighbridge.server.edge import notifications
from weighbridge.server.subscriptions import mending


def hurry() -> None:
    """Shorten the pauses."""
    due.FIRST_WAIT = retry.FIRST_WAIT = 0.3
    mending.BEFORE_SUBSCRIBE = mending.BEFORE_REVOKE = 0.01
    notifications.FRESH_SECONDS = notifications.PATIENCE = 0.1
    server.LONGEST_NAP = 0.2
    pace = Pace(shortest=0.1, longest=0.5, birth=(0.01, 0.05))
    broker.Limits = partial(broker.Limits, answer=1.0, pace=pace)


if __name__ == "__main__":
    hurry()
    sys.argv[0] = "weighbridge"
    from weighbridge.cli import main

    main()

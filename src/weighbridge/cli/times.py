"""Instants as people and scripts read them."""

from __future__ import annotations

import time


def moment(instant: float | None) -> str | None:
    """``2024-01-27T17:32:09Z``, or None. For scripts."""
    return None if instant is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant))


def ago(instant: float, now: float) -> str:
    """``3 minutes ago``: one unit, rounded down. For people."""
    seconds = max(now - instant, 0)
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {name}{'s' if number > 1 else ''} ago"
    return "just now"

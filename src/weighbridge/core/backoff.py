"""How long to wait after failures in a row. Pure: who waits keeps the number of failures."""

from __future__ import annotations

_MOST_DOUBLINGS = 30


def backoff(failures: int, first: float, longest: float) -> float:
    """Seconds to wait: ``first`` after one failure, twice as long after each more."""
    return float(min(first * 2.0 ** min(max(failures - 1, 0), _MOST_DOUBLINGS), longest))

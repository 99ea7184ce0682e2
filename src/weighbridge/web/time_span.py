"""How much of the past a page shows: ``range=90d`` in its address."""

from __future__ import annotations

from collections.abc import Mapping

from weighbridge.web.charts.trend import DAY

SPANS: Mapping[str, int | None] = {
    "week": 7,
    "30d": 30,
    "90d": 90,
    "180d": 180,
    "1y": 365,
    "2y": 2 * 365,
    "5y": 5 * 365,
    "all": None,
}
"""What may be asked for, in days; None: everything. Their words: ``history.range_<key>``."""
USUAL = "90d"


def start_of(span: str, now: float) -> int:
    """The first instant of one of ``SPANS`` that ends now; 0 for everything."""
    days = SPANS[span]
    return 0 if days is None else int(now) - days * DAY

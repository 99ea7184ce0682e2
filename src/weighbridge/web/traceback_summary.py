"""Where an unforeseen error happened, for the log: never its text, which may hold a secret."""

from __future__ import annotations

import traceback

_SHOWN = 5
"""Lines: those nearest to the error."""


def where_of(error: Exception) -> str:
    """``web.views.history:93 < web.auth:120``: modules and lines, the innermost first."""
    frames = [*traceback.walk_tb(error.__traceback__)][-_SHOWN:]
    return " < ".join(
        f"{frame.f_globals.get('__name__', '?').removeprefix('weighbridge.')}:{line}"
        for frame, line in reversed(frames)
    )

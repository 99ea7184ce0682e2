"""Where something unforeseen happened, for the log: never its text, which may hold a secret."""

from __future__ import annotations

import traceback
from pathlib import Path


def where_of(error: Exception) -> str:
    """The lines on the way to the error, the last one first."""
    frames = traceback.extract_tb(error.__traceback__)[:-6:-1]
    return " < ".join(f"{Path(frame.filename).stem}:{frame.lineno}" for frame in frames)

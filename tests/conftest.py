"""What holds for all tests, however they are started."""

from __future__ import annotations

import os
import sys

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
"""That the machine is busy with something else is no fault of what is tested."""


def pytest_configure() -> None:
    """Let this process and those that it starts keep what they compile: there are hundreds."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False

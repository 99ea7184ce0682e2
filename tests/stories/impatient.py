"""The real command with other numbers of seconds than in life, for what takes too long to wait for.

python impatient.py network.TIME_LIMIT=3 sync ...
"""

from __future__ import annotations

import sys
from importlib import import_module

if __name__ == "__main__":
    name, _, seconds = sys.argv[1].partition("=")
    module, _, number = name.rpartition(".")
    assert hasattr(import_module(f"weighbridge.{module}"), number)
    setattr(import_module(f"weighbridge.{module}"), number, float(seconds))
    sys.argv = ["weighbridge", *sys.argv[2:]]
    from weighbridge.cli import main

    main()

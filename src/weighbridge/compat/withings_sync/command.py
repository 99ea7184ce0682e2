"""``withings-sync``: the entry point. The run is imported once the arguments were read, so that
``--help`` is quick.
"""

from __future__ import annotations

import os

from weighbridge.compat.withings_sync.command_line import read_arguments


def main() -> None:
    """The entry point of the installed command."""
    options = read_arguments()
    from weighbridge.cli import conclude
    from weighbridge.compat.withings_sync.one_run import run

    conclude(lambda: run(options, os.environ))

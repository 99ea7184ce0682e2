"""The command ``weighbridge``, and ``python -m weighbridge``, which is the same."""

import gc

GARBAGE = 50_000
"""So many more objects must exist before Python looks for cycles among them. The 700 of Python make
it look through all modules again and again while they are imported, a twentieth of a short command;
and a sync makes many thousands of records without any cycle."""


def main() -> None:
    """The entry point of the installed command."""
    gc.set_threshold(GARBAGE, 20, 20)
    from weighbridge.cli import main as run

    run()


if __name__ == "__main__":
    main()

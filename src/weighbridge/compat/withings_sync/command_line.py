"""The command line of ``withings-sync``: the names, short forms and habits of the original.

``argparse`` on purpose: it takes beginnings of long options (``--from``), as the original does.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from pathlib import Path

import msgspec

from weighbridge import __version__

BLOOD_PRESSURE = "BLOOD_PRESSURE"
FEATURES = (BLOOD_PRESSURE,)


class CommandOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. Passwords never appear when it is printed."""

    garmin_username: str | None = None
    garmin_password: str | None = None
    trainerroad_username: str | None = None
    trainerroad_password: str | None = None
    fromdate: datetime.date | None = None
    todate: datetime.date | None = None
    to_fit: bool = False
    to_json: bool = False
    output: str | None = None
    no_upload: bool = False
    features: tuple[str, ...] = ()
    dump_raw: bool = False
    config_folder: Path | None = None
    verbose: bool = False
    silent: bool = False

    @property
    def blood_pressure(self) -> bool:
        """Whether blood pressure is wanted as well."""
        return BLOOD_PRESSURE in self.features

    @property
    def writes_files(self) -> bool:
        """Whether files are to be written."""
        return self.dump_raw or (self.output is not None and (self.to_fit or self.to_json))

    def __repr__(self) -> str:
        return f"CommandOptions(from {self.fromdate} to {self.todate})"


def read_arguments(arguments: Sequence[str] | None = None) -> CommandOptions:
    """The options of a command line (None: of this process).

    Wrong usage ends the process with exit code 2, ``--help`` and ``--version`` with 0.
    """
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    given["features"] = tuple(given["features"] or ())
    options = CommandOptions(**given)
    if options.fromdate and options.todate and options.todate < options.fromdate:
        parser.error("--todate lies before --fromdate: exchange the two days.")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="withings-sync",
        description="Carry weight and blood pressure from Withings to Garmin Connect and "
        "TrainerRoad, or write them to files. A part of Weighbridge.",
        epilog="Exit code: 0 nothing is left undone, 1 something was rejected or is unknown, "
        "2 wrong usage or configuration, 3 a person must log in, "
        "4 not delivered yet, will be tried again.",
    )
    parser.add_argument(
        *("--version", "-V"), action="version", version=f"withings-sync (Weighbridge) {__version__}"
    )
    _add_accounts(parser)
    _add_days(parser)
    _add_files(parser)
    _add_manners(parser)
    return parser


def _add_accounts(parser: argparse.ArgumentParser) -> None:
    visible = "; others can see it here in the process list, better use the environment"
    for name, short, site in (
        ("garmin", "g", "Garmin Connect"),
        ("trainerroad", "t", "TrainerRoad"),
    ):
        shown = name.upper()
        parser.add_argument(
            *(f"--{name}-username", f"--{short}u"),
            metavar=f"{shown}_USERNAME",
            help=f"user name or e-mail at {site}",
        )
        parser.add_argument(
            *(f"--{name}-password", f"--{short}p"),
            metavar=f"{shown}_PASSWORD",
            help=f"password at {site}, for the first sign-in{visible}",
        )


def _add_days(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--fromdate", "-f"),
        type=_day,
        metavar="DATE",
        help="from this day on (YYYY-MM-DD); without it, everything new since the last run",
    )
    parser.add_argument(
        *("--todate", "-t"), type=_day, metavar="DATE", help="up to this day, included; today"
    )


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to-fit", "-F", action="store_true", help="with -o: write FIT files")
    parser.add_argument("--to-json", "-J", action="store_true", help="with -o: write a JSON file")
    parser.add_argument(
        *("--output", "-o"), metavar="BASENAME", help="where the names of the files begin"
    )
    parser.add_argument(
        "--no-upload",
        action="store_true",
        help="send nothing; without -o, FIT goes to standard output, or a table to a terminal",
    )
    parser.add_argument(
        "--features",
        nargs="+",
        type=str.upper,
        choices=FEATURES,
        metavar=BLOOD_PRESSURE,
        help="BLOOD_PRESSURE: blood pressure too",
    )
    parser.add_argument(
        *("--dump-raw", "-R"),
        action="store_true",
        help="write what Withings answered to BASENAME.withings_raw.json",
    )


def _add_manners(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--config-folder", "-c"),
        type=_folder,
        metavar="FOLDER",
        help="the home folder: logins and database; made when it is missing",
    )
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("--verbose", "-v", action="store_true", help="say what happens")
    loudness.add_argument("--silent", "-s", action="store_true", help="say only what is wrong")


def _day(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write 2024-12-31") from None


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("name a folder")
    return Path(text).expanduser().absolute()

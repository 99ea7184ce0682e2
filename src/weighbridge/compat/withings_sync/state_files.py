"""Where ``withings-sync`` keeps its files: in the folder of ``--config-folder``, where environment
variables say, or in ``$HOME``.

With a folder the other places do not count: each person of a family has a folder there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

USER_FILE = ".withings_user.json"
GARMIN_FILE = ".garmin_session.json"
GARMIN_FOLDER = ".garmin_session"
APP_FILE = "withings_app.json"

_PACKAGE = "withings_sync"


class StateFiles(msgspec.Struct, frozen=True):
    """Files and folders that may exist, in the order in which they count."""

    users: tuple[Path, ...]
    garmin_sessions: tuple[Path, ...]
    apps: tuple[Path, ...]

    def user_file(self) -> Path | None:
        """The file with the login at Withings."""
        return _first(self.users)

    def garmin_session(self) -> Path | None:
        """The file with the login at Garmin, or a folder of an older release."""
        return _first(self.garmin_sessions)

    def app_file(self) -> Path | None:
        """The file of the application registered at Withings."""
        return _first(self.apps)


def state_files_of(folder: Path | None, environ: Mapping[str, str]) -> StateFiles:
    """The places. Relative ones begin in the working folder, as they do there."""
    if folder is not None:
        return StateFiles(
            users=(folder / USER_FILE,),
            garmin_sessions=(folder / GARMIN_FILE, folder / GARMIN_FOLDER),
            apps=(*_named("WITHINGS_APP", environ), folder / APP_FILE, *_in_package()),
        )
    home = Path(environ.get("HOME") or Path.home())
    sessions = _named("GARMIN_SESSION", environ)
    return StateFiles(
        users=_named("WITHINGS_USER", environ) or (home / USER_FILE,),
        garmin_sessions=sessions or (home / GARMIN_FILE, home / GARMIN_FOLDER),
        apps=(*_named("WITHINGS_APP", environ), *_in_package()),
    )


def _named(variable: str, environ: Mapping[str, str]) -> tuple[Path, ...]:
    written = environ.get(variable, "").strip()
    return (Path(written).expanduser().absolute(),) if written else ()


def _in_package() -> tuple[Path, ...]:
    """Beside the modules of the original, where it is still installed. It is not imported."""
    from importlib.util import find_spec

    try:
        spec = find_spec(_PACKAGE)
    except (ImportError, ValueError):
        return ()
    folders = (spec.submodule_search_locations if spec else None) or ()
    return tuple(Path(folder) / "config" / APP_FILE for folder in folders)


def _first(paths: tuple[Path, ...]) -> Path | None:
    for path in paths:
        try:
            if path.exists():
                return path
        except OSError:  # a folder that this account may not enter
            continue
    return None

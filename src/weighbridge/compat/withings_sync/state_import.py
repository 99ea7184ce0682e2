"""The state of ``withings-sync``: where its files are, and how our database takes it over, once.

The files are in the folder of ``--config-folder``, where environment variables say, or in
``$HOME``. With a folder the other places do not count: each person of a family has a folder there.
A login that the database has already is never replaced: it is newer than the one in an old file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from weighbridge.compat import ImportNote, ImportResult, expired_login
from weighbridge.config import Person, TargetSettings
from weighbridge.core.errors import ConfigProblem
from weighbridge.storage.accounts import add_route
from weighbridge.storage.archive import connect_account
from weighbridge.sync.services import Services

USER_FILE = ".withings_user.json"
GARMIN_FILE = ".garmin_session.json"
GARMIN_FOLDER = ".garmin_session"
APP_FILE = "withings_app.json"

LARGEST = 1_000_000
"""Bytes; none of these files is larger."""


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
        spec = find_spec("withings_sync")
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


class UserFile(msgspec.Struct, frozen=True):
    """The user file. ``refresh_token`` is empty when the login was lost; days are UTC seconds."""

    userid: str
    access_token: str
    refresh_token: str
    last_sync: int | None
    last_sync_tr: int | None

    def __repr__(self) -> str:
        return f"UserFile(userid={self.userid!r})"


def take_over(services: Services, person: Person, files: StateFiles) -> list[ImportNote]:
    """Take over everything there is. Raises ConfigProblem for a file that cannot be read."""
    notes: list[ImportNote] = []
    if path := files.user_file():
        notes.append(_import_login(services, person, path))
    if path := files.garmin_session():
        notes.append(_import_garmin(services, person, path))
    if (path := files.app_file()) and notes:
        notes += _import_app(services, path)
    return notes


def read_user_file(path: Path) -> UserFile:
    """The content of a ``.withings_user.json``. Raises ConfigProblem."""
    content = _read_object(path)
    return UserFile(
        userid=_text(content.get("userid")),
        access_token=_text(content.get("access_token")),
        refresh_token=_text(content.get("refresh_token")),
        last_sync=_instant(content.get("last_sync")),
        last_sync_tr=_instant(content.get("last_sync_tr")),
    )


def _import_login(services: Services, person: Person, path: Path) -> ImportNote:
    """Login and days together: after that, nothing from before the last run is owed."""
    user = read_user_file(path)
    tokens = services.tokens(person.name)
    with services.database.transaction():
        is_whole = bool(user.refresh_token and user.userid)
        if is_whole:  # first: the file of another profile is refused
            connect_account(services.database, person.name, user.userid, services.clock)
        if tokens.load() is not None:
            return ImportNote(ImportResult.KEPT, f"{person.name} is connected to Withings already.")
        _keep_days(services, person, user)
        if not is_whole:
            return ImportNote(
                ImportResult.UNUSABLE,
                f"{path} holds no login at Withings (its tokens are empty): sign in once.",
            )
        tokens.store(expired_login(user.userid, user.refresh_token, user.access_token))
    return ImportNote(
        ImportResult.TAKEN,
        f"The login at Withings (profile {user.userid}) was taken over from {path}. "
        "From now on it works here only.",
    )


def _keep_days(services: Services, person: Person, user: UserFile) -> None:
    """A route begins on the day on which the old program last served it."""
    now = int(services.clock())
    for kind, day in (("garmin", user.last_sync), ("trainerroad", user.last_sync_tr)):
        if day is not None:
            target = target_of(person, kind)
            add_route(services.database, person.name, target.name, connected_at=min(day, now))


def _import_garmin(services: Services, person: Person, path: Path) -> ImportNote:
    from weighbridge.targets.garmin.garmin_tokens import read_tokens

    session = services.session(person.name, target_of(person, "garmin"))
    if session.load() is not None:
        return ImportNote(ImportResult.KEPT, f"{person.name} is signed in at Garmin already.")
    tokens = None if path.is_dir() else read_tokens(_read_object(path))
    if tokens is None:
        return ImportNote(
            ImportResult.UNUSABLE,
            f"{path} holds no login at Garmin that can be used (older releases keep another "
            "kind): sign in once.",
        )
    # Whose it is shows at its first use; until then it has no account.
    session.store(msgspec.to_builtins(tokens), account="")
    return ImportNote(ImportResult.TAKEN, f"The login at Garmin was taken over from {path}.")


def _import_app(services: Services, path: Path) -> list[ImportNote]:
    """A copy in the home folder: the login was issued to this application and to no other."""
    from weighbridge.sources.withings.oauth import read_app_file
    from weighbridge.targets.formats.disk import replace, trouble_with

    ours = services.settings.home / APP_FILE
    origin = services.settings.origin("withings.client_id")
    if ours.exists() or origin not in {"default", f"file {path}"}:
        return []
    read_app_file(path)
    with trouble_with(ours):
        replace(ours, [path.read_bytes()])
    return [
        ImportNote(
            ImportResult.TAKEN, f"The Withings application was copied from {path} to {ours}."
        )
    ]


def target_of(person: Person, kind: str) -> TargetSettings:
    """The person's target of a kind; as it will be called when there is none yet."""
    for target in person.targets:
        if target.kind == kind:
            return target
    return TargetSettings(name=kind, kind=kind, options=None)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = msgspec.json.decode(file.read(LARGEST).removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise ConfigProblem(
            f"{path} cannot be read ({error.strerror}).", remedy="Make it readable, or remove it."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        content = None
    if not isinstance(content, dict):
        # No cause is chained: it could show what stands in the file.
        raise ConfigProblem(
            f"{path} is not a file of withings-sync.", remedy="Remove it, or restore it."
        )
    return content


def _text(value: object) -> str:
    """Text or a number as text; empty for everything else, null above all."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def _instant(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        instant = int(float(value))
    except (ValueError, OverflowError):
        return None
    return instant if instant > 0 else None

"""The state of ``trumpet``: a folder with a file for each profile, whose name is the user id and
whose content is the refresh token. The files are read and never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from weighbridge.compat import ImportNote, ImportResult, expired_login
from weighbridge.core.errors import ConfigProblem
from weighbridge.storage.archive import connect_account
from weighbridge.sync.services import Services

LARGEST = 4_096
"""Bytes; no token is longer."""


class TrumpetLogin(msgspec.Struct, frozen=True):
    """One file."""

    userid: str
    refresh_token: str

    def __repr__(self) -> str:
        return f"TrumpetLogin(userid={self.userid!r})"


def read_folder(folder: Path) -> list[TrumpetLogin]:
    """The logins in a folder, by user id. Other files are ignored. Raises ConfigProblem."""
    try:
        files = [file for file in sorted(folder.iterdir()) if _is_userid(file.name)]
        found = [TrumpetLogin(file.name, _first_line(file)) for file in files if file.is_file()]
    except OSError as error:
        raise ConfigProblem(
            f"{error.filename or folder} cannot be read ({error.strerror}).",
            remedy="Name the folder in which trumpet keeps its token files.",
        ) from error
    if not found:
        raise ConfigProblem(
            f"There is no token file of trumpet in {folder}.",
            remedy="Name the folder with the files whose names are Withings user ids.",
        )
    return found


def take_over(services: Services, login: TrumpetLogin, person: str) -> ImportNote:
    """Connect a profile to a person. Raises ConfigProblem when it belongs to another person."""
    tokens = services.tokens(person)
    if not login.refresh_token:
        return ImportNote(
            ImportResult.UNUSABLE, f"The file {login.userid} is empty: {person} must sign in."
        )
    with services.database.transaction():
        connect_account(services.database, person, login.userid, services.clock)
        if tokens.load() is not None:
            return ImportNote(ImportResult.KEPT, f"{person} is connected to Withings already.")
        tokens.store(expired_login(login.userid, login.refresh_token))
    return ImportNote(
        ImportResult.TAKEN, f"{person} is connected to the Withings profile {login.userid}."
    )


def names_of(logins: list[TrumpetLogin], given: Mapping[str, str]) -> dict[str, str]:
    """User id → name of the person. Raises ConfigProblem for an unknown user id."""
    known = {login.userid for login in logins}
    for userid in given:
        if userid not in known:
            raise ConfigProblem(
                f"There is no token file of the user {userid}.",
                remedy=f"There are: {', '.join(sorted(known))}.",
            )
    return {userid: given.get(userid, f"user-{userid}") for userid in sorted(known)}


def _is_userid(name: str) -> bool:
    return name.isascii() and name.isdecimal()


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(LARGEST)
    line = content.decode("utf-8-sig", "replace").strip().partition("\n")[0].strip()
    return line if line.isascii() and line.isprintable() else ""

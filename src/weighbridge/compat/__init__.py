"""The programs that Weighbridge replaces: their commands, and their state, which is read and never
changed.

withings_sync   the command of that name, and the import of its files
trumpet         the import of a folder of refresh tokens
"""

from __future__ import annotations

from enum import Enum

import msgspec

from weighbridge.core.secret import TokenPair


class ImportResult(Enum):
    """What became of one part."""

    TAKEN = "taken over"
    KEPT = "kept"
    UNUSABLE = "unusable"


class ImportNote(msgspec.Struct, frozen=True):
    """What became of one part, in a sentence for people."""

    result: ImportResult
    text: str


def expired_login(userid: str, refresh_token: str, access_token: str = "") -> TokenPair:
    """A pair whose access token counts as expired: the first use renews it."""
    return TokenPair(userid, access_token, refresh_token, expires_at=0, scope="", issued_at=0)

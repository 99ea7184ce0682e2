"""The tokens by which a source lets us read one account."""

from __future__ import annotations

from typing import Any

import msgspec


class TokenPair(msgspec.Struct, frozen=True):
    """The tokens of one account of a source. They never appear when the pair is printed."""

    userid: str
    access_token: str
    refresh_token: str
    expires_at: int
    """The end of the access token's life, by our clock."""
    scope: str
    issued_at: int
    """When we asked for the pair, by our clock."""

    def __repr__(self) -> str:
        return (
            f"TokenPair(userid={self.userid!r}, access_token='***', refresh_token='***', "
            f"expires_at={self.expires_at}, scope={self.scope!r}, issued_at={self.issued_at})"
        )

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("userid", self.userid), ("expires_at", self.expires_at)]

"""Person links: secrets in addresses that open what is about one person. Kept as hashes only."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import sha256

import msgspec

from weighbridge.storage.database import Database, Row

LONGEST = 100
"""Characters of a token that is looked up; ours have 43."""


class PersonLink(msgspec.Struct, frozen=True):
    """A link that is good. Times are epoch seconds."""

    key: str
    """The hash of its token: names the link, opens nothing."""
    person: str
    made_at: float
    used_at: float | None
    """When it was last used."""


class PersonLinks:
    """The links of a home."""

    def __init__(
        self, database: Database, new: Callable[[], str] = lambda: secrets.token_urlsafe(32)
    ) -> None:
        self._database = database
        self._new = new

    def make(self, person: str, now: float) -> str:
        """A new link. Returns its token, which is kept nowhere: it can be shown once."""
        token = self._new()
        self._database.run("add_person_link", person=person, hash=_hash(token), now=now)
        return token

    def find(self, token: str) -> PersonLink | None:
        """The link of a token; None when there is none or it was revoked."""
        if len(token) > LONGEST:
            return None
        row = self._database.one("person_link_of", hash=_hash(token))
        return _link(row) if row else None

    def note_use(self, key: str, now: float) -> None:
        """The link was used."""
        self._database.run("note_person_link_used", hash=key, now=now)

    def of(self, person: str) -> list[PersonLink]:
        """The good links of a person, oldest first."""
        return [_link(row) for row in self._database.all("person_links_of", person=person)]

    def revoke(self, key: str, now: float) -> None:
        """Make a link useless for ever. One that was revoked already stays as it is."""
        self._database.run("revoke_person_link", hash=key, now=now)


def _link(row: Row) -> PersonLink:
    return PersonLink(row["hash"], row["person"], row["made_at"], row["used_at"])


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()

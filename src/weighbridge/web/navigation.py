"""The pages that the head of every page leads to, in this order."""

from __future__ import annotations

import msgspec

from weighbridge.web.sessions import BrowserSession


class Entry(msgspec.Struct, frozen=True):
    """One of them."""

    key: str
    """What a page says as ``here``; its words stand under ``layout.nav_<key>``."""
    path: str
    for_admin: bool = False


ENTRIES = (
    Entry("overview", "/"),
    Entry("history", "/history"),
    Entry("deliveries", "/deliveries"),
    Entry("connect", "/connect"),
    Entry("household", "/household", for_admin=True),
)


def entries_for(session: BrowserSession | None) -> list[Entry]:
    """The pages that somebody may see; none before signing in."""
    if session is None:
        return []
    return [entry for entry in ENTRIES if session.person is None or not entry.for_admin]

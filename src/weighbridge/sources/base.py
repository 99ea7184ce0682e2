"""What every source promises: feeds of raw groups, and how they become records.

A source is a package ``sources/<name>/`` whose module ``kind`` holds ``KIND``, a ``SourceKind``.
Other packages offer theirs under the entry-point group ``weighbridge.sources``. The archive keeps
what was sent, word for word; what it means is asked of the source whenever it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from weighbridge.core.records import Record


class OddGroup(ValueError):
    """A group that cannot be understood. It is kept raw and counted; the rest goes on.

    ``reason`` names the place and the expectation, never a value.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Group(Protocol):
    """What the archive must know of a group. ``weighbridge.core.measures.MeasureGroup`` is one."""

    @property
    def group_id(self) -> int:
        """Its name within the feed: a whole number of at most 64 bits."""

    @property
    def taken_at(self) -> int:
        """The instant that it is about, in UTC seconds. A record is made of groups of one."""

    @property
    def updated_at(self) -> int | None:
        """When it was last changed, by the source's clock."""

    @property
    def category(self) -> int:
        """1 for what was really measured; goals and the like have other numbers."""


class Page(msgspec.Struct, frozen=True):
    """One answer of a source: some groups of a feed, each as it was sent."""

    groups: Sequence[bytes | msgspec.Raw]
    updatetime: int
    """The time of the answer by the source's clock."""
    timezone: str | None
    """The zone of the profile today, not that of each group."""
    last: bool
    """Nothing is missing after this page."""


class Feed(msgspec.Struct, frozen=True):
    """What a source lets us read with one cursor."""

    name: str
    """It is stored with each group. Never change it."""
    kinds: frozenset[str]
    """The kinds of record that come of its groups."""
    parse: Callable[[bytes | msgspec.Raw, str | None], Any]
    """Raw text and zone of its page → ``Group``. Raises OddGroup."""
    records: Callable[[Iterable[Any], str], Iterator[Record]]
    """Parsed groups of some instants and the user id of the account → records, oldest first.

    A pure function of the set of groups. All groups of an instant are given at once.
    """
    keeps_points: bool = False
    """Its values have measure types, and are kept by type for charts and newest values."""


class SourceKind(msgspec.Struct, frozen=True):
    """A source, without anybody's login."""

    name: str
    """It is stored with each account. Never change it."""
    service: str
    """What people call it."""
    feeds: tuple[Feed, ...]

    def feed(self, name: str) -> Feed:
        """Raises KeyError for a feed that it does not have."""
        for feed in self.feeds:
            if feed.name == name:
                return feed
        raise KeyError(name)


class Source(Protocol):
    """A source that is read with the login of one person."""

    def pages(
        self,
        feed: str,
        *,
        changed_since: int | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> Iterator[Page]:
        """Yield the groups of a feed changed since an instant, or about a span of time.

        Instants are UTC seconds; ``changed_since`` is compared by the source's clock. Each page is
        requested when the one before has been dealt with. Raises Problems, also between two pages:
        only the end of the iteration means that nothing is missing.
        """

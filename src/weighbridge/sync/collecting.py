"""Bring the archive up to date: ask the source for what changed, and keep every page."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from weighbridge.core.commands import login_command
from weighbridge.core.days import Window
from weighbridge.core.errors import LoginNeeded
from weighbridge.sources.base import Feed, Group, OddGroup, Page
from weighbridge.storage.archive import Archive, StoredGroup, UnreadableGroup
from weighbridge.sync.context import Outcome, PersonSync
from weighbridge.sync.stored_readings import feeds_of

OVERLAP = 300
"""Seconds before the cursor from which on the source is asked while the cursor is ``YOUNG``: a
group may become visible after another one with a later change (two devices, two machines there),
and would never be asked for again. What we hold already changes nothing."""

YOUNG = 3600
"""Seconds. After that nothing late is expected, and a cloud where thousands of groups were changed
in one minute is not read again and again."""

_DAY = 86_400


class _Understood(msgspec.Struct):
    """The groups of one page, each with its text; what could not be understood is apart."""

    groups: list[tuple[Group, StoredGroup]] = []
    odd: list[UnreadableGroup] = []

    @property
    def newest_change(self) -> int:
        return max((group.updated_at or 0 for group, _ in self.groups), default=0)


def collect(sync: PersonSync, window: Window | None, outcome: Outcome) -> None:
    """Read every feed of the person's source. Raises what the source raises, and LoginNeeded."""
    archive = sync.archive
    if archive is None:
        raise LoginNeeded(
            code="withings.not_connected",
            person=sync.person,
            login=login_command("withings", sync.person),
        )
    for feed in feeds_of(archive):
        _FeedReading(sync, archive.of(feed.name), feed, window, outcome).read()


class _FeedReading:
    """One feed is read once. The cursor moves with the last page, never before it."""

    def __init__(
        self,
        sync: PersonSync,
        archive: Archive,
        feed: Feed,
        window: Window | None,
        outcome: Outcome,
    ) -> None:
        self._sync = sync
        self._archive = archive
        self._feed = feed
        self._window = window
        self._outcome = outcome
        self._newest = archive.cursor
        self._seen: set[int] = set()
        self._began = 0

    def read(self) -> None:
        for page in self._pages():
            self._sync.set_cloud_time(page.updatetime)
            self._began = self._began or page.updatetime
            self._keep(page, understand(self._feed, page))
            self._outcome.groups += len(page.groups)
            self._sync.progress.collected(self._sync.person, self._outcome.groups)

    def _pages(self) -> Iterator[Page]:
        source, window = self._sync.source(), self._window
        if window:
            end = _end_of(self._sync, window)
            return source.pages(self._feed.name, start=window.start, end=end)
        cursor = self._archive.cursor
        young = self._sync.cloud_now() - cursor < YOUNG
        begin = cursor - (OVERLAP if young else 0) - self._sync.earlier
        return source.pages(self._feed.name, changed_since=max(begin, 0))

    def _keep(self, page: Page, understood: _Understood) -> None:
        """A page and what follows from it are stored together or not at all."""
        sync, archive = self._sync, self._archive
        sync.planned.forget()
        self._newest = max(self._newest, understood.newest_change)
        if self._window:
            self._seen.update(group.group_id for group, _ in understood.groups)
        with sync.database.relaxed(), sync.database.transaction(of=archive.account):
            self._outcome.changed += archive.store(understood.groups, understood.odd, sync.clock())
            if page.last:
                archive.note_checked(sync.clock())
                self._finish(is_complete=not (understood.odd or self._outcome.odd))
        self._outcome.odd += len(understood.odd)

    def _finish(self, *, is_complete: bool) -> None:
        if self._window is None:
            # What changed while we were reading may have come onto a page that we had already.
            self._archive.advance_cursor(min(self._newest, self._began))
        elif is_complete:
            self._outcome.gone += self._forget_missing(self._window)

    def _forget_missing(self, window: Window) -> int:
        """Mark what the source no longer has. Counted records may be among it: count again."""
        sync = self._sync
        gone = self._archive.forget_missing(
            self._seen, window.start, _end_of(sync, window), sync.clock()
        )
        if gone:
            for route in sync.routes:
                route.ledger.keep_fingerprint("")
        return gone


def _end_of(sync: PersonSync, window: Window) -> int:
    """What is asked for and what is compared: a date beyond all calendars might be refused."""
    return min(window.end, int(sync.clock()) + _DAY)


def understand(feed: Feed, page: Page) -> _Understood:
    """Every group alone: one that cannot be understood is kept raw, the rest goes on."""
    found = _Understood()
    for raw in page.groups:
        text = bytes(raw).decode("utf-8", "replace")
        try:
            group = feed.parse(raw, page.timezone)
        except OddGroup as error:
            found.odd.append(UnreadableGroup(text, error.reason))
        else:
            found.groups.append((group, StoredGroup(text, page.timezone)))
    return found
